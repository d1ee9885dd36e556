//! Activations and reshaping as layers, for [`Sequential`](super::Sequential); each is also a method of
//! [`Tensor`].

use super::{Context, Layer, Module};
use crate::tensor::Tensor;

macro_rules! layer {
    ($(#[$doc:meta])* $name:ident $({ $($field:ident: $t:ty),* })? |$self:ident, $x:ident| $y:expr) => {
        $(#[$doc])*
        #[derive(Module, Clone, Debug)]
        pub struct $name $({ $(#[doc = "See the method of `Tensor`."] pub $field: $t),* })?;
        layer!(@ $name |$self, $x| $y, |o| o);
    };
    (@ $name:ident |$self:ident, $x:ident| $y:expr, $describe:expr) => {
        impl Layer for $name {
            #[track_caller]
            fn forward(&$self, $x: &Tensor, cx: &mut Context) -> Tensor {
                let y = $y;
                cx.observe(stringify!($name), $x, &y, $describe);
                y
            }
        }
    };
}

/// [`Tensor::relu`].
#[derive(Module, Clone, Debug)]
pub struct Relu;

impl Layer for Relu {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let y = x.relu();
        cx.observe("Relu", x, &y, |o| o);
        y
    }
    fn is_relu(&self) -> bool {
        true
    }
}

layer!(
    /// [`Tensor::sigmoid`].
    Sigmoid |self, x| x.sigmoid()
);
layer!(
    /// [`Tensor::tanh`].
    Tanh |self, x| x.tanh()
);
layer!(
    /// [`Tensor::silu`], also called swish.
    Silu |self, x| x.silu()
);
layer!(
    /// [`Tensor::gelu`].
    Gelu |self, x| x.gelu()
);

/// [`Tensor::leaky_relu`] with slope a below zero.
#[derive(Module, Clone, Debug)]
pub struct LeakyRelu(pub f64);
layer!(@ LeakyRelu |self, x| x.leaky_relu(self.0), |o| o.setting("negative_slope", &[self.0]));

/// [`Tensor::elu`] with a.
#[derive(Module, Clone, Debug)]
pub struct Elu(pub f64);
layer!(@ Elu |self, x| x.elu(self.0), |o| o.setting("alpha", &[self.0]));

/// [`Tensor::softmax`] along an axis. Losses take logits: train without it.
#[derive(Module, Clone, Debug)]
pub struct Softmax(pub i64);
layer!(@ Softmax |self, x| x.softmax(self.0 as isize), |o| o.setting("dim", &[self.0 as f64]));

layer!(
    /// [n, ...] to [n, everything else].
    Flatten |self, x| x.flatten(1)
);
