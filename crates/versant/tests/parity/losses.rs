//! Losses, with every reduction.

use versant::Tensor;

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[
    "cross_entropy",
    "nll_loss",
    "nll_loss_with",
    "cross_entropy_with",
    "bce",
    "bce_with",
    "bce_with_logits_with",
    "bce_with_logits_with pos_weight",
    "l1_loss",
    "l1_loss_with",
    "huber_loss",
    "huber_loss_with",
    "smooth_l1_loss",
    "smooth_l1_loss_with",
    "kl_div",
    "kl_div_with",
    "kl_div_batchmean",
    "cosine_similarity",
    "cosine_embedding_loss",
    "margin_ranking_loss",
    "triplet_margin_loss",
    "hinge_embedding_loss",
    "soft_margin_loss",
    "multi_margin_loss",
];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    Some(vec![match op {
        "mse_loss" => x[0].mse_loss(&x[1]),
        "mse_loss_with" => x[0].mse_loss_with(&x[1], a.reduction()),
        "bce_with_logits" => x[0].bce_with_logits(&x[1]),
        _ => return None,
    }])
}
