//! Arrays as numpy's [npy](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html) files.
//!
//! Written: version 1.0, row-major, little-endian, the bytes that numpy itself would write. Read: versions 1
//! to 3, both byte orders, both memory orders. Pickled objects and structured types are refused.

use std::io::{self, Read, Seek, Write};
use std::path::Path;

use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::io::stored::{Stored, checked_shape, length, little_endian, open, read_bytes};
use crate::shape::Shape;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Headers name a type and at most eight axes; numpy itself believes 10,000 bytes.
const MAX_HEADER: u32 = 1 << 16;

/// What a file's header tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// numpy's name of the element type: `<f4`.
    pub descr: String,
    /// Whether the first axis varies fastest in the file.
    pub fortran_order: bool,
    /// The lengths of the axes.
    pub shape: Vec<usize>,
}

/// Writes an array, atomically: `path` is replaced whole or not at all.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.npy");
/// use versant::{Array, io::npy};
/// npy::save(&path, &Array::arange(3))?;
/// assert_eq!(npy::load(&path)?.to_vec::<i64>(), [0, 1, 2]);
/// # Ok::<(), versant::Error>(())
/// ```
///
/// # Errors
/// When the file cannot be written.
pub fn save(path: impl AsRef<Path>, array: &Array) -> Result<()> {
    atomic::write(path, |w| write(w, array))
}

/// Writes the content of a file.
pub(crate) fn write(w: &mut dyn Write, array: &Array) -> io::Result<()> {
    w.write_all(&header_bytes(array))?;
    w.write_all(&little_endian(array))
}

/// Reads an array. Element types that arrays lack are widened without loss: f2 to f32; i1, i2, u2, i4 and u4
/// to i64.
///
/// # Errors
/// When the file cannot be read, is not a whole npy file, or holds elements that arrays cannot.
pub fn load(path: impl AsRef<Path>) -> Result<Array> {
    load_from(open(path.as_ref())?, path)
}

/// Reads an array from anything that has an end, such as bytes in memory; `name` is for messages.
///
/// ```
/// use std::io::Cursor;
/// let error = versant::io::npy::load_from(Cursor::new(b"text"), "a.npy").unwrap_err();
/// assert_eq!(error.to_string(), "a.npy: not an npy file: it ends after 4 bytes");
/// ```
///
/// # Errors
/// As for [`load`].
pub fn load_from(mut reader: impl Read + Seek, name: impl AsRef<Path>) -> Result<Array> {
    let len = length(&mut reader, name.as_ref())?;
    Stream::open(reader, len, name.as_ref())?.content()?.read()
}

/// Reads the header only.
///
/// # Errors
/// When the file cannot be read or has no npy header.
pub fn inspect(path: impl AsRef<Path>) -> Result<Header> {
    let path = path.as_ref();
    let mut file = open(path)?;
    let len = length(&mut file, path)?;
    Ok(Stream::open(file, len, path)?.header)
}

/// A file, or a member of an archive, whose header has been read.
pub(crate) struct Stream<'a, R> {
    reader: R,
    /// For messages.
    path: &'a Path,
    pub(crate) header: Header,
    /// The bytes behind the header.
    data_len: u64,
}

