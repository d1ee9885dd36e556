//! Comparisons, kinds of numbers, logic: what gives bool tensors.

use super::arg::Arg;
use crate::array::Array;
use crate::dtype::DType;
use crate::tensor::Tensor;

/// The comparisons that backends know. With NaN on either side all but `Ne` are false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// a == b
    Eq,
    /// a != b
    Ne,
    /// a < b
    Lt,
    /// a <= b
    Le,
    /// a > b
    Gt,
    /// a >= b
    Ge,
}

impl Compare {
    fn name(self) -> &'static str {
        match self {
            Compare::Eq => "equal",
            Compare::Ne => "not_equal",
            Compare::Lt => "lt",
            Compare::Le => "le",
            Compare::Gt => "gt",
            Compare::Ge => "ge",
        }
    }
}

impl Array {
    /// a op b as bool, with broadcasting.
    #[track_caller]
    pub fn compare(&self, op: Compare, other: &Array) -> Array {
        let (a, b) = self.broadcast_pair(other, op.name());
        let mut out = Array::recycled(a.shape(), DType::Bool, a.device());
        a.device().backend().compare(op, &a, &b, &mut out);
        out
    }

    /// Checks both sides of a logical operation and stretches them to their common shape.
    #[track_caller]
    fn logical_pair(&self, other: &Array, operation: &str) -> (Array, Array) {
        for side in [self, other] {
            let dtype = side.dtype();
            assert!(dtype == DType::Bool, "{operation}: needs bool, not {dtype}; compare it first");
        }
        self.broadcast_pair(other, operation)
    }
}

/// Comparisons with a tensor or a number give bool tensors, which have no gradient.
///
/// ```
/// use versant::Tensor;
/// let x = Tensor::from_slice(&[-1.0f32, 0.0, 2.0], [3]);
/// assert_eq!(x.gt(0.0).to_vec::<bool>(), [false, false, true]);
/// ```
impl Tensor {
    #[track_caller]
    fn compared(&self, op: Compare, other: Arg) -> Tensor {
        self.array().compare(op, other.tensor(op.name(), self).array()).into()
    }

    /// a == b, elementwise.
    #[track_caller]
    pub fn equal<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        self.compared(Compare::Eq, other.into())
    }

    /// a != b, elementwise.
    #[track_caller]
    pub fn not_equal<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        self.compared(Compare::Ne, other.into())
    }

    /// a < b, elementwise.
    #[track_caller]
    pub fn lt<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        self.compared(Compare::Lt, other.into())
    }

    /// a <= b, elementwise.
    #[track_caller]
    pub fn le<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        self.compared(Compare::Le, other.into())
    }

    /// a > b, elementwise.
    #[track_caller]
    pub fn gt<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        self.compared(Compare::Gt, other.into())
    }

    /// a >= b, elementwise.
    #[track_caller]
    pub fn ge<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        self.compared(Compare::Ge, other.into())
    }

    /// Where the element is NaN.
    #[track_caller]
    pub fn isnan(&self) -> Tensor {
        self.not_equal(self)
    }

    /// Where the element is plus or minus infinity.
    #[track_caller]
    pub fn isinf(&self) -> Tensor {
        if self.dtype().is_float() { self.detach().abs().equal(f64::INFINITY) } else { self.isnan() }
    }

    /// Where the element is neither NaN nor infinite.
    #[track_caller]
    pub fn isfinite(&self) -> Tensor {
        if self.dtype().is_float() { self.detach().abs().lt(f64::INFINITY) } else { self.equal(self) }
    }
}

/// Logic of bool tensors, with broadcasting.
///
/// ```
/// use versant::Tensor;
/// let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0], [3]);
/// assert_eq!(x.gt(0.5).logical_and(&x.lt(1.5)).to_vec::<bool>(), [false, true, false]);
/// ```
impl Tensor {
    /// Both are true.
    #[track_caller]
    pub fn logical_and(&self, other: &Tensor) -> Tensor {
        let (a, b) = self.array().logical_pair(other.array(), "logical_and");
        a.where_cond(&b, &a).into()
    }

    /// At least one is true.
    #[track_caller]
    pub fn logical_or(&self, other: &Tensor) -> Tensor {
        let (a, b) = self.array().logical_pair(other.array(), "logical_or");
        a.where_cond(&a, &b).into()
    }

    /// Exactly one is true.
    #[track_caller]
    pub fn logical_xor(&self, other: &Tensor) -> Tensor {
        let (a, b) = self.array().logical_pair(other.array(), "logical_xor");
        a.compare(Compare::Ne, &b).into()
    }

    /// It is false.
    #[track_caller]
    pub fn logical_not(&self) -> Tensor {
        let dtype = self.dtype();
        assert!(dtype == DType::Bool, "logical_not: needs bool, not {dtype}; compare it first");
        self.equal(0.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    #[test]
    fn logic_of_all_pairs() {
        for device in [Device::Cpu, Device::Naive] {
            let a = Tensor::from_slice(&[false, true], [2, 1]).to(device);
            let b = Tensor::from_slice(&[false, true], [2]).to(device);
            assert_eq!(a.logical_and(&b).to_vec::<bool>(), [false, false, false, true]);
            assert_eq!(a.logical_or(&b).to_vec::<bool>(), [false, true, true, true]);
            assert_eq!(a.logical_xor(&b).to_vec::<bool>(), [false, true, true, false]);
            assert_eq!(b.logical_not().to_vec::<bool>(), [true, false]);
        }
    }

    #[test]
    fn kinds_of_numbers() {
        for device in [Device::Cpu, Device::Naive] {
            let inf = f32::INFINITY;
            let x = Tensor::from_slice(&[1.0, inf, -inf, f32::NAN], [4]).to(device);
            assert_eq!(x.isnan().to_vec::<bool>(), [false, false, false, true]);
            assert_eq!(x.isinf().to_vec::<bool>(), [false, true, true, false]);
            assert_eq!(x.isfinite().to_vec::<bool>(), [true, false, false, false]);
            let whole = Tensor::arange(1).to(device);
            let kinds = [whole.isnan(), whole.isinf(), whole.isfinite()].map(|y| y.item::<bool>());
            assert_eq!(kinds, [false, false, true]);
        }
    }

    #[test]
    #[should_panic(expected = "logical_or: needs bool, not f32; compare it first")]
    fn numbers_have_no_logic() {
        let x = Tensor::zeros([2]);
        let _ = x.gt(0.0).logical_or(&x);
    }
}
