//! What can go wrong with files, data, configuration and the network. Mistakes of shape or dtype in library
//! calls are not here: they panic at the caller's line (see ARCHITECTURE.md, "Errors").

use std::io;
use std::path::{Path, PathBuf};

/// The result of everything that touches files, data, configuration or the network.
pub type Result<T> = std::result::Result<T, Error>;

/// An error that names the thing, the place and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused: `cannot read data/MNIST: permission denied`.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb: "read", "create", "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: io::Error,
    },
    /// A file's content is not what its format demands.
    #[error("{}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the numbers.
        reason: String,
    },
    /// A data set was not found, or its parts do not fit together.
    #[error("{0}")]
    Data(String),
    /// A setting that is unknown or out of range.
    #[error("{0}")]
    Config(String),
    /// A network transfer failed.
    #[error("{0}")]
    Network(String),
    /// A checkpoint that is damaged or belongs to another model.
    #[error("{0}")]
    Checkpoint(String),
    /// Training stopped because a number stopped being one.
    #[error("{0}")]
    NotFinite(String),
}

impl Error {
    /// An [`Error::Io`] for `map_err`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { action, path, source }
    }

    /// An [`Error::Format`]. The reason may quote the file, and the file may mean harm: what a terminal would obey is
    /// escaped, and the end of a text that is too long to read is left out.
    pub fn format(path: impl AsRef<Path>, reason: impl Into<String>) -> Error {
        Error::Format { path: path.as_ref().to_path_buf(), reason: readable(&reason.into()) }
    }
}

fn readable(text: &str) -> String {
    const LONGEST: usize = 2000;
    let mut readable = String::new();
    for c in text.chars().take(LONGEST) {
        if c.is_control() && c != '\n' {
            readable.extend(c.escape_default());
        } else {
            readable.push(c);
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        readable.push_str("...");
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_does_not_reach_the_terminal_as_it_is() {
        let error = Error::format("a", "name \u{1b}[2J\0 ä").to_string();
        assert_eq!(error, "a: name \\u{1b}[2J\\u{0} ä");
        assert_eq!(Error::format("a", "ä".repeat(2000)).to_string(), format!("a: {}", "ä".repeat(2000)));
        assert_eq!(Error::format("a", "ä".repeat(2001)).to_string(), format!("a: {}...", "ä".repeat(2000)));
    }
}
