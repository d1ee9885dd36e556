//! Files: safetensors for weights, npy for arrays, and writes that a crash cannot tear.

pub mod atomic;
pub mod idx;
pub mod npy;
pub mod safetensors;
mod stored;
