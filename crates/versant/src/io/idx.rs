//! IDX, the format of MNIST: a big-endian header (two zero bytes, a type code, the number of axes, their lengths)
//! and the elements. Unsigned bytes only, plain or gzipped.
//!
//! A file is never trusted: the size that the header promises is checked before memory is taken, and reading stops
//! one byte after it, however much a small gzip could unfold to.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::atomic;
use crate::error::{Error, Result};

/// The largest content that is read.
const MOST_BYTES: u64 = 1 << 30;

/// The type code of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;

/// The content of an IDX file of unsigned bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The axes, outermost first.
    pub dims: Vec<usize>,
    /// The elements, row-major.
    pub data: Vec<u8>,
}

impl Idx {
    /// Reads a file, gzipped or not.
    ///
    /// # Errors
    /// When the file cannot be read, is no IDX of unsigned bytes, or does not hold just what its header promises.
    pub fn read(path: impl AsRef<Path>) -> Result<Idx> {
        let path = path.as_ref();
        let mut source = open(path)?;
        let dims = read_header(path, &mut source)?;
        let promised = size(path, &dims)?;
        if let Some(len) = source.plain_len {
            let found = len.saturating_sub(4 + 4 * dims.len() as u64);
            if found != promised {
                return Err(Error::format(
                    path,
                    mismatch(&dims, promised, &format!("the file holds {found}")),
                ));
            }
        }
        let mut data = Vec::new();
        source.take(promised + 1).read_to_end(&mut data).map_err(|e| unreadable(path, &e))?;
        match data.len() as u64 {
            found if found < promised => Err(Error::format(
                path,
                mismatch(&dims, promised, &format!("the content ends after {found}")),
            )),
            found if found > promised => {
                Err(Error::format(path, mismatch(&dims, promised, "there is more behind them")))
            }
            _ => Ok(Idx { dims, data }),
        }
    }

    /// Writes a file, gzipped if its name ends in `.gz`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut header = vec![0, 0, UNSIGNED_BYTE, self.dims.len() as u8];
        header.extend(self.dims.iter().flat_map(|&d| (d as u32).to_be_bytes()));
        atomic::write(path, |w| {
            if path.extension().is_some_and(|e| e == "gz") {
                let mut gz = GzEncoder::new(w, Compression::default());
                gz.write_all(&header)?;
                gz.write_all(&self.data)?;
                gz.finish()?;
                return Ok(());
            }
            w.write_all(&header)?;
            w.write_all(&self.data)
        })
    }
}

/// The axes that a file's header names, without reading its elements.
///
/// # Errors
/// When the file cannot be read or is no IDX of unsigned bytes.
pub fn inspect(path: impl AsRef<Path>) -> Result<Vec<usize>> {
    let path = path.as_ref();
    let mut source = open(path)?;
    let dims = read_header(path, &mut source)?;
    size(path, &dims)?;
    Ok(dims)
}

/// A file's content, unpacked if need be.
struct Source {
    reader: Box<dyn Read>,
    /// Of a file that is not packed.
    plain_len: Option<u64>,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(buffer)
    }
}

fn open(path: &Path) -> Result<Source> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let meta = file.metadata().map_err(Error::io("read", path))?;
    if meta.is_dir() {
        return Err(Error::format(path, "is a folder, not an IDX file"));
    }
    let mut reader = BufReader::new(file);
    let packed = {
        let head = std::io::BufRead::fill_buf(&mut reader).map_err(Error::io("read", path))?;
        head.starts_with(&[0x1f, 0x8b])
    };
    Ok(match packed {
        true => Source { reader: Box::new(MultiGzDecoder::new(reader)), plain_len: None },
        false => Source { reader: Box::new(reader), plain_len: meta.is_file().then_some(meta.len()) },
    })
}

fn read_header(path: &Path, source: &mut Source) -> Result<Vec<usize>> {
    let mut magic = [0; 4];
    read_exactly(path, source, &mut magic)?;
    let [zero, zero_too, code, rank] = magic;
    if (zero, zero_too) != (0, 0) || !(1..=4).contains(&rank) {
        return Err(Error::format(
            path,
            format!(
                "is not an IDX file: it starts with {magic:02x?}, not with 00 00, a type and 1 to 4 axes"
            ),
        ));
    }
    if code != UNSIGNED_BYTE {
        return Err(Error::format(
            path,
            format!("holds elements of type {code:#04x}; only bytes (0x08) are read"),
        ));
    }
    (0..rank)
        .map(|_| {
            let mut dim = [0; 4];
            read_exactly(path, source, &mut dim)?;
            Ok(u32::from_be_bytes(dim) as usize)
        })
        .collect()
}

