//! Weights as [safetensors](https://huggingface.co/docs/safetensors), the format that PyTorch and its family
//! read.
//!
//! The bytes are a function of the content alone: the same tensors and metadata give the same file on every
//! machine and in every run. For that, all metadata travels in one entry, `versant`, as JSON with sorted
//! keys:
//!
//! ```json
//! {"__metadata__": {"versant": "{\"crc32\":\"1c291ca3\",\"metadata\":{\"epoch\":\"3\"}}"}, "fc.bias": {}}
//! ```
//!
//! The checksum covers names, types, shapes, values and metadata, so that a flipped bit is an error instead
//! of wrong weights. Files of others, without the entry, load too; they are checked against their own lengths
//! only.
//!
//! PyTorch's own `.pt` files are pickles, which run code when they are read; they are not read here. Weights come from
//! PyTorch, and go there, by the names that both sides give them:
//!
//! ```python
//! from safetensors.torch import load_file, save_file
//! save_file(model.state_dict(), "model.safetensors")
//! model.load_state_dict(load_file("model.safetensors"))
//! ```

mod header;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::io::stored::{Stored, little_endian, open, read_bytes};
use header::{Entry, Header, Outgoing, OutgoingInfo};

/// The metadata entry that holds the checksum and all metadata of ours.
const ENTRY: &str = "versant";

/// What a file holds.
#[derive(Clone, Debug)]
pub struct SafeTensorsFile {
    /// The tensors by name.
    pub tensors: BTreeMap<String, Array>,
    /// Texts that belong to no tensor.
    pub metadata: BTreeMap<String, String>,
    /// The checksum of all of it, if the file carries one; it has been verified.
    pub checksum: Option<u32>,
}

/// What the header of a file tells.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The tensors, in the order of the file.
    pub tensors: Vec<TensorSummary>,
    /// Texts that belong to no tensor.
    pub metadata: BTreeMap<String, String>,
    /// The checksum that the file claims. Only [`load`] verifies it.
    pub checksum: Option<u32>,
}

/// A tensor as the header describes it.
#[derive(Clone, Debug)]
pub struct TensorSummary {
    /// `fc1.weight`.
    pub name: String,
    /// The format's name of its element type: `F32`.
    pub dtype: String,
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    /// The bytes it takes in the file.
    pub bytes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    crc32: String,
    metadata: BTreeMap<String, String>,
}

impl Envelope {
    /// The text of the entry.
    fn entry(checksum: u32, metadata: &BTreeMap<String, String>) -> serde_json::Result<String> {
        let envelope = Envelope { crc32: format!("{checksum:08x}"), metadata: metadata.clone() };
        serde_json::to_string(&envelope)
    }
}

/// Writes tensors and metadata, atomically: `path` is replaced whole or not at all.
///
/// # Errors
/// When the file cannot be written, or a tensor has the format's reserved name `__metadata__`.
pub fn save(
    path: impl AsRef<Path>,
    tensors: &BTreeMap<String, Array>,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let encoded = Encoded::new(path.as_ref(), tensors, metadata)?;
    atomic::write(path, |w| encoded.write_to(w))
}

/// Reads tensors and metadata. Element types that arrays lack are widened without loss: F16 and BF16 to f32;
/// I8, I16, U16, I32 and U32 to i64.
///
/// # Errors
/// When the file cannot be read, is not a safetensors file, has an element type or shape that arrays cannot
/// hold, or does not match its checksum.
pub fn load(path: impl AsRef<Path>) -> Result<SafeTensorsFile> {
    load_from(open(path.as_ref())?, path)
}

