//! Dropout as a layer [course: B15].

use super::{Context, Layer, Module};
use crate::tensor::Tensor;

macro_rules! dropout {
    ($(#[$doc:meta])* $name:ident, $method:ident) => {
        $(#[$doc])*
        #[derive(Module, Clone, Debug)]
        pub struct $name(pub f64);

        impl Layer for $name {
            #[track_caller]
            fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
                let y = if cx.is_training() { x.$method(self.0, cx.rng()) } else { x.clone() };
                cx.observe(stringify!($name), x, &y, |o| o.setting("p", &[self.0]));
                y
            }
        }
    };
}

dropout!(
    /// [`Tensor::dropout`] with probability p in training, nothing in evaluation.
    Dropout, dropout
);
dropout!(
    /// [`Tensor::feature_dropout`], of whole channels of [n, c, l], with probability p in training, nothing in evaluation.
    Dropout1d, feature_dropout
);
dropout!(
    /// [`Tensor::feature_dropout`], of whole channels of [n, c, h, w], with probability p in training, nothing in
    /// evaluation.
    Dropout2d, feature_dropout
);
