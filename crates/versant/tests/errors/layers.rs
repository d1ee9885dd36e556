//! Layers, initial values, loaders.

use versant::Tensor;
use versant::nn::{self, Context, Dropout, Layer, Linear, Sequential, Summary, init};
use versant::rng::Rng;
use versant::train::Confusion;

use super::{BIG, VAST, Wrong, f32s, f64s, ints, naive, wrong};

fn linear(inputs: usize) -> Linear {
    Linear::new(inputs, 4, &mut Rng::new(0))
}

fn run(layer: impl Layer, x: &Tensor) -> Tensor {
    layer.forward(x, &mut Context::train(0, 0))
}

pub(super) const CALLS: &[Wrong] = wrong! {
    "linear", "[1048576, 3]" => run(linear(5), &f32s([BIG, 3]));
    "linear", "f64" => run(linear(5), &f64s([BIG, 5]));
    "linear", "naive" => run(linear(5), &naive([BIG, 5]));
    "linear", "i64" => run(linear(5), &ints([BIG, 5]));
    "linear", "[1048576, 3]" => run(nn::Checkpoint(linear(5)), &f32s([BIG, 3]));
    "linear", "[2, 4]" => run(Sequential::new().push(linear(5)).push(linear(5)), &f32s([2, 5]));
    "Linear", "[4]" => Linear::from_parts(f32s([4]), None);
    "Linear", "[1099511627776, 2]" => Linear::from_parts(f32s([VAST, 2]), Some(f32s([2])));
    "dropout", "1.5" => run(Dropout(1.5), &f32s([VAST]));
    "softmax", "axis 2" => run(nn::Softmax(2), &f32s([VAST, 3]));
    "relu", "i64" => run(nn::Relu, &ints([VAST]));
    "Sequential", "fc" => Sequential::new().add("fc", nn::Relu).add("fc", nn::Relu);
    "Sequential", "named 1" => Sequential::new().add("1", nn::Relu).push(nn::Relu);
    "linear", "[1, 3]" => Summary::of(&linear(5), [1, 3]);
    "xavier_uniform", "[1099511627776]" => init::xavier_uniform([VAST], &mut Rng::new(0));
    "xavier_normal", "[]" => init::xavier_normal((), &mut Rng::new(0));
    "kaiming_uniform", "[1099511627776]" => init::kaiming_uniform([VAST], &mut Rng::new(0));
    "kaiming_normal", "[1099511627776]" => init::kaiming_normal([VAST], &mut Rng::new(0));
    "xavier_uniform", "[1099511627776]" => init::xavier_uniform_gain([VAST], 2.0, &mut Rng::new(0));
    "xavier_normal", "[3]" => init::xavier_normal_gain([3], 2.0, &mut Rng::new(0));
    "kaiming_uniform", "[3]" => init::kaiming_uniform_with([3], &init::Kaiming::default(), &mut Rng::new(0));
    "kaiming_normal", "[3]" => init::kaiming_normal_with([3], &init::Kaiming::default(), &mut Rng::new(0));
    "orthogonal", "[3]" => init::orthogonal([3], 1.0, &mut Rng::new(0));
    "trunc_normal", "[2, 1]" => init::trunc_normal([VAST], 0.0, 1.0, 2.0, 1.0, &mut Rng::new(0));
    "trunc_normal", "NaN" => init::trunc_normal([VAST], f64::NAN, 1.0, 0.0, 1.0, &mut Rng::new(0));
    "trunc_normal", "std is 0" => init::trunc_normal([VAST], 0.0, 0.0, 0.0, 1.0, &mut Rng::new(0));
    "trunc_normal", "[3, 4]" => init::trunc_normal([VAST], 0.0, 1.0, 3.0, 4.0, &mut Rng::new(0));
    "shape", "[4294967296, 4294967296]" => init::constant([1 << 32, 1 << 32], 0.0);
    "Confusion", "(3, 0)" => { let mut c = Confusion::new(3); c.add_all(&[3], &[0]); c };
    "Confusion", "(0, -1)" => { let mut c = Confusion::new(3); c.add_all(&[0], &[-1]); c };
};
