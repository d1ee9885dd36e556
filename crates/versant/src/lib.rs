//! Versant: a deep-learning library.
//!
//! Values live in a [`Tensor`]; a tensor made from others remembers how, so that [`backward`](Tensor::backward) finds
//! gradients. Layers and models are in [`nn`], optimisers in [`optim`], data sets and batches in [`data`], files in
//! [`io`], and a ready-made training loop in [`train`].
//!
//! ```
//! use versant::prelude::*;
//!
//! // Learn y = 3 x - 1 from sixteen points.
//! let mut rng = Rng::new(0);
//! let x = Tensor::randn([16, 1], &mut rng);
//! let y = &x * 3.0 - 1.0;
//! let mut line = Linear::new(1, 1, &mut rng);
//! let mut sgd = Sgd::new(0.1);
//! for step in 0..200 {
//!     let loss = line.forward(&x, &mut Context::train(0, step)).mse_loss(&y);
//!     sgd.step(&mut line, &loss.backward());
//! }
//! assert!((line.weight().item::<f32>() - 3.0).abs() < 1e-3);
//! ```
//!
//! The order in which to read: the examples `01_tensor`, `02_autograd`, `03_mlp_by_hand` and `04_mnist`, then
//! [`Tensor`] (every operation is one of its methods), [`nn::Module`] and [`data::Loader`]. The file `ARCHITECTURE.md`
//! explains how the library is built.
//!
//! # What holds everywhere
//!
//! - Names, layouts and conventions are PyTorch's: a linear layer's weight is [out, in], images are [n, c, h, w].
//! - A mistake of shape or type panics at the caller's line and names the shapes. What can go wrong outside of the
//!   program (files, data, configuration, network) is a [`Result`].
//! - The same seed gives the same bits, run after run and for any number of threads. Random numbers come from
//!   [`rng::Rng`] alone.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The derive macro names this crate from outside; inside, this makes the name true.
extern crate self as versant;

mod array;
pub mod autograd;
mod axes;
mod buffer;
pub mod cpu;
pub mod data;
pub mod device;
mod dtype;
mod error;
mod gradcheck;
pub mod io;
mod layout;
pub mod naive;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod profile;
pub mod rng;
mod shape;
mod tensor;
pub mod train;

pub use array::Array;
pub use autograd::{Gradients, no_grad};
pub use axes::{Axes, keepdim};
pub use device::Device;
pub use dtype::{DType, Element};
pub use error::{Error, Result};
pub use gradcheck::{gradcheck, gradgradcheck};
pub use layout::Layout;
pub use ops::{
    BatchStatistics, Bce, BceWithLogits, Conv, CrossEntropy, Interpolation, MultiMargin, Nll, Pad, Padding,
    Pair, Pool, Reduction, TripletMargin, Window, cat, einsum, meshgrid, stack,
};
pub use shape::{MAX_RANK, Shape, Strides};
pub use tensor::Tensor;

/// What most programs need.
pub mod prelude {
    pub use crate::nn::{self, Context, Conv2d, Dropout, Layer, Linear, Module, Sequential};
    pub use crate::optim::{Adam, Optimizer, Sgd};
    pub use crate::rng::Rng;
    pub use crate::{DType, Device, Error, Result, Shape, Tensor, cat, keepdim, no_grad, stack};
}
