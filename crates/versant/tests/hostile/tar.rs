//! Archives as CIFAR comes in: names that lead outside, sizes that lie, bombs.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use versant::Result;
use versant::data::{Part, cifar};
use versant::io::tar::Tar;

use super::{Bad, Family, bad};

const BLOCK: usize = 512;

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A header with these bytes in place of its own from `at` on, and the right checksum.
fn header(kind: u8, name: &str, size: &str, at: usize, other: &[u8]) -> Vec<u8> {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..124 + size.len()].copy_from_slice(size.as_bytes());
    block[156] = kind;
    block[257..263].copy_from_slice(b"ustar\0");
    block[at..at + other.len()].copy_from_slice(other);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&b| b as u32).sum();
    block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    block.to_vec()
}

fn member(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    let filling = content.len().next_multiple_of(BLOCK) - content.len();
    let header = header(kind, name, &format!("{:011o}", content.len()), 0, b"");
    [header, content.to_vec(), vec![0; filling]].concat()
}

const TEST: &str = "cifar-10-batches-bin/test_batch.bin";

fn test_batch() -> Vec<u8> {
    member(b'0', TEST, &[3; 3073])
}

/// With what comes before the test batch, and the end mark.
fn archive(before: &[u8]) -> Vec<u8> {
    [before, &test_batch(), &[0; 2 * BLOCK]].concat()
}

fn load(path: &Path) -> Result<()> {
    cifar::load(path.parent().unwrap(), cifar::Cifar::Cifar10, Part::Test).map(|_| ())
}

fn inspect(path: &Path) -> Result<()> {
    let mut tar = Tar::open(path)?;
    while tar.next_file()?.is_some() {}
    Ok(())
}

pub fn family() -> Family {
    let others = [
        member(b'5', "cifar-10-batches-bin/", b""),
        header(b'2', "link", "0", 157, b"/etc/passwd"),
        member(b'0', "cifar-10-batches-bin/readme.html", &[0; 1000]),
        member(b'0', "other/test_batch.bin", b"passed over"),
    ]
    .concat();
    let bad_archives = [names(), sizes(), structure()].concat();
    let packed = bad_archives
        .clone()
        .into_iter()
        .map(|(what, bytes, reason)| (format!("{what} (gzipped)"), gz(&bytes), reason));
    Family {
        file: "packed/cifar-10-binary.tar.gz",
        load,
        inspect,
        good: vec![
            ("plain", archive(&[])),
            ("gzipped", gz(&archive(&[]))),
            ("with a folder, a link and other files", gz(&archive(&others))),
        ],
        bad: packed.chain(bad_archives.clone()).chain(gzip()).collect(),
    }
}

fn names() -> Vec<Bad> {
    let named = |name: &str| archive(&member(b'0', name, b"x"));
    let pax =
        |record: &str| archive(&[member(b'x', "pax", record.as_bytes()), member(b'0', "a", b"")].concat());
    vec![
        bad("an absolute name", named("/etc/passwd"), "leads outside"),
        bad("a name that climbs", named("../../x"), "leads outside"),
        bad("a name that climbs from within", named("a/../../x"), "leads outside"),
        bad("a name with backslashes", named("..\\x"), "leads outside"),
        bad("no name", named(""), "leads outside"),
        bad("a dot", named("."), "leads outside"),
        bad("a name that is not UTF-8", archive(&header(b'0', "", "0", 0, &[0xff, 0xfe])), "is not UTF-8"),
        bad("a pax path that climbs", pax("13 path=../x\n"), "leads outside"),
        bad("a pax path of nothing", pax("8 path=\n"), "leads outside"),
        bad(
            "a long name that climbs",
            archive(&[member(b'L', "l", b"../x\0"), member(b'0', "a", b"")].concat()),
            "leads outside",
        ),
        bad(
            "control characters",
            archive(&[member(b'L', "l", b"/\x1b[2J"), member(b'0', "a", b"")].concat()),
            "leads outside",
        ),
        bad("a pax record without a length", pax("path=a\n"), "damaged pax header"),
        bad("a pax record longer than its header", pax("99 path=a\n"), "damaged pax header"),
        bad("a pax record of length 0", pax("0 path=a\n"), "damaged pax header"),
        bad("a pax record of length 1", pax("1 \n"), "damaged pax header"),
        bad("a pax record without =", pax("7 path\n"), "damaged pax header"),
        bad("a pax record without an end", pax("9 path=ab"), "damaged pax header"),
        bad("a pax size that is no number", pax("10 size=x\n"), "damaged pax header"),
        bad(
            "a pax size of 2^64 - 1",
            pax("29 size=18446744073709551615\n"),
            "a file of 18446744073709551615 bytes",
        ),
        bad("a pax size that is not there", pax("19 size=9999999999\n"), "ends within a file"),
        bad("a name of 80 KiB", archive(&member(b'L', "l", &[b'a'; 80 << 10])), "at most 65536 are read"),
    ]
}

