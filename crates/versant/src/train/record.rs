//! The lines of `metrics.jsonl`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The log's name in a run's folder.
pub(super) const METRICS: &str = "metrics.jsonl";

/// One optimisation step, as it stands in `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Steps done, over all epochs, from 1.
    pub step: u64,
    /// The epoch it belongs to, from 1.
    pub epoch: u32,
    /// The learning rate of its update.
    #[serde(default)]
    pub lr: f64,
    /// The mean loss of its batch, before the update.
    pub loss: f64,
}

/// One epoch, as it stands in `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Steps done at its end.
    pub step: u64,
    /// Its number, from 1.
    pub epoch: u32,
    /// The learning rate of its last step.
    pub lr: f64,
    /// Mean loss over the training samples, each as it was met.
    pub train_loss: f64,
    /// Share of right answers among them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub train_accuracy: Option<f64>,
    /// Mean loss over the test samples at the end.
    pub test_loss: f64,
    /// Share of right answers among them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test_accuracy: Option<f64>,
    /// Wall time, evaluation included. After a resume: that of the part since.
    pub seconds: f64,
}

/// A number of an [`EpochRecord`] that training may be steered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The mean loss over the training samples.
    TrainLoss,
    /// The share of right answers among them.
    TrainAccuracy,
    /// The mean loss over the test samples.
    TestLoss,
    /// The share of right answers among them.
    TestAccuracy,
}

impl Metric {
    /// Its value.
    ///
    /// # Panics
    /// If it is an accuracy and the objective counts no right answers.
    #[track_caller]
    pub fn value(self, epoch: &EpochRecord) -> f64 {
        let found = match self {
            Metric::TrainLoss => Some(epoch.train_loss),
            Metric::TrainAccuracy => epoch.train_accuracy,
            Metric::TestLoss => Some(epoch.test_loss),
            Metric::TestAccuracy => epoch.test_accuracy,
        };
        match found {
            Some(value) => value,
            None => panic!("{self:?}: the objective counts no right answers; watch a loss"),
        }
    }

    /// True of accuracies, false of losses.
    pub fn larger_is_better(self) -> bool {
        matches!(self, Metric::TrainAccuracy | Metric::TestAccuracy)
    }

    /// What any value is better than.
    pub fn worst(self) -> f64 {
        if self.larger_is_better() { f64::NEG_INFINITY } else { f64::INFINITY }
    }

    /// Whether a value is better than the best so far, by more than `delta`.
    pub fn is_better(self, value: f64, best: f64, delta: f64) -> bool {
        if self.larger_is_better() { value > best + delta } else { value < best - delta }
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// After a step.
    Step(StepRecord),
    /// After an epoch.
    Epoch(EpochRecord),
}

/// The epochs that a run's folder has recorded; none when there is no log yet. What is no record is passed over: a
/// run may be writing it.
///
/// # Errors
/// When the log cannot be read.
pub fn epochs_of(run: impl AsRef<Path>) -> Result<Vec<EpochRecord>> {
    let path = run.as_ref().join(METRICS);
    let text = match std::fs::read_to_string(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.map_err(Error::io("read", &path))?,
    };
    // Steps are by far the most lines.
    let epochs =
        text.lines().filter(|line| line.contains("\"epoch\",")).filter_map(
            |line| match serde_json::from_str(line) {
                Ok(Record::Epoch(epoch)) => Some(epoch),
                _ => None,
            },
        );
    Ok(epochs.collect())
}
