//! IDX, the format of the MNIST files: an array of bytes behind a header of big-endian sizes.
//!
//! ```text
//! 00 00 08 nn | nn sizes of 4 bytes, big-endian | the elements, last dimension fastest
//! ```
//!
//! `08` is the type code of unsigned bytes, the only one in use; `nn` is the number of dimensions, 1 to 4. Files
//! may be gzipped, which is seen from their content. Source: Y. LeCun, C. Cortes, C. Burges, *The MNIST database
//! of handwritten digits*, "File formats".
//!
//! A header is a promise that is checked before memory is spent on it: its size must be below [`MAX_BYTES`], a
//! plain file must be exactly as long, and a gzipped file must not be so short that only a bomb unpacks to that much;
//! no byte beyond the promise is unpacked.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Seek, Write};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::io::stored::{length, open, unpacked_limit};
use crate::{Error, Result};

/// The largest array, in bytes, that is read: 2 GiB, forty times MNIST.
pub const MAX_BYTES: u64 = 2 << 30;

const MAX_DIMS: usize = 4;
const TYPE_U8: u8 = 0x08;

/// An array of bytes with its sizes.
///
/// ```
/// use versant::io::idx::Idx;
/// let path = std::env::temp_dir().join("versant-doc-idx-ubyte.gz");
/// let labels = Idx { dims: vec![3], data: vec![7, 2, 1] };
/// labels.write(&path)?;
/// assert_eq!(Idx::read(&path)?, labels);
/// # std::fs::remove_file(path).ok();
/// # Ok::<(), versant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// Sizes, slowest first: `[60000, 28, 28]`.
    pub dims: Vec<usize>,
    /// The elements; as many as the product of `dims`.
    pub data: Vec<u8>,
}

/// What a file's header says, read without the rest of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sizes, slowest first.
    pub dims: Vec<usize>,
    /// Whether the file is gzipped.
    pub gzipped: bool,
}

impl Header {
    /// The number of bytes that the header promises: its own and those of the elements.
    pub fn file_bytes(&self) -> u64 {
        (4 + 4 * self.dims.len()) as u64 + self.data_bytes()
    }

    /// The product of the sizes. It cannot overflow, as no header beyond [`MAX_BYTES`] is ever made.
    fn data_bytes(&self) -> u64 {
        self.dims.iter().map(|&d| d as u64).product()
    }

    /// `60000 x 28 x 28`
    fn sizes(&self) -> String {
        self.dims.iter().map(|d| d.to_string()).collect::<Vec<_>>().join(" x ")
    }
}

impl Idx {
    /// Reads a file, plain or gzipped.
    ///
    /// # Errors
    /// A missing or unreadable file; another format or element type; more than [`MAX_BYTES`]; more or fewer bytes
    /// than the header promises; damaged gzip.
    pub fn read(path: impl AsRef<Path>) -> Result<Idx> {
        Idx::read_from(open(path.as_ref())?, path)
    }

    /// Reads from anything that has an end, such as bytes in memory; `name` is for messages.
    ///
    /// # Errors
    /// As for [`read`](Idx::read).
    pub fn read_from(reader: impl Read + Seek, name: impl AsRef<Path>) -> Result<Idx> {
        let path = name.as_ref();
        let (header, body) = start(reader, path)?;
        let promised = header.data_bytes();
        let mut data = Vec::with_capacity(promised as usize);
        // One byte more than promised is asked for: it tells trailing data, and makes gzip check its sum.
        body.take(promised + 1).read_to_end(&mut data).map_err(|e| unpack_error(path, e, &header))?;
        compare(path, &header, header.file_bytes() - promised + data.len() as u64)?;
        Ok(Idx { dims: header.dims, data })
    }

    /// Reads the header alone: the cheap way to tell what a file is. The file's length is compared with it.
    ///
    /// # Errors
    /// As for [`read`](Idx::read), as far as the first bytes and the length can tell.
    pub fn header(path: impl AsRef<Path>) -> Result<Header> {
        start(open(path.as_ref())?, path.as_ref()).map(|(header, _)| header)
    }