fn read_exactly(path: &Path, source: &mut Source, buffer: &mut [u8]) -> Result<()> {
    source.read_exact(buffer).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::format(path, "ends within its header"),
        _ => unreadable(path, &e),
    })
}

/// Reading fails in the middle: a packed file is cut or damaged.
fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::format(path, format!("cannot be unpacked ({error}); it is cut or damaged"))
}

/// The elements that a header promises, refused if no one could mean it.
fn size(path: &Path, dims: &[usize]) -> Result<u64> {
    let size = dims.iter().try_fold(1u64, |n, &d| n.checked_mul(d as u64)).filter(|&n| n <= MOST_BYTES);
    size.ok_or_else(|| {
        Error::format(
            path,
            format!("the header promises {} bytes, more than the {MOST_BYTES} allowed", times(dims)),
        )
    })
}

fn mismatch(dims: &[usize], promised: u64, found: &str) -> String {
    format!("the header promises {} = {promised} bytes, {found}", times(dims))
}

fn times(dims: &[usize]) -> String {
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes bytes to a file and reads them as IDX.
    fn read(bytes: &[u8]) -> std::result::Result<Idx, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        Idx::read(&path).map_err(|e| e.to_string().replace(&format!("{}", path.display()), "file"))
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    const SMALL: &[u8] = &[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];

    #[test]
    fn both_forms_go_there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let idx = Idx { dims: vec![2, 3], data: vec![1, 2, 3, 4, 5, 6] };
        for name in ["plain", "packed.gz"] {
            let path = folder.path().join(name);
            idx.write(&path).unwrap();
            assert_eq!(Idx::read(&path).unwrap(), idx);
            assert_eq!(inspect(&path).unwrap(), [2, 3]);
        }
        assert_eq!(std::fs::read(folder.path().join("plain")).unwrap(), SMALL);
        assert_eq!(read(&gz(SMALL)), Ok(idx));
    }

    #[test]
    fn every_cut_is_an_error() {
        let packed = gz(SMALL);
        for (bytes, from) in [(SMALL, 0), (&packed[..], 2)] {
            for len in from..bytes.len() {
                assert!(read(&bytes[..len]).is_err(), "{len} of {bytes:?}");
            }
        }
        assert_eq!(read(&[]), Err("file: ends within its header".into()));
        assert!(read(&SMALL[..15]).unwrap_err().ends_with("promises 2 x 3 = 6 bytes, the file holds 3"));
        assert!(read(&packed[..packed.len() - 1]).unwrap_err().contains("it is cut or damaged"));
    }

    #[test]
    fn lies_are_refused() {
        assert!(read(b"\x89PNG\r\n\x1a\n").unwrap_err().starts_with("file: is not an IDX file"));
        assert!(read(&[0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0]).unwrap_err().contains("type 0x0d"));
        assert!(read(&[0, 0, 8, 9]).unwrap_err().contains("not an IDX file"));
        let huge = [0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 0, 28, 0, 0, 0, 28];
        let message =
            "file: the header promises 4294967295 x 28 x 28 bytes, more than the 1073741824 allowed";
        assert_eq!(read(&huge), Err(message.into()));
        assert_eq!(read(&gz(&huge)), Err(message.into()));
        let all =
            [0, 0, 8, 4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255];
        assert!(read(&all).unwrap_err().contains("more than the"));
    }

    #[test]
    fn a_bomb_is_stopped_one_byte_after_the_promise() {
        let mut bomb = SMALL.to_vec();
        bomb.resize(50_000_000, 0);
        let packed = gz(&bomb);
        assert!(packed.len() < 100_000);
        assert!(read(&packed).unwrap_err().contains("2 x 3 = 6 bytes, there is more behind them"));
    }

    #[test]
    fn a_folder_and_nothing_at_all() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Idx::read(folder.path()).unwrap_err().to_string().contains("is a folder"));
        let missing = folder.path().join("missing");
        assert!(Idx::read(missing).unwrap_err().to_string().starts_with("cannot read"));
    }
}
