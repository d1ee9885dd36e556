//! Reductions over any axes.

use crate::array::Array;
use crate::axes::{Axes, Reduced};
use crate::dtype::DType;
use crate::ops::Binary;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The reductions that backends know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduce {
    /// The sum, 0 of nothing
    Sum,
    /// The product, 1 of nothing
    Prod,
    /// The largest, NaN if any is
    Max,
    /// The smallest, NaN if any is
    Min,
}

impl Reduce {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Reduce::Sum => "sum",
            Reduce::Prod => "prod",
            Reduce::Max => "max",
            Reduce::Min => "min",
        }
    }
}

impl Array {
    /// Reduces along axes. Sum and product of u8 are i64.
    ///
    /// # Panics
    /// On an axis that does not exist or is named twice, on bool, and on the maximum or minimum of nothing.
    #[track_caller]
    pub fn reduce(&self, op: Reduce, axes: impl Into<Axes>) -> Array {
        self.reduce_along(op, &axes.into().of(op.name(), self.shape()))
    }

    #[track_caller]
    fn reduce_along(&self, op: Reduce, along: &Reduced) -> Array {
        let (name, shape) = (op.name(), self.shape());
        assert!(self.dtype() != DType::Bool, "{name}: bool has no arithmetic; cast it first");
        let grows = matches!(op, Reduce::Sum | Reduce::Prod);
        // A sum of bytes would wrap around within a few elements.
        let dtype = if grows && self.dtype() == DType::U8 { DType::I64 } else { self.dtype() };
        let (kept, gone) = along.order();
        let empty = along.count() == 0 && along.result().numel() > 0;
        assert!(grows || !empty, "{name}: {shape} has no elements along the axes {gone:?}");
        let view = self.permute(&[&kept[..], &gone[..]].concat());
        let mut out = Array::recycled(along.result(), dtype, self.device());
        self.device().backend().reduce(op, &view, kept.len(), &mut out);
        out
    }

    /// The index (i64) of the first largest element along an axis, which is dropped; a NaN counts as largest.
    #[track_caller]
    pub fn argmax(&self, axis: isize) -> Array {
        self.arg_extreme("argmax", Reduce::Max, axis)
    }

    /// The index (i64) of the first smallest element along an axis, which is dropped; a NaN counts as smallest.
    #[track_caller]
    pub fn argmin(&self, axis: isize) -> Array {
        self.arg_extreme("argmin", Reduce::Min, axis)
    }

    /// 0 or 1 as u8 for each element.
    fn truths(&self) -> Array {
        self.cast(DType::Bool).cast(DType::U8)
    }

    #[track_caller]
    fn arg_extreme(&self, name: &str, op: Reduce, axis: isize) -> Array {
        let axis = self.shape().axis(name, axis);
        assert!(self.shape()[axis] > 0, "{name}: axis {axis} of {} has no elements", self.shape());
        let mut order: Vec<usize> = (0..self.rank()).filter(|&i| i != axis).collect();
        let kept = Shape::from(order.iter().map(|&i| self.shape()[i]).collect::<Vec<_>>());
        order.push(axis);
        let mut out = Array::recycled(kept, DType::I64, self.device());
        self.device().backend().arg_extreme(op, &self.permute(&order), &mut out);
        out
    }
}

/// g is the gradient of the result.
impl Tensor {
    /// The sum of all elements. Gradient: g to each.
    #[track_caller]
    pub fn sum(&self) -> Tensor {
        self.sum_axes(..)
    }

    /// The sum along axes. Gradient: g to each element summed.
    #[track_caller]
    pub fn sum_axes(&self, axes: impl Into<Axes>) -> Tensor {
        let along = axes.into().of("sum", self.shape());
        let (shape, ones) = (self.shape(), along.with_ones());
        Tensor::from_op("sum", self.array().reduce_along(Reduce::Sum, &along), [self], move |back| {
            [back.want(0, || back.grad().reshape(ones).broadcast_to(shape))]
        })
    }

