//! The recipes, one file each, in the order of the course.

mod cifar10_lenet;
mod cifar10_mlp;
mod cifar10_vgg;
mod classifier;
mod mnist_lenet;
mod mnist_mlp;

use versant::nn::{Conv2d, Flatten, Linear, MaxPool2d, Relu, Sequential};
use versant::rng::Rng;

use crate::recipe::Recipe;
pub(crate) use cifar10_vgg::vgg;
use classifier::Settings;

/// Every recipe.
pub static ALL: &[&dyn Recipe] = &[
    &mnist_mlp::RECIPE,
    &mnist_lenet::RECIPE,
    &cifar10_mlp::RECIPE,
    &cifar10_lenet::RECIPE,
    &cifar10_vgg::RECIPE,
];

/// A multi-layer perceptron with the hidden layers of the settings and ten classes [A8].
fn mlp(inputs: usize, settings: &Settings, rng: &mut Rng) -> Sequential {
    let hidden = settings.hidden.as_deref().unwrap_or_default();
    perceptron(&[&[inputs], hidden, &[10]].concat(), rng)
}

/// Linear layers of those widths with ReLUs between.
pub(crate) fn perceptron(widths: &[usize], rng: &mut Rng) -> Sequential {
    let mut net = Sequential::new().add("flatten", Flatten);
    for (i, pair) in widths.windows(2).enumerate() {
        if i > 0 {
            net = net.add(&format!("relu{i}"), Relu);
        }
        net = net.add(&format!("fc{}", i + 1), Linear::new(pair[0], pair[1], rng));
    }
    net
}

/// LeNet's form, the course's model 2 [B12]: two convolutions 5x5 with pooling, then 120-84-10. `tail` is what is left
/// of an image, as a vector.
pub(crate) fn lenet(channels: usize, tail: usize, rng: &mut Rng) -> Sequential {
    Sequential::new()
        .add("conv1", Conv2d::new(channels, 6, 5, rng))
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(6, 16, 5, rng))
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2))
        .add("flatten", Flatten)
        .add("fc1", Linear::new(tail, 120, rng))
        .add("relu3", Relu)
        .add("fc2", Linear::new(120, 84, rng))
        .add("relu4", Relu)
        .add("fc3", Linear::new(84, 10, rng))
}