    /// Writes a file, gzipped if its name ends in `.gz`.
    ///
    /// # Errors
    /// `data` is not as long as `dims` say, `dims` are not 1 to 4 numbers below 2^32, or the system refuses.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let elements = self.dims.iter().try_fold(1usize, |product, &d| product.checked_mul(d));
        if elements != Some(self.data.len()) {
            return Err(Error::format(
                path,
                format!("an array of {:?} cannot have {} elements", self.dims, self.data.len()),
            ));
        }
        let sizes: Option<Vec<u32>> = self.dims.iter().map(|&d| u32::try_from(d).ok()).collect();
        let Some(sizes) = sizes.filter(|sizes| (1..=MAX_DIMS).contains(&sizes.len())) else {
            let reason = format!("IDX holds 1 to {MAX_DIMS} dimensions below 2^32, not {:?}", self.dims);
            return Err(Error::format(path, reason));
        };
        let file = File::create(path).map_err(Error::io("create", path))?;
        let written = if path.extension().is_some_and(|e| e == "gz") {
            let mut encoder = GzEncoder::new(BufWriter::new(file), Compression::default());
            self.write_to(&sizes, &mut encoder).and_then(|()| encoder.finish()?.flush())
        } else {
            let mut buffered = BufWriter::new(file);
            self.write_to(&sizes, &mut buffered).and_then(|()| buffered.flush())
        };
        written.map_err(Error::io("write", path))
    }

    fn write_to(&self, sizes: &[u32], out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(&[0, 0, TYPE_U8, sizes.len() as u8])?;
        for size in sizes {
            out.write_all(&size.to_be_bytes())?;
        }
        out.write_all(&self.data)
    }
}

/// Reads the header and compares it with the file's length; returns it with the reader of the elements.
fn start<'r>(mut reader: impl Read + Seek + 'r, path: &Path) -> Result<(Header, Box<dyn Read + 'r>)> {
    let file_bytes = length(&mut reader, path)?;
    let mut mark = [0; 2];
    read_up_to(&mut reader, &mut mark).and_then(|_| reader.rewind()).map_err(Error::io("read", path))?;
    let gzipped = mark == [0x1f, 0x8b];
    let buffered = BufReader::new(reader);
    let mut body: Box<dyn Read> =
        if gzipped { Box::new(MultiGzDecoder::new(buffered)) } else { Box::new(buffered) };
    let header = Header { dims: read_dims(path, &mut body)?, gzipped };
    if !gzipped {
        compare(path, &header, file_bytes)?;
    } else if header.data_bytes() > unpacked_limit(file_bytes) {
        let (sizes, promised) = (header.sizes(), header.data_bytes());
        let reason = format!(
            "header promises {sizes} ({promised} bytes) out of {file_bytes} gzipped ones, as bombs do; unpack it first"
        );
        return Err(Error::format(path, reason));
    }
    Ok((header, body))
}

fn read_dims(path: &Path, body: &mut dyn Read) -> Result<Vec<usize>> {
    let mut bytes = [0; 4 * (1 + MAX_DIMS)];
    let (magic, sizes) = bytes.split_at_mut(4);
    let got = read_up_to(&mut *body, magic).map_err(|e| header_error(path, e))?;
    if got == 0 {
        return Err(Error::format(path, "the file is empty"));
    }
    if got < 4 || magic[..2] != [0, 0] {
        let hex: Vec<String> = magic[..got].iter().map(|b| format!("{b:02x}")).collect();
        let reason = format!("not an IDX file: it starts with {}, IDX with 00 00 08", hex.join(" "));
        return Err(Error::format(path, reason));
    }
    if magic[2] != TYPE_U8 {
        let reason = format!("elements of type code 0x{:02x}; only 0x08, unsigned bytes, is read", magic[2]);
        return Err(Error::format(path, reason));
    }
    let count = magic[3] as usize;
    if !(1..=MAX_DIMS).contains(&count) {
        let reason = format!("{count} dimensions; IDX files have 1 to {MAX_DIMS}");
        return Err(Error::format(path, reason));
    }
    let sizes = &mut sizes[..4 * count];
    let got = read_up_to(body, sizes).map_err(|e| header_error(path, e))?;
    if got < sizes.len() {
        let reason = format!("the file ends inside its header of {} bytes", 4 + 4 * count);
        return Err(Error::format(path, reason));
    }
    let sizes: Vec<u32> =
        sizes.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
    // Four factors below 2^32 each fit into 128 bits. A size of 0 counts as 1, so that it excuses no huge one.
    let bytes: u128 = sizes.iter().map(|&s| s.max(1) as u128).product();
    if bytes > MAX_BYTES as u128 {
        let reason =
            format!("header promises sizes {sizes:?} ({bytes} bytes), more than the limit of {MAX_BYTES}");
        return Err(Error::format(path, reason));
    }
    Ok(sizes.into_iter().map(|s| s as usize).collect())
}

