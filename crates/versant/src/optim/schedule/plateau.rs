//! Down when nothing gets better.

use super::{Schedule, other_state};
use crate::error::Result;
use crate::train::{EpochRecord, Metric};

/// Lowers the learning rate when a metric stops improving: PyTorch's `ReduceLROnPlateau`. It counts epochs, whatever
/// the unit of its neighbours.
#[derive(Clone, Debug)]
pub struct Plateau {
    factor: f64,
    patience: u64,
    metric: Metric,
    threshold: f64,
    absolute: bool,
    cooldown: u64,
    min_lr: f64,
    /// The best value so far, epochs without a better one, epochs of cooling left, the product of all factors.
    best: f64,
    bad: u64,
    cooling: u64,
    scale: f64,
}

impl Plateau {
    /// Times `factor` after more than `patience` epochs in which the test loss did not sink by a ten thousandth of
    /// itself.
    ///
    /// # Panics
    /// Unless the factor is below 1.
    #[track_caller]
    pub fn new(factor: f64, patience: u64) -> Plateau {
        assert!((0.0..1.0).contains(&factor), "Plateau: factor is {factor}; it must be from 0 to below 1");
        Plateau {
            factor,
            patience,
            metric: Metric::TestLoss,
            threshold: 1e-4,
            absolute: false,
            cooldown: 0,
            min_lr: 0.0,
            best: f64::INFINITY,
            bad: 0,
            cooling: 0,
            scale: 1.0,
        }
    }

    /// Watches another metric.
    pub fn metric(mut self, metric: Metric) -> Plateau {
        self.metric = metric;
        self.best = metric.worst();
        self
    }

    /// What counts as better: by this share of the best value.
    pub fn threshold(mut self, share: f64) -> Plateau {
        (self.threshold, self.absolute) = (share, false);
        self
    }

    /// What counts as better: by this much.
    pub fn absolute_threshold(mut self, difference: f64) -> Plateau {
        (self.threshold, self.absolute) = (difference, true);
        self
    }

    /// After lowering, so many epochs are not counted.
    pub fn cooldown(mut self, epochs: u64) -> Plateau {
        self.cooldown = epochs;
        self
    }

    /// Not below this rate.
    pub fn min_lr(mut self, lr: f64) -> Plateau {
        self.min_lr = lr;
        self
    }

    /// Takes note of the metric of one more epoch; [`observe`](Schedule::observe) does it from a record.
    pub fn update(&mut self, value: f64) {
        let scale = if self.absolute || self.best.is_infinite() { 1.0 } else { self.best.abs() };
        let step = self.threshold * scale;
        if self.metric.is_better(value, self.best, step) {
            (self.best, self.bad) = (value, 0);
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            (self.cooling, self.bad) = (self.cooling - 1, 0);
        }
        if self.bad > self.patience {
            self.scale *= self.factor;
            (self.cooling, self.bad) = (self.cooldown, 0);
        }
    }
}

impl Schedule for Plateau {
    fn lr(&self, base: f64, _: u64, _: u64) -> f64 {
        // A rate that was lower from the start is not raised.
        if self.scale == 1.0 { base } else { (base * self.scale).max(self.min_lr.min(base)) }
    }

    fn observe(&mut self, epoch: &EpochRecord) {
        self.update(self.metric.value(epoch));
    }

    fn state(&self) -> Vec<f64> {
        vec![self.best, self.bad as f64, self.cooling as f64, self.scale]
    }

    fn load_state(&mut self, state: &[f64]) -> Result<()> {
        let &[best, bad, cooling, scale] = state else { return Err(other_state(4, state.len())) };
        (self.best, self.bad, self.cooling, self.scale) = (best, bad as u64, cooling as u64, scale);
        Ok(())
    }
}
