//! Adam and its relatives.

use super::{AdamKind, AdamStep, Base, Optimizer, Update, not_negative, share};
use crate::autograd::Gradients;
use crate::nn::Module;

/// Adam (Kingma and Ba 2015) and its relatives, as PyTorch defines them [course: F6]:
///
/// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
/// p = p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)
///
/// t counts the steps of each parameter by itself: one that was frozen at first starts from 1.
pub struct Adam {
    base: Base,
    beta1: f64,
    beta2: f64,
    eps: f64,
    decoupled: bool,
    kind: AdamKind,
}

impl Adam {
    /// Adam with beta (0.9, 0.999), eps 1e-8 and no decay.
    ///
    /// # Panics
    /// If the learning rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Adam {
        let base = Base::new(not_negative("Adam", "lr", lr), &["exp_avg", "exp_avg_sq"]);
        Adam { base, beta1: 0.9, beta2: 0.999, eps: 1e-8, decoupled: false, kind: AdamKind::Plain }
    }

    /// AdamW (Loshchilov and Hutter 2019): weight decay, 0.01, acts on the parameters themselves.
    ///
    /// # Panics
    /// As [`new`](Adam::new).
    #[track_caller]
    pub fn adamw(lr: f64) -> Adam {
        Adam { decoupled: true, ..Adam::new(lr).weight_decay(0.01) }
    }

    /// NAdam (Dozat 2016): Adam with Nesterov's momentum, whose factor mu_t = beta1 (1 - 0.96^(t decay) / 2) grows with
    /// `momentum_decay` 0.004:
    ///
    /// p = p - lr ((1 - mu_t) / (1 - prod mu) g + mu_(t+1) / (1 - mu_(t+1) prod mu) m) / (sqrt(v / (1 - beta2^t)) + eps)
    ///
    /// # Panics
    /// As [`new`](Adam::new).
    #[track_caller]
    pub fn nadam(lr: f64) -> Adam {
        Adam { kind: AdamKind::Nesterov { momentum_decay: 0.004 }, ..Adam::new(lr) }
    }

    /// RAdam (Liu et al. 2020): the variance of the denominator is told from the number of steps; while it is infinite
    /// there is no denominator, and then the step is rectified.
    ///
    /// # Panics
    /// As [`new`](Adam::new).
    #[track_caller]
    pub fn radam(lr: f64) -> Adam {
        Adam { kind: AdamKind::Rectified, ..Adam::new(lr) }
    }

    /// Other decay rates.
    ///
    /// # Panics
    /// Unless both are from 0 to below 1.
    #[track_caller]
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Adam {
        (self.beta1, self.beta2) = (share("Adam", "beta1", beta1), share("Adam", "beta2", beta2));
        self
    }

    /// Another term in the denominator.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn eps(mut self, eps: f64) -> Adam {
        self.eps = not_negative("Adam", "eps", eps);
        self
    }

    /// An L2 penalty, or, [`decoupled`](Adam::decoupled), a decay of the parameters.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn weight_decay(mut self, weight_decay: f64) -> Adam {
        self.base.weight_decay = not_negative("Adam", "weight_decay", weight_decay);
        self
    }

    /// Whether the weight decay acts on the parameters, p = (1 - lr decay) p, or on the gradient.
    pub fn decoupled(mut self, on: bool) -> Adam {
        self.decoupled = on;
        self
    }

    /// AMSGrad (Reddi et al. 2018): v in the denominator is the largest that there was.
    ///
    /// # Panics
    /// For NAdam and RAdam, which have no such form.
    #[track_caller]
    pub fn amsgrad(mut self) -> Adam {
        assert!(
            matches!(self.kind, AdamKind::Plain | AdamKind::AmsGrad),
            "Adam: amsgrad is a form of Adam and AdamW, not of {:?}",
            self.kind
        );
        self.kind = AdamKind::AmsGrad;
        self.base.slots = vec!["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];
        self
    }

    /// How fast NAdam's momentum grows.
    ///
    /// # Panics
    /// If it is negative or not finite, or the optimiser is not NAdam.
    #[track_caller]
    pub fn momentum_decay(mut self, decay: f64) -> Adam {
        let AdamKind::Nesterov { momentum_decay } = &mut self.kind else {
            panic!("Adam: momentum_decay belongs to NAdam, not to {:?}", self.kind);
        };
        *momentum_decay = not_negative("Adam", "momentum_decay", decay);
        self
    }
}

impl Optimizer for Adam {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module, grads: &Gradients) {
        let &mut Adam { ref mut base, beta1, beta2, eps, decoupled, kind } = self;
        base.step(model, grads, |p| {
            let (lr, weight_decay, t) = (p.lr, p.weight_decay, p.t);
            Update::Adam(AdamStep { lr, beta1, beta2, eps, weight_decay, decoupled, kind, t })
        });
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    /// beta1; none for NAdam, whose momentum has a schedule of its own.
    fn momentum_mut(&mut self) -> Option<&mut f64> {
        (!matches!(self.kind, AdamKind::Nesterov { .. })).then_some(&mut self.beta1)
    }
}
