//! Elements as files store them: more types and another byte order than arrays have.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::array::Array;
use crate::dtype::{DType, Element, with_element};
use crate::error::{Error, Result};
use crate::shape::{MAX_RANK, Shape};

/// The type of a stored element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stored {
    Bool,
    U8,
    I8,
    I16,
    U16,
    I32,
    U32,
    I64,
    F16,
    BF16,
    F32,
    F64,
}

impl Stored {
    /// Bytes an element takes.
    pub(crate) fn size(self) -> usize {
        match self {
            Stored::Bool | Stored::U8 | Stored::I8 => 1,
            Stored::I16 | Stored::U16 | Stored::F16 | Stored::BF16 => 2,
            Stored::I32 | Stored::U32 | Stored::F32 => 4,
            Stored::I64 | Stored::F64 => 8,
        }
    }

    /// The type of the array's elements. Types that arrays lack are widened without loss: the small floats to f32,
    /// the small integers to i64.
    pub(crate) fn dtype(self) -> DType {
        match self {
            Stored::Bool => DType::Bool,
            Stored::U8 => DType::U8,
            Stored::I8 | Stored::I16 | Stored::U16 | Stored::I32 | Stored::U32 | Stored::I64 => DType::I64,
            Stored::F16 | Stored::BF16 | Stored::F32 => DType::F32,
            Stored::F64 => DType::F64,
        }
    }

    /// The array of these bytes, of type [`dtype`](Stored::dtype).
    ///
    /// # Panics
    /// When the number of bytes does not fit the shape.
    pub(crate) fn decode(self, mut bytes: Vec<u8>, big_endian: bool, shape: Shape) -> Array {
        if big_endian != cfg!(target_endian = "big") && self.size() > 1 {
            bytes.chunks_exact_mut(self.size()).for_each(<[u8]>::reverse);
        }
        match self {
            Stored::Bool | Stored::U8 | Stored::I64 | Stored::F32 | Stored::F64 => {
                Array::from_bytes(&bytes, shape, self.dtype())
            }
            Stored::I8 => widen(&bytes, shape, |b| i8::from_ne_bytes(b) as i64),
            Stored::I16 => widen(&bytes, shape, |b| i16::from_ne_bytes(b) as i64),
            Stored::U16 => widen(&bytes, shape, |b| u16::from_ne_bytes(b) as i64),
            Stored::I32 => widen(&bytes, shape, |b| i32::from_ne_bytes(b) as i64),
            Stored::U32 => widen(&bytes, shape, |b| u32::from_ne_bytes(b) as i64),
            Stored::F16 => widen(&bytes, shape, |b| f32_from_f16(u16::from_ne_bytes(b))),
            // bf16 is the upper half of an f32.
            Stored::BF16 => widen(&bytes, shape, |b| f32::from_bits((u16::from_ne_bytes(b) as u32) << 16)),
        }
    }
}

fn widen<const N: usize, T: Element>(bytes: &[u8], shape: Shape, value: impl Fn([u8; N]) -> T) -> Array {
    let (elements, _) = bytes.as_chunks::<N>();
    Array::from_slice(&elements.iter().map(|&b| value(b)).collect::<Vec<T>>(), shape)
}

