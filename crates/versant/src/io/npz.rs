//! Arrays by name as numpy's [npz](https://numpy.org/doc/stable/reference/generated/numpy.savez.html) files: zip
//! archives whose members are npy files, `fc1.weight.npy` for the array `fc1.weight`.
//!
//! The bytes are a function of the arrays alone: members are sorted by name, and their date is fixed. What is read
//! may be stored or deflated; all else that zip knows is refused, and so is an archive that unpacks to more than
//! 16 MiB and more than 100 times its own length, as bombs do.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Seek};
use std::path::Path;

use crate::array::Array;
use crate::error::{Error, Result};
use crate::io::stored::{length, open, unpacked_limit};
use crate::io::zip::{self, Entry};
use crate::io::{atomic, npy};

/// How members' names end.
const SUFFIX: &str = ".npy";

/// An array as the headers describe it.
#[derive(Clone, Debug)]
pub struct Member {
    /// `fc1.weight`.
    pub name: String,
    /// Its element type, order and shape.
    pub header: npy::Header,
    /// The bytes it takes in the file.
    pub packed: u64,
    /// The bytes of its npy file.
    pub size: u64,
}

/// Writes arrays as numpy's `savez` does, without packing; atomically: `path` is replaced whole or not at all.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.npz");
/// use std::collections::BTreeMap;
/// use versant::{Array, io::npz};
/// npz::save(&path, &BTreeMap::from([("x".to_string(), Array::arange(3))]))?;
/// assert_eq!(npz::load(&path)?["x"].to_vec::<i64>(), [0, 1, 2]);
/// # Ok::<(), versant::Error>(())
/// ```
///
/// # Errors
/// When the file cannot be written, or a name is empty, is longer than 4,092 bytes, leads out of a folder (`../x`),
/// or has backslashes or control characters.
pub fn save(path: impl AsRef<Path>, arrays: &BTreeMap<String, Array>) -> Result<()> {
    write(path.as_ref(), arrays, false)
}

/// Like [`save`], but packed by deflate, as numpy's `savez_compressed` does. An array that would pack to less than a
/// hundredth is stored as it is: reading would refuse it as a bomb.
///
/// # Errors
/// As for [`save`].
pub fn save_compressed(path: impl AsRef<Path>, arrays: &BTreeMap<String, Array>) -> Result<()> {
    write(path.as_ref(), arrays, true)
}

fn write(path: &Path, arrays: &BTreeMap<String, Array>, deflated: bool) -> Result<()> {
    for name in arrays.keys() {
        array_name(&format!("{name}{SUFFIX}")).map_err(|reason| Error::format(path, reason))?;
    }
    atomic::write(path, |w| {
        let mut archive = zip::Writer::new(w);
        for (name, array) in arrays {
            archive.add(format!("{name}{SUFFIX}"), deflated, |w| npy::write(w, array))?;
        }
        archive.finish()
    })
}

/// Reads all arrays. Element types are widened as by [`npy::load`].
///
/// # Errors
/// When the file cannot be read, is not a whole npz file, a checksum differs, it unpacks to far more than its own
/// length, or an array is one that [`npy::load`] would refuse.
pub fn load(path: impl AsRef<Path>) -> Result<BTreeMap<String, Array>> {
    load_from(open(path.as_ref())?, path)
}