impl<'a, R: Read> Stream<'a, R> {
    /// Reads the header of what is `len` bytes long.
    pub(crate) fn open(mut reader: R, len: u64, path: &'a Path) -> Result<Stream<'a, R>> {
        let fault = |reason: String| Error::format(path, reason);
        let mut start = [0; 8];
        let mut left = len
            .checked_sub(start.len() as u64)
            .ok_or_else(|| fault(format!("not an npy file: it ends after {len} bytes")))?;
        reader.read_exact(&mut start).map_err(Error::io("read", path))?;
        if &start[..6] != MAGIC {
            return Err(fault("not an npy file: it does not begin with \\x93NUMPY".into()));
        }
        // Version 1 gives the header's length in two bytes, later ones in four.
        let mut header_len = [0; 4];
        let size = match start[6] {
            1 => 2,
            2 | 3 => 4,
            other => return Err(fault(format!("npy version {other}.{}; 1 to 3 can be read", start[7]))),
        };
        left = left
            .checked_sub(size as u64)
            .ok_or_else(|| fault(format!("not a whole npy file: it ends after {len} bytes")))?;
        reader.read_exact(&mut header_len[..size]).map_err(Error::io("read", path))?;
        let header_len = u32::from_le_bytes(header_len);
        if header_len > MAX_HEADER {
            let reason = format!("a header of {header_len} bytes is promised, {MAX_HEADER} are allowed");
            return Err(fault(reason));
        }
        left = left.checked_sub(header_len as u64).ok_or_else(|| {
            fault(format!("not a whole npy file: a header of {header_len} bytes is promised, {left} follow"))
        })?;
        let header = read_bytes(&mut reader, header_len as usize, path)?;
        let header = std::str::from_utf8(&header)
            .map_err(|e| e.to_string())
            .and_then(|text| Dict { rest: text }.header())
            .map_err(|reason| fault(format!("npy header: {reason}")))?;
        Ok(Stream { reader, path, header, data_len: left })
    }

    /// What the header promises, if arrays can have it and the length agrees.
    pub(crate) fn content(self) -> Result<Content<'a, R>> {
        let fault = |reason: String| Error::format(self.path, reason);
        let Header { descr, fortran_order, shape: mut dims } = self.header;
        let (stored, big_endian) = element(&descr).map_err(fault)?;
        // In Fortran's order the file is the row-major transpose.
        if fortran_order {
            dims.reverse();
        }
        let (shape, bytes) = checked_shape(&dims, stored.size()).map_err(fault)?;
        if bytes as u64 != self.data_len {
            let reason = format!("header promises {descr} {shape} ({bytes} bytes), {} follow", self.data_len);
            return Err(fault(reason));
        }
        Ok(Content { reader: self.reader, path: self.path, stored, big_endian, fortran_order, shape, bytes })
    }
}

/// A promise that has been checked, and the elements that keep it.
pub(crate) struct Content<'a, R> {
    reader: R,
    path: &'a Path,
    stored: Stored,
    big_endian: bool,
    fortran_order: bool,
    /// As the bytes lie: for Fortran's order, reversed.
    shape: Shape,
    bytes: usize,
}

impl<R: Read> Content<'_, R> {
    /// The bytes that the array will take.
    pub(crate) fn array_bytes(&self) -> u64 {
        self.shape.numel() as u64 * self.stored.dtype().size() as u64
    }

    pub(crate) fn read(mut self) -> Result<Array> {
        let data = read_bytes(&mut self.reader, self.bytes, self.path)?;
        let array = self.stored.decode(data, self.big_endian, self.shape);
        if !self.fortran_order {
            return Ok(array);
        }
        let axes: Vec<usize> = (0..array.rank()).rev().collect();
        Ok(array.permute(&axes).contiguous())
    }
}

/// The element type that numpy names so, and whether its largest byte comes first.
fn element(descr: &str) -> std::result::Result<(Stored, bool), String> {
    let (order, kind) = match descr.as_bytes() {
        [order @ (b'<' | b'>' | b'|' | b'='), ..] => (*order, &descr[1..]),
        _ => (b'=', descr),
    };
    let stored = match kind {
        "b1" | "?" => Stored::Bool,
        "u1" => Stored::U8,
        "i1" => Stored::I8,
        "i2" => Stored::I16,
        "u2" => Stored::U16,
        "i4" => Stored::I32,
        "u4" => Stored::U32,
        "i8" => Stored::I64,
        "f2" => Stored::F16,
        "f4" => Stored::F32,
        "f8" => Stored::F64,
        "O" => return Err("holds pickled Python objects, which can run code and are never read".into()),
        _ => {
            let readable = "b1, u1, i1, u2, i2, u4, i4, i8, f2, f4 and f8 can be read";
            let shown = descr.escape_debug();
            return Err(format!("elements of type '{shown}'; {readable}, in numpy: array.astype('f4')"));
        }
    };
    let big_endian = order == b'>' || (order != b'<' && cfg!(target_endian = "big"));
    Ok((stored, big_endian))
}

