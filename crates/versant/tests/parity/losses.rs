//! Losses, with every reduction.

use versant::{Bce, BceWithLogits, CrossEntropy, MultiMargin, Nll, Tensor, TripletMargin};

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let loss = classes(op, x, a).or_else(|| binary(op, x, a)).or_else(|| distance(op, x, a));
    loss.or_else(|| similarity(op, x, a)).or_else(|| margin(op, x, a)).map(|y| vec![y])
}

fn classes(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    let (weight, reduction) = (x.get(2).cloned(), a.reduction());
    let ignore_index = a.maybe("ignore_index").or(Some(-100));
    Some(match op {
        "cross_entropy" => x[0].cross_entropy(&x[1]),
        "cross_entropy_with" => {
            let label_smoothing = a.maybe("label_smoothing").unwrap_or(0.0);
            let options = CrossEntropy { weight, ignore_index, label_smoothing, reduction };
            x[0].cross_entropy_with(&x[1], &options)
        }
        "nll_loss" => x[0].nll_loss(&x[1]),
        "nll_loss_with" => x[0].nll_loss_with(&x[1], &Nll { weight, ignore_index, reduction }),
        _ => return None,
    })
}

fn binary(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    let (weight, reduction) = (x.get(2).cloned(), a.reduction());
    let logits = |weight, pos_weight| {
        x[0].bce_with_logits_with(&x[1], &BceWithLogits { weight, pos_weight, reduction })
    };
    Some(match op {
        "bce" => x[0].bce(&x[1]),
        "bce_with" => x[0].bce_with(&x[1], &Bce { weight, reduction }),
        "bce_with_logits" => x[0].bce_with_logits(&x[1]),
        "bce_with_logits_with" => logits(weight, x.get(3).cloned()),
        "bce_with_logits_with pos_weight" => logits(None, weight),
        _ => return None,
    })
}

fn distance(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    let reduction = a.reduction();
    Some(match op {
        "mse_loss" => x[0].mse_loss(&x[1]),
        "mse_loss_with" => x[0].mse_loss_with(&x[1], reduction),
        "l1_loss" => x[0].l1_loss(&x[1]),
        "l1_loss_with" => x[0].l1_loss_with(&x[1], reduction),
        "huber_loss" => x[0].huber_loss(&x[1], a.number("delta")),
        "huber_loss_with" => x[0].huber_loss_with(&x[1], a.number("delta"), reduction),
        "smooth_l1_loss" => x[0].smooth_l1_loss(&x[1], a.number("beta")),
        "smooth_l1_loss_with" => x[0].smooth_l1_loss_with(&x[1], a.number("beta"), reduction),
        "kl_div" => x[0].kl_div(&x[1], a.flag("log_target")),
        "kl_div_with" => x[0].kl_div_with(&x[1], a.flag("log_target"), reduction),
        "kl_div_batchmean" => x[0].kl_div_batchmean(&x[1], a.flag("log_target")),
        _ => return None,
    })
}

fn similarity(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    let reduction = a.reduction();
    Some(match op {
        "cosine_similarity" => x[0].cosine_similarity(&x[1], a.get("dim"), a.number("eps")),
        "cosine_embedding_loss" => x[0].cosine_embedding_loss(&x[1], &x[2], a.number("margin"), reduction),
        "triplet_margin_loss" => {
            let (margin, p, eps) = (a.number("margin"), a.number("p"), a.number("eps"));
            let options = TripletMargin { margin, p, eps, swap: a.flag("swap"), reduction };
            x[0].triplet_margin_loss(&x[1], &x[2], &options)
        }
        _ => return None,
    })
}

fn margin(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    let reduction = a.reduction();
    Some(match op {
        "hinge_embedding_loss" => x[0].hinge_embedding_loss(&x[1], a.number("margin"), reduction),
        "margin_ranking_loss" => x[0].margin_ranking_loss(&x[1], &x[2], a.number("margin"), reduction),
        "soft_margin_loss" => x[0].soft_margin_loss(&x[1], reduction),
        "multi_margin_loss" => {
            let (p, margin, weight) = (a.get("p"), a.number("margin"), x.get(2).cloned());
            x[0].multi_margin_loss(&x[1], &MultiMargin { p, margin, weight, reduction })
        }
        _ => return None,
    })
}
