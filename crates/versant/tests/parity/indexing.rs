//! Selecting by index and by mask, writing by index.

use versant::Tensor;

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let axis = || a.get("dim");
    Some(vec![match op {
        "index_select" => x[0].index_select(axis(), &x[1]),
        "gather" => x[0].gather(axis(), &x[1]),
        "take_along" => x[0].take_along(&x[1], axis()),
        "scatter" => x[0].scatter(axis(), &x[1], &x[2]),
        "scatter_add" => x[0].scatter_add(axis(), &x[1], &x[2]),
        "index_add" => x[0].index_add(axis(), &x[1], &x[2]),
        "embedding" => x[0].embedding(&x[1]),
        "one_hot" => x[0].one_hot(a.get("num_classes")),
        "masked_select" => x[0].masked_select(&x[1]),
        "nonzero" => x[0].nonzero(),
        "slice_scatter" => x[0].slice_scatter(axis(), a.get("start"), a.get("end"), a.get("step"), &x[1]),
        "select_scatter" => x[0].select_scatter(axis(), a.get("index"), &x[1]),
        _ => return None,
    }])
}
