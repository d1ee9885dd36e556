//! Changes of shape: none of them computes, few of them copy.

use crate::array::Array;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// g is the gradient of the result.
impl Tensor {
    /// The same elements in row-major order under another shape. Gradient: g in the old shape.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor {
        let (from, to) = (self.shape(), shape.into());
        if from == to {
            return self.clone();
        }
        Tensor::from_op("reshape", self.array().reshape(to), [self], move |back| {
            [back.want(0, || back.grad().reshape(from))]
        })
    }

    /// Axes from `start` on joined into one: `x.flatten(1)` makes [n, c, h, w] into [n, c h w].
    #[track_caller]
    pub fn flatten(&self, start: isize) -> Tensor {
        let shape = self.shape();
        let start = if shape.rank() == 0 { 0 } else { shape.axis("flatten", start) };
        let joined = shape[start..].iter().product();
        self.reshape([&shape[..start], &[joined]].concat())
    }

    /// Drops an axis of length 1.
    #[track_caller]
    pub fn squeeze(&self, axis: isize) -> Tensor {
        let shape = self.shape();
        let axis = shape.axis("squeeze", axis);
        assert!(shape[axis] == 1, "squeeze: axis {axis} of {shape} has {} elements, not 1", shape[axis]);
        self.reshape([&shape[..axis], &shape[axis + 1..]].concat())
    }

    /// Inserts an axis of length 1 before `axis`; -1 appends one.
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Tensor {
        let shape = self.shape();
        let rank = shape.rank() as isize + 1;
        assert!((-rank..rank).contains(&axis), "unsqueeze: axis {axis} is out of range for {shape}");
        let axis = (if axis < 0 { axis + rank } else { axis }) as usize;
        self.reshape([&shape[..axis], &[1], &shape[axis..]].concat())
    }

    /// Two axes exchanged. Gradient: g with them exchanged back.
    #[track_caller]
    pub fn transpose(&self, a: isize, b: isize) -> Tensor {
        Tensor::from_op("transpose", self.array().transpose(a, b), [self], move |back| {
            [back.want(0, || back.grad().transpose(a, b))]
        })
    }

    /// Axes in another order: axis i of the result is axis `order[i]`. Gradient: g in the inverse order.
    #[track_caller]
    pub fn permute(&self, order: &[usize]) -> Tensor {
        let value = self.array().permute(order);
        let mut inverse = vec![0; order.len()];
        for (i, &axis) in order.iter().enumerate() {
            inverse[axis] = i;
        }
        Tensor::from_op(
            "permute",
            value,
            [self],
            move |back| [back.want(0, || back.grad().permute(&inverse))],
        )
    }

    /// Stretched along axes of 1 and new leading axes, without a copy. Gradient: g summed back.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Tensor {
        let (from, to) = (self.shape(), shape.into());
        if from == to {
            return self.clone();
        }
        Tensor::from_op("broadcast_to", self.array().broadcast_to(to), [self], move |back| {
            [back.want(0, || back.grad().sum_to(from))]
        })
    }

    /// Elements start, start + step, ... before `end` of an axis, without a copy. Gradient: g there, 0 elsewhere.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::arange(10);
    /// assert_eq!(x.slice(0, 1, 8, 3).to_vec::<i64>(), [1, 4, 7]);
    /// ```
    #[track_caller]
    pub fn slice(&self, axis: isize, start: usize, end: usize, step: usize) -> Tensor {
        let value = self.array().slice(axis, start, end, step);
        let from = self.shape();
        let place = move |g: &Tensor| g.spread(from, axis, start, step);
        Tensor::from_op("slice", value, [self], move |back| [back.want(0, || place(back.grad()))])
    }

    /// `len` elements of an axis from `start` on.
    #[track_caller]
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Tensor {
        self.slice(axis, start, start.saturating_add(len), 1)
    }

    /// The inverse of [`slice`](Tensor::slice): zeros of the larger shape with these values in their places.
    fn spread(&self, into: Shape, axis: isize, start: usize, step: usize) -> Tensor {
        let at = into.axis("slice", axis);
        let len = self.shape()[at];
        let mut out = Array::zeros_on(into, self.dtype(), self.device());
        let place = Layout::contiguous(into).slice(at, start, len, step);
        out.device().backend().copy(self.array(), &mut out, &place);
        let end = if len == 0 { start } else { start + (len - 1) * step + 1 };
        Tensor::from_op("spread", out, [self], move |back| {
            [back.want(0, || back.grad().slice(axis, start, end, step))]
        })
    }
}
