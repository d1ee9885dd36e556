//! Views, rearrangement, padding, windows, joining.

use versant::{Tensor, cat, stack};

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[
    "view",
    "expand",
    "unflatten",
    "flatten_axes",
    "select",
    "split",
    "chunk",
    "split_sizes",
    "flip",
    "roll",
    "repeat",
    "tile",
    "repeat_interleave",
    "pad",
    "unfold",
    "fold",
    "unfold2d",
    "fold2d",
];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let all: Vec<&Tensor> = x.iter().collect();
    let y = match op {
        "cat" => cat(&all, a.get("dim")),
        "stack" => stack(&all, a.get("dim")),
        _ => viewed(op, &x[0], a)?,
    };
    Some(vec![y])
}

fn viewed(op: &str, x: &Tensor, a: &Args) -> Option<Tensor> {
    Some(match op {
        "reshape" => x.reshape(a.get::<Vec<usize>>("shape")),
        "broadcast_to" => x.broadcast_to(a.get::<Vec<usize>>("shape")),
        "sum_to" => x.sum_to(a.get::<Vec<usize>>("shape").into()),
        "flatten" => x.flatten(a.get("start_dim")),
        "squeeze" => x.squeeze(a.get("dim")),
        "unsqueeze" => x.unsqueeze(a.get("dim")),
        "narrow" => x.narrow(a.get("dim"), a.get("start"), a.get("length")),
        "slice" => x.slice(a.get("dim"), a.get("start"), a.get("end"), a.get("step")),
        "transpose" => x.transpose(a.get("dim0"), a.get("dim1")),
        "permute" => x.permute(&a.get::<Vec<usize>>("dims")),
        _ => return None,
    })
}
