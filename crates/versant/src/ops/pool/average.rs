//! The mean of each window.

use super::{Pool, adaptive_window, as_images, image_size};
use crate::ops::fold::Window;
use crate::ops::pair::Pair;
use crate::ops::resample::Bands;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The windows' weights along axis i of images of this length there: the mean of a window is that of its columns' means.
fn means(pool: Pool, i: usize, count: usize, len: usize) -> Bands {
    let Window { kernel, stride, padding, .. } = pool.window;
    let (kernel, stride, padding) = (kernel[i], stride[i], padding[i]);
    let weights = |at: usize| {
        // Places are counted from the first one of the padding. One behind all padding does not count in any case.
        let (first, end) = (at * stride, (at * stride + kernel).min(len + 2 * padding));
        let (start, stop) = (first.max(padding) - padding, end.min(len + padding) - padding);
        let size = if pool.count_include_pad { end - first } else { stop - start };
        (start, vec![1.0 / size as f64; stop - start])
    };
    Bands::new(len, (0..count).map(weights))
}

fn adaptive_means(count: usize, len: usize) -> Bands {
    let windows = (0..count).map(|at| adaptive_window(at, count, len));
    Bands::new(len, windows.map(|w| (w.start, vec![1.0 / w.len() as f64; w.len()])))
}

/// g is the gradient of the result. Each element of a window of k elements gets g / k, added where windows overlap.
/// [course: B7]
impl Tensor {
    /// The mean of each window of images [n, c, h, w].
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 6.0], [1, 1, 2, 2]).requires_grad();
    /// let y = x.avg_pool2d(2);
    /// assert_eq!(y.to_vec::<f32>(), [3.0]);
    /// assert_eq!(y.backward().get(&x).unwrap().to_vec::<f32>(), [0.25; 4]);
    /// ```
    ///
    /// # Panics
    /// When this is not [n, c, h, w] in floating point with elements in each image, the window does not fit, its
    /// padding is more than half of it, or it has a dilation.
    #[track_caller]
    pub fn avg_pool2d(&self, pool: impl Into<Pool>) -> Tensor {
        let image = image_size("avg_pool2d", self);
        self.averaged("avg_pool2d", pool.into(), image, self.shape())
    }

    /// The mean of each window of sequences [n, c, l]; the pool has one number for each of its settings.
    ///
    /// # Panics
    /// As [`avg_pool2d`](Tensor::avg_pool2d).
    #[track_caller]
    pub fn avg_pool1d(&self, pool: impl Into<Pool>) -> Tensor {
        let (len, images) = as_images("avg_pool1d", self);
        let pool = pool.into().along_one_axis("avg_pool1d");
        images.averaged("avg_pool1d", pool, [1, len], self.shape()).squeeze(2)
    }

    #[track_caller]
    fn averaged(&self, name: &'static str, pool: Pool, image: [usize; 2], seen: Shape) -> Tensor {
        let dilation = pool.window.dilation;
        assert!(dilation == [1, 1], "{name}: a mean has no dilation, not {dilation:?}");
        let output = pool.checked_output(name, image, seen);
        let [rows, columns] = [0, 1].map(|i| means(pool, i, output[i], image[i]));
        self.resampled(name, rows, columns)
    }

    /// The mean of each of h times w windows, as even as may be, that cover images [n, c, ..]: window i of k along an
    /// axis of d elements goes from floor(i d / k) to ceil((i + 1) d / k). With size 1 the mean of all: global average
    /// pooling.
    ///
    /// # Panics
    /// When this is not [n, c, h, w] in floating point with elements in each image.
    #[track_caller]
    pub fn adaptive_avg_pool2d(&self, size: impl Into<Pair<usize>>) -> Tensor {
        let (Pair([oh, ow]), [h, w]) = (size.into(), image_size("adaptive_avg_pool2d", self));
        self.resampled("adaptive_avg_pool2d", adaptive_means(oh, h), adaptive_means(ow, w))
    }

    /// The mean of each of `size` windows, as even as may be, that cover sequences [n, c, l].
    ///
    /// # Panics
    /// When this is not [n, c, l] in floating point with elements in each sequence.
    #[track_caller]
    pub fn adaptive_avg_pool1d(&self, size: usize) -> Tensor {
        let (len, images) = as_images("adaptive_avg_pool1d", self);
        let one_row = adaptive_means(1, 1);
        images.resampled("adaptive_avg_pool1d", one_row, adaptive_means(size, len)).squeeze(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_padding_counts_for() {
        let pool = Pool::new(2).padding(1).ceil_mode(true);
        let rows = |pool| means(pool, 0, 3, 4).rows().map(|(i, w)| (i, w.to_vec())).collect::<Vec<_>>();
        assert_eq!(rows(pool), [(0, vec![0.5]), (1, vec![0.5, 0.5]), (3, vec![0.5])]);
        assert_eq!(rows(pool.count_include_pad(false))[2], (3, vec![1.0]));
        // In ceil mode the last window's part behind the padding never counts.
        assert_eq!(means(Pool::new(3).ceil_mode(true), 0, 2, 4).row(1), (3, &[1.0][..]));
    }
}
