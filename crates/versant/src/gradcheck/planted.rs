//! Wrong gradients planted on purpose: for each operation in turn, each gradient that its backward gives is made wrong,
//! and the gradient checks must notice.

use std::collections::BTreeSet;

use super::table::{Case, cases};
use super::{gradcheck, gradgradcheck, gradient_of};
use crate::autograd::planted;
use crate::tensor::Tensor;

const BOUND: f64 = 1e-7;

fn inputs(case: &Case) -> Vec<Tensor> {
    (1..).zip(&case.inputs).map(|(seed, input)| input.draw_small(seed).into()).collect()
}

/// The operations in the graph of f, each with the numbers of the parents whose gradient somebody wants.
fn edges(f: impl Fn(&[Tensor]) -> Tensor, inputs: &[Tensor]) -> BTreeSet<(&'static str, usize)> {
    let leaves: Vec<Tensor> = inputs.iter().map(Tensor::requires_grad).collect();
    f(&leaves).node().map(|node| node.edges()).unwrap_or_default()
}

/// The operations that the source files of `ops/` name.
fn named_in_the_source() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops");
    let mut names = BTreeSet::new();
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder of operations").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).expect("a source file");
            for call in text.split("Tensor::from_op").skip(1) {
                let argument = call.split_once('(').map_or("", |(_, rest)| rest.trim_start());
                if let Some(name) = argument.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                    names.insert(name.to_string());
                }
            }
        }
    }
    names
}

#[test]
fn every_planted_mistake_is_found() {
    let (mut met, mut found) = (BTreeSet::new(), BTreeSet::new());
    let mut look = |f: &dyn Fn(&[Tensor]) -> Tensor, inputs: &[Tensor]| {
        for edge in edges(f, inputs) {
            met.insert(edge);
            let is_found = || planted::with(edge.0, edge.1, || gradcheck(f, inputs)) >= BOUND;
            if !found.contains(&edge) && is_found() {
                found.insert(edge);
            }
        }
    };
    for case in cases() {
        let inputs = inputs(&case);
        look(&case.run, &inputs);
        // Some operations are met only in the graphs of gradients.
        look(&gradient_of(&case.run), &inputs);
    }
    let missed: Vec<_> = met.difference(&found).collect();
    assert!(missed.is_empty(), "mistakes in these gradients are not found: {missed:?}");
    let operations: BTreeSet<String> = met.iter().map(|(operation, _)| operation.to_string()).collect();
    let unmet: Vec<_> = named_in_the_source().difference(&operations).cloned().collect();
    assert!(unmet.is_empty(), "the table of operations has no case of {unmet:?}");
}

#[test]
fn a_mistake_in_a_second_backward_is_found_too() {
    let x = Tensor::from_slice(&[0.3f64, 0.7], [2]);
    let wrong = planted::with("sigmoid", 0, || gradgradcheck(|x| x[0].sigmoid(), std::slice::from_ref(&x)));
    assert!(wrong > BOUND, "{wrong:e}");
}