/// Reads tensors and metadata from anything that has an end, such as bytes in memory; `name` is for messages.
///
/// ```
/// use std::io::Cursor;
/// let file = versant::io::safetensors::load_from(Cursor::new(b"\x02\0\0\0\0\0\0\0{}"), "empty")?;
/// assert!(file.tensors.is_empty());
/// # Ok::<(), versant::Error>(())
/// ```
///
/// # Errors
/// As for [`load`].
pub fn load_from(mut reader: impl Read + Seek, name: impl AsRef<Path>) -> Result<SafeTensorsFile> {
    let path = name.as_ref();
    let Header { tensors: entries, metadata: foreign } = header::read(&mut reader, path)?;
    let (checksum, metadata, own) = open_envelope(foreign).map_err(|reason| Error::format(path, reason))?;
    let mut tensors = BTreeMap::new();
    let mut records = BTreeMap::new();
    for Entry { name, dtype, shape, len } in entries {
        let Some(stored) = stored(&dtype) else {
            let reason = format!(
                "tensor {name:?} has elements of type {dtype}; BOOL, U8, I8 to I64, U16, U32, F16, BF16, F32 and \
                 F64 can be read"
            );
            return Err(Error::format(path, reason));
        };
        let bytes = read_bytes(&mut reader, len, path)?;
        records.insert(name.clone(), Record::new(&dtype, &shape, &bytes));
        tensors.insert(name, stored.decode(bytes, false, shape));
    }
    if let Some(expected) = checksum {
        let found = checksum_of(&records, &own);
        if found != expected {
            let reason = format!(
                "the file is damaged: checksum {found:08x}, expected {expected:08x}; take it from a copy"
            );
            return Err(Error::format(path, reason));
        }
    }
    Ok(SafeTensorsFile { tensors, metadata, checksum })
}

/// Reads the header only: names, types, shapes, metadata.
///
/// # Errors
/// When the file cannot be read or its header is not that of a whole safetensors file.
pub fn inspect(path: impl AsRef<Path>) -> Result<Inspection> {
    let path = path.as_ref();
    let Header { tensors, metadata: foreign } = header::read(&mut open(path)?, path)?;
    let (checksum, metadata, _) = open_envelope(foreign).map_err(|reason| Error::format(path, reason))?;
    let tensors = tensors
        .into_iter()
        .map(|entry| TensorSummary {
            name: entry.name,
            dtype: entry.dtype,
            shape: entry.shape.to_vec(),
            bytes: entry.len as u64,
        })
        .collect();
    Ok(Inspection { tensors, metadata, checksum })
}

/// A file about to be written.
pub(crate) struct Encoded<'a> {
    header: Vec<u8>,
    /// In the order of the file.
    arrays: Vec<&'a Array>,
    /// The checksum it carries.
    pub(crate) checksum: u32,
}

impl<'a> Encoded<'a> {
    /// Makes the header; `path` is for messages.
    pub(crate) fn new(
        path: &Path,
        tensors: &'a BTreeMap<String, Array>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Encoded<'a>> {
        if tensors.contains_key(header::METADATA) {
            let reason =
                format!("safetensors keeps the name {} for itself: rename that tensor", header::METADATA);
            return Err(Error::format(path, reason));
        }
        let records: BTreeMap<String, Record> = tensors
            .iter()
            .map(|(name, array)| {
                (name.clone(), Record::new(name_of(array.dtype()), &array.shape(), &little_endian(array)))
            })
            .collect();
        let checksum = checksum_of(&records, metadata);
        let entry = Envelope::entry(checksum, metadata).map_err(|e| Error::format(path, e.to_string()))?;

        // Larger elements first keeps every tensor aligned; within a type, by name.
        let mut order: Vec<(&String, &Array)> = tensors.iter().collect();
        order.sort_by_key(|(name, array)| (place_of(array.dtype()), *name));
        let mut end = 0;
        let infos = order.iter().map(|(name, array)| {
            let start = end;
            end += array.numel() * array.dtype().size();
            let info = OutgoingInfo {
                dtype: name_of(array.dtype()),
                shape: array.shape().to_vec(),
                data_offsets: (start, end),
            };
            (name.as_str(), info)
        });
        let outgoing = Outgoing { metadata: (ENTRY, &entry), tensors: infos.collect() };
        let header = header_bytes(&outgoing).map_err(|reason| Error::format(path, reason))?;
        Ok(Encoded { header, arrays: order.into_iter().map(|(_, array)| array).collect(), checksum })
    }

    /// Writes the file.
    pub(crate) fn write_to(&self, w: &mut dyn Write) -> io::Result<()> {
        w.write_all(&(self.header.len() as u64).to_le_bytes())?;
        w.write_all(&self.header)?;
        self.arrays.iter().try_for_each(|array| w.write_all(&little_endian(array)))
    }
}

fn header_bytes(outgoing: &Outgoing) -> std::result::Result<Vec<u8>, String> {
    let mut header = serde_json::to_vec(outgoing).map_err(|e| e.to_string())?;
    // The data begins on a multiple of 8 bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    if header.len() as u64 > header::MAX_HEADER {
        return Err(format!(
            "names and metadata take {} bytes, {} are allowed",
            header.len(),
            header::MAX_HEADER
        ));
    }
    Ok(header)
}

