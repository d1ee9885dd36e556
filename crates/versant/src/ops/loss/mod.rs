//! Losses. Each has a form with the mean; `_with` forms and options say what becomes of the single losses.

mod classes;
mod distance;
mod margin;

pub use classes::{CrossEntropy, Nll};
pub use distance::{Bce, BceWithLogits};
pub use margin::{MultiMargin, TripletMargin};

use crate::tensor::Tensor;

/// What becomes of the losses of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// One loss a sample, or an element
    None,
    /// Their mean
    #[default]
    Mean,
    /// Their sum
    Sum,
}

impl Tensor {
    fn reduced(&self, reduction: Reduction) -> Tensor {
        match reduction {
            Reduction::None => self.clone(),
            Reduction::Mean => self.mean(),
            Reduction::Sum => self.sum(),
        }
    }

    /// What two floating tensors that are compared or multiplied must have in common.
    #[track_caller]
    pub(in crate::ops) fn same_kind(&self, operation: &str, role: &str, other: &Tensor) {
        assert!(
            self.dtype().is_float() && other.dtype() == self.dtype() && other.device() == self.device(),
            "{operation}: input is {} {} on {}, {role} {} {} on {}; both must be f32, or f64, on one device",
            self.dtype(),
            self.shape(),
            self.device(),
            other.dtype(),
            other.shape(),
            other.device()
        );
    }

    /// A loss that broadcasts by accident is a common and silent mistake.
    #[track_caller]
    fn same_shape(&self, operation: &str, role: &str, other: &Tensor) {
        let (a, b) = (self.shape(), other.shape());
        assert!(
            a == b,
            "{operation}: input {a} and {role} {b} differ; reshape or broadcast_to one on purpose"
        );
        self.same_kind(operation, role, other);
    }

    /// A constant factor that stretches to this tensor's shape.
    #[track_caller]
    fn check_weight(&self, operation: &str, role: &str, weight: Option<&Tensor>) -> Option<Tensor> {
        let weight = weight?;
        self.same_kind(operation, role, weight);
        assert!(
            weight.shape().broadcasts_to(&self.shape()),
            "{operation}: {role} {} does not broadcast to {}",
            weight.shape(),
            self.shape()
        );
        Some(weight.detach())
    }
}
