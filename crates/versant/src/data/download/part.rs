//! The file that a transfer grows in.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::FileSpec;
use super::hex;
use crate::{Error, Result};

/// `NAME.part`, locked against other processes.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    len: u64,
}

impl Part {
    /// Opens or makes the part of `dest`, and the folder.
    pub(super) fn open(dest: &Path) -> Result<Part> {
        if let Some(folder) = dest.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let mut path = dest.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::io("create", &path))?;
        // A file system without locks is no reason to give up: the checksum finds what two writers mix.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            let path = path.display();
            return Err(Error::Network(format!(
                "{path}: another process is downloading this file; wait for it to end"
            )));
        }
        let len = file.metadata().map_err(Error::io("read", &path))?.len();
        Ok(Part { file, path, len })
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.seek(SeekFrom::Start(self.len)).map_err(Error::io("write", &self.path))?;
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Starts anew.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(Error::io("write", &self.path))?;
        self.len = 0;
        Ok(())
    }

    /// Whether the content, unpacked if that is asked for, is the right one; if not, why.
    pub(super) fn check(&mut self, file: &FileSpec) -> Result<std::result::Result<(), String>> {
        self.file.seek(SeekFrom::Start(0)).map_err(Error::io("read", &self.path))?;
        let mut reader = BufReader::new(&self.file);
        let start = reader.fill_buf().map_err(Error::io("read", &self.path))?;
        let content: Box<dyn Read> = if file.unpacked && start.starts_with(&[0x1f, 0x8b]) {
            Box::new(MultiGzDecoder::new(reader))
        } else {
            Box::new(reader)
        };
        Ok(check_content(content, file))
    }

    /// Makes the part the file it was to become.
    pub(super) fn finish(self, dest: &Path) -> Result<()> {
        self.file.sync_all().map_err(Error::io("write", &self.path))?;
        std::fs::rename(&self.path, dest).map_err(Error::io("create", dest))?;
        // The new name lasts through a power cut once the folder is on disk. Not every system can do that.
        if let Some(folder) = dest.parent().and_then(|folder| File::open(folder).ok()) {
            folder.sync_all().ok();
        }
        Ok(())
    }

    /// Tidies up: removes a part that nobody needs. One that stays, or was removed already, does no harm.
    pub(super) fn discard(self) {
        std::fs::remove_file(&self.path).ok();
    }
}

fn check_content(content: impl Read, file: &FileSpec) -> std::result::Result<(), String> {
    // One byte more than allowed shows what a bomb is, at the price of one byte.
    let mut content = content.take(file.max_bytes + 1);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    let mut size = 0;
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                size += n as u64;
                hash.update(&buffer[..n]);
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(format!("damaged content: {e}")),
        }
    }
    if size > file.max_bytes {
        return Err(format!("unpacks to more than the {} bytes that the file may have", file.max_bytes));
    }
    let found = hex(&hash.finalize());
    if found != file.sha256 {
        return Err(format!("wrong content: SHA-256 {found} instead of {}", file.sha256));
    }
    Ok(())
}
