//! Stochastic gradient descent [course: A11, A12].

use super::{Base, Optimizer, SgdStep, Update, not_negative};
use crate::autograd::Gradients;
use crate::nn::Module;

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
    base: Base,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
}

impl Sgd {
    /// Plain descent: p = p - lr g.
    ///
    /// # Panics
    /// If the learning rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Sgd {
        let base = Base::new(not_negative("Sgd", "lr", lr), &[]);
        Sgd { base, momentum: 0.0, dampening: 0.0, nesterov: false }
    }

    /// With momentum.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn momentum(mut self, momentum: f64) -> Sgd {
        self.momentum = not_negative("Sgd", "momentum", momentum);
        self.base.slots = if momentum > 0.0 { vec!["momentum"] } else { Vec::new() };
        self
    }

    /// With dampening of the gradient that enters the velocity.
    pub fn dampening(mut self, dampening: f64) -> Sgd {
        self.dampening = dampening;
        self
    }

    /// With Nesterov's form of momentum; a step panics unless there is momentum and no dampening.
    pub fn nesterov(mut self, on: bool) -> Sgd {
        self.nesterov = on;
        self
    }

    /// With an L2 penalty.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn weight_decay(mut self, weight_decay: f64) -> Sgd {
        self.base.weight_decay = not_negative("Sgd", "weight_decay", weight_decay);
        self
    }
}

impl Optimizer for Sgd {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module, grads: &Gradients) {
        let &mut Sgd { ref mut base, momentum, dampening, nesterov } = self;
        assert!(
            !nesterov || (momentum > 0.0 && dampening == 0.0),
            "Sgd: nesterov needs momentum above 0 and no dampening, not {momentum} and {dampening}"
        );
        base.step(model, grads, |p| {
            let (lr, weight_decay, first) = (p.lr, p.weight_decay, p.first);
            Update::Sgd(SgdStep { lr, momentum, dampening, nesterov, weight_decay, first })
        });
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    /// None without momentum.
    fn momentum_mut(&mut self) -> Option<&mut f64> {
        (!self.base.slots.is_empty()).then_some(&mut self.momentum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Context, Layer, Linear};
    use crate::rng::Rng;
    use crate::tensor::Tensor;

    #[test]
    #[should_panic(expected = "Sgd: nesterov needs momentum above 0 and no dampening, not 0 and 0")]
    fn nesterov_without_momentum() {
        let mut layer = Linear::new(2, 1, &mut Rng::new(0));
        let grads = layer.forward(&Tensor::ones([1, 2]), &mut Context::train(0, 0)).sum().backward();
        Sgd::new(0.1).nesterov(true).step(&mut layer, &grads);
    }
}
