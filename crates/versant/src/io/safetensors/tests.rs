use std::fs;

use super::*;
use crate::dtype::DType;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn content() -> (BTreeMap<String, Array>, BTreeMap<String, String>) {
    let tensors = [
        ("fc.weight", Array::from_slice(&[1.5f32, -0.0, f32::NAN, 4.0, 5.0, 6.0], [2, 3]).transpose(0, 1)),
        ("fc.bias", Array::from_slice(&[1.0f64, 2.0], [2])),
        ("label", Array::from_slice(&[i64::MIN], ())),
        ("pixels", Array::from_slice(&[7u8, 0, 255], [3])),
        ("mask", Array::from_slice(&[true, false], [2])),
        ("none", Array::zeros([0, 4], DType::F32)),
    ];
    let metadata = [("epoch", "3"), ("note \"ä\"\u{1f}", "a\nb"), ("model", "mlp")];
    (
        tensors.into_iter().map(|(name, array)| (name.to_string(), array)).collect(),
        metadata.into_iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
    )
}

/// A foreign file: this header, this data.
fn foreign(path: &Path, header: &str, data: &[u8]) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    fs::write(path, bytes).unwrap();
}

fn same(a: &Array, b: &Array) -> bool {
    a.dtype() == b.dtype() && a.shape() == b.shape() && a.to_bytes() == b.to_bytes()
}

#[test]
fn what_is_saved_loads_bit_for_bit() {
    let folder = folder();
    let path = folder.path().join("a.safetensors");
    let (tensors, metadata) = content();
    save(&path, &tensors, &metadata).unwrap();
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.metadata, metadata);
    assert!(loaded.tensors.keys().eq(tensors.keys()));
    assert!(tensors.iter().all(|(name, array)| same(array, &loaded.tensors[name])));

    let seen = inspect(&path).unwrap();
    assert_eq!((seen.checksum, &seen.metadata), (loaded.checksum, &metadata));
    let weight = seen.tensors.iter().find(|t| t.name == "fc.weight").unwrap();
    assert_eq!((weight.dtype.as_str(), &weight.shape[..], weight.bytes), ("F32", &[3, 2][..], 24));
}

#[test]
fn the_reference_implementation_reads_it_and_the_bytes_never_change() {
    let folder = folder();
    let path = folder.path().join("a.safetensors");
    let (tensors, metadata) = content();
    save(&path, &tensors, &metadata).unwrap();
    let bytes = fs::read(&path).unwrap();
    let reference = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(reference.len(), tensors.len());
    for (name, array) in &tensors {
        assert_eq!(reference.tensor(name).unwrap().data(), little_endian(array).as_ref(), "{name}");
    }
    // A change here breaks the promise that old and new versions write the same file.
    assert_eq!(format!("{:08x}", crc32fast::hash(&bytes)), "de23fe83");
}

#[test]
fn every_flipped_bit_and_every_cut_is_an_error() {
    let folder = folder();
    let (whole, damaged) = (folder.path().join("whole"), folder.path().join("damaged"));
    let (tensors, metadata) = content();
    save(&whole, &tensors, &metadata).unwrap();
    let bytes = fs::read(&whole).unwrap();
    for len in 0..bytes.len() {
        fs::write(&damaged, &bytes[..len]).unwrap();
        let error = load(&damaged).expect_err("cut").to_string();
        assert!(error.contains("damaged: "), "the file is named: {error}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&damaged, &bytes).unwrap();
        assert!(load(&damaged).is_err(), "bit {} of byte {}", bit % 8, bit / 8);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    fs::write(&damaged, longer).unwrap();
    assert!(load(&damaged).is_err());
}

#[test]
fn a_damaged_value_is_told_as_such() {
    let folder = folder();
    let path = folder.path().join("weights.safetensors");
    let (tensors, metadata) = content();
    save(&path, &tensors, &metadata).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.contains("weights.safetensors: the file is damaged: checksum"), "{error}");
}

#[test]
fn files_of_others_load() {
    let folder = folder();
    let path = folder.path().join("torch.safetensors");
    let header = r#"{"b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"__metadata__":{"format":"pt"},
        "a":{"dtype":"F16","shape":[1,1],"data_offsets":[4,6],"more":null},"c":{"dtype":"I32","shape":[],
        "data_offsets":[6,10]}}   "#;
    foreign(&path, header, &[0x80, 0x3f, 0, 0xc0, 0, 0x3c, 0xff, 0xff, 0xff, 0xff]);
    let file = load(&path).unwrap();
    assert_eq!(file.tensors["b"].to_vec::<f32>(), [1.0, -2.0]);
    assert_eq!(file.tensors["a"].to_vec::<f32>(), [1.0]);
    assert_eq!(file.tensors["c"].item::<i64>(), -1);
    assert_eq!((file.metadata["format"].as_str(), file.checksum), ("pt", None));
    foreign(&path, "{}", &[]);
    assert!(load(&path).unwrap().tensors.is_empty());
}

