//! That the fixtures leave nothing out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::fixture::{Case, cases};
use super::{FAMILIES, elementwise};

/// What no case calls, and why.
const WITHOUT_CASES: [(&str, &str); 7] = [
    ("dropout", "random"),
    ("feature_dropout", "random"),
    ("randint", "random"),
    ("randperm", "random"),
    ("bernoulli", "random"),
    ("multinomial", "random"),
    ("mask_positive", "the gradient of relu, and compared as such"),
];

fn all_cases() -> impl Iterator<Item = Case> {
    FAMILIES.iter().flat_map(|(family, ..)| cases(family))
}

/// The methods and functions for tensors in a file of `src/ops`, or in a folder of files.
fn operations(path: PathBuf) -> BTreeSet<String> {
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a folder");
        return entries.flat_map(|entry| operations(entry.expect("an entry").path())).collect();
    }
    let source = fs::read_to_string(path).expect("a source file");
    let mut found = BTreeSet::new();
    let mut of_tensors = true;
    for line in source.lines().take_while(|line| *line != "mod tests {") {
        // Outside of all blocks are functions for tensors; of the blocks, one kind has the methods.
        match line {
            "}" => of_tensors = true,
            _ if line.starts_with("impl") => of_tensors = line == "impl Tensor {",
            _ => {}
        }
        if let Some(signature) = line.trim_start().strip_prefix("pub fn ").filter(|_| of_tensors) {
            found.extend(signature.split(['(', '<']).next().map(String::from));
        }
    }
    found
}

#[test]
fn every_operation_has_cases() {
    let found = operations(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops"));
    assert!(found.len() > 90, "{found:?}");
    let mut known: BTreeSet<String> = WITHOUT_CASES.iter().map(|(name, _)| name.to_string()).collect();
    known.extend(all_cases().filter_map(|case| case.op.split(' ').next().map(String::from)));
    let missing: Vec<&String> = found.difference(&known).collect();
    assert!(missing.is_empty(), "scripts/parity has no case of {missing:?}");
}

#[test]
fn there_are_many_cases_of_every_rank() {
    let counts = FAMILIES.map(|(family, ..)| cases(family).len());
    assert!(counts.iter().sum::<usize>() >= 2500, "{counts:?}");
    let ranks: BTreeSet<usize> =
        all_cases().flat_map(|case| case.inputs.into_iter().map(|x| x.array.rank())).collect();
    assert_eq!(ranks, (0..=4).collect());
    let empty = all_cases().filter(|case| case.inputs.iter().any(|x| x.array.numel() == 0)).count();
    assert!(empty >= 100, "{empty} cases have an empty input");
}

/// NaN, both infinities and both zeros go through every function of numbers.
#[test]
fn special_values_reach_every_elementwise_operation() {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in cases("elementwise") {
        for x in case.inputs.iter().filter(|x| x.array.dtype().is_float()) {
            let special = x.array.to_vec::<f64>().into_iter().filter(|x| !x.is_normal());
            seen.entry(case.op.clone()).or_default().extend(special.map(|x| x.to_string()));
        }
    }
    for (op, seen) in &seen {
        for special in ["NaN", "inf", "-inf", "0", "-0"] {
            let left_out = elementwise::LEFT_OUT.contains(&(op, special));
            assert!(left_out || seen.contains(special), "{op} is not tried at {special}");
        }
    }
}
