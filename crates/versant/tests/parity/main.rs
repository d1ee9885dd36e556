//! What PyTorch gives, as `scripts/parity` has written it down: every operation with its gradients, on odd shapes, at
//! kinks and ties, beyond the finite numbers; initialisers; optimisers over twenty steps.
//!
//! Bounds: f64 within 1e-10 of PyTorch's f64, relative or absolute. f32 within what PyTorch takes for equal in f32
//! (1e-5 + 1.3e-6 of the value), or within twice the error of PyTorch's own f32. Numbers that are not finite, and
//! whole numbers, are equal.

mod coverage;
mod elementwise;
mod fixture;
mod indexing;
mod linalg;
mod losses;
mod norm;
mod pool;
mod reductions;
mod shapes;
mod training;

use std::panic::{AssertUnwindSafe, catch_unwind};

use fixture::{Args, Case, Input, cases};
use versant::{Array, DType, Device, Tensor, stack};

/// What a family's file does for a case: the results, or nothing if it does not know the operation.
type Run = fn(&str, &[Tensor], &Args) -> Option<Vec<Tensor>>;

/// A family's name, its runner, and the operations that it awaits.
const FAMILIES: [(&str, Run, &[&str]); 8] = [
    ("elementwise", elementwise::run, elementwise::AWAITED),
    ("reductions", reductions::run, reductions::AWAITED),
    ("shapes", shapes::run, shapes::AWAITED),
    ("indexing", indexing::run, indexing::AWAITED),
    ("linalg", linalg::run, linalg::AWAITED),
    ("losses", losses::run, losses::AWAITED),
    ("norm", norm::run, norm::AWAITED),
    ("pool", pool::run, pool::AWAITED),
];

/// Where inputs lie in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    Contiguous,
    /// Axes in reversed order, and between any two elements one that does not belong.
    Scattered,
}

const WAYS: [(Device, DType, Lie); 5] = [
    (Device::Cpu, DType::F64, Lie::Contiguous),
    (Device::Cpu, DType::F64, Lie::Scattered),
    (Device::Cpu, DType::F32, Lie::Contiguous),
    (Device::Naive, DType::F64, Lie::Contiguous),
    (Device::Naive, DType::F32, Lie::Contiguous),
];

fn scattered(array: &Array) -> Array {
    let backwards: Vec<usize> = (0..array.rank()).rev().collect();
    let reversed = Tensor::from(array.permute(&backwards).contiguous());
    let strange = if array.dtype().is_float() { f64::NAN } else { 1.0 };
    let between = Tensor::full(reversed.shape(), strange, array.dtype());
    let both = stack(&[&between, &reversed], -1);
    both.array().slice(-1, 1, 2, 1).reshape(reversed.shape()).permute(&backwards)
}

fn tensor(input: &Input, (device, dtype, lie): (Device, DType, Lie)) -> Tensor {
    let array = if input.array.dtype().is_float() { input.array.cast(dtype) } else { input.array.clone() };
    let array = if lie == Lie::Scattered { scattered(&array) } else { array };
    let tensor = Tensor::from(array.to(device));
    if input.differentiable { tensor.requires_grad() } else { tensor }
}

/// How a result differs from PyTorch's, if it does.
fn difference(got: &Array, wanted: &Array, error: f64) -> Option<String> {
    if got.shape() != wanted.shape() {
        return Some(format!("has the shape {}, not {}", got.shape(), wanted.shape()));
    }
    let whole = !wanted.dtype().is_float();
    if (whole && got.dtype() != wanted.dtype()) || got.dtype().is_float() == whole {
        return Some(format!("is {}, not {}", got.dtype(), wanted.dtype()));
    }
    if whole {
        let [got, wanted] = [got, wanted].map(|a| a.cast(DType::I64).to_vec::<i64>());
        return (got != wanted).then(|| format!("is {got:?}, not {wanted:?}"));
    }
    let bound = |w: f64| match got.dtype() {
        DType::F32 => (1e-5 + 1.3e-6 * w.abs()).max(2.0 * error),
        _ => 1e-10 + 1e-10 * w.abs(),
    };
    let pairs = got.cast(DType::F64).to_vec::<f64>().into_iter().zip(wanted.to_vec::<f64>());
    let near = |g: f64, w: f64| w.is_finite() && (g - w).abs() <= bound(w);
    let same = |g: f64, w: f64| g == w || (g.is_nan() && w.is_nan()) || near(g, w);
    let wrong: Vec<String> = pairs
        .enumerate()
        .filter(|&(_, (g, w))| !same(g, w))
        .map(|(i, (g, w))| format!("element {i} is {g:e}, not {w:e}"))
        .collect();
    (!wrong.is_empty()).then(|| wrong.join(", "))
}

