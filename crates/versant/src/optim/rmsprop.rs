//! RMSProp.

use super::{Base, Optimizer, RmsPropStep, Update, not_negative, share};
use crate::autograd::Gradients;
use crate::nn::Module;

/// RMSProp (Tieleman and Hinton 2012), as PyTorch defines it [course: F6]:
///
/// g = grad + weight_decay p;  v = alpha v + (1 - alpha) g^2;
/// b = momentum b + g / (sqrt(v) + eps);  p = p - lr b  (without momentum, nothing is kept of b)
///
/// Centred, the denominator is sqrt(v - a^2) + eps with the mean a = alpha a + (1 - alpha) g.
pub struct RmsProp {
    base: Base,
    alpha: f64,
    eps: f64,
    momentum: f64,
    centered: bool,
}

impl RmsProp {
    /// With alpha 0.99, eps 1e-8, no momentum, not centred.
    ///
    /// # Panics
    /// If the learning rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> RmsProp {
        let base = Base::new(not_negative("RmsProp", "lr", lr), &["square_avg"]);
        RmsProp { base, alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false }
    }

    /// Another decay of the mean square.
    ///
    /// # Panics
    /// Unless it is from 0 to below 1.
    #[track_caller]
    pub fn alpha(mut self, alpha: f64) -> RmsProp {
        self.alpha = share("RmsProp", "alpha", alpha);
        self
    }

    /// Another term in the denominator.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn eps(mut self, eps: f64) -> RmsProp {
        self.eps = not_negative("RmsProp", "eps", eps);
        self
    }

    /// With momentum.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn momentum(mut self, momentum: f64) -> RmsProp {
        self.momentum = not_negative("RmsProp", "momentum", momentum);
        self.with_slots()
    }

    /// Whether the mean gradient is taken off.
    pub fn centered(mut self, on: bool) -> RmsProp {
        self.centered = on;
        self.with_slots()
    }

    fn with_slots(mut self) -> RmsProp {
        self.base.slots = vec!["square_avg"];
        self.base.slots.extend((self.momentum > 0.0).then_some("momentum_buffer"));
        self.base.slots.extend(self.centered.then_some("grad_avg"));
        self
    }

    /// With an L2 penalty.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn weight_decay(mut self, weight_decay: f64) -> RmsProp {
        self.base.weight_decay = not_negative("RmsProp", "weight_decay", weight_decay);
        self
    }
}

impl Optimizer for RmsProp {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module, grads: &Gradients) {
        let &mut RmsProp { ref mut base, alpha, eps, momentum, centered } = self;
        base.step(model, grads, |p| {
            let (lr, weight_decay) = (p.lr, p.weight_decay);
            Update::RmsProp(RmsPropStep { lr, alpha, eps, weight_decay, momentum, centered })
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
        self.base.slots.contains(&"momentum_buffer").then_some(&mut self.momentum)
    }
}
