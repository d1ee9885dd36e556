//! Lion.

use super::{Base, LionStep, Optimizer, Update, not_negative, share};
use crate::autograd::Gradients;
use crate::nn::Module;

/// Lion, the evolved sign momentum (Chen et al. 2023, *Symbolic Discovery of Optimization Algorithms*, algorithm 2)
/// [course: F6]:
///
/// p = p - lr (sign(beta1 m + (1 - beta1) g) + weight_decay p);  m = beta2 m + (1 - beta2) g
///
/// Every element moves by the learning rate, so that it is chosen three to ten times smaller than Adam's, and the
/// weight decay as much larger.
pub struct Lion {
    base: Base,
    beta1: f64,
    beta2: f64,
}

impl Lion {
    /// With beta (0.9, 0.99) and no decay.
    ///
    /// # Panics
    /// If the learning rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Lion {
        Lion { base: Base::new(not_negative("Lion", "lr", lr), &["exp_avg"]), beta1: 0.9, beta2: 0.99 }
    }

    /// Other shares of the mean in the direction, and of the mean in the next mean.
    ///
    /// # Panics
    /// Unless both are from 0 to below 1.
    #[track_caller]
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Lion {
        (self.beta1, self.beta2) = (share("Lion", "beta1", beta1), share("Lion", "beta2", beta2));
        self
    }

    /// With decay of the parameters.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn weight_decay(mut self, weight_decay: f64) -> Lion {
        self.base.weight_decay = not_negative("Lion", "weight_decay", weight_decay);
        self
    }
}

impl Optimizer for Lion {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module, grads: &Gradients) {
        let &mut Lion { ref mut base, beta1, beta2 } = self;
        base.step(model, grads, |p| {
            let (lr, weight_decay) = (p.lr, p.weight_decay);
            Update::Lion(LionStep { lr, beta1, beta2, weight_decay })
        });
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn momentum_mut(&mut self) -> Option<&mut f64> {
        Some(&mut self.beta1)
    }
}
