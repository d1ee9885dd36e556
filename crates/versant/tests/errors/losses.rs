//! Losses.

use versant::{CrossEntropy, DType, MultiMargin, Reduction, Tensor, TripletMargin};

use super::{BIG, Wrong, bools, f32s, f64s, ints, naive, wrong};

fn smoothed(label_smoothing: f64) -> CrossEntropy {
    CrossEntropy { label_smoothing, ..CrossEntropy::default() }
}

const NONE: Reduction = Reduction::None;

fn weighted(weight: Tensor) -> CrossEntropy {
    CrossEntropy { weight: Some(weight), ..CrossEntropy::default() }
}

pub(super) const CALLS: &[Wrong] = wrong! {
    "cross_entropy", "[3]" => f32s([BIG, 10]).cross_entropy(&ints([3]));
    "cross_entropy", "[1048576, 1]" => f32s([BIG, 10]).cross_entropy(&ints([BIG, 1]));
    "cross_entropy", "[]" => f32s(()).cross_entropy(&ints(()));
    "cross_entropy", "f64" => f32s([BIG, 10]).cross_entropy(&f64s([BIG, 10]));
    "cross_entropy", "bool" => f32s([BIG, 10]).cross_entropy(&bools([BIG, 10]));
    "cross_entropy", "[1048576, 9]" => f32s([BIG, 10]).cross_entropy(&f32s([BIG, 9]));
    "cross_entropy", "naive" => f32s([BIG, 10]).cross_entropy(&naive([BIG, 10]));
    "cross_entropy", "naive" => naive([BIG, 10]).cross_entropy(&ints([BIG]));
    "cross_entropy", "i64" => ints([BIG, 10]).cross_entropy(&ints([BIG]));
    "cross_entropy", "label 10" => f32s([2, 10]).cross_entropy(&Tensor::from_slice(&[3i64, 10], [2]));
    "cross_entropy", "label -1" => f32s([2, 10]).cross_entropy(&Tensor::from_slice(&[-1i64, 0], [2]));
    "cross_entropy", "label 1 " => f32s([BIG, 1]).cross_entropy(&ints([BIG]));
    "cross_entropy", "1.5" => f32s([BIG, 10]).cross_entropy_with(&ints([BIG]), &smoothed(1.5));
    "cross_entropy", "NaN" => f32s([BIG, 10]).cross_entropy_with(&ints([BIG]), &smoothed(f64::NAN));
    "mse_loss", "[1048576]" => f32s([BIG, 1]).mse_loss(&f32s([BIG]));
    "mse_loss", "f64 [1048576]" => f32s([BIG]).mse_loss(&f64s([BIG]));
    "mse_loss", "naive" => f32s([BIG]).mse_loss_with(&naive([BIG]), Reduction::Sum);
    "mse_loss", "i64" => ints([BIG]).mse_loss(&ints([BIG]));
    "bce_with_logits", "[1048576]" => f32s([BIG, 1]).bce_with_logits(&f32s([BIG]));
    "bce_with_logits", "f64 [1048576]" => f32s([BIG]).bce_with_logits(&f64s([BIG]));
    "bce_with_logits", "naive" => f32s([BIG]).bce_with_logits(&naive([BIG]));
    "bce_with_logits", "i64" => ints([BIG]).bce_with_logits(&ints([BIG]));
    "cross_entropy", "weight [9]" => f32s([BIG, 10]).cross_entropy_with(&ints([BIG]), &weighted(f32s([9])));
    "cross_entropy", "f64 [10]" => f32s([BIG, 10]).cross_entropy_with(&ints([BIG]), &weighted(f64s([10])));
    "cross_entropy", "[1048576, 7]" => f32s([BIG, 10, 8]).cross_entropy(&ints([BIG, 7]));
    "cross_entropy", "[3, 0]" => f32s([3, 0]).cross_entropy(&f32s([3, 0]));
    "nll_loss", "f32 [1048576]" => f32s([BIG, 10]).nll_loss(&f32s([BIG]));
    "nll_loss", "label 1 " => f32s([BIG, 1]).nll_loss(&ints([BIG]));
    "nll_loss", "[3]" => f32s([BIG, 10]).nll_loss(&ints([3]));
    "nll_loss", "[]" => f32s(()).nll_loss(&ints(()));
    "l1_loss", "[1048576]" => f32s([BIG, 1]).l1_loss(&f32s([BIG]));
    "l1_loss", "f64" => f32s([BIG]).l1_loss(&f64s([BIG]));
    "huber_loss", "delta is 0" => f32s([BIG]).huber_loss(&f32s([BIG]), 0.0);
    "huber_loss", "delta is NaN" => f32s([BIG]).huber_loss(&f32s([BIG]), f64::NAN);
    "smooth_l1_loss", "beta is -1" => f32s([BIG]).smooth_l1_loss(&f32s([BIG]), -1.0);
    "smooth_l1_loss", "naive" => f32s([BIG]).smooth_l1_loss(&naive([BIG]), 1.0);
    "bce", "[2]" => Tensor::full([2], 1.5, DType::F32).bce(&f32s([2]));
    "bce", "[1048576, 1]" => f32s([BIG]).bce(&f32s([BIG, 1]));
    "kl_div", "[1048576, 1]" => f32s([BIG]).kl_div(&f32s([BIG, 1]), false);
    "kl_div_batchmean", "[]" => f32s(()).kl_div_batchmean(&f32s(()), false);
    "cosine_similarity", "[3]" => f32s([BIG, 2]).cosine_similarity(&f32s([3]), 0, 1e-8);
    "cosine_similarity", "axis 2" => f32s([BIG, 2]).cosine_similarity(&f32s([BIG, 2]), 2, 1e-8);
    "cosine_similarity", "i64" => ints([BIG, 2]).cosine_similarity(&ints([BIG, 2]), 1, 1e-8);
    "cosine_embedding_loss", "[3]" => f32s([BIG, 2]).cosine_embedding_loss(&f32s([BIG, 2]), &f32s([3]), 0.0, NONE);
    "triplet_margin_loss", "positive [2]" => f32s([BIG, 2]).triplet_margin_loss(&f32s([2]), &f32s([2]), &TripletMargin::default());
    "triplet_margin_loss", "negative [2]" => f32s([BIG, 2]).triplet_margin_loss(&f32s([BIG, 2]), &f32s([2]), &TripletMargin::default());
    "hinge_embedding_loss", "[3]" => f32s([BIG]).hinge_embedding_loss(&f32s([3]), 1.0, NONE);
    "margin_ranking_loss", "other [3]" => f32s([BIG]).margin_ranking_loss(&f32s([3]), &f32s([BIG]), 1.0, NONE);
    "soft_margin_loss", "i64" => ints([BIG]).soft_margin_loss(&ints([BIG]), NONE);
    "multi_margin_loss", "label 1 " => f32s([BIG, 1]).multi_margin_loss(&ints([BIG]), &MultiMargin::default());
    "multi_margin_loss", "p is 3" => f32s([BIG, 2]).multi_margin_loss(&ints([BIG]), &MultiMargin { p: 3, ..MultiMargin::default() });
    "multi_margin_loss", "[3]" => f32s([BIG, 2]).multi_margin_loss(&ints([3]), &MultiMargin::default());
};
