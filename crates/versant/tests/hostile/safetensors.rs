use std::collections::BTreeMap;

use versant::Array;
use versant::io::safetensors;

use super::{Bad, Family, bad};

fn file(header: impl AsRef<[u8]>, data: &[u8]) -> Vec<u8> {
    let header = header.as_ref();
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

fn tensor(name: &str, dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
}

/// A file of one tensor and four bytes.
fn one(dtype: &str, shape: &str, offsets: &str) -> Vec<u8> {
    file(format!("{{{}}}", tensor("a", dtype, shape, offsets)), &[0; 4])
}

fn two(a: &str, b: &str) -> Vec<u8> {
    file(format!("{{{},{}}}", tensor("a", "U8", "[2]", a), tensor("b", "U8", "[2]", b)), &[0; 4])
}

/// A file that Versant wrote, with its checksum.
fn ours() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours");
    let tensors = BTreeMap::from([("a".to_string(), Array::arange(3))]);
    safetensors::save(&path, &tensors, &BTreeMap::from([("k".into(), "v".into())])).unwrap();
    std::fs::read(path).unwrap()
}

/// The same with some text of the header replaced by another of equal length.
fn forged(from: &str, to: &str) -> Vec<u8> {
    let mut bytes = ours();
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).expect("the text");
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

pub fn family() -> Family {
    Family {
        file: "hostile.safetensors",
        load: |path| safetensors::load(path).map(|_| ()),
        inspect: |path| safetensors::inspect(path).map(|_| ()),
        good: vec![
            ("one tensor", one("F32", "[1]", "[0,4]")),
            ("two tensors", two("[0,2]", "[2,4]")),
            ("with a checksum", ours()),
        ],
        bad: [lengths(), json(), shapes_and_places(), checksums()].concat(),
    }
}

fn lengths() -> Vec<Bad> {
    let whole = one("F32", "[1]", "[0,4]");
    let promising = |length: u64| [&length.to_le_bytes()[..], &whole[8..]].concat();
    let cut = |len: usize| whole[..len].to_vec();
    vec![
        bad("empty", vec![], "it ends after 0 bytes"),
        bad("seven bytes", cut(7), "it ends after 7 bytes"),
        bad("no header", cut(8), "promise a header of"),
        bad("cut in the header", cut(30), "promise a header of"),
        bad("cut in the data", cut(whole.len() - 1), "it ends after 3"),
        bad("trailing byte", [&whole[..], &[0]].concat(), "the file has 5"),
        bad("header of 2^64 - 1 bytes", promising(u64::MAX), "18446744073709551615 bytes"),
        bad("header of 2^63 bytes", promising(1 << 63), "9223372036854775808 bytes"),
        bad("header of 100 MB", promising(100_000_001), "100000001 bytes"),
        bad("header one byte too long", promising(whole.len() as u64 - 7), "promise a header"),
        bad("header of 0 bytes", promising(0), "safetensors header: EOF"),
        bad("a header that ends early", promising(20), "safetensors header: EOF"),
        bad("not safetensors", b"This is a text, not a file of tensors.".to_vec(), "promise a header"),
    ]
}

