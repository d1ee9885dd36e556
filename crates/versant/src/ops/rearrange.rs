//! Elements in another order, or several times.

use super::concat::cat;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Gradients: each element gets the sum of g over its copies.
impl Tensor {
    /// Axes backwards.
    ///
    /// ```
    /// use versant::Tensor;
    /// assert_eq!(Tensor::arange(3).flip(&[0]).to_vec::<i64>(), [2, 1, 0]);
    /// ```
    ///
    /// # Panics
    /// When there is no such axis, or one is named twice.
    #[track_caller]
    pub fn flip(&self, axes: &[isize]) -> Tensor {
        let shape = self.shape();
        let mut named = Vec::with_capacity(axes.len());
        for &axis in axes {
            named.push(shape.axis("flip", axis));
        }
        named.sort_unstable();
        let twice = named.windows(2).any(|pair| pair[0] == pair[1]);
        assert!(!twice, "flip: an axis of {shape} is named twice in {axes:?}");
        named.into_iter().fold(self.clone(), |x, axis| {
            let backwards: Vec<i64> = (0..shape[axis] as i64).rev().collect();
            let index = Tensor::from_slice(&backwards, [backwards.len()]).to(x.device());
            x.index_select(axis as isize, &index)
        })
    }

    /// Elements moved by `shift` places along an axis; what leaves at one end enters at the other.
    ///
    /// ```
    /// use versant::Tensor;
    /// assert_eq!(Tensor::arange(4).roll(1, 0).to_vec::<i64>(), [3, 0, 1, 2]);
    /// ```
    #[track_caller]
    pub fn roll(&self, shift: isize, axis: isize) -> Tensor {
        let len = self.shape()[self.shape().axis("roll", axis)];
        if len == 0 {
            return self.clone();
        }
        let shift = shift.rem_euclid(len as isize) as usize;
        cat(&[&self.narrow(axis, len - shift, shift), &self.narrow(axis, 0, len - shift)], axis)
    }

    /// The whole several times along each axis, one count an axis, further counts for new leading axes: PyTorch's
    /// `repeat`.
    ///
    /// ```
    /// use versant::Tensor;
    /// assert_eq!(Tensor::arange(2).repeat(&[2, 2]).to_vec::<i64>(), [0, 1, 0, 1, 0, 1, 0, 1]);
    /// ```
    ///
    /// # Panics
    /// When there are fewer counts than axes.
    #[track_caller]
    pub fn repeat(&self, counts: &[usize]) -> Tensor {
        assert!(
            counts.len() >= self.rank(),
            "repeat: {counts:?} are {} counts for the {} axes of {}",
            counts.len(),
            self.rank(),
            self.shape()
        );
        self.repeated("repeat", counts)
    }

    /// As [`repeat`](Tensor::repeat), where missing counts of leading axes are 1: numpy's `tile`.
    #[track_caller]
    pub fn tile(&self, counts: &[usize]) -> Tensor {
        let missing = self.rank().saturating_sub(counts.len());
        self.repeated("tile", &[&vec![1; missing], counts].concat())
    }

    #[track_caller]
    fn repeated(&self, operation: &str, counts: &[usize]) -> Tensor {
        let raised = [&vec![1; counts.len() - self.rank()], &self.shape()[..]].concat();
        let lengths = raised.iter().zip(counts).map(|(&d, &n)| d.checked_mul(n));
        let Some(result) = lengths.collect::<Option<Vec<usize>>>().and_then(|dims| Shape::checked(&dims))
        else {
            panic!("{operation}: {} by {counts:?} has more elements or axes than can be", self.shape())
        };
        // One axis at a time, the last first: [outer, axis inner] becomes [outer, n, axis inner].
        (0..counts.len()).rev().fold(self.reshape(raised), |x, axis| {
            let shape = x.shape();
            let (outer, rest) = (shape[..axis].iter().product(), shape[axis..].iter().product());
            let copies = x.reshape([outer, 1, rest]).broadcast_to([outer, counts[axis], rest]);
            copies.reshape(shape.with_axis(axis, result[axis]))
        })
    }

    /// Each element n times in a row along an axis.
    ///
    /// ```
    /// use versant::Tensor;
    /// assert_eq!(Tensor::arange(2).repeat_interleave(2, 0).to_vec::<i64>(), [0, 0, 1, 1]);
    /// ```
    #[track_caller]
    pub fn repeat_interleave(&self, n: usize, axis: isize) -> Tensor {
        let shape = self.shape();
        let axis = shape.axis("repeat_interleave", axis);
        let mut dims = shape.to_vec();
        let result = shape[axis].checked_mul(n).and_then(|length| {
            dims[axis] = length;
            Shape::checked(&dims)
        });
        let Some(result) = result else {
            panic!(
                "repeat_interleave: axis {axis} of {shape} times {n} has more elements than memory can hold"
            )
        };
        let (outer, inner) = (shape[..=axis].iter().product(), shape[axis + 1..].iter().product());
        self.reshape([outer, 1, inner]).broadcast_to([outer, n, inner]).reshape(result)
    }
}
