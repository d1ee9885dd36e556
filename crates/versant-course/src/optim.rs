//! The sections on optimiser and schedule that recipes share [course: F6].

use serde::{Deserialize, Serialize};
use versant::optim::schedule::{
    Cosine, Exponential, MultiStep, OneCycle, Plateau, Polynomial, Schedule, StepDecay, WarmRestarts,
};
use versant::optim::{Adagrad, Adam, Group, Lion, Optimizer, RmsProp, Sgd};
use versant::train::{EarlyStopping, Trainer};

use crate::config::Check;

/// `[optim]`: the optimiser, and what happens to gradients and weights around its steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimConfig {
    /// Which.
    pub name: OptimName,
    /// Learning rate; of a one-cycle schedule, the highest.
    pub lr: f64,
    /// Of SGD and RMSProp.
    pub momentum: f64,
    /// Of SGD with momentum.
    pub nesterov: bool,
    /// L2 penalty; that of AdamW and Lion acts on the parameters.
    pub weight_decay: f64,
    /// Whether biases and the weights of norms decay too.
    pub decay_vectors: bool,
    /// The largest norm of all gradients together; 0: any.
    pub clip_norm: f64,
    /// The largest magnitude of an element of the gradients; 0: any.
    pub clip_value: f64,
    /// Batches for one step.
    pub accumulate: usize,
    /// The decay of the moving average of the weights; 0: none.
    pub ema: f64,
    /// The epoch from which the weights of each are averaged; 0: none.
    pub swa: u32,
    /// Epochs without a lower test loss after which training ends, with the best weights; 0: never.
    pub patience: u32,
}

/// The optimisers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimName {
    /// Stochastic gradient descent
    Sgd,
    /// RMSProp
    RmsProp,
    /// Adagrad
    Adagrad,
    /// Adam
    Adam,
    /// AdamW
    AdamW,
    /// NAdam
    NAdam,
    /// RAdam
    RAdam,
    /// Lion
    Lion,
}

impl OptimConfig {
    /// Plain SGD.
    pub fn sgd(lr: f64) -> OptimConfig {
        OptimConfig {
            name: OptimName::Sgd,
            lr,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            decay_vectors: true,
            clip_norm: 0.0,
            clip_value: 0.0,
            accumulate: 1,
            ema: 0.0,
            swa: 0,
            patience: 0,
        }
    }

    /// Adam with its usual settings.
    pub fn adam(lr: f64) -> OptimConfig {
        OptimConfig { name: OptimName::Adam, ..OptimConfig::sgd(lr) }
    }

    /// Notes what is out of range.
    pub fn check(&self, check: &mut Check) {
        let name = self.name;
        check
            .within("optim.lr", self.lr, 0.0, 1000.0)
            .within("optim.momentum", self.momentum, 0.0, 1.0)
            .within("optim.weight_decay", self.weight_decay, 0.0, 1000.0)
            .within("optim.clip_norm", self.clip_norm, 0.0, 1e9)
            .within("optim.clip_value", self.clip_value, 0.0, 1e9)
            .within("optim.accumulate", self.accumulate as f64, 1.0, 10_000.0)
            .within("optim.ema", self.ema, 0.0, 0.999_999)
            .that(!self.nesterov || (name == OptimName::Sgd && self.momentum > 0.0), || {
                "optim.nesterov needs optim.momentum above 0, and sgd".into()
            })
            .that(matches!(name, OptimName::Sgd | OptimName::RmsProp) || self.momentum == 0.0, || {
                "optim.momentum belongs to sgd and rmsprop; the others have their own, or none".into()
            })
            .that(self.ema == 0.0 || self.swa == 0, || {
                "optim.ema and optim.swa are two averages of the weights; choose one".into()
            });
    }

    /// The optimiser itself.
    pub fn build(&self) -> Box<dyn Optimizer> {
        let &OptimConfig { lr, momentum, nesterov, weight_decay: decay, .. } = self;
        let mut optimizer: Box<dyn Optimizer> = match self.name {
            OptimName::Sgd => {
                Box::new(Sgd::new(lr).momentum(momentum).nesterov(nesterov).weight_decay(decay))
            }
            OptimName::RmsProp => Box::new(RmsProp::new(lr).momentum(momentum).weight_decay(decay)),
            OptimName::Adagrad => Box::new(Adagrad::new(lr).weight_decay(decay)),
            OptimName::Adam => Box::new(Adam::new(lr).weight_decay(decay)),
            OptimName::AdamW => Box::new(Adam::adamw(lr).weight_decay(decay)),
            OptimName::NAdam => Box::new(Adam::nadam(lr).weight_decay(decay)),
            OptimName::RAdam => Box::new(Adam::radam(lr).weight_decay(decay)),
            OptimName::Lion => Box::new(Lion::new(lr).weight_decay(decay)),
        };
        if !self.decay_vectors {
            optimizer.base_mut().add_group(Group::vectors().weight_decay(0.0));
        }
        optimizer
    }

    /// What ends the training early, where something does.
    pub fn early_stopping(&self) -> Option<EarlyStopping> {
        (self.patience > 0).then(|| EarlyStopping::new(self.patience).restore_best())
    }

