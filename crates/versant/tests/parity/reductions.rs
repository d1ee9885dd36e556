//! Reductions, moments, norms, running sums, orders, softmax.

use versant::{Axes, Tensor, keepdim};

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[
    "prod",
    "prod_axes",
    "any",
    "any_axes",
    "all",
    "all_axes",
    "argmin",
    "var",
    "var_axes",
    "std",
    "std_axes",
    "norm",
    "norm_axes",
    "logsumexp_axes",
    "cumsum",
    "cumprod",
    "sort",
    "argsort",
    "topk",
    "unique",
    "unique_with_counts",
];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let x = &x[0];
    let reduced = everything(op, x).or_else(|| along(op, x, a)).or_else(|| ordered(op, x, a));
    reduced.map(|y| vec![y])
}

/// To one number.
fn everything(op: &str, x: &Tensor) -> Option<Tensor> {
    Some(match op {
        "sum" => x.sum(),
        "mean" => x.mean(),
        "max" => x.max(),
        "min" => x.min(),
        _ => return None,
    })
}

/// Along some axes.
fn along(op: &str, x: &Tensor, a: &Args) -> Option<Tensor> {
    let op = op.strip_suffix("_axes")?;
    let axes = Axes::from(&a.get::<Vec<isize>>("dim")[..]);
    let axes = if a.flag("keepdim") { keepdim(axes) } else { axes };
    Some(match op {
        "sum" => x.sum_axes(axes),
        "mean" => x.mean_axes(axes),
        "max" => x.max_axes(axes),
        "min" => x.min_axes(axes),
        _ => return None,
    })
}

/// Along one axis, in its order.
fn ordered(op: &str, x: &Tensor, a: &Args) -> Option<Tensor> {
    Some(match op {
        "argmax" => x.argmax(a.get("dim")),
        "softmax" => x.softmax(a.get("dim")),
        "log_softmax" => x.log_softmax(a.get("dim")),
        _ => return None,
    })
}