/// IEEE 754 half precision: 1 sign, 5 exponent (bias 15), 10 fraction bits. Every value is an f32.
fn f32_from_f16(half: u16) -> f32 {
    let sign = ((half & 0x8000) as u32) << 16;
    let exponent = (half >> 10) as u32 & 31;
    let fraction = half as u32 & 0x3ff;
    match exponent {
        // Subnormal: fraction x 2^-24.
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// An array's elements in row-major order, the smallest byte first; borrowed where they lie so already.
pub(crate) fn little_endian(array: &Array) -> Cow<'_, [u8]> {
    let native: Cow<[u8]> = with_element!(array.dtype(), T => match array.contiguous_slice::<T>() {
        Some(elements) => Cow::Borrowed(bytemuck::cast_slice::<<T as Element>::Repr, u8>(elements)),
        None => Cow::Owned(array.to_bytes()),
    });
    if cfg!(target_endian = "little") {
        return native;
    }
    let mut bytes = native.into_owned();
    bytes.chunks_exact_mut(array.dtype().size()).for_each(<[u8]>::reverse);
    Cow::Owned(bytes)
}

/// The shape a file names and the bytes it takes, or why arrays cannot have it.
pub(crate) fn checked_shape(
    dims: &[usize],
    element_size: usize,
) -> std::result::Result<(Shape, usize), String> {
    if dims.len() > MAX_RANK {
        return Err(format!("the shape has {} axes, at most {MAX_RANK} are supported", dims.len()));
    }
    // An axis of 0 must not hide that the others multiply to more than fits.
    let elements = dims.iter().filter(|&&d| d != 0).try_fold(1usize, |n, &d| n.checked_mul(d));
    match elements {
        Some(n) if n <= isize::MAX as usize / 8 => {
            let shape = Shape::new(dims);
            Ok((shape, shape.numel() * element_size))
        }
        _ => Err(format!("shape {dims:?} has more elements than memory can hold")),
    }
}

/// Opens a file that has an end: no folder, and no pipe to wait on.
pub(crate) fn open(path: &Path) -> Result<File> {
    // Asked before opening, because opening a named pipe waits for its other end.
    let there = fs::metadata(path).map_err(Error::io("read", path))?;
    if !there.is_file() {
        let what = if there.is_dir() { "a folder" } else { "a device or pipe" };
        return Err(Error::format(path, format!("this is {what}, not a regular file")));
    }
    File::open(path).map_err(Error::io("read", path))
}

/// The length of what is to be read from its first byte on.
pub(crate) fn length(reader: &mut impl Seek, path: &Path) -> Result<u64> {
    let end = reader.seek(SeekFrom::End(0));
    end.and_then(|len| reader.rewind().map(|()| len)).map_err(Error::io("read", path))
}

/// The next `len` bytes. A file may promise more than there is memory for: that is an error, not an abort.
pub(crate) fn read_bytes(reader: &mut impl Read, len: usize, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(len)
        .map_err(|_| Error::format(path, format!("there is not enough memory for its {len} bytes")))?;
    reader.take(len as u64).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() < len {
        return Err(Error::io("read", path)(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes)
}

/// How many times its length a large file may unpack to. Deflate can make a thousandfold of it, but only of data that
/// are all the same, as those of a bomb are.
pub(crate) const UNPACKED_RATIO: u64 = 100;

/// The most bytes that a packed file of this length may unpack to: 16 MiB, or [`UNPACKED_RATIO`] times its length.
pub(crate) fn unpacked_limit(file_len: u64) -> u64 {
    file_len.saturating_mul(UNPACKED_RATIO).max(16 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision() {
        let cases = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 2f32.powi(-14)),
            (0x0001, 2f32.powi(-24)),
            (0x83ff, -1023.0 / 16_777_216.0),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (half, want) in cases {
            assert_eq!(f32_from_f16(half), want, "{half:#06x}");
        }
        assert_eq!(f32_from_f16(0x8000).to_bits(), (-0.0f32).to_bits());
        assert!(f32_from_f16(0x7e00).is_nan());
    }

    #[test]
    fn small_types_are_widened_in_both_byte_orders() {
        let shape = Shape::from([2]);
        let of = |stored: Stored, bytes: &[u8], big| stored.decode(bytes.to_vec(), big, shape);
        assert_eq!(of(Stored::I8, &[0xff, 1], false).to_vec::<i64>(), [-1, 1]);
        assert_eq!(of(Stored::I16, &[0xfe, 0xff, 1, 0], false).to_vec::<i64>(), [-2, 1]);
        assert_eq!(of(Stored::U16, &[0xff, 0xfe, 0, 1], true).to_vec::<i64>(), [0xfffe, 1]);
        assert_eq!(of(Stored::I32, &[255, 255, 255, 255, 0, 0, 0, 5], true).to_vec::<i64>(), [-1, 5]);
        assert_eq!(
            of(Stored::U32, &[255, 255, 255, 255, 5, 0, 0, 0], false).to_vec::<i64>(),
            [4294967295, 5]
        );
        assert_eq!(of(Stored::BF16, &[0x80, 0x3f, 0x00, 0xc0], false).to_vec::<f32>(), [1.0, -2.0]);
        assert_eq!(of(Stored::F32, &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0], true).to_vec::<f32>(), [1.0, -2.0]);
        assert_eq!(of(Stored::Bool, &[0, 7], false).to_vec::<bool>(), [false, true]);
    }

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        let mut file = tempfile::tempfile().unwrap();
        let error = read_bytes(&mut file, isize::MAX as usize, Path::new("a")).unwrap_err().to_string();
        assert!(error.starts_with("a: there is not enough memory"), "{error}");
        assert!(read_bytes(&mut file, 1, Path::new("a")).is_err());
        assert!(read_bytes(&mut file, 0, Path::new("a")).unwrap().is_empty());
    }

    #[test]
    fn shapes_that_wrap_or_have_too_many_axes_are_refused() {
        assert_eq!(checked_shape(&[], 4).unwrap().1, 4);
        assert_eq!(checked_shape(&[2, 0, 3], 4).unwrap().1, 0);
        for dims in [&[1; 9][..], &[usize::MAX, 2], &[1 << 33, 1 << 33, 0], &[1 << 62]] {
            assert!(checked_shape(dims, 8).is_err(), "{dims:?}");
        }
    }
}
