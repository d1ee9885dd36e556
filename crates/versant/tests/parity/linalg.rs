//! Products, Einstein's sums, matrices' parts, creation.

use versant::{Tensor, einsum, meshgrid};

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let all: Vec<&Tensor> = x.iter().collect();
    if op == "meshgrid" {
        return Some(meshgrid(&all));
    }
    let y = created(op, x, a).or_else(|| matrix(op, x, a));
    Some(vec![match op {
        "matmul" => x[0].matmul(&x[1]),
        "linear" => x[0].linear(&x[1], x.get(2)),
        "outer" => x[0].outer(&x[1]),
        "dot" => x[0].dot(&x[1]),
        "bmm" => x[0].bmm(&x[1]),
        "einsum" => einsum(&a.get::<String>("equation"), &all),
        _ => y?,
    }])
}

fn matrix(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    Some(match op {
        "trace" => x[0].trace(),
        "tril" => x[0].tril(a.get("diagonal")),
        "triu" => x[0].triu(a.get("diagonal")),
        "diagonal" => x[0].diagonal(a.get("offset"), a.get("dim1"), a.get("dim2")),
        _ => return None,
    })
}

fn created(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    Some(match op {
        "arange" => Tensor::arange(a.get("end")),
        "arange_step" => Tensor::arange_step(a.number("start"), a.number("end"), a.number("step")),
        "linspace" => Tensor::linspace(a.number("start"), a.number("end"), a.get("steps")),
        "eye" => Tensor::eye(a.get("n")),
        "zeros_like" => x[0].zeros_like(),
        "ones_like" => x[0].ones_like(),
        "full_like" => x[0].full_like(a.number("fill_value")),
        _ => return None,
    })
}
