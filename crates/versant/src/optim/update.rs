//! What an optimiser asks of a backend: one pass over each parameter, its gradient and the arrays kept for it.

use crate::array::Array;

/// One step of one parameter, in place. All are contiguous and of one shape and floating type.
#[derive(Debug)]
pub struct Step<'a> {
    /// The formula and its numbers.
    pub update: Update,
    /// What is changed.
    pub param: &'a mut Array,
    /// Its gradient.
    pub grad: Array,
    /// As many arrays as the update says.
    pub kept: &'a mut [Array],
}

/// The formula of a step. Each variant says which arrays are kept, in their order; zeros at first.
#[derive(Clone, Copy, Debug)]
pub enum Update {
    /// `[velocity]`, or nothing without momentum.
    Sgd(SgdStep),
    /// `[exp_avg, exp_avg_sq]`, and `max_exp_avg_sq` with AMSGrad.
    Adam(AdamStep),
    /// `[square_avg]`, then `momentum_buffer` if there is momentum, then `grad_avg` if it is centred.
    RmsProp(RmsPropStep),
    /// `[sum]`
    Adagrad(AdagradStep),
    /// `[exp_avg]`
    Lion(LionStep),
    /// param += weight (grad - param): a running mean of what stands in the gradient's place. Nothing is kept.
    Lerp {
        /// Share of the new value.
        weight: f64,
    },
}

/// The numbers of one step of [`Sgd`](super::Sgd).
#[derive(Clone, Copy, Debug)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f64,
    /// Share of the velocity kept.
    pub momentum: f64,
    /// Share of the gradient that does not enter the velocity.
    pub dampening: f64,
    /// Nesterov's look ahead.
    pub nesterov: bool,
    /// L2 penalty.
    pub weight_decay: f64,
    /// The velocity is empty yet: it starts as the gradient.
    pub first: bool,
}

/// The numbers of one step of [`Adam`](super::Adam) and its relatives.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Strength of the decay.
    pub weight_decay: f64,
    /// AdamW: the decay acts on the parameter, not on the gradient.
    pub decoupled: bool,
    /// Which relative.
    pub kind: AdamKind,
    /// The step's number, from 1.
    pub t: i64,
}

/// Adam's relatives: they keep the same means and use them differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AdamKind {
    /// Adam itself.
    Plain,
    /// The denominator is the largest so far.
    AmsGrad,
    /// With Nesterov's momentum, whose factor grows to beta1: beta1 (1 - 0.96^(t decay) / 2).
    Nesterov {
        /// How fast it grows.
        momentum_decay: f64,
    },
    /// Without a denominator until its variance can be told.
    Rectified,
}

/// What a step of Adam's family comes to: p -= (mean m + grad g) / (sqrt(v) / root + eps), or the same without the
/// denominator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamFactors {
    /// Of the mean of gradients; the learning rate is in it.
    pub mean: f64,
    /// Of the gradient.
    pub grad: f64,
    /// sqrt(1 - beta2^t).
    pub root: f64,
    /// Whether there is a denominator.
    pub adaptive: bool,
}

impl AdamStep {
    /// The factors of this step, from its number.
    pub(crate) fn factors(&self) -> AdamFactors {
        let left = |beta: f64| 1.0 - power(beta, self.t);
        let root = left(self.beta2).sqrt();
        let plain = AdamFactors { mean: self.lr / left(self.beta1), grad: 0.0, root, adaptive: true };
        match self.kind {
            AdamKind::Plain | AdamKind::AmsGrad => plain,
            AdamKind::Nesterov { momentum_decay } => {
                let mu = |t: i64| self.beta1 * (1.0 - 0.5 * 0.96f64.powf(t as f64 * momentum_decay));
                // Once the product is below half a unit in the last place of 1, further factors change nothing.
                let mut product = 1.0;
                for t in 1..=self.t {
                    product *= mu(t);
                    if product < 1e-17 {
                        break;
                    }
                }
                let (now, next) = (mu(self.t), mu(self.t + 1));
                AdamFactors {
                    mean: self.lr * next / (1.0 - product * next),
                    grad: self.lr * (1.0 - now) / (1.0 - product),
                    ..plain
                }
            }
            AdamKind::Rectified => match rectification(self.beta2, self.t) {
                // Here eps is added before the correction by root.
                Some(r) => AdamFactors { mean: plain.mean * r * root, root: 1.0, ..plain },
                None => AdamFactors { adaptive: false, ..plain },
            },
        }
    }
}

/// beta^t.
pub(crate) fn power(beta: f64, t: i64) -> f64 {
    beta.powi(i32::try_from(t).unwrap_or(i32::MAX))
}

/// RAdam's factor r_t, once the variance of the denominator is finite (more than 5 degrees of freedom).
pub(crate) fn rectification(beta2: f64, t: i64) -> Option<f64> {
    let most = 2.0 / (1.0 - beta2) - 1.0;
    let kept = power(beta2, t);
    let rho = most - 2.0 * t as f64 * kept / (1.0 - kept);
    let ratio = (rho - 4.0) * (rho - 2.0) * most / ((most - 4.0) * (most - 2.0) * rho);
    (rho > 5.0).then(|| ratio.sqrt())
}

/// The numbers of one step of [`RmsProp`](super::RmsProp).
#[derive(Clone, Copy, Debug)]
pub struct RmsPropStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the mean of squared gradients.
    pub alpha: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// Share of the last step kept.
    pub momentum: f64,
    /// Whether the denominator is the deviation from the mean gradient.
    pub centered: bool,
}

/// The numbers of one step of [`Adagrad`](super::Adagrad).
#[derive(Clone, Copy, Debug)]
pub struct AdagradStep {
    /// Learning rate, decayed already.
    pub lr: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty.
    pub weight_decay: f64,
}

/// The numbers of one step of [`Lion`](super::Lion).
#[derive(Clone, Copy, Debug)]
pub struct LionStep {
    /// Learning rate.
    pub lr: f64,
    /// Share of the mean in the direction.
    pub beta1: f64,
    /// Decay of the mean.
    pub beta2: f64,
    /// Decay of the parameters.
    pub weight_decay: f64,
}
