//! Shapes, strides and broadcasting.

use std::fmt;
use std::ops::Deref;

/// The largest number of axes.
pub const MAX_RANK: usize = 8;

/// The lengths of an array's axes, outermost first. A scalar has rank 0 and one element. `Copy`: it never allocates.
///
/// ```
/// use versant::Shape;
/// let s = Shape::from([64, 1, 28, 28]);
/// assert_eq!(s.rank(), 4);
/// assert_eq!(s.numel(), 64 * 28 * 28);
/// assert_eq!(s.to_string(), "[64, 1, 28, 28]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    // Entries at and beyond `rank` are 0, so that the derived equality is right.
    dims: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// The shape with these axes.
    ///
    /// # Panics
    /// With more than [`MAX_RANK`] axes, or when the elements could not be counted in an `isize`.
    #[track_caller]
    pub fn new(dims: &[usize]) -> Shape {
        assert!(
            dims.len() <= MAX_RANK,
            "shape {dims:?} has {} axes, at most {MAX_RANK} are supported",
            dims.len()
        );
        let numel = dims.iter().filter(|&&d| d != 0).try_fold(1usize, |n, &d| n.checked_mul(d));
        assert!(
            numel.is_some_and(|n| n <= isize::MAX as usize / 8),
            "shape {dims:?} has more elements than memory can hold"
        );
        let mut all = [0; MAX_RANK];
        all[..dims.len()].copy_from_slice(dims);
        Shape { dims: all, rank: dims.len() }
    }

    /// The shape with these axes, or `None` where [`new`](Shape::new) would panic.
    pub(crate) fn checked(dims: &[usize]) -> Option<Shape> {
        let numel = dims.iter().filter(|&&d| d != 0).try_fold(1usize, |n, &d| n.checked_mul(d));
        let fits = dims.len() <= MAX_RANK && numel.is_some_and(|n| n <= isize::MAX as usize / 8);
        fits.then(|| Shape::new(dims))
    }

    /// Whether this stretches to the other shape.
    pub(crate) fn broadcasts_to(&self, to: &Shape) -> bool {
        let mut from_end = self.iter().rev().zip(to.iter().rev());
        self.rank <= to.rank && from_end.all(|(&d, &t)| d == t || d == 1)
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of elements: the product of the axes, 1 for a scalar.
    pub fn numel(&self) -> usize {
        self.iter().product()
    }

    /// The shape that both broadcast to, or `None`. Axes are matched from the last; an axis of 1 stretches.
    ///
    /// # Panics
    /// When the common shape has more elements than memory can hold.
    #[track_caller]
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        self.stretched(other).map(|(dims, rank)| Shape::new(&dims[..rank]))
    }

    /// The shape that both broadcast to.
    ///
    /// # Panics
    /// In the name of an operation, when there is none or memory could not hold its elements.
    #[track_caller]
    pub(crate) fn broadcast_for(&self, operation: &str, other: &Shape) -> Shape {
        let Some((dims, rank)) = self.stretched(other) else {
            panic!(
                "{operation}: {self} and {other} do not broadcast; axes match from the last, and only an axis of 1 \
                 stretches"
            )
        };
        match Shape::checked(&dims[..rank]) {
            Some(shape) => shape,
            None => panic!(
                "{operation}: {self} and {other} broadcast to {:?}, more elements than memory can hold",
                &dims[..rank]
            ),
        }
    }

    /// The lengths of the common axes and their number.
    pub(crate) fn stretched(&self, other: &Shape) -> Option<([usize; MAX_RANK], usize)> {
        let rank = self.rank.max(other.rank);
        let mut dims = [0; MAX_RANK];
        for (i, dim) in dims[..rank].iter_mut().enumerate() {
            let from_end = rank - i;
            let of = |s: &Shape| if from_end <= s.rank { s.dims[s.rank - from_end] } else { 1 };
            *dim = match (of(self), of(other)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Some((dims, rank))
    }

    /// Row-major strides, in elements: how far apart neighbours along each axis lie.
    pub fn contiguous_strides(&self) -> Strides {
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for i in (0..self.rank).rev() {
            strides[i] = step;
            step *= self.dims[i].max(1);
        }
        Strides(strides)
    }

    /// The same shape with axis `axis` set to `len`.
    ///
    /// # Panics
    /// When there is no such axis, or when the result has more elements than memory can hold.
    #[track_caller]
    pub fn with_axis(mut self, axis: usize, len: usize) -> Shape {
        assert!(axis < self.rank, "with_axis: {self} has no axis {axis}");
        self.dims[axis] = len;
        Shape::new(&self)
    }

    /// Resolves an axis counted from the front (0..rank) or from the back (-rank..-1).
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn axis(&self, operation: &str, axis: isize) -> usize {
        let rank = self.rank as isize;
        assert!(rank > 0, "{operation}: axis {axis} of a scalar, which has no axes");
        assert!(
            (-rank..rank).contains(&axis),
            "{operation}: axis {axis} is out of range for shape {self} (axes 0 to {}, or -1 from the end)",
            rank - 1
        );
        (if axis < 0 { axis + rank } else { axis }) as usize
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.dims[..self.rank]
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    #[track_caller]
    fn from(dims: [usize; N]) -> Shape {
        Shape::new(&dims)
    }
}

impl From<&[usize]> for Shape {
    #[track_caller]
    fn from(dims: &[usize]) -> Shape {
        Shape::new(dims)
    }
}

impl From<Vec<usize>> for Shape {
    #[track_caller]
    fn from(dims: Vec<usize>) -> Shape {
        Shape::new(&dims)
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Shape {
        *shape
    }
}

impl From<usize> for Shape {
    #[track_caller]
    fn from(len: usize) -> Shape {
        Shape::new(&[len])
    }
}

impl From<()> for Shape {
    fn from(_: ()) -> Shape {
        Shape::new(&[])
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &**self)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Distances in elements between neighbours along each axis; 0 along an axis that is broadcast. Only the first
/// `rank` entries mean anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Strides(pub [usize; MAX_RANK]);

impl Deref for Strides {
    type Target = [usize; MAX_RANK];
    fn deref(&self) -> &[usize; MAX_RANK] {
        &self.0
    }
}

/// Walks the buffer positions of a strided array in row-major order.
#[derive(Clone)]
pub struct Positions {
    shape: Shape,
    strides: Strides,
    index: [usize; MAX_RANK],
    position: usize,
    left: usize,
}

impl Positions {
    /// The positions of an array of this shape, strides and offset.
    pub fn new(shape: Shape, strides: Strides, offset: usize) -> Positions {
        Positions { shape, strides, index: [0; MAX_RANK], position: offset, left: shape.numel() }
    }
}

impl Iterator for Positions {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let here = self.position;
        for axis in (0..self.shape.rank()).rev() {
            self.index[axis] += 1;
            self.position += self.strides[axis];
            if self.index[axis] < self.shape[axis] {
                break;
            }
            self.position -= self.strides[axis] * self.shape[axis];
            self.index[axis] = 0;
        }
        Some(here)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Positions {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let b = |a: &[usize], b: &[usize]| Shape::new(a).broadcast(&Shape::new(b)).map(|s| s.to_vec());
        assert_eq!(b(&[3, 1], &[4]), Some(vec![3, 4]));
        assert_eq!(b(&[], &[2, 2]), Some(vec![2, 2]));
        assert_eq!(b(&[0], &[1]), Some(vec![0]));
        assert_eq!(b(&[2, 0, 3], &[1, 1, 3]), Some(vec![2, 0, 3]));
        assert_eq!(b(&[2], &[3]), None);
        assert_eq!(b(&[0], &[2]), None);
    }

    #[test]
    fn positions_of_a_transposed_and_a_broadcast_matrix() {
        let strides = |a, b| {
            let mut s = [0; MAX_RANK];
            (s[0], s[1]) = (a, b);
            Strides(s)
        };
        let transposed: Vec<_> = Positions::new([3, 2].into(), strides(1, 3), 10).collect();
        assert_eq!(transposed, [10, 13, 11, 14, 12, 15]);
        let rows: Vec<_> = Positions::new([2, 3].into(), strides(0, 1), 0).collect();
        assert_eq!(rows, [0, 1, 2, 0, 1, 2]);
        assert_eq!(Positions::new(Shape::from(()), strides(0, 0), 5).collect::<Vec<_>>(), [5]);
        assert_eq!(Positions::new([4, 0].into(), strides(0, 1), 0).count(), 0);
    }

    #[test]
    #[should_panic(expected = "more elements than memory can hold")]
    fn a_product_that_wraps_is_refused() {
        Shape::new(&[1 << 32, 1 << 32]);
    }

    #[test]
    #[should_panic(expected = "more elements than memory can hold")]
    fn broadcasting_cannot_wrap_either() {
        Shape::new(&[1 << 32, 1]).broadcast(&Shape::new(&[1, 1 << 32]));
    }

    #[test]
    #[should_panic(expected = "softmax: axis -1 of a scalar, which has no axes")]
    fn a_scalar_has_no_axes() {
        Shape::from(()).axis("softmax", -1);
    }
}
