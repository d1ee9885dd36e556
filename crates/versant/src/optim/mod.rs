//! Optimisers: they give a model's parameters new values, in place, from the gradients of a step.

mod adam;
mod sgd;

use std::collections::BTreeMap;

pub use adam::Adam;
pub use sgd::Sgd;

use crate::array::Array;
use crate::autograd::Gradients;
use crate::error::{Error, Result};
use crate::nn::Module;
use crate::tensor::Tensor;

/// What an optimiser remembers, by name: `momentum.fc1.weight`, `step`. Saved with a checkpoint.
pub type OptimState = BTreeMap<String, Array>;

/// Updates a model from gradients.
pub trait Optimizer {
    /// Gives every parameter that has a gradient its next value. Parameters without one stay as they are.
    fn step(&mut self, model: &mut dyn Module, grads: &Gradients);

    /// The learning rate.
    fn lr(&self) -> f64;

    /// Changes the learning rate from the next step on.
    fn set_lr(&mut self, lr: f64);

    /// All that the next step depends on besides parameters, gradients and settings.
    fn state(&self) -> OptimState;

    /// Takes back what [`state`](Optimizer::state) gave, for the same model.
    ///
    /// # Errors
    /// When a name or shape does not belong to this optimiser and model.
    fn load_state(&mut self, state: OptimState, model: &dyn Module) -> Result<()>;
}

/// One array a parameter, zeros at first.
#[derive(Default)]
struct Slots(BTreeMap<String, Array>);

impl Slots {
    /// The array of a parameter, and whether it is new.
    fn of(&mut self, name: &str, param: &Tensor) -> (&mut Array, bool) {
        let first = !self.0.contains_key(name);
        if first {
            let zeros = Array::zeros_on(param.shape(), param.dtype(), param.device());
            self.0.insert(name.to_string(), zeros);
        }
        match self.0.get_mut(name) {
            Some(slot) => (slot, first),
            None => unreachable!("inserted above"),
        }
    }

    fn save(&self, prefix: &str, state: &mut OptimState) {
        state.extend(self.0.iter().map(|(name, array)| (format!("{prefix}.{name}"), array.clone())));
    }

    /// Takes this prefix's arrays out of a state, checking each against its parameter.
    fn load(prefix: &str, state: &mut OptimState, model: &dyn Module) -> Result<Slots> {
        let mut slots = Slots::default();
        for (name, param) in model.named_parameters() {
            let Some(array) = state.remove(&format!("{prefix}.{name}")) else { continue };
            if array.shape() != param.shape() || array.dtype() != param.dtype() {
                return Err(Error::Checkpoint(format!(
                    "optimiser state {prefix}.{name} is {} {}, the parameter {} {}",
                    array.dtype(),
                    array.shape(),
                    param.dtype(),
                    param.shape()
                )));
            }
            slots.0.insert(name, array);
        }
        Ok(slots)
    }
}

/// What no one has taken out of a state belongs to another optimiser or model.
fn nothing_left(state: &OptimState) -> Result<()> {
    match state.keys().next() {
        None => Ok(()),
        Some(name) => Err(Error::Checkpoint(format!(
            "optimiser state {name} belongs to another optimiser or model; resume with the settings of the run"
        ))),
    }
}

/// Calls `update` with the name, the parameter and its gradient for all that have one.
fn for_each_gradient(
    model: &mut dyn Module,
    grads: &Gradients,
    mut update: impl FnMut(&str, &mut Array, &Array),
) {
    model.for_each_mut(&mut |name, param| {
        if let Some(grad) = grads.get(param).map(|g| g.array().contiguous()) {
            update(name, param.array_mut(), &grad);
        }
    });
}
