//! Training: checkpoints that a killed run resumes from, and the folder in which a run keeps its files.

pub mod checkpoint;
pub mod environment;
pub mod metrics_log;
pub mod run;
