//! Operations, one file a family: formula, forward, backward and tests together.
//!
//! Each file first gives the family's work on values (`impl Array`: checks, allocation, the call of the backend)
//! and then on tensors (`impl Tensor`: the same and the gradient).

mod activation;
mod arg;
mod binary;
mod compare;
mod concat;
mod conv;
mod conv_options;
mod conv_transpose;
mod create;
mod dropout;
mod einsum;
mod ending;
mod fold;
mod index;
mod loss;
mod mask;
mod matmul;
mod matrix;
mod moments;
mod norm;
mod operators;
mod pad;
mod pair;
mod pool;
mod rearrange;
mod reduce;
mod resample;
mod scan;
mod shuffle;
mod softmax;
mod sort;
mod unary;
mod upsample;
mod view;

pub use arg::Arg;
pub use binary::Binary;
pub use compare::Compare;
pub use concat::{cat, stack};
pub use conv_options::{Conv, Padding};
pub use create::meshgrid;
pub use einsum::einsum;
pub use fold::Window;
pub use loss::{Bce, BceWithLogits, CrossEntropy, MultiMargin, Nll, Reduction, TripletMargin};
pub use norm::BatchStatistics;
pub use pad::Pad;
pub use pair::Pair;
pub use pool::{Pool, Spans};
pub use reduce::Reduce;
pub use resample::Bands;
pub use unary::Unary;
pub use upsample::Interpolation;