/// What is wrong with an operation's results and gradients.
fn mistakes(case: &Case, run: Run, way: (Device, DType, Lie)) -> Vec<String> {
    let inputs: Vec<Tensor> = case.inputs.iter().map(|input| tensor(input, way)).collect();
    let Some(outputs) = run(&case.op, &inputs, &case.args) else {
        return vec!["the fixture has it, the test does not".into()];
    };
    // What is made of nothing is f32.
    let dtype = if inputs.iter().any(|x| x.dtype().is_float()) { way.1 } else { DType::F32 };
    if let Some(y) = outputs.iter().find(|y| y.dtype().is_float() && y.dtype() != dtype) {
        return vec![format!("a result is {}, not {dtype}", y.dtype())];
    }
    if outputs.len() != case.outputs.len() {
        return vec![format!("{} results, not {}", outputs.len(), case.outputs.len())];
    }
    let mut wrong = Vec::new();
    let mut compare = |what: String, got: &Array, wanted: &Array, error: f64| {
        wrong.extend(difference(got, wanted, error).map(|difference| format!("{what} {difference}")));
    };
    for (i, (got, wanted)) in outputs.iter().zip(&case.outputs).enumerate() {
        compare(format!("result {i}"), got.array(), wanted, case.error);
    }
    // The sum of all results, each times its upstream gradient, has the gradients that PyTorch gives.
    let seeds = case.seeds.iter().map(|seed| Tensor::from(seed.cast(way.1).to(way.0)));
    let ends = outputs.iter().filter(|y| y.dtype().is_float()).zip(seeds);
    let total = ends.map(|(y, seed)| (y * &seed).sum()).reduce(|a, b| &a + &b);
    let grads = total.filter(Tensor::tracks_grad).map(|total| total.backward()).unwrap_or_default();
    let leaves = inputs.iter().zip(&case.inputs).filter(|(_, input)| input.differentiable);
    for (i, ((x, _), (wanted, error))) in leaves.zip(case.grads.iter().zip(&case.grad_errors)).enumerate() {
        // No gradient is one of zeros: the result does not depend on that input smoothly.
        let zeros = || Array::zeros(x.shape(), x.dtype());
        let got = grads.get(x).map_or_else(zeros, |grad| grad.array().clone());
        compare(format!("gradient {i}"), &got, wanted, *error);
    }
    wrong
}

fn check(family: &str) {
    let (_, run, awaited) = FAMILIES.into_iter().find(|(name, ..)| *name == family).expect("a family");
    let mut wrong = Vec::new();
    for (number, case) in cases(family).iter().enumerate() {
        if awaited.contains(&case.op.as_str()) {
            continue;
        }
        for way in WAYS {
            let found = catch_unwind(AssertUnwindSafe(|| mistakes(case, run, way)))
                .unwrap_or_else(|_| vec!["panics".into()]);
            let shapes: Vec<String> = case.inputs.iter().map(|x| x.array.shape().to_string()).collect();
            let what = format!("case {number}, {} {} of {shapes:?}, {way:?}", case.op, case.args);
            wrong.extend(found.into_iter().map(|mistake| format!("{what}: {mistake}")));
        }
    }
    assert!(wrong.is_empty(), "{} mistakes:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn elementwise() {
    check("elementwise");
}

#[test]
fn reductions() {
    check("reductions");
}

#[test]
fn shapes() {
    check("shapes");
}

#[test]
fn indexing() {
    check("indexing");
}

#[test]
fn linalg() {
    check("linalg");
}

#[test]
fn losses() {
    check("losses");
}

#[test]
fn norm() {
    check("norm");
}

#[test]
fn pool() {
    check("pool");
}
