//! Layers, initial values, optimisers, loaders.

use versant::nn::{self, Context, Dropout, Layer, Linear, Sequential, Summary, init};
use versant::optim::{Adagrad, Adam, Group, Lion, Optimizer, RmsProp, Sgd};
use versant::rng::Rng;
use versant::train::Confusion;
use versant::{Gradients, Tensor};

use super::{BIG, VAST, Wrong, f32s, f64s, ints, naive, wrong};

fn linear(inputs: usize) -> Linear {
    Linear::new(inputs, 4, &mut Rng::new(0))
}

fn run(layer: impl Layer, x: &Tensor) -> Tensor {
    layer.forward(x, &mut Context::train(0, 0))
}

fn step(mut optimizer: impl Optimizer) -> Linear {
    let mut layer = linear(2);
    optimizer.step(&mut layer, &Gradients::default());
    layer
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
    "shape", "[4294967296, 4294967296]" => init::constant([1 << 32, 1 << 32], 0.0);
    "Sgd", "0.5" => step(Sgd::new(0.1).momentum(0.9).dampening(0.5).nesterov(true));
    "Sgd", "0" => step(Sgd::new(0.1).nesterov(true));
    "Sgd", "-0.1" => Sgd::new(-0.1);
    "Sgd", "inf" => Sgd::new(f64::INFINITY);
    "Sgd", "NaN" => Sgd::new(0.1).momentum(f64::NAN);
    "Sgd", "-1" => Sgd::new(0.1).weight_decay(-1.0);
    "Adam", "-1" => Adam::new(-1.0);
    "Adam", "beta1 is 1;" => Adam::new(0.1).betas(1.0, 0.9);
    "Adam", "beta2 is -0.5;" => Adam::new(0.1).betas(0.9, -0.5);
    "Adam", "eps is NaN" => Adam::new(0.1).eps(f64::NAN);
    "Adam", "-2" => Adam::adamw(0.1).weight_decay(-2.0);
    "Adam", "Rectified" => Adam::radam(0.1).amsgrad();
    "Adam", "Plain" => Adam::adamw(0.1).momentum_decay(0.1);
    "Adam", "momentum_decay is -1" => Adam::nadam(0.1).momentum_decay(-1.0);
    "RmsProp", "lr is NaN" => RmsProp::new(f64::NAN);
    "RmsProp", "alpha is 1;" => RmsProp::new(0.1).alpha(1.0);
    "RmsProp", "eps is -1" => RmsProp::new(0.1).eps(-1.0);
    "RmsProp", "momentum is -1" => RmsProp::new(0.1).momentum(-1.0);
    "RmsProp", "weight_decay is -1" => RmsProp::new(0.1).weight_decay(-1.0);
    "Adagrad", "lr is -1" => Adagrad::new(-1.0);
    "Adagrad", "lr_decay is -1" => Adagrad::new(0.1).lr_decay(-1.0);
    "Adagrad", "eps is -1" => Adagrad::new(0.1).eps(-1.0);
    "Adagrad", "weight_decay is -1" => Adagrad::new(0.1).weight_decay(-1.0);
    "Lion", "lr is -1" => Lion::new(-1.0);
    "Lion", "beta2 is 1;" => Lion::new(0.1).betas(0.9, 1.0);
    "Lion", "weight_decay is -1" => Lion::new(0.1).weight_decay(-1.0);
    "Group", "lr_factor is -1" => Group::vectors().lr_factor(-1.0);
    "Group", "weight_decay is NaN" => Group::vectors().weight_decay(f64::NAN);
    "optimizer", "\"*.bais\"" => step(Adam::new(0.1).group(Group::named("*.bais")));
    "optimizer", "weight, bias" => step(Sgd::new(0.1).group(Group::when(|name, _| name == "fc")));
    "Confusion", "(3, 0)" => { let mut c = Confusion::new(3); c.add_all(&[3], &[0]); c };
    "Confusion", "(0, -1)" => { let mut c = Confusion::new(3); c.add_all(&[0], &[-1]); c };
};
