//! The second argument of an operation of two: a tensor, or a number.

use crate::array::Array;
use crate::dtype::DType;
use crate::tensor::Tensor;

/// A tensor or a number: `x.gt(&y)`, `x.gt(0.0)`.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    /// One value for each element, by broadcasting.
    Tensor(&'a Tensor),
    /// One value for all.
    Number(f64),
}

impl<'a> From<&'a Tensor> for Arg<'a> {
    fn from(tensor: &'a Tensor) -> Arg<'a> {
        Arg::Tensor(tensor)
    }
}

impl From<f64> for Arg<'_> {
    fn from(number: f64) -> Self {
        Arg::Number(number)
    }
}

impl Arg<'_> {
    /// The tensor, or the number as a tensor of the type and device of `like`.
    ///
    /// # Panics
    /// When that type cannot hold the number: it would be rounded without a word.
    #[track_caller]
    pub(super) fn tensor(self, operation: &str, like: &Tensor) -> Tensor {
        let number = match self {
            Arg::Tensor(tensor) => return tensor.clone(),
            Arg::Number(number) => number,
        };
        let fits = match like.dtype() {
            DType::F32 | DType::F64 => true,
            DType::I64 => number.fract() == 0.0 && number.abs() <= (1u64 << 53) as f64,
            DType::U8 => number.fract() == 0.0 && (0.0..=255.0).contains(&number),
            DType::Bool => number == 0.0 || number == 1.0,
        };
        assert!(
            fits,
            "{operation}: the tensor is {0}, which cannot hold {number}; cast it first",
            like.dtype()
        );
        Array::full((), number, like.dtype()).to(like.device()).into()
    }
}
