//! Tensors of a layer that are not trained.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Module, Path};
use crate::autograd::no_grad;
use crate::tensor::Tensor;

/// A tensor that is carried in the state of a model and never trained, and that a forward pass, which has the layer as
/// `&self`, may replace: the running statistics of [`BatchNorm`](super::BatchNorm).
///
/// A clone holds the value of that moment and changes on its own. So a [`Checkpoint`](super::Checkpoint), which in the
/// backward computes a clone of its layer again, updates nothing twice.
///
/// ```
/// use versant::nn::{Buffer, Module};
/// use versant::{Array, DType, Tensor};
/// let seen = Buffer::new(Tensor::scalar(0i64));
/// seen.update(|n| n + &Tensor::scalar(1i64));
/// assert_eq!(seen.get().item::<i64>(), 1);
/// assert_eq!(seen.state_dict().len(), 1);
/// assert_eq!(seen.parameter_count(), 0);
/// ```
pub struct Buffer(Mutex<Tensor>);

impl Buffer {
    /// With a first value, cut off from its graph.
    pub fn new(value: Tensor) -> Buffer {
        Buffer(Mutex::new(value.detach()))
    }

    /// The value now.
    pub fn get(&self) -> Tensor {
        self.lock().clone()
    }

    /// Puts `f` of the value in its place, as one step for all threads. Nothing is recorded.
    ///
    /// # Panics
    /// When `f` gives another shape, type or device, for then the state of the model would no longer fit.
    #[track_caller]
    pub fn update(&self, f: impl FnOnce(&Tensor) -> Tensor) {
        let mut value = self.lock();
        let next = no_grad(|| f(&value)).detach();
        assert!(
            (next.shape(), next.dtype(), next.device()) == (value.shape(), value.dtype(), value.device()),
            "Buffer: {} {} on {} cannot take the place of {} {} on {}",
            next.dtype(),
            next.shape(),
            next.device(),
            value.dtype(),
            value.shape(),
            value.device()
        );
        *value = next;
    }

    fn lock(&self) -> MutexGuard<'_, Tensor> {
        // The value is replaced whole, so that one of a thread that panicked is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Buffer {
        Buffer::new(self.get())
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}

impl Module for Buffer {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Tensor)) {
        f(path.as_str(), &self.get());
    }
    fn visit_mut<'a>(&'a mut self, path: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
        f(path.as_str(), self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_is_a_copy() {
        let one = Buffer::new(Tensor::scalar(1.0f32));
        let other = one.clone();
        one.update(|x| x * 3.0);
        assert_eq!((one.get().item::<f32>(), other.get().item::<f32>()), (3.0, 1.0));
    }

    #[test]
    fn no_graph_comes_in() {
        let x = Tensor::scalar(2.0f32).requires_grad();
        let buffer = Buffer::new(x.square());
        assert!(!buffer.get().tracks_grad());
        buffer.update(|_| x.square());
        assert!(!buffer.get().tracks_grad());
        buffer.update(|_| x.clone());
        assert!(!buffer.get().tracks_grad());
    }

    #[test]
    fn a_failed_update_changes_nothing() {
        let buffer = Buffer::new(Tensor::scalar(1.0f32));
        let fails = std::panic::AssertUnwindSafe(|| buffer.update(|_| panic!("on purpose")));
        assert!(std::panic::catch_unwind(fails).is_err());
        assert_eq!(buffer.get().item::<f32>(), 1.0);
    }

    #[test]
    #[should_panic(expected = "Buffer: f32 [2] on cpu cannot take the place of f32 [] on cpu")]
    fn the_shape_stays() {
        Buffer::new(Tensor::scalar(1.0f32)).update(|_| Tensor::zeros([2]));
    }
}
