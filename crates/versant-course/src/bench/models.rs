//! The models that are measured: the course's, and two that its later parts train.

use versant::Tensor;
use versant::data::Batch;
use versant::nn::{
    BatchNorm2d, Context, Conv2d, ConvTranspose2d, Flatten, Layer, Linear, MaxPool2d, Module, Relu,
    Sequential, Sigmoid,
};
use versant::rng::Rng;
use versant::train::Objective;

use crate::recipes;

/// Sizes that may be changed; what is none is the model's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// Samples in a batch.
    pub batch: Option<usize>,
    /// Height and width of the images of convolutional models.
    pub image: Option<usize>,
    /// Width of the first hidden layer of multilayer perceptrons.
    pub hidden: Option<usize>,
}

/// A model with its data and its loss.
pub struct Workload {
    /// The model.
    pub model: Box<dyn Layer>,
    /// Batches of random samples.
    pub batches: Vec<Batch>,
    /// Its loss.
    pub objective: Objective,
}

/// A model that can be measured.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    build: fn(&Sizes, &mut Rng) -> Workload,
}

impl Entry {
    /// The model with weights and batches from the seed.
    pub fn build(&self, sizes: &Sizes, seed: u64) -> Workload {
        (self.build)(sizes, &mut Rng::new(seed))
    }
}

/// All of them, in the order in which they are measured.
pub static ENTRIES: [Entry; 7] = [
    Entry { name: "mlp_mnist", about: "784-64-32-10, the course's first model", build: mlp_mnist },
    Entry { name: "mlp_cifar", about: "3072-1024-256-64-10, model 1", build: mlp_cifar },
    Entry {
        name: "lenet_cifar",
        about: "two convolutions, three linear layers, model 2",
        build: lenet_cifar,
    },
    Entry {
        name: "vgg_cifar",
        about: "six convolutions with batch normalisation, model 3",
        build: vgg_cifar,
    },
    Entry {
        name: "autoencoder",
        about: "strided convolutions to 32 numbers and back, 28x28",
        build: autoencoder,
    },
    Entry { name: "unet64", about: "U-Net of 16, 32, 64 channels, 64x64, batch 8", build: unet64 },
    Entry { name: "dqn_mlp", about: "4-128-128-2, a small agent's", build: dqn_mlp },
];

/// Batches that are used in turn.
const BATCHES: usize = 8;

fn batches(rng: &mut Rng, mut batch: impl FnMut(&mut Rng) -> Batch) -> Vec<Batch> {
    (0..BATCHES).map(|_| batch(rng)).collect()
}

/// Labels below `classes`, evenly spread.
fn labels(shape: &[usize], classes: usize, rng: &mut Rng) -> Tensor {
    let count = shape.iter().product();
    let labels: Vec<i64> = (0..count).map(|_| (rng.uniform() * classes as f64) as i64).collect();
    Tensor::from_slice(&labels, shape)
}

/// A classifier of samples of that shape.
fn classifier(
    model: impl Layer + 'static,
    sample: &[usize],
    classes: usize,
    sizes: &Sizes,
    rng: &mut Rng,
) -> Workload {
    let n = sizes.batch.unwrap_or(64);
    let shape: Vec<usize> = [&[n], sample].concat();
    let batches =
        batches(rng, |rng| Batch { x: Tensor::rand(shape.as_slice(), rng), y: labels(&[n], classes, rng) });
    Workload { model: Box::new(model), batches, objective: Objective::classification(0.0) }
}

fn mlp_mnist(sizes: &Sizes, rng: &mut Rng) -> Workload {
    let model = recipes::perceptron(&[784, sizes.hidden.unwrap_or(64), 32, 10], rng);
    classifier(model, &[1, 28, 28], 10, sizes, rng)
}

fn mlp_cifar(sizes: &Sizes, rng: &mut Rng) -> Workload {
    let model = recipes::perceptron(&[3072, sizes.hidden.unwrap_or(1024), 256, 64, 10], rng);
    classifier(model, &[3, 32, 32], 10, sizes, rng)
}

fn dqn_mlp(sizes: &Sizes, rng: &mut Rng) -> Workload {
    let hidden = sizes.hidden.unwrap_or(128);
    classifier(recipes::perceptron(&[4, hidden, hidden, 2], rng), &[4], 2, sizes, rng)
}

fn lenet_cifar(sizes: &Sizes, rng: &mut Rng) -> Workload {
    let side = sizes.image.unwrap_or(32);
    let after = side.saturating_sub(4) / 2;
    let after = after.saturating_sub(4) / 2;
    classifier(recipes::lenet(3, 16 * after * after, rng), &[3, side, side], 10, sizes, rng)
}

fn vgg_cifar(sizes: &Sizes, rng: &mut Rng) -> Workload {
    let side = sizes.image.unwrap_or(32);
    classifier(recipes::vgg(256 * (side / 8) * (side / 8), rng), &[3, side, side], 10, sizes, rng)
}

