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
