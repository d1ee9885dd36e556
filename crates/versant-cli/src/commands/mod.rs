//! One file a command.

pub mod bench;
pub mod completions;
pub mod data;
pub mod doctor;
pub mod eval;
pub mod explain;
pub mod export;
pub mod figure;
pub mod find_lr;
pub mod inspect;
pub mod predict;
pub mod recipes;
pub mod runs;
pub mod train;
