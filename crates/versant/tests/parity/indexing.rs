//! Selecting by index and by mask, writing by index.

use versant::Tensor;

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[
    "index_select",
    "gather",
    "take_along",
    "scatter",
    "scatter_add",
    "index_add",
    "embedding",
    "masked_select",
    "nonzero",
    "slice_scatter",
    "select_scatter",
];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    Some(vec![match op {
        "one_hot" => x[0].one_hot(a.get("num_classes")),
        _ => return None,
    }])
}