fn sizes() -> Vec<Bad> {
    let sized = |size: &str| archive(&header(b'0', "a", size, 0, b""));
    let batch = |size: &str| [header(b'0', TEST, size, 0, b""), vec![3; 3584], vec![0; 1024]].concat();
    vec![
        bad("a size that is no number", sized("12x"), "no octal number"),
        bad("a size with a 9", sized("9"), "no octal number"),
        bad("a size in binary", archive(&header(b'0', "a", "", 124, &[0x80, 0, 1])), "no octal number"),
        bad("a size of 8 GiB", sized("77777777777"), "ends within a file"),
        bad(
            "a folder of a wrong size",
            archive(&header(b'L', "a", "77777777777", 0, b"")),
            "at most 65536 are read",
        ),
        bad("a batch of 8 GiB", batch("77777777777"), "at most 1073741824 are read"),
        bad("a batch of 1 GiB that is not there", batch("10000000000"), "ends within a file"),
        bad("a batch of another size", batch("6002"), "3074 bytes are not whole records"),
        bad(
            "an empty batch",
            [header(b'0', TEST, "0", 0, b""), vec![0; 1024]].concat(),
            "0 bytes are not whole records",
        ),
        bad("a sparse file", archive(&member(b'S', "a", b"")), "a sparse file"),
    ]
}

fn structure() -> Vec<Bad> {
    let mut wrong_sum = archive(&[]);
    wrong_sum[0] ^= 1;
    vec![
        bad("a text", b"This is a text. ".repeat(40), "not a tar archive"),
        bad("a short text", b"This is a text.".to_vec(), "or is none"),
        bad("random blocks", vec![0xa5; 4096], "not a tar archive"),
        bad("another checksum", wrong_sum, "checksum is wrong"),
        bad("cut in the first header", test_batch()[..300].to_vec(), "or is none"),
        bad("cut in the content", test_batch()[..2000].to_vec(), "ends within a file"),
        bad("no end mark", test_batch(), "without its end mark"),
        bad("cut in the end mark", archive(&[])[..BLOCK * 8 + 100].to_vec(), "without its end mark"),
        bad("nothing in it", vec![0; 1024], "there is no test_batch.bin in it"),
        bad("the batch twice", archive(&test_batch()), "twice"),
        bad(
            "a link in its place",
            [header(b'2', TEST, "0", 157, b"/etc/passwd"), vec![0; 1024]].concat(),
            "there is no",
        ),
        bad(
            "a device in its place",
            [header(b'3', TEST, "0", 0, b""), vec![0; 1024]].concat(),
            "there is no",
        ),
        bad(
            "a folder in its place",
            [header(b'5', TEST, "0", 0, b""), vec![0; 1024]].concat(),
            "there is no",
        ),
    ]
}

fn gzip() -> Vec<Bad> {
    let good = gz(&archive(&[]));
    let bomb = [member(b'0', "zeros", &vec![0; 64 << 20]), archive(&[])].concat();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    vec![
        bad("empty", vec![], "or is none"),
        bad("only gzip's mark", good[..2].to_vec(), "damaged gzip data"),
        bad("cut gzip", good[..good.len() / 2].to_vec(), "damaged gzip data"),
        bad("a bomb", gz(&bomb), "as bombs do"),
        bad("gzip in gzip", gz(&good), "or is none"),
        bad("another method", [&good[..2], &[7], &good[3..]].concat(), "damaged gzip data"),
    ]
}
