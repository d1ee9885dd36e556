//! Comparisons, logic and choice between two tensors by a mask.

use super::arg::Arg;
use super::binary::Binary;
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

    /// Where the mask (bool) is true the element of `a`, else that of `b`, with broadcasting of all three.
    #[track_caller]
    pub fn where_cond(&self, a: &Array, b: &Array) -> Array {
        assert!(self.dtype() == DType::Bool, "where_cond: the mask is {}, not bool", self.dtype());
        let (a, b) = a.broadcast_pair(b, "where_cond");
        let Some(shape) = self.shape().broadcast(&a.shape()) else {
            panic!("where_cond: mask {} and values {} do not broadcast", self.shape(), a.shape())
        };
        let mut out = Array::recycled(shape, a.dtype(), a.device());
        let backend = a.device().backend();
        backend.select(&self.broadcast_to(shape), &a.broadcast_to(shape), &b.broadcast_to(shape), &mut out);
        out
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

    /// a and b, of bool tensors.
    #[track_caller]
    pub fn logical_and(&self, other: &Tensor) -> Tensor {
        let as_u8 = |t: &Tensor| t.array().cast(DType::U8);
        as_u8(self).binary(Binary::Mul, &as_u8(other)).cast(DType::Bool).into()
    }

    /// Where this mask (bool) is true the element of `a`, else that of `b`. PyTorch's `where`.
    /// Gradients: g where the mask is true to `a`, elsewhere to `b`.
    #[track_caller]
    pub fn where_cond(&self, a: &Tensor, b: &Tensor) -> Tensor {
        let mask = self.detach();
        let (sa, sb) = (a.shape(), b.shape());
        Tensor::from_op("where_cond", self.array().where_cond(a.array(), b.array()), [a, b], move |back| {
            let g = back.grad();
            let zero = g.constant(0.0);
            [
                back.want(0, || mask.where_cond(g, &zero).sum_to(sa)),
                back.want(1, || mask.where_cond(&zero, g).sum_to(sb)),
            ]
        })
    }
}
