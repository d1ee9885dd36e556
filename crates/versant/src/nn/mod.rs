//! Layers: plain structs of parameters and other layers.

mod activation;
mod buffer;
mod checkpoint;
mod context;
mod conv;
mod dropout;
pub mod init;
mod linear;
mod module;
mod norm;
mod pool;
mod sequential;
mod summary;
mod upsample;

pub use activation::{Elu, Flatten, Gelu, LeakyRelu, Relu, Sigmoid, Silu, Softmax, Tanh};
pub use buffer::Buffer;
pub use checkpoint::Checkpoint;
pub use context::{Context, Observation};
pub use conv::{Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d};
pub use dropout::{Dropout, Dropout1d, Dropout2d};
pub use linear::Linear;
pub use module::{Module, Path};
pub use norm::{
    BatchNorm, BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm, InstanceNorm1d, InstanceNorm2d, LayerNorm,
};
pub use pool::{AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d};
pub use sequential::Sequential;
pub use summary::{Summary, SummaryRow};
pub use upsample::{ChannelShuffle, PixelShuffle, PixelUnshuffle, Upsample};
pub use versant_derive::Module;

use crate::tensor::Tensor;

/// A module that maps one tensor to one tensor.
pub trait Layer: Module + Send + Sync {
    /// The output for `x`. The context says whether to train or to evaluate, holds the randomness, and takes
    /// down what each layer gives when someone wants to look inside.
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor;

    /// max(y, 0) of the output y, for a [`Relu`] that follows: the same bits as the two layers one after another.
    /// Layers that can do it in the same pass over memory override this; only [`forward`](Layer::forward) reports to
    /// an observing context.
    fn forward_relu(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        self.forward(x, cx).relu()
    }

    /// Whether this layer is max(x, 0) and nothing else, so that the one before may do it too:
    /// [`forward_relu`](Layer::forward_relu).
    fn is_relu(&self) -> bool {
        false
    }
}