/// Reads all arrays from anything that has an end, such as bytes in memory; `name` is for messages.
///
/// # Errors
/// As for [`load`].
pub fn load_from(mut reader: impl Read + Seek, name: impl AsRef<Path>) -> Result<BTreeMap<String, Array>> {
    let path = name.as_ref();
    let limit = unpacked_limit(length(&mut reader, path)?);
    let mut left = limit;
    let mut arrays = BTreeMap::new();
    for entry in zip::open(&mut reader, path)? {
        let (name, array) =
            load_member(&entry, &mut reader, &mut left, path).map_err(in_member(&entry, path))?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

/// Reads the array if it takes no more than the `left` bytes, and the size off them.
fn load_member(
    entry: &Entry,
    reader: &mut (impl Read + Seek),
    left: &mut u64,
    path: &Path,
) -> Result<(String, Array)> {
    let name = array_name(&entry.name).map_err(|reason| Error::format(path, reason))?;
    let mut member = entry.unpack(reader).map_err(Error::io("read", path))?;
    let content = npy::Stream::open(&mut member, entry.size, path)?.content()?;
    let bytes = content.array_bytes();
    *left = left.checked_sub(bytes).ok_or_else(|| {
        let reason = format!(
            "it unpacks to {bytes} bytes, too many for so small an archive; if it is no bomb, save it unpacked"
        );
        Error::format(path, reason)
    })?;
    let array = content.read()?;
    member.finish().map_err(Error::io("read", path))?;
    Ok((name.to_string(), array))
}

/// Reads the headers only, by name.
///
/// # Errors
/// When the file cannot be read, its zip headers are not those of a whole archive, or a member has no npy header.
pub fn inspect(path: impl AsRef<Path>) -> Result<Vec<Member>> {
    let path = path.as_ref();
    let mut reader = open(path)?;
    let mut entries = zip::open(&mut reader, path)?;
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let mut member = |entry| inspect_member(entry, &mut reader, path).map_err(in_member(entry, path));
    entries.iter().map(&mut member).collect()
}

fn inspect_member(entry: &Entry, reader: &mut (impl Read + Seek), path: &Path) -> Result<Member> {
    let name = array_name(&entry.name).map_err(|reason| Error::format(path, reason))?;
    let content = entry.unpack(reader).map_err(Error::io("read", path))?;
    let header = npy::Stream::open(content, entry.size, path)?.header;
    Ok(Member { name: name.to_string(), header, packed: entry.packed, size: entry.size })
}

/// The array's name if a member called so holds one.
fn array_name(member: &str) -> std::result::Result<&str, String> {
    zip::check_name(member)?;
    match member.strip_suffix(SUFFIX) {
        Some(name) if !name.is_empty() => Ok(name),
        _ => Err(format!("{member:?} is not the name of an npy file")),
    }
}

/// Names the member in an error about it. Damaged content is a fault of the file, not of the system.
fn in_member(entry: &Entry, path: &Path) -> impl FnOnce(Error) -> Error {
    move |error| {
        let reason = match error {
            Error::Format { reason, .. } => reason,
            Error::Io { source, .. } if source.kind() == ErrorKind::UnexpectedEof => {
                "its packed bytes end too early".into()
            }
            Error::Io { source, .. }
                if matches!(source.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput) =>
            {
                format!("damaged: {source}")
            }
            other => return other,
        };
        Error::format(path, format!("member {:?}: {reason}", entry.name))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Cursor;

    use super::*;
    use crate::dtype::DType;

    fn arrays() -> BTreeMap<String, Array> {
        let arrays = [
            (
                "fc1.weight",
                Array::from_slice(&[1.5f32, f32::NAN, -0.0, 1e-40, 5.0, 6.0], [2, 3]).transpose(0, 1),
            ),
            ("a/b", Array::from_slice(&[f64::MAX], ())),
            ("größe", Array::from_slice(&[i64::MIN, i64::MAX], [2])),
            ("pixels", Array::from_slice(&[7u8; 1000], [10, 100])),
            ("mask", Array::from_slice(&[true, false], [2, 1])),
            ("none", Array::zeros([3, 0, 2], DType::F32)),
        ];
        arrays.map(|(name, array)| (name.to_string(), array)).into()
    }

    #[test]
    fn what_is_saved_loads_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let arrays = arrays();
        for save in [save, save_compressed] {
            save(&path, &arrays).unwrap();
            let loaded = load(&path).unwrap();
            assert!(loaded.keys().eq(arrays.keys()));
            for (name, array) in &arrays {
                let back = &loaded[name];
                assert_eq!((back.dtype(), back.shape()), (array.dtype(), array.shape()), "{name}");
                assert_eq!(back.to_bytes(), array.to_bytes(), "{name}");
            }
            let bytes = fs::read(&path).unwrap();
            save(&path, &loaded).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes, "the bytes depend on the content alone");
            let seen = inspect(&path).unwrap();
            assert!(seen.iter().map(|member| &member.name).eq(arrays.keys()));
            let pixels = seen.iter().find(|member| member.name == "pixels").unwrap();
            assert_eq!((&pixels.header.shape[..], pixels.size), (&[10, 100][..], 1128));
            assert_eq!(pixels.packed < pixels.size, bytes.len() < 1500);
        }
        save(&path, &BTreeMap::new()).unwrap();
        assert!(load(&path).unwrap().is_empty());
    }

    #[test]
    fn every_flipped_bit_that_matters_and_every_cut_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let load = |bytes: &[u8]| load_from(Cursor::new(bytes), "a.npz");
        let values = |arrays: &BTreeMap<String, Array>| -> Vec<(String, Vec<u8>)> {
            arrays.iter().map(|(name, array)| (name.clone(), array.to_bytes())).collect()
        };
        let arrays = BTreeMap::from([
            ("x".to_string(), Array::arange(9)),
            ("y".to_string(), Array::zeros([3], DType::F32)),
        ]);
        for save in [save, save_compressed] {
            save(&path, &arrays).unwrap();
            let mut bytes = fs::read(&path).unwrap();
            for len in 0..bytes.len() {
                let error = load(&bytes[..len]).expect_err("cut").to_string();
                assert!(error.contains("a.npz: "), "{error}");
            }
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                // Dates, versions and attributes may change; names and values may not.
                if let Ok(loaded) = load(&bytes) {
                    assert_eq!(values(&loaded), values(&arrays), "bit {bit}");
                }
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        for name in ["", "../x", "/x", "a/../../x", "a\\b", "a\nb", "a\0", &"x".repeat(5000)] {
            let arrays = BTreeMap::from([(name.to_string(), Array::arange(1))]);
            let error = save(&path, &arrays).unwrap_err().to_string();
            assert!(error.contains("a.npz") && !path.exists(), "{error}");
        }
    }

    #[test]
    fn what_packs_like_a_bomb_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros.npz");
        let zeros = || Array::zeros([9 << 20], DType::U8);
        save_compressed(&path, &BTreeMap::from([("x".into(), zeros()), ("y".into(), zeros())])).unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 18 << 20);
        assert_eq!(load(&path).unwrap().len(), 2);
    }
}
