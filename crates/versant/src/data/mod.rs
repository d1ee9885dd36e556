//! Data: from files and generators to batches.

mod digits;
#[cfg(feature = "download")]
pub mod download;
mod images;
mod loader;
pub mod mnist;

use std::path::{Path, PathBuf};

pub use digits::{digit, digits};
pub use images::{ImageData, ImageSet, Part};
pub use loader::{Batch, Dataset, Epoch, Loader};

/// Where data sets live: the folder asked for, else `$VERSANT_DATA`, else `./data` if there is one, else the user's
/// cache.
pub fn data_dir(asked: Option<&Path>) -> PathBuf {
    if let Some(folder) = asked {
        return folder.to_path_buf();
    }
    if let Some(folder) = std::env::var_os("VERSANT_DATA").filter(|v| !v.is_empty()) {
        return folder.into();
    }
    let here = PathBuf::from("data");
    if here.is_dir() { here } else { cache_dir().unwrap_or(here) }
}

/// The user's cache by the custom of the system.
fn cache_dir() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        var("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        var("HOME").map(|home| home.join("Library/Caches"))
    } else {
        var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")))
    };
    base.map(|b| b.join("versant"))
}
