//! Which axes an operation works along, and whether they stay.

use crate::shape::{MAX_RANK, Shape};

/// The axes of a reduction: one (`1`), several (`[0, 2]`), or all (`..`, or none named, as in PyTorch). Negative ones
/// count from the end. They vanish from the result unless [`keepdim`] keeps them with length 1.
///
/// ```
/// use versant::{Tensor, keepdim};
/// let x = Tensor::ones([2, 3, 4]);
/// assert_eq!(x.sum_axes(1).shape(), [2, 4].into());
/// assert_eq!(x.sum_axes([0, -1]).shape(), [3].into());
/// assert_eq!(x.sum_axes(keepdim([0, -1])).shape(), [1, 3, 1].into());
/// assert_eq!(x.sum_axes(..).shape(), ().into());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Axes {
    named: Vec<isize>,
    keep: bool,
}

/// The same axes, kept with length 1, so that the result broadcasts against the input: PyTorch's `keepdim=True`.
pub fn keepdim(axes: impl Into<Axes>) -> Axes {
    Axes { keep: true, ..axes.into() }
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Axes {
        Axes { named: vec![axis], keep: false }
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Axes {
        Axes { named: axes.to_vec(), keep: false }
    }
}

impl From<&[isize]> for Axes {
    fn from(axes: &[isize]) -> Axes {
        Axes { named: axes.to_vec(), keep: false }
    }
}

impl From<std::ops::RangeFull> for Axes {
    fn from(_: std::ops::RangeFull) -> Axes {
        Axes::default()
    }
}

impl Axes {
    /// The axes as they apply to a shape.
    ///
    /// # Panics
    /// On an axis that does not exist or is named twice.
    #[track_caller]
    pub(crate) fn of(&self, operation: &str, shape: Shape) -> Reduced {
        let mut gone = [self.named.is_empty(); MAX_RANK];
        for &axis in &self.named {
            let axis = shape.axis(operation, axis);
            assert!(!gone[axis], "{operation}: axis {axis} of {shape} is named twice in {:?}", self.named);
            gone[axis] = true;
        }
        Reduced { shape, gone, keep: self.keep }
    }
}

/// A shape and the axes of it that an operation reduces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduced {
    shape: Shape,
    gone: [bool; MAX_RANK],
    keep: bool,
}

impl Reduced {
    /// The axes that stay, then those that are reduced.
    pub(crate) fn order(&self) -> (Vec<usize>, Vec<usize>) {
        (0..self.shape.rank()).partition(|&i| !self.gone[i])
    }

    /// How many elements become one.
    pub(crate) fn count(&self) -> usize {
        (0..self.shape.rank()).filter(|&i| self.gone[i]).map(|i| self.shape[i]).product()
    }

    /// The result's shape with every reduced axis of length 1: it broadcasts to the input's.
    pub(crate) fn with_ones(&self) -> Shape {
        let dims: Vec<usize> =
            (0..self.shape.rank()).map(|i| if self.gone[i] { 1 } else { self.shape[i] }).collect();
        dims.into()
    }

    /// The result's shape.
    pub(crate) fn result(&self) -> Shape {
        if self.keep {
            return self.with_ones();
        }
        self.order().0.into_iter().map(|i| self.shape[i]).collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_and_what_goes() {
        let shape = Shape::from([2, 3, 4]);
        let of = |axes: Axes| axes.of("sum", shape);
        assert_eq!(of([0, -1].into()).result(), [3].into());
        assert_eq!(of(keepdim([0, -1])).result(), [1, 3, 1].into());
        assert_eq!(of([0, -1].into()).with_ones(), [1, 3, 1].into());
        assert_eq!((of(1.into()).count(), of((..).into()).count()), (3, 24));
        assert_eq!(of(keepdim(..)).result(), [1, 1, 1].into());
        assert_eq!(of(1.into()).order(), (vec![0, 2], vec![1]));
        assert_eq!(Axes::from(..).of("sum", ().into()).count(), 1);
    }

    #[test]
    #[should_panic(expected = "sum: axis 2 of [2, 3, 4] is named twice in [2, -1]")]
    fn an_axis_named_twice() {
        Axes::from([2, -1]).of("sum", [2, 3, 4].into());
    }
}