/// What the checksum knows of a tensor.
struct Record {
    dtype: String,
    shape: Vec<usize>,
    crc32: u32,
}

impl Record {
    fn new(dtype: &str, shape: &[usize], bytes: &[u8]) -> Record {
        Record { dtype: dtype.to_string(), shape: shape.to_vec(), crc32: crc32fast::hash(bytes) }
    }
}

/// The CRC-32 over all records by name, then the metadata. Texts are preceded by their lengths, so that no
/// two contents give the same bytes to sum.
fn checksum_of(records: &BTreeMap<String, Record>, metadata: &BTreeMap<String, String>) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    let number = |crc: &mut crc32fast::Hasher, n: usize| crc.update(&(n as u64).to_le_bytes());
    let text = |crc: &mut crc32fast::Hasher, text: &str| {
        number(crc, text.len());
        crc.update(text.as_bytes());
    };
    number(&mut crc, records.len());
    for (name, record) in records {
        text(&mut crc, name);
        text(&mut crc, &record.dtype);
        number(&mut crc, record.shape.len());
        record.shape.iter().for_each(|&dim| number(&mut crc, dim));
        crc.update(&record.crc32.to_le_bytes());
    }
    for (name, value) in metadata {
        text(&mut crc, name);
        text(&mut crc, value);
    }
    crc.finalize()
}

type Metas = BTreeMap<String, String>;

/// Splits a file's metadata: the checksum if it is a file of ours, all metadata, and the part under the
/// checksum.
fn open_envelope(mut foreign: Metas) -> std::result::Result<(Option<u32>, Metas, Metas), String> {
    let Some(entry) = foreign.remove(ENTRY) else {
        // One flipped bit in the entry's name must not turn the check off.
        return match foreign.iter().find(|(_, text)| serde_json::from_str::<Envelope>(text).is_ok()) {
            Some((name, _)) => Err(format!(
                "the file is damaged: its metadata {name:?} should be {ENTRY:?}; take it from a copy"
            )),
            None => Ok((None, foreign, Metas::new())),
        };
    };
    let envelope: Envelope = serde_json::from_str(&entry)
        .map_err(|e| format!("the file is damaged: metadata {ENTRY:?}: {e}; take it from a copy"))?;
    // Ours has one spelling: \u001F for \u001f is a flipped bit too.
    let checksum = u32::from_str_radix(&envelope.crc32, 16)
        .ok()
        .filter(|&crc| Envelope::entry(crc, &envelope.metadata).is_ok_and(|ours| ours == entry))
        .ok_or_else(|| {
            format!("the file is damaged: metadata {ENTRY:?}: {entry:.80}; take it from a copy")
        })?;
    foreign.extend(envelope.metadata.clone());
    Ok((Some(checksum), foreign, envelope.metadata))
}

/// The format's name of an element type.
fn name_of(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "F32",
        DType::F64 => "F64",
        DType::I64 => "I64",
        DType::U8 => "U8",
        DType::Bool => "BOOL",
    }
}

/// The order of types in a file: the reference implementation's.
fn place_of(dtype: DType) -> u8 {
    match dtype {
        DType::I64 => 0,
        DType::F64 => 1,
        DType::F32 => 2,
        DType::U8 => 3,
        DType::Bool => 4,
    }
}

fn stored(dtype: &str) -> Option<Stored> {
    Some(match dtype {
        "BOOL" => Stored::Bool,
        "U8" => Stored::U8,
        "I8" => Stored::I8,
        "I16" => Stored::I16,
        "U16" => Stored::U16,
        "I32" => Stored::I32,
        "U32" => Stored::U32,
        "I64" => Stored::I64,
        "F16" => Stored::F16,
        "BF16" => Stored::BF16,
        "F32" => Stored::F32,
        "F64" => Stored::F64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
