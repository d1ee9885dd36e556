//! The figures that need no training, by name.

mod cnn;
mod training;

use versant::{Error, Result, Tensor, stack};

use crate::config::did_you_mean;
use crate::draw::Picture;
use crate::figures::activations::{Activation, activations};

/// A figure of the course that is made from nothing.
pub struct Figure {
    /// As on the command line, and its files' name.
    pub name: &'static str,
    /// One line on what it shows, with its row of the course.
    pub about: &'static str,
    /// Makes it.
    pub make: fn() -> Picture,
}

/// Every such figure.
pub const ALL: &[Figure] = &[
    Figure {
        name: "activations",
        about: "Activation functions with their derivatives [A9]",
        make: draw_activations,
    },
    Figure {
        name: "sliding-window",
        about: "A convolution step by step: window, products, sum [B1]",
        make: cnn::sliding_window,
    },
    Figure {
        name: "convolution",
        about: "Kernel size, padding, stride: the next five on one page [B2]",
        make: cnn::convolutions,
    },
    Figure { name: "k3p0s1", about: "Kernel size 3, padding 0, stride 1 [B2]", make: || cnn::convolution(0) },
    Figure { name: "k5p0s1", about: "Kernel size 5, padding 0, stride 1 [B2]", make: || cnn::convolution(1) },
    Figure { name: "k3p1s1", about: "Kernel size 3, padding 1, stride 1 [B2]", make: || cnn::convolution(2) },
    Figure { name: "k3p1s2", about: "Kernel size 3, padding 1, stride 2 [B2]", make: || cnn::convolution(3) },
    Figure { name: "k3p1s3", about: "Kernel size 3, padding 1, stride 3 [B2]", make: || cnn::convolution(4) },
    Figure {
        name: "padding",
        about: "Padding modes: zeros, reflect, replicate, circular [B3]",
        make: cnn::padding,
    },
    Figure {
        name: "pooling",
        about: "Max, average and invertible pooling (squeeze) [B6-B8]",
        make: cnn::pooling,
    },
    Figure {
        name: "dropout",
        about: "Dropout on and off, of units and of whole channels [B15]",
        make: cnn::dropout,
    },
    Figure {
        name: "batch-norm",
        about: "Batch normalisation of one feature, step by step [B16]",
        make: cnn::batch_norm,
    },
    Figure {
        name: "model-1",
        about: "The course's model 1, a multi-layer perceptron for CIFAR-10 [B5, B11]",
        make: || training::network("Model 1", "cifar10-mlp"),
    },
    Figure {
        name: "model-2",
        about: "The course's model 2, LeNet's form [B5, B12]",
        make: || training::network("Model 2", "cifar10-lenet"),
    },
    Figure {
        name: "model-3",
        about: "The course's model 3, in VGG's manner [B5, B13]",
        make: || training::network("Model 3", "cifar10-vgg"),
    },
    Figure { name: "schedules", about: "Schedules of the learning rate [F6]", make: training::schedules },
];

/// The figure of that name.
///
/// # Errors
/// When there is none; the message names the nearest.
pub fn find(name: &str) -> Result<&'static Figure> {
    ALL.iter().find(|f| f.name == name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|f| f.name).collect();
        let hint = did_you_mean(name, names.iter().copied());
        Error::Config(format!("there is no figure `{name}`{hint}; the figures are: {}", names.join(", ")))
    })
}

/// The library's own functions and gradients, not formulas beside them.
fn draw_activations() -> Picture {
    type Function = fn(&Tensor) -> Tensor;
    let functions: [(&str, Function); 9] = [
        ("linear", |x| x * 1.0),
        ("sigmoid", Tensor::sigmoid),
        ("softmax of (x, 0)", |x| stack(&[x, &(x * 0.0)], 1).softmax(1).narrow(1, 0, 1)),
        ("tanh", Tensor::tanh),
        ("ReLU", Tensor::relu),
        ("leaky ReLU, a = 0.1", |x| x.leaky_relu(0.1)),
        ("ELU, a = 1", |x| x.elu(1.0)),
        ("swish (SiLU)", Tensor::silu),
        ("GELU", Tensor::gelu),
    ];
    let places: Vec<f32> = (-200..=200).map(|i| i as f32 * 0.02).collect();
    let curve = |f: Function| {
        let x = Tensor::from_slice(&places, [places.len()]).requires_grad();
        let y = f(&x);
        let slope = y.sum().backward().remove(&x).map_or_else(Vec::new, |g| g.to_vec::<f32>());
        (y.to_vec::<f32>(), slope)
    };
    let curves: Vec<(Vec<f32>, Vec<f32>)> = functions.iter().map(|&(_, f)| curve(f)).collect();
    let panels: Vec<Activation> = functions
        .iter()
        .zip(&curves)
        .map(|((name, _), (y, dy))| Activation { name, x: &places, y, dy })
        .collect();
    activations(&panels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_drawn_under_a_name_of_its_own() {
        for (i, figure) in ALL.iter().enumerate() {
            assert!(ALL[..i].iter().all(|f| f.name != figure.name), "{} twice", figure.name);
            assert!(figure.about.ends_with(']'), "{}: no row of the course", figure.name);
            let picture = (figure.make)();
            assert!(picture.svg().contains("<text") && picture == (figure.make)(), "{}", figure.name);
        }
    }

    #[test]
    fn the_slides_of_convolution_have_the_sizes_of_the_course() {
        let sizes = [("k3p0s1", 5), ("k5p0s1", 3), ("k3p1s1", 7), ("k3p1s2", 4), ("k3p1s3", 3)];
        for (name, size) in sizes {
            let picture = (find(name).unwrap().make)();
            assert!(picture.svg().contains(&format!("output {size} × {size}")), "{name}");
        }
    }
}
