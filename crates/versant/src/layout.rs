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
        // Axes of 1 may be added and removed in any layout; anything else that is not contiguous is copied.
        let kept: Vec<usize> = (0..self.shape.rank()).filter(|&i| self.shape[i] != 1).collect();
        if !kept.iter().map(|&i| self.shape[i]).eq(shape.iter().copied().filter(|&d| d != 1)) {
            return None;
        }
        let mut strides = [0; MAX_RANK];
        let mut next = kept.iter();
        for (axis, stride) in strides[..shape.rank()].iter_mut().enumerate() {
            if shape[axis] != 1 {
                *stride = self.strides[*next.next()?];
            }
        }
        Some(Layout { shape, strides: Strides(strides), offset: self.offset })
    }
}