/// Reshapes rows to images.
#[derive(Module)]
struct Unflatten {
    #[module(skip)]
    image: [usize; 3],
}

impl Layer for Unflatten {
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let [c, h, w] = self.image;
        x.reshape([x.shape()[0], c, h, w])
    }
}

fn autoencoder(sizes: &Sizes, rng: &mut Rng) -> Workload {
    let side = sizes.image.unwrap_or(28).next_multiple_of(4);
    let small = side / 4;
    let inner = 32 * small * small;
    let model = Sequential::new()
        .add("conv1", Conv2d::new(1, 16, 3, rng).stride(2).padding(1))
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(16, 32, 3, rng).stride(2).padding(1))
        .add("relu2", Relu)
        .add("flatten", Flatten)
        .add("code", Linear::new(inner, 32, rng))
        .add("fc", Linear::new(32, inner, rng))
        .add("relu3", Relu)
        .add("unflatten", Unflatten { image: [32, small, small] })
        .add("up1", ConvTranspose2d::new(32, 16, 2, rng).stride(2))
        .add("relu4", Relu)
        .add("up2", ConvTranspose2d::new(16, 1, 2, rng).stride(2))
        .add("sigmoid", Sigmoid);
    let n = sizes.batch.unwrap_or(64);
    let batches = batches(rng, |rng| {
        let x = Tensor::rand([n, 1, side, side], rng);
        Batch { y: x.clone(), x }
    });
    Workload { model: Box::new(model), batches, objective: Objective::new(|output, x| output.mse_loss(x)) }
}

/// Two levels down and up again, with skip connections.
#[derive(Module)]
struct Unet {
    down1: Sequential,
    down2: Sequential,
    bottom: Sequential,
    up2: ConvTranspose2d,
    merge2: Sequential,
    up1: ConvTranspose2d,
    merge1: Sequential,
    out: Conv2d,
    pool: MaxPool2d,
}

impl Unet {
    fn new(channels: usize, classes: usize, rng: &mut Rng) -> Unet {
        let c = channels;
        let block = |inputs: usize, outputs: usize, rng: &mut Rng| {
            Sequential::new()
                .add("conv1", Conv2d::new(inputs, outputs, 3, rng).padding(1))
                .add("bn1", BatchNorm2d::new(outputs))
                .add("relu1", Relu)
                .add("conv2", Conv2d::new(outputs, outputs, 3, rng).padding(1))
                .add("bn2", BatchNorm2d::new(outputs))
                .add("relu2", Relu)
        };
        Unet {
            down1: block(3, c, rng),
            down2: block(c, 2 * c, rng),
            bottom: block(2 * c, 4 * c, rng),
            up2: ConvTranspose2d::new(4 * c, 2 * c, 2, rng).stride(2),
            merge2: block(4 * c, 2 * c, rng),
            up1: ConvTranspose2d::new(2 * c, c, 2, rng).stride(2),
            merge1: block(2 * c, c, rng),
            out: Conv2d::new(c, classes, 1, rng),
            pool: MaxPool2d::new(2),
        }
    }
}

impl Layer for Unet {
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let a = self.down1.forward(x, cx);
        let b = self.down2.forward(&self.pool.forward(&a, cx), cx);
        let c = self.bottom.forward(&self.pool.forward(&b, cx), cx);
        let b = self.merge2.forward(&versant::cat(&[&self.up2.forward(&c, cx), &b], 1), cx);
        let a = self.merge1.forward(&versant::cat(&[&self.up1.forward(&b, cx), &a], 1), cx);
        self.out.forward(&a, cx)
    }
}

fn unet64(sizes: &Sizes, rng: &mut Rng) -> Workload {
    let side = sizes.image.unwrap_or(64).next_multiple_of(4);
    let n = sizes.batch.unwrap_or(8);
    let model = Unet::new(16, 3, rng);
    let batches = batches(rng, |rng| Batch {
        x: Tensor::rand([n, 3, side, side], rng),
        y: labels(&[n, side, side], 3, rng),
    });
    Workload { model: Box::new(model), batches, objective: Objective::classification(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of parameters of the same models in PyTorch.
    #[test]
    fn models_are_those_of_the_table() {
        let counts = [52_650, 3_426_250, 62_006, 5_852_170, 108_881, 117_715, 17_410];
        for (entry, count) in ENTRIES.iter().zip(counts) {
            let workload = entry.build(&Sizes::default(), 1);
            assert_eq!(workload.model.parameter_count(), count, "{}", entry.name);
        }
    }

    #[test]
    fn every_size_can_be_changed() {
        let sizes = Sizes { batch: Some(3), image: Some(24), hidden: Some(20) };
        for entry in &ENTRIES {
            let Workload { model, batches, objective } = entry.build(&sizes, 1);
            let output = model.forward(&batches[0].x, &mut Context::train(0, 0));
            assert_eq!(output.shape()[0], 3);
            assert!(objective.loss(&output, &batches[0].y).item::<f32>().is_finite(), "{}", entry.name);
        }
    }
}