#[test]
fn hostile_headers_are_errors() {
    let folder = folder();
    let path = folder.path().join("hostile");
    let one = |dtype: &str, shape: &str, from: u64, to: u64| {
        format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}}}"#)
    };
    let a = r#""a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}"#;
    let cases = [
        ("not JSON", "header: expected".to_string()),
        ("[]", "object of tensors".to_string()),
        (&one("F32", "[18446744073709551615,2]", 0, 4), "more elements than memory".to_string()),
        (&one("F32", "[4294967296,4294967296,0]", 0, 0), "more elements than memory".to_string()),
        (&one("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4), "more than the 8 axes".to_string()),
        (&one("F32", "[-1]", 0, 4), "invalid value".to_string()),
        (&one("F32", "[2]", 0, 4), "F32 [2] does not fit the 4 bytes".to_string()),
        (&one("F99", "[1]", 0, 4), "tensor \"a\": \"F99\" is not an element type".to_string()),
        (&one("F8_E4M3", "[4]", 0, 4), "elements of type F8_E4M3".to_string()),
        (&one("U64", "[0]", 0, 0), "the tensors take 0 bytes".to_string()),
        (&one("U8", "[4]", 4, 8), "lie at 4..8; the tensor before ends at 0".to_string()),
        (&one("U8", "[4]", 4, 0), "lie at 4..0".to_string()),
        (&one("U8", "[1000000000000]", 0, 1000000000000), "it ends after 4".to_string()),
        (&one("U8", "[2305843009213693952]", 0, u64::MAX), "more elements than memory".to_string()),
        (&format!("{{{a},{a}}}"), "\"a\" appears twice".to_string()),
        (
            &format!("{{{a},{}}}", a.replace("\"a\"", "\"b\"")),
            "lie at 0..4; the tensor before ends".to_string(),
        ),
        (&format!(r#"{{{a},"__metadata__":{{}},"__metadata__":{{}}}}"#), "appears twice".to_string()),
        (&format!(r#"{{{a},"__metadata__":{{"k":"1","k":"2"}}}}"#), "\"k\" appears twice".to_string()),
        (&format!(r#"{{{a},"__metadata__":{{"k":1}}}}"#), "expected a string".to_string()),
        (&format!(r#"{{{a},"__metadata__":{{"versant":"x"}}}}"#), "metadata \"versant\"".to_string()),
        (&"[".repeat(100_000), "safetensors header".to_string()),
    ];
    for (header, expected) in cases {
        foreign(&path, header, &[0; 4]);
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains(&expected), "{header:.80}: {error}");
    }
    for length in [u64::MAX, 1 << 40, 100] {
        fs::write(&path, [&length.to_le_bytes()[..], b"{}"].concat()).unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("promise a header of {length} bytes, 2 follow")), "{error}");
    }
    let error = load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("a folder"), "{error}");
    let error = inspect(folder.path().join("absent")).unwrap_err().to_string();
    assert!(error.contains("absent"), "{error}");
}

#[test]
fn the_reserved_name_is_refused() {
    let folder = folder();
    let tensors = BTreeMap::from([("__metadata__".to_string(), Array::zeros([1], DType::F32))]);
    let error = save(folder.path().join("a"), &tensors, &BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("rename that tensor"), "{error}");
}
