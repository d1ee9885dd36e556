//! The largest element of each window, and what goes back to its place.

use std::ops::Range;
use std::sync::Arc;

use super::{Pool, adaptive_window, as_images, image_size};
use crate::array::Array;
use crate::dtype::DType;
use crate::ops::fold::Window;
use crate::ops::pair::Pair;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Where windows lie along one axis: from the first to the last element of each that is within the image, in steps of
/// the dilation. None is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Spans {
    /// A window each.
    pub ranges: Vec<Range<usize>>,
    /// The distance of neighbours.
    pub dilation: usize,
}

impl Spans {
    /// The windows of a pooling along axis i of an image of this length there; the caller knows that they fit.
    fn of(Window { kernel, stride, padding, dilation }: Window, i: usize, count: usize, len: usize) -> Spans {
        let range = |at: usize| {
            let (first, reach) = (at * stride[i], (kernel[i] - 1) * dilation[i] + 1);
            // Places in the padding are passed over in steps of the dilation.
            let before = padding[i].saturating_sub(first).div_ceil(dilation[i]) * dilation[i];
            first + before - padding[i]..(first + reach - padding[i]).min(len)
        };
        Spans { ranges: (0..count).map(range).collect(), dilation: dilation[i] }
    }

    fn adaptive(count: usize, len: usize) -> Spans {
        Spans { ranges: (0..count).map(|at| adaptive_window(at, count, len)).collect(), dilation: 1 }
    }
}

/// The two last axes as one, all before them as another.
fn planes(shape: Shape) -> Shape {
    [shape[..2].iter().product(), shape[2..].iter().product()].into()
}

impl Array {
    /// The largest of each window of images [n, c, h, w], and its place among the h w elements.
    fn max_pool(&self, rows: &Spans, columns: &Spans) -> (Array, Array) {
        let [n, c, ..] = self.dims::<4>();
        let shape = Shape::new(&[n, c, rows.ranges.len(), columns.ranges.len()]);
        let mut values = Array::recycled(shape, self.dtype(), self.device());
        let mut places = Array::recycled(shape, DType::I64, self.device());
        self.device().backend().max_pool(rows, columns, &self.contiguous(), &mut values, &mut places);
        (values, places)
    }
}

