//! Data: from files and generators to batches.

pub mod cifar;
mod digits;
#[cfg(feature = "download")]
pub mod download;
#[cfg(feature = "images")]
mod folder;
mod grid;
mod images;
mod loader;
pub mod mnist;
mod shapes;
mod transforms;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use digits::{digit, digits};
#[cfg(feature = "images")]
pub use folder::ImageFolder;
pub use grid::make_grid;
pub use images::{ImageData, ImageSet, Part, PerChannel};
pub use loader::{Batch, Dataset, Epoch, Loader};
pub use shapes::{shape, shapes};
pub use transforms::{Augment, Mix};

/// Where data sets live: the folder asked for, else `$VERSANT_DATA`, else `./data` if there is one, else the user's
/// cache.
pub fn data_dir(asked: Option<&Path>) -> PathBuf {
    choose(asked, Path::new("data").is_dir(), std::env::consts::OS, |name| std::env::var_os(name))
}

fn choose(
    asked: Option<&Path>,
    has_local: bool,
    os: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> PathBuf {
    // An empty variable counts as unset, as in the XDG base directory specification.
    let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = asked.map(Path::to_path_buf).or_else(|| folder("VERSANT_DATA")) {
        return path;
    }
    let here = PathBuf::from("data");
    if has_local {
        return here;
    }
    let cache = match os {
        "macos" => folder("HOME").map(|home| home.join("Library/Caches")),
        "windows" => folder("LOCALAPPDATA"),
        _ => folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache"))),
    };
    cache.map_or(here, |cache| cache.join("versant"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(asked: Option<&str>, has_local: bool, os: &str, variables: &[(&str, &str)]) -> String {
        let lookup = |name: &str| variables.iter().find(|v| v.0 == name).map(|v| OsString::from(v.1));
        choose(asked.map(Path::new), has_local, os, lookup).to_str().unwrap().replace('\\', "/")
    }

    #[test]
    fn the_first_of_four_places() {
        let all = [("VERSANT_DATA", "/sets"), ("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home/u")];
        assert_eq!(chosen(Some("there"), true, "linux", &all), "there");
        assert_eq!(chosen(None, true, "linux", &all), "/sets");
        assert_eq!(chosen(None, true, "linux", &all[1..]), "data");
        assert_eq!(chosen(None, false, "linux", &all[1..]), "/xdg/versant");
        assert_eq!(chosen(None, false, "linux", &[("VERSANT_DATA", ""), all[2]]), "/home/u/.cache/versant");
        assert_eq!(chosen(None, false, "macos", &all[1..]), "/home/u/Library/Caches/versant");
        assert_eq!(chosen(None, false, "windows", &[("LOCALAPPDATA", "C:/l")]), "C:/l/versant");
        assert_eq!(chosen(None, false, "linux", &[]), "data");
    }
}
