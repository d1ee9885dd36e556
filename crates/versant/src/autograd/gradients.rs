//! What a backward gives.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::nn::Module;
use crate::ops::Binary;
use crate::tensor::Tensor;

/// The gradients that a backward found: one for each leaf on which the result depends. They are a value of their own,
/// not stored in the tensors: nothing is to be reset between steps, and to accumulate is to add two of them.
///
/// ```
/// use versant::prelude::*;
/// let model = Linear::new(2, 1, &mut Rng::new(0));
/// let loss = |x: f32| model.forward(&Tensor::full([1, 2], x as f64, DType::F32), &mut Context::eval()).sum();
/// let mut grads = loss(1.0).backward();
/// grads.accumulate(loss(3.0).backward());
/// assert_eq!(grads.get(model.weight()).unwrap().to_vec::<f32>(), [4.0, 4.0]);
/// let names: Vec<String> = grads.of(&model).into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["weight", "bias"]);
/// ```
#[derive(Default)]
pub struct Gradients {
    pub(super) by_id: BTreeMap<u64, Tensor>,
}

impl Gradients {
    /// The gradient of `x`, of its shape; `None` when `x` had no influence or is no leaf.
    pub fn get(&self, x: &Tensor) -> Option<&Tensor> {
        self.by_id.get(&x.node()?.id)
    }

    /// Takes the gradient of `x` out.
    pub fn remove(&mut self, x: &Tensor) -> Option<Tensor> {
        self.by_id.remove(&x.node()?.id)
    }

    /// The gradients of a model's parameters by name, in the order of [`Module::named_parameters`]. Parameters that
    /// had no influence are left out; one that the model holds twice is named twice.
    pub fn of(&self, model: &dyn Module) -> Vec<(String, Tensor)> {
        let parameters = model.named_parameters().into_iter();
        parameters.filter_map(|(name, parameter)| Some((name, self.get(&parameter)?.clone()))).collect()
    }

    /// Adds the gradients of another backward, so that a batch too large for memory can be taken in parts: the sum
    /// of the parts' gradients is the gradient of the sum of their losses. Divide each part's mean loss by the number
    /// of parts to get the gradient of the mean.
    pub fn accumulate(&mut self, other: Gradients) {
        for (id, grad) in other.by_id {
            match self.by_id.entry(id) {
                Entry::Vacant(entry) => _ = entry.insert(grad),
                Entry::Occupied(mut entry) => add_to(entry.get_mut(), grad),
            }
        }
    }
}

/// Adds a gradient to the sum of those before, in place where nobody else holds the memory.
pub(super) fn add_to(sum: &mut Tensor, grad: Tensor) {
    if sum.tracks_grad() || grad.tracks_grad() {
        *sum = &*sum + &grad;
    } else {
        sum.array_mut().binary_assign(Binary::Add, grad.array());
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::nn::{Context, Layer, Linear, Module, Sequential, Tanh};
    use crate::rng::Rng;

    #[test]
    fn accumulated_gradients_are_the_gradient_of_the_sum() {
        let rng = &mut Rng::new(3);
        let model = Sequential::new().push(Linear::new(5, 4, rng)).push(Tanh).push(Linear::new(4, 1, rng));
        let x = Tensor::randn([12, 5], rng);
        let loss = |x: &Tensor| model.forward(x, &mut Context::eval()).square().sum();
        let mut parts = loss(&x.narrow(0, 0, 5)).backward();
        parts.accumulate(loss(&x.narrow(0, 5, 4)).backward());
        parts.accumulate(loss(&x.narrow(0, 9, 3)).backward());
        let (parts, whole) = (parts.of(&model), loss(&x).backward().of(&model));
        assert_eq!(parts.len(), 4);
        for ((name, a), (_, b)) in parts.iter().zip(&whole) {
            let error = (a - b).abs().max().item::<f32>();
            assert!(error < 1e-5 * b.abs().max().item::<f32>(), "{name}: {error:e}");
        }
        // In place: adding must not write into a gradient that somebody holds.
        let mut grads = loss(&x).backward();
        let held = grads.of(&model);
        let before = held[0].1.to_vec::<f32>();
        grads.accumulate(loss(&x).backward());
        assert_eq!(held[0].1.to_vec::<f32>(), before);
    }

    #[test]
    fn gradients_by_name() {
        let rng = &mut Rng::new(1);
        let mut model = Sequential::new().add("a", Linear::new(3, 2, rng)).add("b", Linear::new(2, 2, rng));
        let grads = model.forward(&Tensor::ones([1, 3]), &mut Context::eval()).sum().backward();
        let names =
            |model: &dyn Module| grads.of(model).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&model), ["a.weight", "a.bias", "b.weight", "b.bias"]);
        let other = Linear::new(3, 2, rng);
        assert!(names(&other).is_empty());
        model.freeze();
        assert!(names(&model).is_empty());
    }
}
