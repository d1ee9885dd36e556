//! CIFAR's records have no header: only lengths and labels can be wrong.

use std::path::Path;

use versant::Result;
use versant::data::{Part, cifar};

use super::{Family, bad};

const RECORD: usize = 3073;

fn records(labels: &[u8]) -> Vec<u8> {
    labels.iter().flat_map(|&label| [vec![label], vec![7; RECORD - 1]].concat()).collect()
}

fn root(path: &Path) -> &Path {
    path.ancestors().nth(2).unwrap()
}

fn load(path: &Path) -> Result<()> {
    cifar::load(root(path), cifar::Cifar::Cifar10, Part::Test).map(|_| ())
}

pub fn family() -> Family {
    let cut = |bytes: usize| records(&[1, 2, 3])[..bytes].to_vec();
    Family {
        file: "plain/cifar-10-batches-bin/test_batch.bin",
        load,
        inspect: |path| {
            assert!(cifar::find(root(path), cifar::Cifar::Cifar10, Part::Test).is_some());
            Ok(())
        },
        good: vec![("three records", records(&[0, 9, 5])), ("one", records(&[0]))],
        bad: vec![
            bad("empty", vec![], "0 bytes are not whole records of 3073 bytes"),
            bad("a label alone", cut(1), "1 bytes are not whole records"),
            bad("cut in the last record", cut(3 * RECORD - 1), "9218 bytes are not whole records"),
            bad("cut behind a label", cut(RECORD + 1), "3074 bytes are not whole records"),
            bad("a byte too many", [records(&[1]), vec![0]].concat(), "3074 bytes are not whole records"),
            bad("records of CIFAR-100", vec![3; 2 * 3074], "6148 bytes are not whole records"),
            bad("a label out of range", records(&[1, 10]), "label 10 of record 1 is not below 10"),
            bad("a label of 255", records(&[255]), "label 255 of record 0 is not below 10"),
            bad("a text", b"not an image".repeat(3073), "label 110 of record 0"),
        ],
    }
}