    /// The mean of all elements; NaN of nothing.
    #[track_caller]
    pub fn mean(&self) -> Tensor {
        self.mean_axes(..)
    }

    /// The mean along axes.
    ///
    /// # Panics
    /// When the elements are not floating point.
    #[track_caller]
    pub fn mean_axes(&self, axes: impl Into<Axes>) -> Tensor {
        assert!(self.dtype().is_float(), "mean: needs f32 or f64, not {}; cast it first", self.dtype());
        let along = axes.into().of("mean", self.shape());
        let (shape, ones) = (self.shape(), along.with_ones());
        let count = Array::full((), along.count() as f64, self.dtype()).to(self.device());
        let value = self.array().reduce_along(Reduce::Sum, &along).binary(Binary::Div, &count);
        Tensor::from_op("mean", value, [self], move |back| {
            [back.want(0, || (back.grad() / Tensor::from(count.clone())).reshape(ones).broadcast_to(shape))]
        })
    }

    /// The product of all elements.
    #[track_caller]
    pub fn prod(&self) -> Tensor {
        self.prod_axes(..)
    }

    /// The product along axes, 1 of nothing. Gradient: g times the product of the others, right also where some are 0.
    #[track_caller]
    pub fn prod_axes(&self, axes: impl Into<Axes>) -> Tensor {
        let along = axes.into().of("prod", self.shape());
        let x = self.clone();
        Tensor::from_op("prod", self.array().reduce_along(Reduce::Prod, &along), [self], move |back| {
            [back.want(0, || {
                let (kept, gone) = along.order();
                let turned = x.permute(&[&kept[..], &gone[..]].concat());
                let shape = turned.shape();
                let rows = turned.reshape([&shape[..kept.len()], &[along.count()]].concat());
                let before = rows.running_product(false).shifted(false, 1.0);
                let after = rows.running_product(true).shifted(true, 1.0);
                let g = back.grad().reshape([&shape[..kept.len()], &[1]].concat());
                let mut home = vec![0; shape.rank()];
                kept.iter().chain(&gone).enumerate().for_each(|(i, &axis)| home[axis] = i);
                (g * (before * after)).reshape(shape).permute(&home)
            })]
        })
    }

    /// Whether any element is not 0 (NaN is not). Bool, without a gradient.
    #[track_caller]
    pub fn any(&self) -> Tensor {
        self.any_axes(..)
    }

    /// Whether any element along axes is not 0; false of nothing.
    #[track_caller]
    pub fn any_axes(&self, axes: impl Into<Axes>) -> Tensor {
        let along = axes.into().of("any", self.shape());
        self.array().truths().reduce_along(Reduce::Sum, &along).cast(DType::Bool).into()
    }

    /// Whether no element is 0. Bool, without a gradient.
    #[track_caller]
    pub fn all(&self) -> Tensor {
        self.all_axes(..)
    }

    /// Whether no element along axes is 0; true of nothing.
    #[track_caller]
    pub fn all_axes(&self, axes: impl Into<Axes>) -> Tensor {
        let along = axes.into().of("all", self.shape());
        self.array().truths().reduce_along(Reduce::Prod, &along).cast(DType::Bool).into()
    }

    /// The largest of all elements. Gradient: shared evenly by the largest.
    #[track_caller]
    pub fn max(&self) -> Tensor {
        self.max_axes(..)
    }

    /// The largest along axes. Gradient: shared evenly by the largest (PyTorch's `amax`).
    #[track_caller]
    pub fn max_axes(&self, axes: impl Into<Axes>) -> Tensor {
        self.extreme(Reduce::Max, axes.into())
    }

    /// The smallest of all elements. Gradient: shared evenly by the smallest.
    #[track_caller]
    pub fn min(&self) -> Tensor {
        self.min_axes(..)
    }