fn json() -> Vec<Bad> {
    let a = tensor("a", "U8", "[4]", "[0,4]");
    let with = |more: &str| file(format!("{{{a},{more}}}"), &[0; 4]);
    let nested = |open: &str| file(open.repeat(50_000), &[]);
    vec![
        bad("not JSON", file("tensors", &[]), "safetensors header"),
        bad("an array", file("[]", &[]), "an object of tensors"),
        bad("a text", file("\"a\"", &[]), "an object of tensors"),
        bad("two objects", file("{}{}", &[]), "trailing characters"),
        bad("a byte order mark", file("\u{feff}{}", &[]), "safetensors header"),
        bad("not UTF-8", file(b"{\"\xff\":1}", &[]), "safetensors header"),
        bad("NUL in a name", file("{\"a\0\":1}", &[]), "control character"),
        bad("half a surrogate", file(r#"{"\ud800":1}"#, &[]), "safetensors header"),
        bad("a name twice", with(&a), "appears twice"),
        bad("a name twice, once escaped", with(&a.replacen('a', "\\u0061", 1)), "appears twice"),
        bad(
            "a field twice",
            file(a.replace("\"shape\"", "\"dtype\":\"U8\",\"shape\""), &[]),
            "safetensors header",
        ),
        bad("metadata twice", with(r#""__metadata__":{},"__metadata__":{}"#), "appears twice"),
        bad("a text twice", with(r#""__metadata__":{"k":"1","k":"2"}"#), "appears twice"),
        bad("metadata that is a number", with(r#""__metadata__":{"k":1}"#), "expected a string"),
        bad("metadata that is a list", with(r#""__metadata__":[]"#), "an object of texts"),
        bad("deep arrays", nested("["), "an object of tensors"),
        bad("deep objects", nested("{\"a\":"), "safetensors header"),
        bad("deep shape", one("U8", &"[".repeat(50_000), "[0,4]"), "safetensors header"),
        bad(
            "deep metadata",
            with(&format!(r#""__metadata__":{{"k":{}"#, "[".repeat(50_000))),
            "expected a string",
        ),
        bad("a tensor of null", file(r#"{"a":null}"#, &[]), "safetensors header"),
        bad("no type", file(r#"{"a":{"shape":[4],"data_offsets":[0,4]}}"#, &[0; 4]), "missing field `dtype`"),
        bad(
            "no shape",
            file(r#"{"a":{"dtype":"U8","data_offsets":[0,4]}}"#, &[0; 4]),
            "missing field `shape`",
        ),
        bad("no place", file(r#"{"a":{"dtype":"U8","shape":[4]}}"#, &[0; 4]), "missing field `data_offsets`"),
    ]
}

fn shapes_and_places() -> Vec<Bad> {
    let ones = format!("[1{}]", ",1".repeat(1_000_000));
    vec![
        bad("a negative axis", one("U8", "[-4]", "[0,4]"), "invalid value"),
        bad("half an axis", one("U8", "[4.5]", "[0,4]"), "safetensors header"),
        bad("an axis of 2^64", one("U8", "[18446744073709551616]", "[0,4]"), "safetensors header"),
        bad("an axis of 1e400", one("U8", "[1e400]", "[0,4]"), "safetensors header"),
        bad("an axis of text", one("U8", "[\"4\"]", "[0,4]"), "invalid type"),
        bad("nine axes", one("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), "more than the 8 axes"),
        bad("a million axes", one("F32", &ones, "[0,4]"), "more than the 8 axes"),
        bad(
            "a product that wraps to 4",
            one("U8", "[9223372036854775810,2]", "[0,4]"),
            "more elements than memory",
        ),
        bad(
            "a product that wraps to 0",
            one("U8", "[4294967296,4294967296]", "[0,0]"),
            "more elements than memory",
        ),
        bad(
            "a 0 that hides a product",
            one("U8", "[4294967296,4294967296,0]", "[0,0]"),
            "more elements than memory",
        ),
        bad("bytes that wrap", one("F64", "[2305843009213693952]", "[0,0]"), "more elements than memory"),
        bad("a terabyte", one("U8", "[1000000000000]", "[0,1000000000000]"), "it ends after 4"),
        bad("more elements than bytes", one("F32", "[2]", "[0,4]"), "does not fit the 4 bytes"),
        bad("fewer elements than bytes", one("U8", "[2]", "[0,4]"), "does not fit the 4 bytes"),
        bad("no tensor for the data", one("U8", "[0]", "[0,0]"), "the tensors take 0 bytes"),
        bad("an unknown type", one("F99", "[1]", "[0,4]"), "is not an element type"),
        bad("a type that is not read", one("F8_E4M3", "[4]", "[0,4]"), "elements of type F8_E4M3"),
        bad("half a byte", one("F4", "[7]", "[0,4]"), "does not fit"),
        bad("backwards", one("U8", "[4]", "[4,0]"), "lie at 4..0"),
        bad("beyond the file", one("U8", "[4]", "[4,8]"), "lie at 4..8"),
        bad(
            "an offset of 2^64 - 1",
            one("U8", "[4]", "[18446744073709551615,3]"),
            "lie at 18446744073709551615..3",
        ),
        bad("a negative offset", one("U8", "[4]", "[-4,0]"), "invalid value"),
        bad("three offsets", one("U8", "[4]", "[0,4,4]"), "safetensors header"),
        bad("the same place", two("[0,2]", "[0,2]"), "the tensor before ends at 2"),
        bad("overlap", two("[0,2]", "[1,3]"), "the tensor before ends at 2"),
        bad("a hole", two("[0,2]", "[3,5]"), "the tensor before ends at 2"),
        bad("a hole in front", two("[1,3]", "[3,5]"), "the tensor before ends at 0"),
    ]
}

fn checksums() -> Vec<Bad> {
    let mut flipped = ours();
    *flipped.last_mut().unwrap() ^= 0x80;
    vec![
        bad("a flipped bit", flipped, "the file is damaged: checksum"),
        bad("another name", forged("\"a\":", "\"b\":"), "the file is damaged: checksum"),
        bad("another metadata", forged("\\\"v\\\"", "\\\"w\\\""), "the file is damaged: checksum"),
        bad("no checksum", forged("crc32", "crc33"), "the file is damaged"),
        bad("a checksum under another name", forged("\"versant\"", "\"versanu\""), "the file is damaged"),
    ]
}
