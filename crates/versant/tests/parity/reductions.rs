//! Reductions, moments, norms, running sums, orders, softmax.

use versant::{Axes, Tensor, keepdim};

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let x = &x[0];
    let reduced = everything(op, x, a).or_else(|| along(op, x, a)).or_else(|| ordered(op, x, a));
    if reduced.is_some() {
        return reduced.map(|y| vec![y]);
    }
    let pair = |(values, indices): (Tensor, Tensor)| vec![values, indices];
    Some(match op {
        "sort" => pair(x.sort(a.get("dim"), a.flag("descending"))),
        "topk" => pair(x.topk(a.get("k"), a.get("dim"), a.flag("largest"))),
        "unique_with_counts" => {
            let (values, inverse, counts) = x.unique_with_counts();
            vec![values, inverse, counts]
        }
        _ => return None,
    })
}

/// To one number.
fn everything(op: &str, x: &Tensor, a: &Args) -> Option<Tensor> {
    Some(match op {
        "sum" => x.sum(),
        "mean" => x.mean(),
        "prod" => x.prod(),
        "max" => x.max(),
        "min" => x.min(),
        "any" => x.any(),
        "all" => x.all(),
        "var" => x.var(a.get("correction")),
        "std" => x.std(a.get("correction")),
        "norm" => x.norm(a.number("ord")),
        "unique" => x.unique(),
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
        "prod" => x.prod_axes(axes),
        "max" => x.max_axes(axes),
        "min" => x.min_axes(axes),
        "any" => x.any_axes(axes),
        "all" => x.all_axes(axes),
        "var" => x.var_axes(axes, a.get("correction")),
        "std" => x.std_axes(axes, a.get("correction")),
        "norm" => x.norm_axes(a.number("ord"), axes),
        "logsumexp" => x.logsumexp_axes(axes),
        _ => return None,
    })
}

/// Along one axis, in its order.
fn ordered(op: &str, x: &Tensor, a: &Args) -> Option<Tensor> {
    Some(match op {
        "argmax" => x.argmax(a.get("dim")),
        "argmin" => x.argmin(a.get("dim")),
        "cumsum" => x.cumsum(a.get("dim")),
        "cumprod" => x.cumprod(a.get("dim")),
        "argsort" => x.argsort(a.get("dim"), a.flag("descending")),
        "softmax" => x.softmax(a.get("dim")),
        "log_softmax" => x.log_softmax(a.get("dim")),
        _ => return None,
    })
}
