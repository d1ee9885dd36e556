use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use versant::io::idx::Idx;

use super::{Bad, Family, bad};

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn file(sizes: &[u32], elements: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.resize(bytes.len() + elements, 7);
    bytes
}

pub fn family() -> Family {
    let good = file(&[3, 2, 2], 12);
    Family {
        file: "hostile.idx",
        load: |path| Idx::read(path).map(|_| ()),
        inspect: |path| Idx::header(path).map(|_| ()),
        good: vec![
            ("gzipped", gz(&good)),
            ("gzipped in two pieces", [gz(&good[..9]), gz(&good[9..])].concat()),
            ("much that is small", gz(&file(&[15 << 20], 15 << 20))),
            ("plain", good),
        ],
        bad: [plain(), content_behind_gzip(), gzip()].concat(),
    }
}

fn plain() -> Vec<Bad> {
    let coded = |code: u8| [&[0, 0, code, 1, 0, 0, 0, 1][..], &[0; 4]].concat();
    vec![
        bad("empty", vec![], "the file is empty"),
        bad("one byte", vec![0], "it starts with 00"),
        bad("a text", b"This is a text.".to_vec(), "it starts with 54 68 69 73"),
        bad("signed bytes", coded(9), "type code 0x09"),
        bad("floats", coded(0x0d), "type code 0x0d"),
        bad("no type", coded(0), "type code 0x00"),
        bad("no dimensions", vec![0, 0, 8, 0], "0 dimensions"),
        bad("five dimensions", file(&[1; 5], 1), "5 dimensions"),
        bad("255 dimensions", file(&[1; 255], 1), "255 dimensions"),
        bad("cut in the header", file(&[3, 2, 2], 0)[..9].to_vec(), "ends inside its header"),
        bad("cut in the elements", file(&[3, 2, 2], 11), "the file ends after 27"),
        bad("no elements", file(&[3, 2, 2], 0), "the file ends after 16"),
        bad("trailing byte", file(&[3, 2, 2], 13), "trailing data"),
        bad("elements where there are none", file(&[0], 1), "trailing data"),
        bad("2^32 - 1 elements", file(&[u32::MAX], 1), "more than the limit"),
        bad("2^128 elements", file(&[u32::MAX; 4], 1), "more than the limit"),
        bad("a product that wraps to 0", file(&[1 << 31, 1 << 31, 4], 0), "more than the limit"),
        bad("a 0 that hides a product", file(&[u32::MAX, u32::MAX, 0], 0), "more than the limit"),
        bad("two gigabytes", file(&[1 << 31], 1), "the file ends after 9"),
    ]
}

fn content_behind_gzip() -> Vec<Bad> {
    let packed = |bad: Bad| (format!("{} (gzipped)", bad.0), gz(&bad.1), bad.2);
    let but_for = |bad: &Bad| !matches!(&*bad.0, "two gigabytes");
    plain().into_iter().filter(but_for).map(packed).collect()
}

fn gzip() -> Vec<Bad> {
    let good = gz(&file(&[5, 10], 50));
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        bytes
    };
    let flipped = |from_end: usize| {
        let at = good.len() - from_end;
        changed(at, good[at] ^ 1)
    };
    let with_field = |flag: u8, field: &[u8]| [&changed(3, flag)[..10], field].concat();
    vec![
        bad("a bomb that keeps its promise", gz(&file(&[64 << 20], 64 << 20)), "as bombs do"),
        bad("a bomb behind a small promise", gz(&file(&[1000], 64 << 20)), "trailing data"),
        bad("a large promise", gz(&file(&[1 << 30], 1)), "as bombs do"),
        bad("a promise that is not kept", gz(&file(&[1 << 20], 1000)), "the file ends after"),
        bad("gzip in gzip", gz(&good), "it starts with 1f 8b"),
        bad("only the mark", good[..2].to_vec(), "gzip"),
        bad("cut in gzip's header", good[..8].to_vec(), "inside the IDX header"),
        bad("cut in the content", good[..good.len() - 10].to_vec(), "gzip"),
        bad("cut in the checksum", good[..good.len() - 6].to_vec(), "too early"),
        bad("another checksum", flipped(8), "damaged gzip data"),
        bad("another length", flipped(4), "damaged gzip data"),
        bad("another method", changed(2, 7), "damaged gzip data"),
        bad("reserved flags", changed(3, 0xe0), "damaged gzip data"),
        bad("a reserved block", changed(10, 0x07), "damaged gzip data"),
        bad("an extra field without an end", with_field(4, &[0xff, 0xff, 0]), "inside the IDX header"),
        bad("a name without an end", with_field(8, &[b'a'; 200_000]), "gzip"),
        bad("a comment without an end", with_field(16, &[b'a'; 1000]), "inside the IDX header"),
        bad("garbage behind", [&good[..], b"garbage that is no gzip"].concat(), "damaged gzip data"),
        bad("more data in a second piece", [&good[..], &gz(&[1, 2, 3])].concat(), "trailing data"),
        bad("a bomb in a second piece", [&good[..], &gz(&vec![0; 64 << 20])].concat(), "trailing data"),
    ]
}
