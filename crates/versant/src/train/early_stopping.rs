//! Ending a training that no longer gets better.

use std::collections::BTreeMap;

use super::average::fitting;
use super::callback::{Callback, Flow, Outcome, Start};
use super::record::{EpochRecord, Metric};
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::Layer;
use crate::optim::State;

/// Ends the training when a metric has not improved for some epochs [course: F6]. What it has seen goes into the
/// checkpoints: a resumed run ends in the same epoch.
///
/// ```
/// use versant::train::{EarlyStopping, Metric};
/// let stopping = EarlyStopping::new(5).metric(Metric::TestAccuracy).min_delta(0.001).restore_best();
/// ```
pub struct EarlyStopping {
    patience: u32,
    metric: Metric,
    min_delta: f64,
    restore: bool,
    best: f64,
    best_epoch: u32,
    waited: u32,
    weights: BTreeMap<String, Array>,
}

impl EarlyStopping {
    /// After `patience` epochs in a row without a lower test loss.
    ///
    /// # Panics
    /// If the patience is 0.
    #[track_caller]
    pub fn new(patience: u32) -> EarlyStopping {
        assert!(patience > 0, "EarlyStopping: with a patience of 0 no epoch could be worse than the best");
        let metric = Metric::TestLoss;
        EarlyStopping {
            patience,
            metric,
            min_delta: 0.0,
            restore: false,
            best: metric.worst(),
            best_epoch: 0,
            waited: 0,
            weights: BTreeMap::new(),
        }
    }

    /// Watches another metric: the lowest loss, the highest accuracy.
    pub fn metric(mut self, metric: Metric) -> EarlyStopping {
        self.metric = metric;
        self.best = metric.worst();
        self
    }

    /// Only what is better by more than this counts.
    ///
    /// # Panics
    /// If it is negative or NaN.
    #[track_caller]
    pub fn min_delta(mut self, difference: f64) -> EarlyStopping {
        assert!(difference >= 0.0, "EarlyStopping: min_delta is {difference}; it must be from 0 on");
        self.min_delta = difference;
        self
    }

    /// At the end the model gets the weights of the best epoch. Until then they are kept, in memory and in the state of
    /// checkpoints.
    pub fn restore_best(mut self) -> EarlyStopping {
        self.restore = true;
        self
    }

    /// The best epoch, from 1, and its value, once there is one.
    pub fn best(&self) -> Option<(u32, f64)> {
        (self.best_epoch > 0).then_some((self.best_epoch, self.best))
    }

    fn flow(&self) -> Flow {
        if self.waited >= self.patience { Flow::Finish } else { Flow::Continue }
    }
}

const NUMBERS: &str = "early_stopping.numbers";
const WEIGHTS: &str = "early_stopping.weights.";

impl Callback for EarlyStopping {
    /// A resumed run may have ended already.
    fn on_start(&mut self, _: &Start, _: &dyn Layer) -> Flow {
        self.flow()
    }

    fn on_epoch(&mut self, epoch: &EpochRecord, model: &dyn Layer) -> Flow {
        let value = self.metric.value(epoch);
        if self.metric.is_better(value, self.best, self.min_delta) {
            (self.best, self.best_epoch, self.waited) = (value, epoch.epoch, 0);
            if self.restore {
                self.weights = model.state_dict();
            }
        } else {
            self.waited += 1;
        }
        self.flow()
    }

    fn on_end(&mut self, outcome: Outcome, model: &mut dyn Layer) {
        if outcome == Outcome::Finished && !self.weights.is_empty() {
            let loaded = model.load_state_dict(&self.weights);
            assert!(loaded.is_ok(), "EarlyStopping: the model is not the one of epoch {}", self.best_epoch);
        }
    }

    fn state(&self) -> State {
        let numbers = [self.best, self.best_epoch as f64, self.waited as f64];
        let weights = self.weights.iter().map(|(name, array)| (format!("{WEIGHTS}{name}"), array.clone()));
        weights.chain([(NUMBERS.to_string(), Array::from_slice(&numbers, [3]))]).collect()
    }

    fn load_state(&mut self, state: &State, model: &dyn Layer) -> Result<()> {
        let numbers = state.get(NUMBERS).filter(|a| a.numel() == 3 && a.dtype() == DType::F64);
        let Some(&[best, best_epoch, waited]) = numbers.map(Array::to_vec::<f64>).as_deref() else {
            return Err(Error::Checkpoint(
                "the checkpoint has no state of early stopping: resume with the settings of the run".into(),
            ));
        };
        (self.best, self.best_epoch, self.waited) = (best, best_epoch as u32, waited as u32);
        if self.restore && self.best_epoch > 0 {
            self.weights = fitting(state, WEIGHTS, model, "the best weights")?;
        }
        Ok(())
    }
}
