//! Gradients that are kept from growing too large [course: F6].

use super::Gradients;
use crate::dtype::DType;
use crate::ops::{Binary, Reduce};
use crate::tensor::Tensor;

impl Gradients {
    /// The norm of all gradients as one vector, sqrt(sum g^2), in f64.
    pub fn norm(&self) -> f64 {
        let square = |grad: &Tensor| -> f64 {
            let grad = grad.array().cast(DType::F64);
            grad.binary(Binary::Mul, &grad).reduce(Reduce::Sum, ..).item()
        };
        // In the order in which the leaves were made: a sum's bits depend on it.
        self.by_id.values().map(square).sum::<f64>().sqrt()
    }

    /// Scales all gradients so that their [`norm`](Gradients::norm) is at most `max_norm` (Pascanu et al. 2013), and
    /// gives the norm that they had: PyTorch's `clip_grad_norm_`. Their direction stays.
    ///
    /// ```
    /// use versant::prelude::*;
    /// let x = Tensor::from_slice(&[3.0f32, 4.0], [2]).requires_grad();
    /// let mut grads = (x.square() * 0.5).sum().backward();
    /// assert_eq!(grads.clip_norm(1.0), 5.0);
    /// assert!((grads.norm() - 1.0).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// If `max_norm` is negative or NaN.
    #[track_caller]
    pub fn clip_norm(&mut self, max_norm: f64) -> f64 {
        assert!(max_norm >= 0.0, "clip_norm: the norm cannot be at most {max_norm}");
        let norm = self.norm();
        // PyTorch's guard against a norm of 0.
        let factor = max_norm / (norm + 1e-6);
        if factor < 1.0 {
            for grad in self.by_id.values_mut() {
                *grad = &*grad * factor;
            }
        }
        norm
    }

    /// Clamps every element to [-max, max]: PyTorch's `clip_grad_value_`. Their direction changes.
    ///
    /// # Panics
    /// If `max` is negative or NaN.
    #[track_caller]
    pub fn clip_value(&mut self, max: f64) {
        assert!(max >= 0.0, "clip_value: no value is at most {max} in magnitude");
        for grad in self.by_id.values_mut() {
            *grad = grad.clamp(-max, max);
        }
    }
}
