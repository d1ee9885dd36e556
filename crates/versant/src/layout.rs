//! How an array's elements lie in its buffer; every view (transpose, slice, broadcast) is a new layout.

use crate::shape::{MAX_RANK, Positions, Shape, Strides};

/// Shape, strides and the position of the first element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The axes.
    pub shape: Shape,
    /// Elements between neighbours along each axis.
    pub strides: Strides,
    /// Where the first element lies.
    pub offset: usize,
}

impl Layout {
    /// Row-major from the start of a buffer.
    pub fn contiguous(shape: Shape) -> Layout {
        Layout { shape, strides: shape.contiguous_strides(), offset: 0 }
    }

    /// Whether elements follow one another in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        let row_major = self.shape.contiguous_strides();
        self.shape.iter().enumerate().all(|(i, &dim)| dim <= 1 || self.strides[i] == row_major[i])
            || self.shape.numel() == 0
    }

    /// The buffer positions of the elements, in row-major order.
    pub fn positions(&self) -> Positions {
        Positions::new(self.shape, self.strides, self.offset)
    }

    /// Axes in another order: axis `i` of the result is axis `order[i]` of this.
    pub fn permute(&self, order: &[usize]) -> Layout {
        let mut strides = [0; MAX_RANK];
        let mut dims = [0; MAX_RANK];
        for (i, &axis) in order.iter().enumerate() {
            dims[i] = self.shape[axis];
            strides[i] = self.strides[axis];
        }
        Layout { shape: Shape::new(&dims[..order.len()]), strides: Strides(strides), offset: self.offset }
    }

    /// Elements start, start + step, ... of an axis, `len` of them. The caller has checked the range.
    pub fn slice(&self, axis: usize, start: usize, len: usize, step: usize) -> Layout {
        let mut layout = *self;
        layout.shape = self.shape.with_axis(axis, len);
        // What has no elements starts nowhere: the position could lie outside the buffer.
        if layout.shape.numel() > 0 {
            layout.offset += start * self.strides[axis];
        }
        // A step that is never taken may be any number.
        if len > 1 {
            layout.strides.0[axis] *= step;
        }
        layout
    }

    /// Stretched to a larger shape, with stride 0 along stretched axes; `None` when the rules forbid it.
    pub fn broadcast_to(&self, shape: Shape) -> Option<Layout> {
        if self.shape.broadcast(&shape) != Some(shape) {
            return None;
        }
        let added = shape.rank() - self.shape.rank();
        let mut strides = [0; MAX_RANK];
        for axis in added..shape.rank() {
            if self.shape[axis - added] == shape[axis] {
                strides[axis] = self.strides[axis - added];
            }
        }
        Some(Layout { shape, strides: Strides(strides), offset: self.offset })
    }

    /// The same elements under another shape without moving them, or `None` when that needs a copy.
    pub fn reshape(&self, shape: Shape) -> Option<Layout> {
        if self.is_contiguous() {
            return Some(Layout { shape, strides: shape.contiguous_strides(), offset: self.offset });
        }
        // From the last axis on: old axes that follow one another without gaps are one run, which new axes must fill
        // exactly. (PyTorch's `computeStride`.)
        let (mut strides, mut new) = ([0; MAX_RANK], shape.rank());
        let (mut run, mut filled, mut stride) = (1, 1, 0);
        for axis in (0..self.shape.rank()).rev() {
            if run == 1 {
                stride = self.strides[axis];
            }
            run *= self.shape[axis];
            let follows = |outer: usize| self.shape[outer] == 1 || self.strides[outer] == run * stride;
            if axis > 0 && (run == 1 || follows(axis - 1)) {
                continue;
            }
            while new > 0 && (filled < run || shape[new - 1] == 1) {
                new -= 1;
                strides[new] = filled * stride;
                filled *= shape[new];
            }
            if filled != run {
                return None;
            }
            (run, filled) = (1, 1);
        }
        Some(Layout { shape, strides: Strides(strides), offset: self.offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reshaped layouts show the same places, and those that PyTorch would copy are refused.
    #[test]
    fn reshape_without_moving() {
        let rows = Layout::contiguous([6, 4].into());
        let turned = rows.permute(&[1, 0]);
        let ones = Layout::contiguous([3, 1, 4].into()).permute(&[2, 1, 0]);
        let stretched = Layout::contiguous([2, 1].into()).broadcast_to([2, 6].into());
        let views = [
            (turned, vec![4, 2, 3], true),
            (turned, vec![2, 2, 1, 3, 2], true),
            (turned, vec![24], false),
            (turned, vec![2, 12], false),
            (rows.slice(0, 0, 3, 2), vec![3, 1, 2, 2], true),
            (rows.slice(1, 0, 2, 2), vec![12], true),
            (rows.slice(1, 0, 3, 1), vec![18], false),
            (ones, vec![1, 2, 2, 1, 3, 1], true),
            (ones, vec![12], false),
            (stretched.unwrap_or(rows), vec![2, 2, 3], true),
            (stretched.unwrap_or(rows), vec![12], false),
        ];
        for (from, to, possible) in views {
            let view = from.reshape(Shape::new(&to));
            assert_eq!(view.is_some(), possible, "{from:?} as {to:?}");
            assert!(view.is_none_or(|v| v.positions().eq(from.positions())), "{from:?} as {to:?}: {view:?}");
        }
    }
}
