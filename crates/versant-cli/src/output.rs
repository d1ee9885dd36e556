//! Results go to stdout. A reader who has seen enough (`versant recipes | head`) is no error.

use std::fmt::Display;
use std::io::{ErrorKind, Write, stdout};
use std::path::PathBuf;

use serde_json::Value;
use versant::{Error, Result};

use crate::Global;

/// Writes to stdout, and ends the process quietly when nobody reads it any more.
///
/// # Errors
/// When stdout is a file on a full disk, say.
pub fn write(bytes: &[u8]) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => {
            written.map_err(|source| Error::Io { action: "write", path: PathBuf::from("stdout"), source })
        }
    }
}

impl Global {
    /// A result as people read it: not where JSON or silence was asked for.
    pub fn text(&self, text: impl Display) -> Result<()> {
        if self.json || self.quiet { Ok(()) } else { write(format!("{text}\n").as_bytes()) }
    }

    /// The same result as one line of JSON, where that was asked for.
    pub fn json(&self, value: impl FnOnce() -> Value) -> Result<()> {
        if self.json { write(format!("{}\n", value()).as_bytes()) } else { Ok(()) }
    }
}
