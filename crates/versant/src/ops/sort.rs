//! Orders: sorting, the largest, the distinct.

use crate::array::Array;
use crate::dtype::DType;
use crate::tensor::Tensor;

/// Of every element type. NaN is the greatest; equal elements keep their order. Indices are i64 and have no gradient.
impl Tensor {
    /// The elements in order along an axis, and their places before. Gradient: g to the places that the values came
    /// from.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[3.0f32, 1.0, 2.0], [3]);
    /// let (values, indices) = x.sort(0, true);
    /// assert_eq!(values.to_vec::<f32>(), [3.0, 2.0, 1.0]);
    /// assert_eq!(indices.to_vec::<i64>(), [0, 2, 1]);
    /// ```
    #[track_caller]
    pub fn sort(&self, axis: isize, descending: bool) -> (Tensor, Tensor) {
        let indices = self.order("sort", axis, descending, usize::MAX);
        (self.gather(axis, &indices), indices)
    }

    /// The places that bring an axis into order.
    #[track_caller]
    pub fn argsort(&self, axis: isize, descending: bool) -> Tensor {
        self.order("argsort", axis, descending, usize::MAX)
    }

    /// The k largest (or smallest) elements along an axis, the most extreme first, and their places. Gradient: g to
    /// those places.
    ///
    /// # Panics
    /// When the axis has fewer than k elements.
    #[track_caller]
    pub fn topk(&self, k: usize, axis: isize, largest: bool) -> (Tensor, Tensor) {
        let len = self.shape()[self.shape().axis("topk", axis)];
        assert!(k <= len, "topk: k is {k}, axis {axis} of {} has {len} elements", self.shape());
        let indices = self.order("topk", axis, largest, k);
        (self.gather(axis, &indices), indices)
    }

    /// The first places in the order of an axis, at most `count`.
    #[track_caller]
    fn order(&self, operation: &str, axis: isize, descending: bool, count: usize) -> Tensor {
        let axis = self.shape().axis(operation, axis) as isize;
        let x = self.array().transpose(axis, -1).contiguous();
        let last = x.rank() - 1;
        let shape = x.shape().with_axis(last, x.shape()[last].min(count));
        let mut places = Array::recycled(shape, DType::I64, x.device());
        x.device().backend().argsort(descending, &x, &mut places);
        places.transpose(axis, -1).into()
    }

    /// The distinct elements in ascending order, without a gradient. Every NaN is distinct.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[2i64, 1, 2], [3]);
    /// assert_eq!(x.unique().to_vec::<i64>(), [1, 2]);
    /// ```
    pub fn unique(&self) -> Tensor {
        self.unique_with_counts().0
    }

    /// The distinct elements in ascending order, for each element of this tensor the place of its value among them
    /// (i64, of this shape), and how often each occurs (i64).
    pub fn unique_with_counts(&self) -> (Tensor, Tensor, Tensor) {
        let (sorted, order) = self.detach().flatten(0).sort(0, false);
        let n = sorted.numel();
        let differs = sorted.slice(0, n.min(1), n, 1).not_equal(&sorted.slice(0, 0, n.saturating_sub(1), 1));
        let differs = differs.to_vec::<bool>();
        // Where each run of equal elements begins.
        let starts: Vec<i64> = (0..n as i64).filter(|&i| i == 0 || differs[i as usize - 1]).collect();
        let mut inverse = vec![0i64; n];
        let mut counts = vec![0i64; starts.len()];
        let mut run = 0;
        for (i, place) in order.to_vec::<i64>().into_iter().enumerate() {
            run += (i > 0 && differs[i - 1]) as usize;
            inverse[place as usize] = run as i64;
            counts[run] += 1;
        }
        let on_device = |values: &[i64]| Tensor::from_slice(values, [values.len()]).to(self.device());
        let values = sorted.gather(0, &on_device(&starts));
        (values, on_device(&inverse).reshape(self.shape()), on_device(&counts))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    #[test]
    fn nan_is_the_greatest_and_equals_keep_their_order() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[f32::NAN, 1.0, -0.0, f32::INFINITY, 0.0], [5]).to(device);
            assert_eq!(x.argsort(0, false).to_vec::<i64>(), [2, 4, 1, 3, 0]);
            assert_eq!(x.argsort(0, true).to_vec::<i64>(), [0, 3, 1, 2, 4]);
            assert_eq!(x.topk(2, 0, true).1.to_vec::<i64>(), [0, 3]);
        }
    }

    #[test]
    fn along_the_first_axis_of_any_type() {
        let x = Tensor::from_slice(&[3i64, 1, 2, 5], [2, 2]);
        assert_eq!(x.sort(0, false).0.to_vec::<i64>(), [2, 1, 3, 5]);
        let x = Tensor::from_slice(&[true, false, true], [3]);
        assert_eq!(x.sort(0, false).0.to_vec::<bool>(), [false, true, true]);
    }

    #[test]
    fn distinct_elements() {
        let x = Tensor::from_slice(&[2.0f32, 0.5, 2.0, 7.0], [2, 2]);
        let (values, inverse, counts) = x.unique_with_counts();
        assert_eq!(values.to_vec::<f32>(), [0.5, 2.0, 7.0]);
        assert_eq!((inverse.shape(), inverse.to_vec::<i64>()), ([2, 2].into(), vec![1, 0, 1, 2]));
        assert_eq!(counts.to_vec::<i64>(), [1, 2, 1]);
        assert_eq!(Tensor::zeros([0]).unique().numel(), 0);
        let nans = Tensor::from_slice(&[f32::NAN, f32::NAN], [2]);
        assert_eq!(nans.unique().numel(), 2);
    }

    #[test]
    #[should_panic(expected = "topk: k is 4, axis 1 of [2, 3] has 3 elements")]
    fn more_than_there_are() {
        Tensor::zeros([2, 3]).topk(4, 1, true);
    }
}