/// g is the gradient of the result. Its elements go to the places of the largest, where those of several windows are
/// added; of equal elements the first in row-major order counts as the largest, and NaN as larger than any number (of
/// several the last), as in PyTorch. [course: B6]
impl Tensor {
    /// The largest element of each window of images [n, c, h, w].
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 0.0, 5.0, 4.0, 3.0, 5.0, 1.0], [1, 1, 2, 4]).requires_grad();
    /// let y = x.max_pool2d(2);
    /// assert_eq!(y.to_vec::<f32>(), [4.0, 5.0]);
    /// let grads = y.sum().backward();
    /// assert_eq!(grads.get(&x).unwrap().to_vec::<f32>(), [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// When this is not [n, c, h, w] in floating point with elements in each image, the window does not fit, or its
    /// padding is more than half of it.
    #[track_caller]
    pub fn max_pool2d(&self, pool: impl Into<Pool>) -> Tensor {
        let image = image_size("max_pool2d", self);
        self.max_pooled("max_pool2d", pool.into(), image, self.shape()).0
    }

    /// As [`max_pool2d`](Tensor::max_pool2d), with the place of each largest element: i64 of the result's shape, counted
    /// through the h w elements of an image, as [`max_unpool2d`](Tensor::max_unpool2d) takes them.
    #[track_caller]
    pub fn max_pool2d_with_indices(&self, pool: impl Into<Pool>) -> (Tensor, Tensor) {
        let image = image_size("max_pool2d_with_indices", self);
        let (values, places) = self.max_pooled("max_pool2d_with_indices", pool.into(), image, self.shape());
        (values, places.into())
    }

    /// The largest element of each window of sequences [n, c, l]; the pool has one number for each of its settings.
    ///
    /// # Panics
    /// As [`max_pool2d`](Tensor::max_pool2d).
    #[track_caller]
    pub fn max_pool1d(&self, pool: impl Into<Pool>) -> Tensor {
        let (len, images) = as_images("max_pool1d", self);
        let pool = pool.into().along_one_axis("max_pool1d");
        images.max_pooled("max_pool1d", pool, [1, len], self.shape()).0.squeeze(2)
    }

    /// The largest element of each of h times w windows, as even as may be, that cover images [n, c, ..]: window i of
    /// k along an axis of d elements goes from floor(i d / k) to ceil((i + 1) d / k). With size 1 the largest of all:
    /// global pooling.
    ///
    /// # Panics
    /// When this is not [n, c, h, w] in floating point with elements in each image.
    #[track_caller]
    pub fn adaptive_max_pool2d(&self, size: impl Into<Pair<usize>>) -> Tensor {
        let (Pair([oh, ow]), [h, w]) = (size.into(), image_size("adaptive_max_pool2d", self));
        self.largest("adaptive_max_pool2d", &Spans::adaptive(oh, h), &Spans::adaptive(ow, w)).0
    }

    /// Images of a height and width with these elements at their places (i64, of this shape), as
    /// [`max_pool2d_with_indices`](Tensor::max_pool2d_with_indices) gives them, and zeros elsewhere. Of several elements
    /// for one place the last stays. Gradient: g at the places.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 0.0], [1, 1, 2, 2]);
    /// let (y, places) = x.max_pool2d_with_indices(2);
    /// assert_eq!(y.max_unpool2d(&places, 2).to_vec::<f32>(), [0.0, 0.0, 3.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// When this is not [n, c, h, w], the places have another shape or type, or one is outside of the image.
    #[track_caller]
    pub fn max_unpool2d(&self, indices: &Tensor, image: impl Into<Pair<usize>>) -> Tensor {
        let (shape, Pair([h, w])) = (self.shape(), image.into());
        image_size("max_unpool2d", self);
        assert!(
            indices.shape() == shape && indices.dtype() == DType::I64 && indices.device() == self.device(),
            "max_unpool2d: elements {shape} on {} need places of that shape, i64, not {} {} on {}",
            self.device(),
            indices.dtype(),
            indices.shape(),
            indices.device()
        );
        let Some(result) = Shape::checked(&[shape[0], shape[1], h, w]) else {
            panic!("max_unpool2d: images [{h}, {w}] of {shape} have more elements than memory can hold")
        };
        let size = (h * w) as i64;
        if let Some((at, bad)) = indices.array().find_i64(|i| !(0..size).contains(&i)) {
            panic!("max_unpool2d: place {bad} (element {at} of {shape}) is none of an image [{h}, {w}]")
        }
        let zeros = Array::full(planes(result), 0.0, self.dtype()).to(self.device());
        let (index, src) = (indices.reshape(planes(shape)), self.reshape(planes(shape)));
        Tensor::from(zeros).scatter(1, &index, &src).reshape(result)
    }

    #[track_caller]
    fn max_pooled(&self, name: &'static str, pool: Pool, image: [usize; 2], seen: Shape) -> (Tensor, Array) {
        let output = pool.checked_output(name, image, seen);
        let [rows, columns] = [0, 1].map(|i| Spans::of(pool.window, i, output[i], image[i]));
        self.largest(name, &rows, &columns)
    }

    fn largest(&self, name: &'static str, rows: &Spans, columns: &Spans) -> (Tensor, Array) {
        let shape = self.shape();
        let (values, places) = self.array().max_pool(rows, columns);
        let saved = Arc::new(places.clone());
        let y = Tensor::from_op(name, values, [self], move |back| {
            [back.want(0, || back.grad().added_at(name, &saved, shape))]
        });
        (y, places)
    }

    /// Zeros of a shape [n, c, h, w] to which these elements are added at their places.
    fn added_at(&self, name: &'static str, places: &Arc<Array>, into: Shape) -> Tensor {
        let from = self.shape();
        let mut out = Array::recycled(planes(into), self.dtype(), self.device());
        let (src, index) = (self.array().contiguous(), places.reshape(planes(from)));
        self.device().backend().max_pool_backward(&src.reshape(planes(from)), &index, &mut out);
        let places = places.clone();
        Tensor::from_op(name, out.reshape(into), [self], move |back| {
            [back.want(0, || back.grad().taken_at(name, &places))]
        })
    }

    /// The elements at places: the adjoint of [`added_at`](Tensor::added_at).
    fn taken_at(&self, name: &'static str, places: &Arc<Array>) -> Tensor {
        let (from, to) = (self.shape(), places.shape());
        let mut out = Array::recycled(planes(to), self.dtype(), self.device());
        let x = self.array().contiguous().reshape(planes(from));
        self.device().backend().gather(&x, &places.reshape(planes(to)), &mut out);
        let places = places.clone();
        Tensor::from_op(name, out.reshape(to), [self], move |back| {
            [back.want(0, || back.grad().added_at(name, &places, from))]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_passed_over_in_steps_of_the_dilation() {
        let window = Window::new([2, 3]).stride([2, 1]).padding([1, 1]).dilation([1, 2]);
        assert_eq!(Spans::of(window, 0, 3, 5).ranges, [0..1, 1..3, 3..5]);
        assert_eq!(Spans::of(window, 1, 3, 5).ranges, [1..4, 0..5, 1..5]);
    }

    /// The 4 x 4 grid of the slides. [course: B6]
    #[test]
    fn ties_go_to_the_first() {
        let grid = [1.0f32, 0.8, 0.8, 0.9, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.9, 0.9, 0.7, 0.6, 0.9];
        let x = Tensor::from_slice(&grid, [1, 1, 4, 4]);
        let (y, places) = x.max_pool2d_with_indices(2);
        assert_eq!(y.to_vec::<f32>(), [1.0, 0.9, 0.9, 0.9]);
        assert_eq!(places.to_vec::<i64>(), [0, 3, 8, 11]);
    }
}
