//! Versant: a deep-learning library.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The derive macro names this crate from outside; inside, this makes the name true.
extern crate self as versant;

mod array;
pub mod autograd;
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
pub mod rng;
mod shape;
mod tensor;
pub mod train;

pub use array::Array;
pub use autograd::{Gradients, no_grad};
pub use device::Device;
pub use dtype::{DType, Element};
pub use error::{Error, Result};
pub use gradcheck::{gradcheck, gradgradcheck};
pub use layout::Layout;
pub use ops::{CrossEntropy, Reduction, cat, stack};
pub use shape::{MAX_RANK, Shape, Strides};
pub use tensor::Tensor;

/// What most programs need.
pub mod prelude {
    pub use crate::nn::{self, Context, Dropout, Layer, Linear, Module, Sequential};
    pub use crate::optim::{Adam, Optimizer, Sgd};
    pub use crate::rng::Rng;
    pub use crate::{DType, Device, Error, Result, Shape, Tensor, cat, no_grad, stack};
}
