//! The header of a safetensors file: eight bytes of length, then JSON naming every tensor's type, shape and
//! place.
//!
//! Nothing in a foreign header is believed before it is checked against the file's length; this is stricter
//! than the reference implementation, which lets the later of two equal names win and any number of axes pass.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Seek};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::{Error, Result};
use crate::io::stored::{checked_shape, length, read_bytes};
use crate::shape::{MAX_RANK, Shape};

/// What the reference implementation refuses too.
pub(super) const MAX_HEADER: u64 = 100_000_000;

/// The header's key for text that belongs to no tensor.
pub(super) const METADATA: &str = "__metadata__";

/// One tensor as the header describes it, checked: its bytes lie in the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    /// The format's name of its element type: `F32`.
    pub dtype: String,
    pub shape: Shape,
    /// Its length in the file, in bytes.
    pub len: usize,
}

/// A checked header.
#[derive(Debug)]
pub(super) struct Header {
    /// In the order in which their bytes follow one another.
    pub tensors: Vec<Entry>,
    pub metadata: BTreeMap<String, String>,
}

/// Reads and checks the header; the reader stands at the first tensor afterwards.
pub(super) fn read(reader: &mut (impl Read + Seek), path: &Path) -> Result<Header> {
    let file_len = length(reader, path)?;
    let mut header_len = [0; 8];
    if file_len < 8 {
        return Err(Error::format(path, format!("not a safetensors file: it ends after {file_len} bytes")));
    }
    reader.read_exact(&mut header_len).map_err(Error::io("read", path))?;
    let header_len = u64::from_le_bytes(header_len);
    if header_len > MAX_HEADER || header_len > file_len - 8 {
        let reason = format!(
            "not a whole safetensors file: its first bytes promise a header of {header_len} bytes, {} follow",
            file_len - 8
        );
        return Err(Error::format(path, reason));
    }
    let json = read_bytes(reader, header_len as usize, path)?;
    parse(&json, file_len - 8 - header_len).map_err(|reason| Error::format(path, reason))
}

/// The header of these bytes, if tensors fill the `data_len` bytes behind it without gap or overlap.
fn parse(json: &[u8], data_len: u64) -> std::result::Result<Header, String> {
    let raw: Raw = serde_json::from_slice(json).map_err(|e| format!("safetensors header: {e}"))?;
    let mut infos: Vec<(String, Info)> = raw.tensors.into_iter().collect();
    infos.sort_by(|(a, left), (b, right)| (left.data_offsets, a).cmp(&(right.data_offsets, b)));
    let mut end = 0;
    let mut tensors = Vec::with_capacity(infos.len());
    for (name, info) in infos {
        let fault = |reason: String| format!("tensor {name:?}: {reason}");
        let dtype = info.dtype;
        let Some(bits_each) = bits_of(&dtype) else {
            return Err(fault(format!("{dtype:?} is not an element type of safetensors")));
        };
        // Types of 4 and 6 bits exist; their whole tensors end on a byte.
        let (shape, bits) = checked_shape(&info.shape.0, 1).map_err(fault)?;
        let bits = bits as u64 * bits_each;
        let (from, to) = info.data_offsets;
        if from != end || to < from {
            let reason = format!("its data is said to lie at {from}..{to}; the tensor before ends at {end}");
            return Err(fault(reason));
        }
        if (to - from).checked_mul(8) != Some(bits) {
            let reason = format!("{dtype} {shape} does not fit the {} bytes it is given", to - from);
            return Err(fault(reason));
        }
        if to > data_len {
            return Err(fault(format!("the file should hold {to} bytes of data, it ends after {data_len}")));
        }
        end = to;
        tensors.push(Entry { name, dtype, shape, len: (to - from) as usize });
    }
    if end != data_len {
        return Err(format!("the tensors take {end} bytes, the file has {data_len} behind its header"));
    }
    Ok(Header { tensors, metadata: raw.metadata })
}

/// The size of an element by its type's name.
fn bits_of(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" => 8,
        "I16" | "U16" | "F16" | "BF16" => 16,
        "I32" | "U32" | "F32" => 32,
        "I64" | "U64" | "F64" | "C64" => 64,
        _ => return None,
    })
}

/// A header to be written: the metadata's one entry, and the tensors in the order of their bytes.
pub(super) struct Outgoing<'a> {
    pub metadata: (&'a str, &'a str),
    pub tensors: Vec<(&'a str, OutgoingInfo)>,
}

#[derive(serde::Serialize)]
pub(super) struct OutgoingInfo {
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    pub data_offsets: (usize, usize),
}

impl Serialize for Outgoing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(METADATA, &BTreeMap::from([self.metadata]))?;
        self.tensors.iter().try_for_each(|(name, info)| map.serialize_entry(name, info))?;
        map.end()
    }
}

#[derive(serde::Deserialize)]
struct Info {
    dtype: String,
    shape: Dims,
    data_offsets: (u64, u64),
}

struct Raw {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Info>,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Raw, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Raw, A::Error> {
                let mut metadata = None;
                let mut tensors = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    let again = if name == METADATA {
                        metadata.replace(map.next_value::<Texts>()?.0).is_some()
                    } else {
                        tensors.insert(name.clone(), map.next_value()?).is_some()
                    };
                    if again {
                        return Err(A::Error::custom(format!("{name:?} appears twice")));
                    }
                }
                Ok(Raw { metadata: metadata.unwrap_or_default(), tensors })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The metadata: texts under names that appear once.
struct Texts(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Texts, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object of texts as metadata")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Texts, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some((name, text)) = map.next_entry::<String, String>()? {
                    if texts.insert(name.clone(), text).is_some() {
                        return Err(A::Error::custom(format!("metadata {name:?} appears twice")));
                    }
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The lengths of axes, given up once there are too many: a header of ones must not take more memory than the
/// file.
struct Dims(Vec<usize>);

impl<'de> Deserialize<'de> for Dims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Dims, D::Error> {
        struct Axes;
        impl<'de> Visitor<'de> for Axes {
            type Value = Dims;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a shape")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Dims, A::Error> {
                let mut dims = Vec::new();
                while let Some(dim) = seq.next_element()? {
                    if dims.len() == MAX_RANK {
                        let reason = format!("a shape has more than the {MAX_RANK} axes that are supported");
                        return Err(A::Error::custom(reason));
                    }
                    dims.push(dim);
                }
                Ok(Dims(dims))
            }
        }
        deserializer.deserialize_seq(Axes)
    }
}
