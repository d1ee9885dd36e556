//! Normalisation, and dropout of channels.

use versant::nn::{
    BatchNorm1d, BatchNorm2d, Buffer, Context, Dropout2d, GroupNorm, InstanceNorm1d, InstanceNorm2d, Layer,
    LayerNorm,
};
use versant::rng::Rng;
use versant::{Tensor, keepdim};

use super::{BIG, VAST, Wrong, bools, f32s, f64s, ints, naive, wrong};

#[track_caller]
fn run(layer: impl Layer, x: &Tensor) -> Tensor {
    layer.forward(x, &mut Context::train(0, 0))
}

fn evaluate(x: &Tensor, mean: &Tensor, var: &Tensor) -> Tensor {
    x.batch_norm_eval(mean, var, None, None, 1e-5)
}

pub(super) const CALLS: &[Wrong] = wrong! {
    "batch_norm", "more than 1 value per channel" => f32s([1, BIG]).batch_norm(None, None, 1e-5);
    "batch_norm", "[1, 3, 1, 1]" => f32s([1, 3, 1, 1]).batch_norm(None, None, 1e-5);
    "batch_norm", "[1099511627776]" => f32s([VAST]).batch_norm(None, None, 1e-5);
    "batch_norm", "i64" => ints([BIG, 3]).batch_norm(None, None, 1e-5);
    "batch_norm", "weight [3], not [4]" => f32s([BIG, 3]).batch_norm(Some(&f32s([4])), None, 1e-5);
    "batch_norm", "bias [3], not [1, 3]" => f32s([BIG, 3]).batch_norm(None, Some(&f32s([1, 3])), 1e-5);
    "batch_norm", "weight f64 on cpu" => f32s([BIG, 3]).batch_norm(Some(&f64s([3])), None, 1e-5);
    "batch_norm", "bias f32 on naive" => f32s([BIG, 3]).batch_norm(None, Some(&naive([3])), 1e-5);
    "batch_norm_eval", "mean [3], not [2]" => evaluate(&f32s([BIG, 3]), &f32s([2]), &f32s([3]));
    "batch_norm_eval", "variance [3], not []" => evaluate(&f32s([BIG, 3]), &f32s([3]), &f32s(()));
    "batch_norm_eval", "mean f64" => evaluate(&f32s([BIG, 3]), &f64s([3]), &f32s([3]));
    "batch_norm_eval", "bool" => evaluate(&bools([BIG, 3]), &bools([3]), &bools([3]));
    "layer_norm", "normalized shape [4]" => f32s([VAST, 3]).layer_norm([4], None, None, 1e-5);
    "layer_norm", "normalized shape [2, 3]" => f32s([3]).layer_norm([2, 3], None, None, 1e-5);
    "layer_norm", "normalized shape []" => f32s([VAST, 3]).layer_norm((), None, None, 1e-5);
    "layer_norm", "weight [2, 3], not [6]" => f32s([BIG, 2, 3]).layer_norm([2, 3], Some(&f32s([6])), None, 1e-5);
    "layer_norm", "i64" => ints([BIG, 3]).layer_norm([3], None, None, 1e-5);
    "group_norm", "4 channels" => f32s([VAST, 4]).group_norm(3, None, None, 1e-5);
    "group_norm", "0 equal groups" => f32s([VAST, 4]).group_norm(0, None, None, 1e-5);
    "group_norm", "bias [4], not [2]" => f32s([VAST, 4]).group_norm(2, None, Some(&f32s([2])), 1e-5);
    "instance_norm", "more than 1 position" => f32s([VAST, 4]).instance_norm(None, None, 1e-5);
    "instance_norm", "[2, 4, 1]" => f32s([2, 4, 1]).instance_norm(None, None, 1e-5);
    "instance_norm", "weight f64" => f32s([BIG, 4, 2]).instance_norm(Some(&f64s([4])), None, 1e-5);
    "BatchNorm1d", "2 to 3 axes" => run(BatchNorm1d::new(3), &f32s([BIG, 3, 2, 2]));
    "BatchNorm1d", "has 4 channels, the layer 3" => run(BatchNorm1d::new(3), &f32s([BIG, 4]));
    "BatchNorm2d", "4 axes" => run(BatchNorm2d::new(3), &f32s([BIG, 3]));
    "BatchNorm2d", "has 4 channels, the layer 3" => run(BatchNorm2d::new(3), &f32s([BIG, 4, 2, 2]));
    "batch_norm", "weight f32" => run(BatchNorm2d::new(3), &f64s([BIG, 3, 2, 2]));
    "layer_norm", "[1048576, 3]" => run(LayerNorm::new([4]), &f32s([BIG, 3]));
    "GroupNorm", "5 channels" => GroupNorm::new(2, 5);
    "GroupNorm", "has 6 channels, the layer 4" => run(GroupNorm::new(2, 4), &f32s([BIG, 6]));
    "InstanceNorm1d", "3 axes" => run(InstanceNorm1d::new(3), &f32s([BIG, 3]));
    "InstanceNorm2d", "has 4 channels, the layer 3" => run(InstanceNorm2d::new(3), &f32s([BIG, 4, 2, 2]));
    "feature_dropout", "[1099511627776]" => run(Dropout2d(0.5), &f32s([VAST]));
    "feature_dropout", "1.5" => f32s([VAST, 3]).feature_dropout(1.5, &mut Rng::new(0));
    "feature_dropout", "i64" => ints([VAST, 3]).feature_dropout(0.5, &mut Rng::new(0));
    "Buffer", "[1, 1]" => Buffer::new(f32s([2, 1])).update(|x| x.sum_axes(keepdim(0)));
};
