//! Writing a file whole or not at all.
//!
//! The content goes to a temporary file in the same folder, is forced to the disk, and then takes the name in
//! one step (`rename`, which POSIX promises to be atomic). A reader, or a machine that lost its power, finds
//! the old file or the new one, never half of either.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes `path` anew: whole, or not at all. What was there before stays untouched when anything fails, and
/// the temporary file is removed.
///
/// # Errors
/// [`Error::Io`] naming `path` when its folder is missing, the disk is full, or `content` fails; also when
/// `path` is a folder or a device.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("summary.json");
/// versant::io::atomic::write(&path, |w| w.write_all(b"{}"))?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"{}");
/// # Ok::<(), versant::Error>(())
/// ```
pub fn write(path: impl AsRef<Path>, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let path = path.as_ref();
    // Renaming over a device would replace the device.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        let what = io::Error::new(io::ErrorKind::InvalidInput, "it is a folder or a device, not a file");
        return Err(Error::io("write", path)(what));
    }
    let (temporary, file) = create_beside(path).map_err(Error::io("write", path))?;
    let written = fill(file, content).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        remove(&temporary);
    }
    written.map_err(Error::io("write", path))?;
    sync_folder(path)
}

/// Writes `path` and forces it to the disk, for a [`rename`] later. A file that could not be finished is
/// removed.
pub(crate) fn stage(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let written = File::create(path).and_then(|file| fill(file, content));
    if written.is_err() {
        remove(path);
    }
    written.map_err(Error::io("write", path))
}

/// Gives a staged file its name.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(Error::io("replace", to))
}

/// Forces the names in the folder of `path` to the disk: until then a power cut may undo a rename.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        let folder = folder_of(path);
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // Some network and user-space file systems know no such call.
            Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {}
            done => done.map_err(Error::io("sync", folder))?,
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// A name in the folder of `path` that no one else uses.
pub(crate) fn name_beside(path: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a file's name")
    })?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Ok(folder_of(path).join(format!(".{}.{}-{count}.tmp", name.to_string_lossy(), process::id())))
}

fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    loop {
        let temporary = name_beside(path)?;
        match File::create_new(&temporary) {
            // Left by a killed process that had the same id.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (temporary, file)),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn fill(file: File, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 18, file);
    content(&mut writer)?;
    writer.into_inner()?.sync_all()
}

/// Removes what a failed write left. That this may fail too changes nothing: the first failure is reported.
fn remove(temporary: &Path) {
    let _ = fs::remove_file(temporary);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        for text in ["first", "2nd"] {
            write(&path, |w| w.write_all(text.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write(&path, |w| w.write_all(b"old")).unwrap();
        let full = |w: &mut dyn Write| {
            w.write_all(&[0; 1 << 20])?;
            Err(io::ErrorKind::StorageFull.into())
        };
        let error = write(&path, full).unwrap_err().to_string();
        assert!(error.contains("a.txt") && error.contains("cannot write"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.txt"]);

        stage(&folder.path().join("b.new"), full).unwrap_err();
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn folders_and_missing_folders_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(folder.path(), |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("a folder or a device"), "{error}");
        let error = write(folder.path().join("none/a.txt"), |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("none/a.txt"), "{error}");
        assert!(write("/", |_| Ok(())).is_err() && write("", |_| Ok(())).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_even_for_bytes_that_fit_the_buffer() {
        let device = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = fill(device, |w| w.write_all(b"few bytes")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
