//! The optimiser section that recipes share.

use serde::{Deserialize, Serialize};
use versant::optim::{Adam, Optimizer, Sgd};

use crate::config::Check;

/// `[optim]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimConfig {
    /// Which.
    pub name: OptimName,
    /// Learning rate.
    pub lr: f64,
    /// Of SGD.
    pub momentum: f64,
    /// Of SGD with momentum.
    pub nesterov: bool,
    /// L2 penalty; AdamW's acts on the parameters.
    pub weight_decay: f64,
}

/// The optimisers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimName {
    /// Stochastic gradient descent
    Sgd,
    /// Adam
    Adam,
    /// AdamW
    AdamW,
}

impl OptimConfig {
    /// Plain SGD.
    pub fn sgd(lr: f64) -> OptimConfig {
        OptimConfig { name: OptimName::Sgd, lr, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Adam with its usual settings.
    pub fn adam(lr: f64) -> OptimConfig {
        OptimConfig { name: OptimName::Adam, ..OptimConfig::sgd(lr) }
    }

    /// Notes what is out of range.
    pub fn check(&self, check: &mut Check) {
        check
            .within("optim.lr", self.lr, 0.0, 1000.0)
            .within("optim.momentum", self.momentum, 0.0, 1.0)
            .within("optim.weight_decay", self.weight_decay, 0.0, 1000.0)
            .that(!self.nesterov || self.momentum > 0.0, || {
                "optim.nesterov needs optim.momentum above 0".into()
            })
            .that(self.name == OptimName::Sgd || self.momentum == 0.0, || {
                "optim.momentum belongs to sgd; adam has its own".into()
            });
    }

    /// The optimiser itself.
    pub fn build(&self) -> Box<dyn Optimizer> {
        match self.name {
            OptimName::Sgd => Box::new(
                Sgd::new(self.lr)
                    .momentum(self.momentum)
                    .nesterov(self.nesterov)
                    .weight_decay(self.weight_decay),
            ),
            OptimName::Adam => Box::new(Adam::new(self.lr).weight_decay(self.weight_decay)),
            OptimName::AdamW => Box::new(Adam::adamw(self.lr).weight_decay(self.weight_decay)),
        }
    }
}
