//! Padding [course: B3].

use crate::array::Array;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// What stands beyond the edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pad {
    /// A number.
    Constant(f64),
    /// The elements in front of the edge, mirrored at the outermost one, which is not repeated: c b | a b c | b a.
    Reflect,
    /// The outermost element: a a | a b c | c c.
    Replicate,
    /// The elements from the other end: b c | a b c | a b.
    Circular,
}

impl Pad {
    fn name(self) -> &'static str {
        match self {
            Pad::Constant(_) => "constant",
            Pad::Reflect => "reflect",
            Pad::Replicate => "replicate",
            Pad::Circular => "circular",
        }
    }

    /// How much an axis of `len` elements can be padded at each end.
    fn most(self, len: usize) -> usize {
        match self {
            Pad::Constant(_) => usize::MAX,
            Pad::Reflect => len.saturating_sub(1),
            Pad::Replicate if len == 0 => 0,
            Pad::Replicate => usize::MAX,
            Pad::Circular => len,
        }
    }

    /// Which element of an axis of `len` stands at a place that may lie beyond its ends.
    fn source(self, place: isize, len: isize) -> isize {
        match self {
            Pad::Reflect if place < 0 => -place,
            Pad::Reflect if place >= len => 2 * (len - 1) - place,
            Pad::Circular => place.rem_euclid(len),
            _ => place.clamp(0, len - 1),
        }
    }
}

impl Tensor {
    /// Elements added before and after the last axes, one pair (before, after) for each of them in the order of the
    /// axes: `[(top, bottom), (left, right)]` for images. (PyTorch's `F.pad` names the last axis first.) Gradient: g,
    /// where the added ones give theirs to the elements that they repeat.
    ///
    /// ```
    /// use versant::{Pad, Tensor};
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]);
    /// assert_eq!(x.pad(&[(1, 2)], Pad::Constant(0.0)).to_vec::<f32>(), [0.0, 1.0, 2.0, 3.0, 0.0, 0.0]);
    /// assert_eq!(x.pad(&[(2, 1)], Pad::Reflect).to_vec::<f32>(), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// With more pairs than axes, or where an axis is too short: reflecting needs more elements than are added, going
    /// round at least as many, repeating one.
    #[track_caller]
    pub fn pad(&self, widths: &[(usize, usize)], mode: Pad) -> Tensor {
        let shape = self.shape();
        let result = self.padded_shape(widths, mode);
        let first = shape.rank() - widths.len();
        if let Pad::Constant(value) = mode {
            return self.pad_constant(first, widths, result, value);
        }
        widths.iter().enumerate().fold(self.clone(), |x, (i, &(before, _))| {
            let (axis, len) = (first + i, shape[first + i] as isize);
            if result[axis] == shape[axis] {
                return x;
            }
            let place = |p: usize| mode.source(p as isize - before as isize, len) as i64;
            let index: Vec<i64> = (0..result[axis]).map(place).collect();
            x.index_select(axis as isize, &Tensor::from_slice(&index, [index.len()]).to(x.device()))
        })
    }

    #[track_caller]
    fn padded_shape(&self, widths: &[(usize, usize)], mode: Pad) -> Shape {
        let shape = self.shape();
        assert!(
            widths.len() <= shape.rank(),
            "pad: {widths:?} are {} pairs for the {} axes of {shape}",
            widths.len(),
            shape.rank()
        );
        let first = shape.rank() - widths.len();
        let mut dims = shape.to_vec();
        for (i, &(before, after)) in widths.iter().enumerate() {
            let (axis, len) = (first + i, shape[first + i]);
            let most = mode.most(len);
            assert!(
                before.max(after) <= most,
                "pad: {before} before and {after} after axis {axis} of {shape} are too many for {} padding; at \
                 most {most}",
                mode.name()
            );
            let padded = len.checked_add(before).and_then(|d| d.checked_add(after));
            dims[axis] = padded.unwrap_or(usize::MAX);
        }
        match Shape::checked(&dims) {
            Some(result) => result,
            None => panic!("pad: {shape} with {widths:?} has more elements than memory can hold"),
        }
    }

    fn pad_constant(&self, first: usize, widths: &[(usize, usize)], result: Shape, value: f64) -> Tensor {
        let shape = self.shape();
        let mut out = Array::recycled(result, self.dtype(), self.device());
        let whole = Layout::contiguous(result);
        let filling = Array::full(result, value, self.dtype()).to(self.device());
        let backend = self.device().backend();
        backend.copy(&filling, &mut out, &whole);
        let starts: Vec<(usize, usize)> = widths.iter().enumerate().map(|(i, w)| (first + i, w.0)).collect();
        let place = starts.iter().fold(whole, |l, &(axis, start)| l.slice(axis, start, shape[axis], 1));
        backend.copy(self.array(), &mut out, &place);
        Tensor::from_op("pad", out, [self], move |back| {
            let part =
                |g: Tensor, &(axis, start): &(usize, usize)| g.narrow(axis as isize, start, shape[axis]);
            [back.want(0, || starts.iter().fold(back.grad().clone(), part))]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_modes() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]);
        assert_eq!(x.pad(&[(2, 2)], Pad::Reflect).to_vec::<f32>(), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
        assert_eq!(x.pad(&[(2, 1)], Pad::Replicate).to_vec::<f32>(), [1.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
        assert_eq!(x.pad(&[(1, 3)], Pad::Circular).to_vec::<f32>(), [3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
        let square = Tensor::ones([1, 1]).pad(&[(1, 0), (0, 1)], Pad::Constant(7.0));
        assert_eq!(square.to_vec::<f32>(), [7.0, 7.0, 1.0, 7.0]);
    }

    #[test]
    #[should_panic(
        expected = "pad: 3 before and 0 after axis 1 of [2, 3] are too many for reflect padding; at most 2"
    )]
    fn a_mirror_needs_more_than_it_shows() {
        Tensor::zeros([2, 3]).pad(&[(3, 0)], Pad::Reflect);
    }
}