    /// A trainer that takes its steps so.
    pub fn apply<'a>(&self, trainer: Trainer<'a>) -> Trainer<'a> {
        let trainer = trainer.accumulate(self.accumulate);
        let trainer = if self.clip_norm > 0.0 { trainer.clip_norm(self.clip_norm) } else { trainer };
        let trainer = if self.clip_value > 0.0 { trainer.clip_value(self.clip_value) } else { trainer };
        let trainer = if self.ema > 0.0 { trainer.ema(self.ema) } else { trainer };
        // The weights after epoch `swa` are the first: one less has been done when it begins.
        if self.swa > 0 { trainer.swa(self.swa - 1) } else { trainer }
    }
}

/// `[schedule]`: how the learning rate changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Which.
    pub name: ScheduleName,
    /// The share of the training in which the rate rises from near 0, in whole steps or epochs as the schedule counts.
    pub warmup: f64,
    /// Epochs: of step between two falls, of restarts the first period.
    pub every: u64,
    /// Of multistep: the epochs at which the rate falls.
    pub milestones: Vec<u64>,
    /// What the rate is multiplied by: by step, multistep, plateau at a fall, by exponential each epoch.
    pub gamma: f64,
    /// Of polynomial.
    pub power: f64,
    /// Of cosine, restarts and plateau: the lowest rate.
    pub min_lr: f64,
    /// Of plateau: epochs without a lower test loss before the rate falls.
    pub patience: u64,
}

/// The schedules by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleName {
    /// The rate stays
    Constant,
    /// Falls every so many epochs
    Step,
    /// Falls at given epochs
    MultiStep,
    /// Falls each epoch
    Exponential,
    /// Half a cosine, step by step
    Cosine,
    /// Half cosines, one after another, by epochs; each twice as long as the one before
    Restarts,
    /// Up and down once, step by step
    OneCycle,
    /// A power, step by step
    Polynomial,
    /// Falls when the test loss does not
    Plateau,
}

impl Default for ScheduleConfig {
    fn default() -> ScheduleConfig {
        ScheduleConfig {
            name: ScheduleName::Constant,
            warmup: 0.0,
            every: 10,
            milestones: Vec::new(),
            gamma: 0.1,
            power: 1.0,
            min_lr: 0.0,
            patience: 5,
        }
    }
}

impl ScheduleConfig {
    /// Notes what is out of range.
    pub fn check(&self, check: &mut Check) {
        let name = self.name;
        // At 1 the rate would fall by nothing.
        let most = if name == ScheduleName::Plateau { 0.999_999 } else { 1.0 };
        check
            .within("schedule.warmup", self.warmup, 0.0, 1.0)
            .within("schedule.every", self.every as f64, 1.0, 1e9)
            .within("schedule.gamma", self.gamma, 0.0, most)
            .within("schedule.power", self.power, 0.0, 100.0)
            .within("schedule.min_lr", self.min_lr, 0.0, 1000.0)
            .that(name == ScheduleName::MultiStep || self.milestones.is_empty(), || {
                "schedule.milestones belongs to schedule.name = 'multistep'".into()
            })
            .that(name != ScheduleName::MultiStep || !self.milestones.is_empty(), || {
                "schedule.name = 'multistep' needs schedule.milestones, such as [30, 60, 80]".into()
            })
            .that(name != ScheduleName::OneCycle || self.warmup == 0.0, || {
                "schedule.warmup: onecycle has a rise of its own".into()
            });
    }

    /// A trainer whose learning rate changes so; `lr` is that of the optimiser.
    pub fn apply<'a>(&self, lr: f64, trainer: Trainer<'a>) -> Trainer<'a> {
        let (gamma, min) = (self.gamma, self.min_lr);
        match self.name {
            ScheduleName::Constant if self.warmup == 0.0 => trainer,
            ScheduleName::Constant => self.by_step(trainer, Polynomial::new(0.0)),
            ScheduleName::Step => self.by_epoch(trainer, StepDecay::new(self.every, gamma)),
            ScheduleName::MultiStep => self.by_epoch(trainer, MultiStep::new(self.milestones.clone(), gamma)),
            ScheduleName::Exponential => self.by_epoch(trainer, Exponential::new(gamma)),
            ScheduleName::Cosine => self.by_step(trainer, Cosine::new().min(min)),
            ScheduleName::Restarts => {
                self.by_epoch(trainer, WarmRestarts::new(self.every).growth(2).min(min))
            }
            ScheduleName::OneCycle => self.by_step(trainer, OneCycle::new(lr)),
            ScheduleName::Polynomial => self.by_step(trainer, Polynomial::new(self.power)),
            ScheduleName::Plateau => self.by_epoch(trainer, Plateau::new(gamma, self.patience).min_lr(min)),
        }
    }

    fn by_step<'a>(&self, trainer: Trainer<'a>, schedule: impl Schedule + 'static) -> Trainer<'a> {
        trainer.schedule(schedule.warmup(self.warmup))
    }

    fn by_epoch<'a>(&self, trainer: Trainer<'a>, schedule: impl Schedule + 'static) -> Trainer<'a> {
        trainer.schedule_per_epoch(schedule.warmup(self.warmup))
    }
}
