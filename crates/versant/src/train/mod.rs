//! Training: a loop to use or to ignore, checkpoints that a killed run resumes from, and the folder in which a run
//! keeps its files.

mod average;
mod callback;
pub mod checkpoint;
mod early_stopping;
mod environment;
mod finite;
mod lr_finder;
mod metrics;
mod metrics_log;
mod objective;
mod record;
mod run;
mod step;
mod tensorboard;
mod trainer;

pub use average::WeightAverage;
pub use callback::{Callback, Flow, Outcome, Start};
pub use early_stopping::EarlyStopping;
pub use environment::environment_meta;
pub use lr_finder::{LrCurve, LrFinder};
pub use metrics::{ClassMetrics, Confusion, count_correct};
pub use metrics_log::MetricsLog;
pub use objective::{Objective, evaluate};
pub use record::{EpochRecord, Metric, Record, StepRecord, epochs_of};
pub use run::{RunDir, RunInfo, meta_of};
pub use tensorboard::{EventWriter, TensorBoard};
pub use trainer::Trainer;
