//! Versant: a deep-learning library.

pub mod cpu;
pub mod data;
mod error;
pub mod io;
pub mod rng;

pub use error::{Error, Result};
