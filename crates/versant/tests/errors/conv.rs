//! Convolutions and their layers.

use versant::nn::{Context, Conv1d, Conv2d, ConvTranspose2d, Layer};
use versant::rng::Rng;
use versant::{Conv, Pad, Padding, Tensor};

use super::{BIG, VAST, Wrong, f32s, f64s, ints, naive, wrong};

fn conv() -> Conv {
    Conv::new()
}

#[track_caller]
fn run(layer: impl Layer, x: &Tensor) -> Tensor {
    layer.forward(x, &mut Context::eval())
}

pub(super) const CALLS: &[Wrong] = wrong! {
    "conv2d", "has 3 channels, weight [32, 1, 3, 3] expects 1" =>
        f32s([BIG, 3, 32, 32]).conv2d(&f32s([32, 1, 3, 3]), None, &conv());
    "conv2d", "expects 2 in each of 4 groups" =>
        f32s([BIG, 4, 9, 9]).conv2d(&f32s([4, 2, 3, 3]), None, &conv().groups(4));
    "conv2d", "4 groups do not divide the 6 output channels" =>
        f32s([BIG, 4, 9, 9]).conv2d(&f32s([6, 1, 3, 3]), None, &conv().groups(4));
    "conv2d", "0 groups" => f32s([BIG, 4, 9, 9]).conv2d(&f32s([6, 4, 3, 3]), None, &conv().groups(0));
    "conv2d", "[3, 32, 1048576]" => f32s([3, 32, BIG]).conv2d(&f32s([4, 3, 3, 3]), None, &conv());
    "conv2d", "weight [4, 3, 3]" => f32s([BIG, 3, 9, 9]).conv2d(&f32s([4, 3, 3]), None, &conv());
    "conv2d", "does not fit input [1048576, 3, 2, 9]" =>
        f32s([BIG, 3, 2, 9]).conv2d(&f32s([4, 3, 3, 3]), None, &conv());
    "conv2d", "dilation [4, 1]" =>
        f32s([BIG, 3, 8, 9]).conv2d(&f32s([4, 3, 3, 3]), None, &conv().dilation([4, 1]));
    "conv2d", "[0, 1]" => f32s([BIG, 3, 8, 9]).conv2d(&f32s([4, 3, 3, 3]), None, &conv().stride([0, 1]));
    "conv2d", "[1, 0]" => f32s([BIG, 3, 8, 9]).conv2d(&f32s([4, 3, 3, 3]), None, &conv().dilation([1, 0]));
    "conv2d", "[4, 3, 0, 3]" => f32s([BIG, 3, 8, 9]).conv2d(&f32s([4, 3, 0, 3]), None, &conv());
    "conv2d", "stride of 1, not [2, 2]" =>
        f32s([BIG, 3, 8, 9]).conv2d(&f32s([4, 3, 3, 3]), None, &conv().padding(Padding::Same).stride(2));
    "conv2d", "output_padding [1, 1]" =>
        f32s([BIG, 3, 8, 9]).conv2d(&f32s([4, 3, 3, 3]), None, &conv().output_padding(1));
    "conv2d", "bias [3]" => f32s([BIG, 3, 8, 9]).conv2d(&f32s([4, 3, 3, 3]), Some(&f32s([3])), &conv());
    "conv2d", "bias [1, 4]" => f32s([BIG, 3, 8, 9]).conv2d(&f32s([4, 3, 3, 3]), Some(&f32s([1, 4])), &conv());
    "conv2d", "f64" => f32s([BIG, 3, 8, 9]).conv2d(&f64s([4, 3, 3, 3]), None, &conv());
    "conv2d", "f64" => f32s([BIG, 3, 8, 9]).conv2d(&f32s([4, 3, 3, 3]), Some(&f64s([4])), &conv());
    "conv2d", "naive" => f32s([BIG, 3, 8, 9]).conv2d(&naive([4, 3, 3, 3]), None, &conv());
    "conv2d", "i64" => ints([BIG, 3, 8, 9]).conv2d(&ints([4, 3, 3, 3]), None, &conv());
    "conv2d", "more elements than memory can hold" =>
        f32s([1, 1, BIG, BIG]).conv2d(&f32s([VAST, 1, 1, 1]), None, &conv());
    "conv2d", "does not fit" =>
        f32s([BIG, 1, 3, 3]).conv2d(&f32s([1, 1, 3, 3]), None, &conv().padding(usize::MAX));
    "conv2d", "more elements than memory can hold" =>
        f32s([BIG, 1, 3, 3]).conv2d(&f32s([1, 1, 3, 3]), None, &conv().padding(VAST));
    "conv1d", "[n, c, l]" => f32s([BIG, 3, 8, 9]).conv1d(&f32s([4, 3, 3]), None, &conv());
    "conv1d", "has 3 channels" => f32s([BIG, 3, 8]).conv1d(&f32s([4, 2, 3]), None, &conv());
    "conv1d", "stride [2, 1]" => f32s([BIG, 3, 8]).conv1d(&f32s([4, 3, 3]), None, &conv().stride([2, 1]));
    "conv1d", "does not fit" => f32s([BIG, 3, 2]).conv1d(&f32s([4, 3, 3]), None, &conv());
    "conv_transpose2d", "has 3 channels, weight [4, 3, 3, 3] expects 4" =>
        f32s([BIG, 3, 8, 9]).conv_transpose2d(&f32s([4, 3, 3, 3]), None, &conv());
    "conv_transpose2d", "2 groups do not divide the 3 channels" =>
        f32s([BIG, 3, 8, 9]).conv_transpose2d(&f32s([3, 3, 3, 3]), None, &conv().groups(2));
    "conv_transpose2d", "output_padding [2, 1]" => f32s([BIG, 3, 8, 9])
        .conv_transpose2d(&f32s([3, 3, 3, 3]), None, &conv().stride(2).output_padding([2, 1]));
    "conv_transpose2d", "same" =>
        f32s([BIG, 3, 8, 9]).conv_transpose2d(&f32s([3, 3, 3, 3]), None, &conv().padding(Padding::Same));
    "conv_transpose2d", "nothing is left" =>
        f32s([BIG, 3, 1, 1]).conv_transpose2d(&f32s([3, 3, 3, 3]), None, &conv().padding(2));
    "conv_transpose2d", "nothing is left" =>
        f32s([BIG, 3, 0, 1]).conv_transpose2d(&f32s([3, 3, 3, 3]), None, &conv());
    "conv_transpose2d", "bias [3]" =>
        f32s([BIG, 3, 8, 9]).conv_transpose2d(&f32s([3, 2, 3, 3]), Some(&f32s([3])), &conv().groups(3));
    "conv_transpose2d", "more elements than memory can hold" =>
        f32s([1, 1, VAST, 2]).conv_transpose2d(&f32s([1, 1, 1, 1]), None, &conv().stride([BIG, BIG]));
    "conv_transpose2d", "more channels than memory can hold" =>
        f32s([1, 0, 2, 2]).conv_transpose2d(&f32s([0, 1 << 40, 1, 1]), None, &conv().groups(1 << 40));
    "conv_transpose1d", "[in, out / groups, ..]" =>
        f32s([BIG, 3, 8]).conv_transpose1d(&f32s([2, 3, 3]), None, &conv());
    "Conv2d", "4 groups do not divide 4 input and 6" => Conv2d::grouped(4, 6, 3, 4, &mut Rng::new(0));
    "Conv2d", "[1048576, 3]" => Conv2d::from_parts(f32s([BIG, 3]), None, conv());
    "conv2d", "[1048576, 3, 8, 9] has 3 channels" => run(Conv2d::new(4, 6, 3, &mut Rng::new(0)), &f32s([BIG, 3, 8, 9]));
    "pad", "at most 2" => run(
        Conv2d::new(3, 6, 7, &mut Rng::new(0)).padding(3).padding_mode(Pad::Reflect),
        &f32s([BIG, 3, 3, 9])
    );
    "Conv1d", "0 groups" => Conv1d::grouped(4, 6, 3, 0, &mut Rng::new(0));
    "ConvTranspose2d", "3 groups" => ConvTranspose2d::grouped(4, 6, 3, 3, &mut Rng::new(0));
};
