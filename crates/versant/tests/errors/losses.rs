//! Losses.

use versant::{CrossEntropy, Tensor};

use super::{BIG, Wrong, bools, f32s, f64s, ints, naive, wrong};

fn smoothed(label_smoothing: f64) -> CrossEntropy {
    CrossEntropy { label_smoothing, ..CrossEntropy::default() }
}

pub(super) const CALLS: &[Wrong] = wrong! {
    "cross_entropy", "[3]" => f32s([BIG, 10]).cross_entropy(&ints([3]));
    "cross_entropy", "[1048576, 1]" => f32s([BIG, 10]).cross_entropy(&ints([BIG, 1]));
    "cross_entropy", "[]" => f32s(()).cross_entropy(&ints(()));
    "cross_entropy", "f64" => f32s([BIG, 10]).cross_entropy(&f64s([BIG, 10]));
    "cross_entropy", "bool" => f32s([BIG, 10]).cross_entropy(&bools([BIG, 10]));
    "cross_entropy", "[1048576, 9]" => f32s([BIG, 10]).cross_entropy(&f32s([BIG, 9]));
    "cross_entropy", "naive" => naive([BIG, 10]).cross_entropy(&ints([BIG]));
    "cross_entropy", "i64" => ints([BIG, 10]).cross_entropy(&ints([BIG]));
    "cross_entropy", "label 10" => f32s([2, 10]).cross_entropy(&Tensor::from_slice(&[3i64, 10], [2]));
    "cross_entropy", "label -1" => f32s([2, 10]).cross_entropy(&Tensor::from_slice(&[-1i64, 0], [2]));
    "cross_entropy", "1.5" => f32s([BIG, 10]).cross_entropy_with(&ints([BIG]), &smoothed(1.5));
    "cross_entropy", "NaN" => f32s([BIG, 10]).cross_entropy_with(&ints([BIG]), &smoothed(f64::NAN));
    "mse_loss", "[1048576]" => f32s([BIG, 1]).mse_loss(&f32s([BIG]));
    "bce_with_logits", "[1048576]" => f32s([BIG, 1]).bce_with_logits(&f32s([BIG]));
};
