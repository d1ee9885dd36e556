//! Training: a loop to use or to ignore, checkpoints that a killed run resumes from, and the folder in which a run
//! keeps its files.

pub mod checkpoint;
mod environment;
mod finite;
mod metrics;
mod metrics_log;
mod objective;
mod record;
mod run;
mod tensorboard;
mod trainer;

pub use environment::environment_meta;
pub use metrics::{ClassMetrics, Confusion, count_correct};
pub use metrics_log::MetricsLog;
pub use objective::{Objective, evaluate};
pub use record::{EpochRecord, Record, StepRecord, epochs_of};
pub use run::{RunDir, RunInfo, meta_of};
pub use tensorboard::{EventWriter, TensorBoard};
pub use trainer::{Callback, Flow, Outcome, Trainer};