/// Compares the file's real length, unpacked, with the header's promise.
fn compare(path: &Path, header: &Header, found: u64) -> Result<()> {
    let (promised, sizes) = (header.file_bytes(), header.sizes());
    if found < promised {
        let reason = format!("header promises {sizes} ({promised} bytes), the file ends after {found}");
        return Err(Error::format(path, reason));
    }
    if found > promised {
        let reason = format!("trailing data: header promises {sizes} ({promised} bytes), the file goes on");
        return Err(Error::format(path, reason));
    }
    Ok(())
}

fn header_error(path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::format(path, "the gzip data end inside the IDX header"),
        ErrorKind::InvalidInput | ErrorKind::InvalidData => {
            Error::format(path, format!("damaged gzip data: {error}"))
        }
        _ => Error::io("read", path)(error),
    }
}

fn unpack_error(path: &Path, error: std::io::Error, header: &Header) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::format(
            path,
            format!(
                "header promises {} ({} bytes), the gzip data end too early",
                header.sizes(),
                header.file_bytes()
            ),
        ),
        ErrorKind::InvalidInput | ErrorKind::InvalidData => {
            Error::format(path, format!("damaged gzip data: {error}"))
        }
        _ => Error::io("read", path)(error),
    }
}

/// Fills the buffer as far as the reader goes.
fn read_up_to(mut reader: impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match reader.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::PathBuf;

    fn file(dir: &tempfile::TempDir, content: &[u8]) -> PathBuf {
        let path = dir.path().join("x-idx-ubyte");
        std::fs::write(&path, content).unwrap();
        path
    }

    fn gz(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    /// The error of reading this content, after checking that it is one line that names the file.
    fn refusal(content: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, content);
        let text = Idx::read(&path).unwrap_err().to_string();
        assert!(text.contains("x-idx-ubyte") && !text.contains('\n'), "{text}");
        text
    }

    /// A header for these sizes.
    fn head(sizes: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|s| bytes.extend(s.to_be_bytes()));
        bytes
    }

    #[test]
    fn round_trip_plain_and_gzipped() {
        let dir = tempfile::tempdir().unwrap();
        for dims in [vec![5], vec![2, 3], vec![2, 3, 4], vec![1, 2, 3, 4], vec![0, 28, 28]] {
            let n: usize = dims.iter().product();
            let idx = Idx { dims: dims.clone(), data: (0..n).map(|i| i as u8).collect() };
            for name in ["a", "a.gz"] {
                let path = dir.path().join(name);
                idx.write(&path).unwrap();
                assert_eq!(Idx::read(&path).unwrap(), idx);
                let header = Idx::header(&path).unwrap();
                assert_eq!(header, Header { dims: dims.clone(), gzipped: name == "a.gz" });
            }
            // Gzip is seen from the content, whatever the name says.
            std::fs::rename(dir.path().join("a.gz"), dir.path().join("a")).unwrap();
            assert_eq!(Idx::read(dir.path().join("a")).unwrap(), idx);
        }
    }

    #[test]
    fn bytes_on_disk_are_the_published_format() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels");
        Idx { dims: vec![2], data: vec![5, 9] }.write(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [0, 0, 8, 1, 0, 0, 0, 2, 5, 9]);
    }

    #[test]
    fn writing_an_inconsistent_array_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for (dims, n) in [(vec![2, 2], 3), (vec![], 1), (vec![1; 5], 1)] {
            let path = dir.path().join("bad");
            assert!(Idx { dims, data: vec![0; n] }.write(&path).is_err());
            assert!(!path.exists());
        }
    }

    #[test]
    fn wrong_headers_are_named() {
        assert!(refusal(b"").contains("empty"));
        assert!(refusal(&gz(b"")).contains("empty"));
        assert!(refusal(&[0]).contains("not an IDX file: it starts with 00,"));
        assert!(refusal(b"PK\x03\x04zip").contains("50 4b 03 04"));
        assert!(refusal(&[0, 0, 0x0d, 1, 0, 0, 0, 0]).contains("0x0d"));
        assert!(refusal(&[0, 0, 8, 0]).contains("0 dimensions"));
        assert!(refusal(&[0, 0, 8, 9]).contains("9 dimensions"));
        assert!(refusal(&[0, 0, 8, 3, 0, 0]).contains("inside its header of 16 bytes"));
    }

    #[test]
    fn length_must_be_what_the_header_promises() {
        let mut short = head(&[3, 2, 2]);
        short.extend([1; 11]);
        assert!(refusal(&short).contains("promises 3 x 2 x 2 (28 bytes), the file ends after 27"));
        assert!(refusal(&gz(&short)).contains("the file ends after 27"));
        short.extend([1; 2]);
        assert!(refusal(&short).contains("trailing data"));
        assert!(refusal(&gz(&short)).contains("trailing data"));
    }

    #[test]
    fn impossible_promises_cost_nothing() {
        for sizes in [&[u32::MAX][..], &[u32::MAX; 4], &[60000, 28, 28 * 50], &[u32::MAX, u32::MAX, 0]] {
            assert!(refusal(&head(sizes)).contains("more than the limit"));
            assert!(refusal(&gz(&head(sizes))).contains("more than the limit"));
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_first_byte_too_many() {
        let mut bomb = head(&[1000]);
        bomb.resize(64 << 20, 0);
        let packed = gz(&bomb);
        assert!(packed.len() < 1 << 20);
        assert!(refusal(&packed).contains("trailing data"));
    }

    #[test]
    fn damaged_gzip_is_named() {
        let mut whole = head(&[5000]);
        whole.extend((0..5000u32).map(|i| (i * i / 7) as u8));
        let packed = gz(&whole);
        assert!(refusal(&packed[..packed.len() / 2]).contains("gzip data end too early"));
        assert!(refusal(&packed[..12]).contains("gzip data end inside the IDX header"));
        let mut flipped = packed.clone();
        // The check sum is in the last eight bytes.
        let at = flipped.len() - 6;
        flipped[at] ^= 1;
        assert!(refusal(&flipped).contains("damaged gzip"));
    }

    #[test]
    fn folders_and_missing_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Idx::read(dir.path()).unwrap_err().to_string().contains("a folder"));
        let missing = Idx::read(dir.path().join("none")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read ") && missing.contains("none"), "{missing}");
    }

    /// A named pipe among them would be waited for without end.
    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(Idx::read(&path).unwrap_err().to_string().contains("not a regular file"));
    }

    proptest! {
        #[test]
        fn no_content_panics(
            content in prop::collection::vec(any::<u8>(), 0..64),
            magic in any::<bool>(),
            packed in any::<bool>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut bytes = if magic { vec![0, 0, 8, 2] } else { vec![] };
            bytes.extend(content);
            let path = file(&dir, &if packed { gz(&bytes) } else { bytes });
            if let Ok(idx) = Idx::read(&path) {
                prop_assert_eq!(idx.dims.iter().product::<usize>(), idx.data.len());
            }
        }
    }
}
