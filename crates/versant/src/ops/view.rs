//! Changes of shape: none of them computes, few of them copy.

use crate::array::Array;
use crate::layout::Layout;
use crate::shape::{MAX_RANK, Shape};
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

    /// The same memory under another shape, one of whose lengths may be -1: what is left for it. PyTorch's `view`.
    ///
    /// ```
    /// use versant::Tensor;
    /// assert_eq!(Tensor::zeros([4, 6]).view(&[-1, 8]).shape(), [3, 8].into());
    /// ```
    ///
    /// # Panics
    /// When the elements do not fit, or only a copy could have that shape; [`reshape`](Tensor::reshape) copies then.
    #[track_caller]
    pub fn view(&self, shape: &[isize]) -> Tensor {
        let from = self.shape();
        let free = shape.iter().filter(|&&d| d == -1).count();
        let mut named = shape.iter().filter(|&&d| d != -1);
        let named = named.try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?));
        let rest = named.filter(|_| free <= 1).and_then(|n| match free {
            0 => (n == from.numel()).then_some(1),
            _ => (n > 0 && from.numel().is_multiple_of(n)).then(|| from.numel() / n),
        });
        let Some(rest) = rest else {
            panic!("view: {from} has {} elements, which do not fit {shape:?}", from.numel())
        };
        let to: Shape = shape.iter().map(|&d| usize::try_from(d).unwrap_or(rest)).collect::<Vec<_>>().into();
        assert!(
            self.array().layout().reshape(to).is_some(),
            "view: {from} does not lie so in memory that it could be seen as {to} without a copy; use reshape"
        );
        self.reshape(to)
    }

    /// Stretched along axes of 1 and new leading axes; -1 keeps an axis. PyTorch's `expand`.
    ///
    /// ```
    /// use versant::Tensor;
    /// assert_eq!(Tensor::zeros([3, 1]).expand(&[2, -1, 4]).shape(), [2, 3, 4].into());
    /// ```
    ///
    /// # Panics
    /// When an axis is neither 1 nor as long as asked for, or a new one is -1.
    #[track_caller]
    pub fn expand(&self, shape: &[isize]) -> Tensor {
        let from = self.shape();
        let added = shape.len().checked_sub(from.rank());
        let length = |(i, &d): (usize, &isize)| match usize::try_from(d) {
            Ok(d) => Some(d),
            Err(_) => from.get(i.checked_sub(added?)?).copied().filter(|_| d == -1),
        };
        let lengths: Option<Vec<usize>> = shape.iter().enumerate().map(length).collect();
        let to = lengths.and_then(|dims| Shape::checked(&dims)).filter(|to| from.broadcasts_to(to));
        match to {
            Some(to) => self.broadcast_to(to),
            None => panic!(
                "expand: {from} cannot become {shape:?}; axes match from the last, only an axis of 1 stretches, -1 \
                 keeps one"
            ),
        }
    }

    /// One axis in several whose lengths multiply to its own.
    ///
    /// # Panics
    /// When they do not.
    #[track_caller]
    pub fn unflatten(&self, axis: isize, shape: impl Into<Shape>) -> Tensor {
        let (from, parts) = (self.shape(), shape.into());
        let axis = from.axis("unflatten", axis);
        assert!(
            parts.numel() == from[axis],
            "unflatten: axis {axis} of {from} has {} elements, {parts} has {}",
            from[axis],
            parts.numel()
        );
        self.reshape([&from[..axis], &parts[..], &from[axis + 1..]].concat())
    }

    /// The axes from `start` to `end`, both included, joined into one; PyTorch's `flatten(start, end)`.
    ///
    /// # Panics
    /// When there are no such axes, or `start` comes after `end`.
    #[track_caller]
    pub fn flatten_axes(&self, start: isize, end: isize) -> Tensor {
        let shape = self.shape();
        if shape.rank() == 0 && (-1..=0).contains(&start) && (-1..=0).contains(&end) {
            return self.reshape([1]);
        }
        let (start, end) = (shape.axis("flatten_axes", start), shape.axis("flatten_axes", end));
        assert!(start <= end, "flatten_axes: axis {start} comes after axis {end} of {shape}");
        let joined = shape[start..=end].iter().product();
        self.reshape([&shape[..start], &[joined], &shape[end + 1..]].concat())
    }

    /// Parts of `size` elements of an axis, the last one what is left.
    ///
    /// ```
    /// use versant::Tensor;
    /// let parts = Tensor::arange(5).split(2, 0);
    /// assert_eq!(parts[2].to_vec::<i64>(), [4]);
    /// ```
    ///
    /// # Panics
    /// When `size` is 0.
    #[track_caller]
    pub fn split(&self, size: usize, axis: isize) -> Vec<Tensor> {
        let len = self.shape()[self.shape().axis("split", axis)];
        assert!(size > 0, "split: parts of {size} elements never make up {}", self.shape());
        let part = |i: usize| self.narrow(axis, i * size, size.min(len - i * size));
        (0..len.div_ceil(size).max(1)).map(part).collect()
    }

    /// Parts of the given sizes, one after another.
    ///
    /// # Panics
    /// When the sizes do not add up to the axis.
    #[track_caller]
    pub fn split_sizes(&self, sizes: &[usize], axis: isize) -> Vec<Tensor> {
        let at = self.shape().axis("split_sizes", axis);
        let total = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
        assert!(
            total == Some(self.shape()[at]),
            "split_sizes: {sizes:?} do not add up to axis {at} of {}, which has {} elements",
            self.shape(),
            self.shape()[at]
        );
        let mut start = 0;
        let next = |&size: &usize| {
            start += size;
            self.narrow(axis, start - size, size)
        };
        sizes.iter().map(next).collect()
    }

    /// At most n parts of equal size, the last one what is left; as in PyTorch fewer where the size is rounded up.
    ///
    /// # Panics
    /// When n is 0.
    #[track_caller]
    pub fn chunk(&self, n: usize, axis: isize) -> Vec<Tensor> {
        let len = self.shape()[self.shape().axis("chunk", axis)];
        assert!(n > 0, "chunk: 0 parts of {}", self.shape());
        match len {
            0 => vec![self.clone(); n],
            _ => self.split(len.div_ceil(n), axis),
        }
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
        let (shape, axis) = (self.shape(), self.new_axis("unsqueeze", axis));
        self.reshape([&shape[..axis], &[1], &shape[axis..]].concat())
    }

    /// The place of an axis that is to be added, which may be the end.
    #[track_caller]
    pub(super) fn new_axis(&self, operation: &str, axis: isize) -> usize {
        let shape = self.shape();
        assert!(
            shape.rank() < MAX_RANK,
            "{operation}: {shape} has {MAX_RANK} axes already, more are not supported"
        );
        let rank = shape.rank() as isize + 1;
        assert!(
            (-rank..rank).contains(&axis),
            "{operation}: axis {axis} is out of range for a new one of {shape}"
        );
        (if axis < 0 { axis + rank } else { axis }) as usize
    }

    /// Two axes exchanged. Gradient: g with them exchanged back.
    #[track_caller]
    pub fn transpose(&self, a: isize, b: isize) -> Tensor {
        if self.shape().axis("transpose", a) == self.shape().axis("transpose", b) {
            return self.clone();
        }
        Tensor::from_op("transpose", self.array().transpose(a, b), [self], move |back| {
            [back.want(0, || back.grad().transpose(a, b))]
        })
    }

    /// Axes in another order: axis i of the result is axis `order[i]`. Gradient: g in the inverse order.
    #[track_caller]
    pub fn permute(&self, order: &[usize]) -> Tensor {
        let value = self.array().permute(order);
        if order.is_sorted() {
            return self.clone();
        }
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

    /// What an axis holds at an index, without that axis.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::arange(6).reshape([2, 3]);
    /// assert_eq!(x.select(0, 1).to_vec::<i64>(), [3, 4, 5]);
    /// ```
    ///
    /// # Panics
    /// When there is no such index.
    #[track_caller]
    pub fn select(&self, axis: isize, index: usize) -> Tensor {
        let at = self.shape().axis("select", axis);
        let len = self.shape()[at];
        assert!(
            index < len,
            "select: index {index} of axis {at} of {}, which has {len} elements",
            self.shape()
        );
        self.slice(axis, index, index + 1, 1).squeeze(at as isize)
    }

    /// `len` elements of an axis from `start` on.
    #[track_caller]
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Tensor {
        let at = self.shape().axis("narrow", axis);
        let length = self.shape()[at];
        assert!(
            start <= length && len <= length - start,
            "narrow: {len} elements from {start} on do not fit axis {at} of {}, which has {length} elements",
            self.shape()
        );
        self.slice(axis, start, start + len, 1)
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
