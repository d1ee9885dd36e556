//! Adagrad.

use super::{AdagradStep, Base, Optimizer, Update, not_negative};
use crate::autograd::Gradients;
use crate::nn::Module;

/// Adagrad (Duchi et al. 2011), as PyTorch defines it [course: F6]:
///
/// g = grad + weight_decay p;  s = s + g^2;  p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
pub struct Adagrad {
    base: Base,
    lr_decay: f64,
    eps: f64,
}

impl Adagrad {
    /// With eps 1e-10 and no decay.
    ///
    /// # Panics
    /// If the learning rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Adagrad {
        Adagrad { base: Base::new(not_negative("Adagrad", "lr", lr), &["sum"]), lr_decay: 0.0, eps: 1e-10 }
    }

    /// The learning rate shrinks with the number of steps.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn lr_decay(mut self, lr_decay: f64) -> Adagrad {
        self.lr_decay = not_negative("Adagrad", "lr_decay", lr_decay);
        self
    }

    /// Another term in the denominator.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn eps(mut self, eps: f64) -> Adagrad {
        self.eps = not_negative("Adagrad", "eps", eps);
        self
    }

    /// With an L2 penalty.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn weight_decay(mut self, weight_decay: f64) -> Adagrad {
        self.base.weight_decay = not_negative("Adagrad", "weight_decay", weight_decay);
        self
    }
}

impl Optimizer for Adagrad {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module, grads: &Gradients) {
        let &mut Adagrad { ref mut base, lr_decay, eps } = self;
        base.step(model, grads, |p| {
            let lr = p.lr / (1.0 + (p.t - 1) as f64 * lr_decay);
            let weight_decay = p.weight_decay;
            Update::Adagrad(AdagradStep { lr, eps, weight_decay })
        });
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }
}
