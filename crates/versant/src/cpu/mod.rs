//! The fast kernels for processors: slices, lengths and strides, no arrays and no gradients.
//!
//! Every kernel is compiled for several instruction sets and chosen at run time ([`isa`]); work is spread over
//! [`threads`] in pieces cut by problem size, so results have the same bits for any number of threads.

pub mod activation;
pub mod angles;
mod backend;
mod conv;
mod copy;
pub mod cross_entropy;
pub mod elementwise;
mod formulas;
pub mod gemm;
pub mod index;
pub mod isa;
pub mod math;
pub mod norm;
pub mod optim;
pub mod pool;
pub mod real;
pub mod reduce;
pub mod relu;
pub mod resample;
pub mod scan;
mod scratch;
pub mod softmax;
pub mod sort;
pub mod threads;

pub use backend::Cpu;
