//! Stochastic gradient descent [course: A11, A12].

use super::{OptimState, Optimizer, Slots, for_each_gradient, nothing_left};
use crate::autograd::Gradients;
use crate::device::SgdStep;
use crate::error::Result;
use crate::nn::Module;
use crate::tensor::Tensor;

/// Stochastic gradient descent, as PyTorch defines it:
///
/// g = grad + weight_decay p;  v = momentum v + (1 - dampening) g  (first v = g);
/// p = p - lr (nesterov ? g + momentum v : v)
///
/// ```
/// use versant::prelude::*;
/// let mut layer = Linear::new(2, 1, &mut Rng::new(0));
/// let mut optimizer = Sgd::new(0.1).momentum(0.9);
/// let x = Tensor::ones([4, 2]);
/// let grads = layer.forward(&x, &mut Context::train(0, 0)).square().mean().backward();
/// optimizer.step(&mut layer, &grads);
/// ```
pub struct Sgd {
    settings: SgdStep,
    velocity: Slots,
}

impl Sgd {
    /// Plain descent: p = p - lr g.
    pub fn new(lr: f64) -> Sgd {
        let settings =
            SgdStep { lr, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0, first: false };
        Sgd { settings, velocity: Slots::default() }
    }

    /// With momentum.
    pub fn momentum(mut self, momentum: f64) -> Sgd {
        self.settings.momentum = momentum;
        self
    }

    /// With dampening of the gradient that enters the velocity.
    pub fn dampening(mut self, dampening: f64) -> Sgd {
        self.settings.dampening = dampening;
        self
    }

    /// With Nesterov's form of momentum; a step panics unless there is momentum and no dampening.
    pub fn nesterov(mut self, on: bool) -> Sgd {
        self.settings.nesterov = on;
        self
    }

    /// With an L2 penalty.
    pub fn weight_decay(mut self, weight_decay: f64) -> Sgd {
        self.settings.weight_decay = weight_decay;
        self
    }
}

impl Optimizer for Sgd {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module, grads: &Gradients) {
        let (settings, velocity) = (self.settings, &mut self.velocity);
        assert!(
            !settings.nesterov || (settings.momentum > 0.0 && settings.dampening == 0.0),
            "Sgd: nesterov needs momentum above 0 and no dampening, not {} and {}",
            settings.momentum,
            settings.dampening
        );
        for_each_gradient(model, grads, |name, param, grad| {
            let backend = param.device().backend();
            if settings.momentum == 0.0 {
                return backend.sgd(&settings, param, grad, None);
            }
            let (slot, first) = velocity.of(name, &Tensor::from(param.clone()));
            backend.sgd(&SgdStep { first, ..settings }, param, grad, Some(slot));
        });
    }

    fn lr(&self) -> f64 {
        self.settings.lr
    }

    fn set_lr(&mut self, lr: f64) {
        self.settings.lr = lr;
    }

    fn state(&self) -> OptimState {
        let mut state = OptimState::new();
        self.velocity.save("momentum", &mut state);
        state
    }

    fn load_state(&mut self, mut state: OptimState, model: &dyn Module) -> Result<()> {
        let velocity = Slots::load("momentum", &mut state, model)?;
        nothing_left(&state)?;
        self.velocity = velocity;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Context, Layer, Linear};
    use crate::rng::Rng;

    #[test]
    #[should_panic(expected = "Sgd: nesterov needs momentum above 0 and no dampening, not 0 and 0")]
    fn nesterov_without_momentum() {
        let mut layer = Linear::new(2, 1, &mut Rng::new(0));
        let grads = layer.forward(&Tensor::ones([1, 2]), &mut Context::train(0, 0)).sum().backward();
        Sgd::new(0.1).nesterov(true).step(&mut layer, &grads);
    }
}