fn header_bytes(array: &Array) -> Vec<u8> {
    let descr = match array.dtype() {
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::I64 => "<i8",
        DType::U8 => "|u1",
        DType::Bool => "|b1",
    };
    let shape = array.shape();
    let axes: Vec<String> = shape.iter().map(|dim| dim.to_string()).collect();
    let comma = if axes.len() == 1 { "," } else { "" };
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", axes.join(", "));
    // numpy leaves room for the first axis to grow to 21 digits, then aligns the data to 64 bytes.
    if let Some(first) = axes.first() {
        text.push_str(&" ".repeat(21usize.saturating_sub(first.len())));
    }
    let before = MAGIC.len() + 4;
    let len = (before + text.len() + 1).next_multiple_of(64) - before;
    text.push_str(&" ".repeat(len - text.len() - 1));
    text.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(len as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// The Python dictionary of the header: three keys, a text, a truth value, a tuple of numbers.
struct Dict<'a> {
    rest: &'a str,
}

type Parsed<T> = std::result::Result<T, String>;

impl<'a> Dict<'a> {
    fn header(mut self) -> Parsed<Header> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.take('}') {
            let key = self.text()?;
            self.expect(':')?;
            let again = match key {
                "descr" => descr.replace(self.descr()?).is_some(),
                "fortran_order" => fortran_order.replace(self.truth()?).is_some(),
                "shape" => shape.replace(self.tuple()?).is_some(),
                _ => return Err(format!("unknown key {key:?}")),
            };
            if again {
                return Err(format!("'{key}' appears twice"));
            }
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        if !self.rest.trim_ascii().is_empty() {
            return Err(format!("unexpected {} behind the dictionary", self.here()));
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Header { descr, fortran_order, shape }),
            _ => Err("'descr', 'fortran_order' and 'shape' are needed".into()),
        }
    }

    /// What comes next, for messages.
    fn here(&self) -> String {
        format!("{:?}", self.rest.trim_ascii_start().chars().take(40).collect::<String>())
    }

    fn take(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, c: char) -> Parsed<()> {
        if self.take(c) { Ok(()) } else { Err(format!("expected {c:?} at {}", self.here())) }
    }

    fn text(&mut self) -> Parsed<&'a str> {
        let quote = if self.take('"') { '"' } else { '\'' };
        if quote == '\'' {
            self.expect(quote)?;
        }
        let (text, rest) = self.rest.split_once(quote).ok_or("a text does not end")?;
        self.rest = rest;
        Ok(text)
    }

    fn descr(&mut self) -> Parsed<String> {
        if self.take('[') {
            return Err("structured elements; save each field as an array of its own".into());
        }
        self.text().map(str::to_string)
    }

    fn truth(&mut self) -> Parsed<bool> {
        self.rest = self.rest.trim_ascii_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(format!("expected True or False at {}", self.here()))
    }

    fn tuple(&mut self) -> Parsed<Vec<usize>> {
        self.expect('(')?;
        let mut dims = Vec::new();
        while !self.take(')') {
            self.rest = self.rest.trim_ascii_start();
            let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(digits);
            let dim = number.parse().map_err(|_| format!("expected a length at {}", self.here()))?;
            dims.push(dim);
            self.rest = rest;
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(dims)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn file(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("a.npy")
    }

    fn npy(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &[version, 0]].concat();
        match version {
            1 => bytes.extend_from_slice(&(header.len() as u16).to_le_bytes()),
            _ => bytes.extend_from_slice(&(header.len() as u32).to_le_bytes()),
        }
        [&bytes, header.as_bytes(), data].concat()
    }

    fn dict(descr: &str, fortran: &str, shape: &str) -> String {
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
    }

    #[test]
    fn every_dtype_and_rank_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder);
        let arrays = [
            Array::from_slice(&[1.5f32, f32::NAN, -0.0, 1e-40, 5.0, 6.0], [2, 3]).transpose(0, 1),
            Array::from_slice(&[f64::MAX], ()),
            Array::from_slice(&[i64::MIN, i64::MAX], [2]),
            Array::from_slice(&[0u8, 255], [1, 1, 1, 1, 1, 1, 1, 2]),
            Array::from_slice(&[true, false], [2, 1]),
            Array::zeros([3, 0, 2], DType::F32),
        ];
        for array in arrays {
            save(&path, &array).unwrap();
            let back = load(&path).unwrap();
            assert_eq!((back.dtype(), back.shape()), (array.dtype(), array.shape()));
            assert_eq!(back.to_bytes(), array.to_bytes());
            assert_eq!(inspect(&path).unwrap().shape[..], array.shape()[..]);
        }
    }

    #[test]
    fn the_bytes_are_those_of_numpy() {
        // numpy 2.4: np.save(f, np.array([[1, 2]], "<f4")).
        let mut expected = b"\x93NUMPY\x01\x00v\x00".to_vec();
        expected.extend_from_slice(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }");
        expected.resize(127, b' ');
        expected.push(b'\n');
        expected.extend_from_slice(&[0, 0, 128, 63, 0, 0, 0, 64]);
        let folder = tempfile::tempdir().unwrap();
        save(file(&folder), &Array::from_slice(&[1.0f32, 2.0], [1, 2])).unwrap();
        assert_eq!(fs::read(file(&folder)).unwrap(), expected);
        // The checksums of what numpy 2.4 writes before u1 data of these shapes.
        let headers: [(&[usize], u32); 4] =
            [(&[], 3478120120), (&[3], 3527829673), (&[2; 8], 3613327705), (&[123456, 2, 3], 1390495028)];
        for (shape, crc32) in headers {
            assert_eq!(crc32fast::hash(&header_bytes(&Array::zeros(shape, DType::U8))), crc32, "{shape:?}");
        }
    }

    #[test]
    fn versions_byte_orders_and_fortran() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder);
        let data = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6];
        for version in 1..=3 {
            fs::write(&path, npy(version, &dict(">i2", "True", "(2, 3)"), &data)).unwrap();
            let array = load(&path).unwrap();
            assert_eq!(array.dims(), [2, 3]);
            assert_eq!(array.to_vec::<i64>(), [1, 3, 5, 2, 4, 6]);
        }
        let double_quotes = "{\"shape\":(),\"descr\":\"<f2\",\"fortran_order\":False}";
        fs::write(&path, npy(1, double_quotes, &[0, 0x3c])).unwrap();
        assert_eq!(load(&path).unwrap().item::<f32>(), 1.0);
    }

    #[test]
    fn hostile_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder);
        let cases = [
            (dict("|O", "False", "(1,)"), "pickled Python objects"),
            (dict("<c8", "False", "(1,)"), "elements of type '<c8'"),
            (dict("é", "False", "(1,)"), "elements of type 'é'"),
            (dict("<f4", "False", "(2,)"), "promises <f4 [2] (8 bytes), 4 follow"),
            (dict("<f4", "False", "(1000000000000,)"), "4 follow"),
            (dict("<f4", "False", "(4294967296, 4294967296, 0)"), "more elements than memory"),
            (dict("<f4", "False", "(99999999999999999999,)"), "expected a length"),
            (dict("<f4", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "9 axes"),
            (dict("<f4", "False", "(-1,)"), "expected a length"),
            (dict("<f4", "0", "(1,)"), "expected True or False"),
            ("{'descr': [('a', '<f4')], 'shape': (1,)}".into(), "structured"),
            ("{'descr': '<f4', 'descr': '<f4'}".into(), "appears twice"),
            ("{'descr': '<f4'}".into(), "are needed"),
            ("{'other': 1}".into(), "unknown key \"other\""),
            ("{'descr".into(), "does not end"),
            ("[]".into(), "expected '{'"),
            (dict("<f4", "False", "(1,)") + "x", "behind the dictionary"),
        ];
        for (header, expected) in cases {
            fs::write(&path, npy(1, &header, &[0; 4])).unwrap();
            let error = load(&path).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("a.npy"), "{header}: {error}");
        }
        fs::write(&path, npy(9, "", &[])).unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("npy version 9.0"));
        fs::write(&path, b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}").unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("4294967295 bytes is promised, 65536 are"));
        assert!(load(folder.path()).unwrap_err().to_string().contains("a folder"));
    }

    #[test]
    fn every_cut_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder);
        save(&path, &Array::arange(3)).unwrap();
        let bytes = fs::read(&path).unwrap();
        for len in 0..bytes.len() {
            fs::write(&path, &bytes[..len]).unwrap();
            assert!(load(&path).is_err(), "cut at {len}");
        }
    }
}
