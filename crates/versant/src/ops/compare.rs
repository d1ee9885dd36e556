//! Comparisons, logic and choice between two tensors by a mask.

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
    pub fn select(&self, a: &Array, b: &Array) -> Array {
        assert!(self.dtype() == DType::Bool, "select: the mask is {}, not bool", self.dtype());
        let (a, b) = a.broadcast_pair(b, "select");
        let Some(shape) = self.shape().broadcast(&a.shape()) else {
            panic!("select: mask {} and values {} do not broadcast", self.shape(), a.shape())
        };
        let mut out = Array::recycled(shape, a.dtype(), a.device());
        let backend = a.device().backend();
        backend.select(&self.broadcast_to(shape), &a.broadcast_to(shape), &b.broadcast_to(shape), &mut out);
        out
    }
}

/// Comparisons give bool tensors, which have no gradient.
impl Tensor {
    /// a == b, elementwise.
    #[track_caller]
    pub fn equal(&self, other: &Tensor) -> Tensor {
        self.array().compare(Compare::Eq, other.array()).into()
    }

    /// a != b, elementwise.
    #[track_caller]
    pub fn not_equal(&self, other: &Tensor) -> Tensor {
        self.array().compare(Compare::Ne, other.array()).into()
    }

    /// a < b, elementwise.
    #[track_caller]
    pub fn lt(&self, other: &Tensor) -> Tensor {
        self.array().compare(Compare::Lt, other.array()).into()
    }

    /// a <= b, elementwise.
    #[track_caller]
    pub fn le(&self, other: &Tensor) -> Tensor {
        self.array().compare(Compare::Le, other.array()).into()
    }

    /// a > b, elementwise.
    #[track_caller]
    pub fn gt(&self, other: &Tensor) -> Tensor {
        self.array().compare(Compare::Gt, other.array()).into()
    }

    /// a >= b, elementwise.
    #[track_caller]
    pub fn ge(&self, other: &Tensor) -> Tensor {
        self.array().compare(Compare::Ge, other.array()).into()
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
    pub fn select(&self, a: &Tensor, b: &Tensor) -> Tensor {
        let mask = self.detach();
        let (sa, sb) = (a.shape(), b.shape());
        Tensor::from_op("select", self.array().select(a.array(), b.array()), [a, b], move |back| {
            let g = back.grad();
            let zero = g.constant(0.0);
            [
                back.want(0, || mask.select(g, &zero).sum_to(sa)),
                back.want(1, || mask.select(&zero, g).sum_to(sb)),
            ]
        })
    }
}