    /// The smallest along axes. Gradient: shared evenly by the smallest (PyTorch's `amin`).
    #[track_caller]
    pub fn min_axes(&self, axes: impl Into<Axes>) -> Tensor {
        self.extreme(Reduce::Min, axes.into())
    }

    #[track_caller]
    fn extreme(&self, op: Reduce, axes: Axes) -> Tensor {
        let along = axes.of(op.name(), self.shape());
        let (x, ones) = (self.clone(), along.with_ones());
        let value = self.array().reduce_along(op, &along);
        Tensor::from_op_with_output(op.name(), value, [self], move |back, y| {
            [back.want(0, || {
                let hit = x.equal(&y.detach().reshape(ones)).cast(x.dtype());
                let share = back.grad() / hit.sum_axes(axes.clone());
                hit * share.reshape(ones)
            })]
        })
    }

    /// The index (i64) of the first largest element along an axis, which is dropped. Has no gradient.
    #[track_caller]
    pub fn argmax(&self, axis: isize) -> Tensor {
        self.array().argmax(axis).into()
    }

    /// The index (i64) of the first smallest element along an axis, which is dropped. Has no gradient.
    #[track_caller]
    pub fn argmin(&self, axis: isize) -> Tensor {
        self.array().argmin(axis).into()
    }

    /// Sums axes that broadcasting has stretched, so that the result has the given shape: the gradient of
    /// [`broadcast_to`](Tensor::broadcast_to).
    ///
    /// # Panics
    /// When the given shape does not broadcast to this one.
    #[track_caller]
    pub fn sum_to(&self, shape: Shape) -> Tensor {
        if self.shape() == shape {
            return self.clone();
        }
        assert!(
            shape.broadcast(&self.shape()) == Some(self.shape()),
            "sum_to: {shape} does not broadcast to {}",
            self.shape()
        );
        let added = self.rank() - shape.rank();
        let stretched = |axis: usize| axis < added || (shape[axis - added] == 1 && self.shape()[axis] != 1);
        let axes: Vec<isize> = (0..self.rank()).filter(|&i| stretched(i)).map(|i| i as isize).collect();
        if axes.is_empty() {
            return self.reshape(shape);
        }
        self.sum_axes(&axes[..]).reshape(shape)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    #[test]
    fn sums_over_any_axes() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&(0..24).map(f64::from).collect::<Vec<_>>(), [2, 3, 4]).to(device);
            assert_eq!(x.sum().item::<f64>(), 276.0);
            assert_eq!(x.sum_axes([0, 2]).to_vec::<f64>(), [60.0, 92.0, 124.0]);
            assert_eq!(x.sum_axes([1]).to_vec::<f64>(), [12.0, 15.0, 18.0, 21.0, 48.0, 51.0, 54.0, 57.0]);
            assert_eq!(x.mean_axes([-1]).to_vec::<f64>(), [1.5, 5.5, 9.5, 13.5, 17.5, 21.5]);
            assert_eq!(x.max_axes([0, 1]).to_vec::<f64>(), [20.0, 21.0, 22.0, 23.0]);
            assert_eq!(x.argmax(1).to_vec::<i64>(), [2; 8]);
            assert_eq!(Tensor::zeros([0, 3]).to(device).sum_axes([0]).to_vec::<f32>(), [0.0; 3]);
            assert!(Tensor::zeros([0]).to(device).mean().item::<f32>().is_nan());
        }
    }

    #[test]
    fn nan_is_the_largest_and_the_smallest() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[1.0f32, f32::NAN, 3.0], [3]).to(device);
            assert!(x.max().item::<f32>().is_nan() && x.min().item::<f32>().is_nan());
            assert_eq!(x.argmax(0).item::<i64>(), 1);
        }
    }

    #[test]
    #[should_panic(expected = "max: [2, 0] has no elements along the axes [1]")]
    fn the_maximum_of_nothing() {
        Tensor::zeros([2, 0]).max_axes([1]);
    }
}
