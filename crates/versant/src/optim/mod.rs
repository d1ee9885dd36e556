//! Optimisers: they give a model's parameters new values, in place, from the gradients of a step.
//!
//! Each keeps arrays by parameter name and lets one kernel step all parameters; learning rate, weight decay, groups of
//! parameters and the state that checkpoints hold are the same for all and stand in [`Base`].

mod adagrad;
mod adam;
mod base;
mod group;
mod lion;
mod rmsprop;
pub mod schedule;
mod sgd;
mod update;

use std::collections::BTreeMap;

pub use adagrad::Adagrad;
pub use adam::Adam;
pub(crate) use base::step_all;
pub use base::{Base, Parameter};
pub use group::Group;
pub use lion::Lion;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;
pub use update::{AdagradStep, AdamKind, AdamStep, LionStep, RmsPropStep, SgdStep, Step, Update};
pub(crate) use update::{power, rectification};

use crate::array::Array;
use crate::autograd::Gradients;
use crate::error::Result;
use crate::nn::Module;

/// What is remembered between steps, by name: `momentum.fc1.weight`, `step.fc1.weight`. Saved with a checkpoint.
pub type State = BTreeMap<String, Array>;

/// Updates a model from gradients. One of your own has a [`Base`] and says what becomes of a parameter; groups,
/// schedules, checkpoints then work as with the others:
///
/// ```
/// use versant::optim::{Base, Group};
/// use versant::prelude::*;
/// use versant::Gradients;
///
/// /// Steps of one length, whatever the gradient.
/// struct SignDescent(Base);
///
/// impl Optimizer for SignDescent {
///     fn step(&mut self, model: &mut dyn Module, grads: &Gradients) {
///         for p in self.0.parameters(model, grads) {
///             let (value, grad) = (Tensor::from(p.value.clone()), Tensor::from(p.grad));
///             *p.value = (value - grad.sign() * p.lr).array().clone();
///         }
///     }
///     fn base(&self) -> &Base {
///         &self.0
///     }
///     fn base_mut(&mut self) -> &mut Base {
///         &mut self.0
///     }
/// }
///
/// let mut model = Linear::from_parts(Tensor::ones([1, 2]).requires_grad(), Some(Tensor::ones([1]).requires_grad()));
/// let mut optimizer = SignDescent(Base::new(0.25, &[])).group(Group::named("bias").lr_factor(0.0));
/// let grads = model.forward(&Tensor::ones([1, 2]), &mut Context::train(0, 0)).sum().backward();
/// optimizer.step(&mut model, &grads);
/// assert_eq!(model.weight().to_vec::<f32>(), [0.75, 0.75]);
/// assert_eq!(model.bias().unwrap().to_vec::<f32>(), [1.0]);
/// ```
pub trait Optimizer {
    /// Gives every parameter that has a gradient its next value. Parameters without one stay as they are.
    fn step(&mut self, model: &mut dyn Module, grads: &Gradients);

    /// What it has in common with the others.
    fn base(&self) -> &Base;

    /// The same, to be changed.
    fn base_mut(&mut self) -> &mut Base;

    /// The factor by which older gradients count, where there is one: the momentum, or Adam's beta1.
    fn momentum_mut(&mut self) -> Option<&mut f64> {
        None
    }

    /// The learning rate.
    fn lr(&self) -> f64 {
        self.base().lr
    }

    /// Changes the learning rate from the next step on.
    fn set_lr(&mut self, lr: f64) {
        self.base_mut().lr = lr;
    }

    /// With other settings for some parameters.
    fn group(mut self, group: Group) -> Self
    where
        Self: Sized,
    {
        self.base_mut().add_group(group);
        self
    }

    /// All that the next step depends on besides parameters, gradients and settings.
    fn state(&self) -> State {
        self.base().state()
    }

    /// Takes back what [`state`](Optimizer::state) gave, for the same model.
    ///
    /// # Errors
    /// When a name or shape does not belong to this optimiser and model.
    fn load_state(&mut self, state: State, model: &dyn Module) -> Result<()> {
        self.base_mut().load_state(state, model)
    }
}

/// A setting that may be any number from 0 on.
#[track_caller]
fn not_negative(of: &str, setting: &str, value: f64) -> f64 {
    assert!(
        value.is_finite() && value >= 0.0,
        "{of}: {setting} is {value}; it must be a finite number from 0 on"
    );
    value
}

/// A setting that is a share of what was before: from 0 to below 1.
#[track_caller]
fn share(of: &str, setting: &str, value: f64) -> f64 {
    assert!((0.0..1.0).contains(&value), "{of}: {setting} is {value}; it must be from 0 to below 1");
    value
}
