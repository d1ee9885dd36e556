//! Dropout as a layer [course: B15].

use super::{Context, Layer, Module};
use crate::tensor::Tensor;

/// [`Tensor::dropout`] with probability p in training, nothing in evaluation.
#[derive(Module, Clone, Debug)]
pub struct Dropout(pub f64);

impl Layer for Dropout {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let y = if cx.is_training() { x.dropout(self.0, cx.rng()) } else { x.clone() };
        cx.observe("Dropout", x, &y, |o| o.setting("p", &[self.0]));
        y
    }
}
