//! Products, Einstein's sums, matrices' parts, creation.

use versant::Tensor;

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[
    "dot",
    "outer",
    "bmm",
    "einsum",
    "trace",
    "tril",
    "triu",
    "diagonal",
    "arange_step",
    "linspace",
    "eye",
    "zeros_like",
    "ones_like",
    "full_like",
    "meshgrid",
];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    Some(vec![match op {
        "matmul" => x[0].matmul(&x[1]),
        "linear" => x[0].linear(&x[1], x.get(2)),
        "arange" => Tensor::arange(a.get("end")),
        _ => return None,
    }])
}
