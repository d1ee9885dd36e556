//! Pooling: of each window its largest element or its mean [course: B6, B7].

mod average;
mod max;

pub use max::Spans;

use super::fold::Window;
use super::pair::Pair;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The windows of a pooling: one of two axes that moves by its own size, unless told otherwise. One number stands for
/// height and width alike; functions that pool take `2` or `[2, 3]` for a kernel alone.
///
/// ```
/// use versant::{Pool, Tensor};
/// let x = Tensor::zeros([1, 3, 8, 8]);
/// assert_eq!(x.max_pool2d(2).shape(), [1, 3, 4, 4].into());
/// assert_eq!(x.max_pool2d(Pool::new(3).stride(2).padding(1)).shape(), [1, 3, 4, 4].into());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Kernel, stride, padding, dilation.
    pub window: Window,
    /// Whether a last window that reaches beyond the image counts; it must begin within the image or the padding
    /// before it.
    pub ceil_mode: bool,
    /// Whether padding counts in the size of a window by which an average divides.
    pub count_include_pad: bool,
}

impl Pool {
    /// Windows of this size side by side, no padding.
    pub fn new(kernel: impl Into<Pair<usize>>) -> Pool {
        let Pair(kernel) = kernel.into();
        Pool { window: Window::new(kernel).stride(kernel), ceil_mode: false, count_include_pad: true }
    }

    /// How far the window moves.
    pub fn stride(self, stride: impl Into<Pair<usize>>) -> Pool {
        Pool { window: self.window.stride(stride.into().0), ..self }
    }

    /// Rows and columns around the image, at most half of the kernel: never the largest, zeros for an average.
    pub fn padding(self, padding: impl Into<Pair<usize>>) -> Pool {
        Pool { window: self.window.padding(padding.into().0), ..self }
    }

    /// The distance of neighbours within the window; only for the largest element.
    pub fn dilation(self, dilation: impl Into<Pair<usize>>) -> Pool {
        Pool { window: self.window.dilation(dilation.into().0), ..self }
    }

    /// Whether a last window that reaches beyond the image counts.
    pub fn ceil_mode(self, ceil_mode: bool) -> Pool {
        Pool { ceil_mode, ..self }
    }

    /// Whether padding counts in the size of a window by which an average divides; only for averages.
    pub fn count_include_pad(self, count_include_pad: bool) -> Pool {
        Pool { count_include_pad, ..self }
    }

    /// At how many places the window stands, or `None` where it does not fit once: along each axis
    /// floor((d + 2 p - l (k - 1) - 1) / s) + 1, d the length, l the dilation. In ceil mode the fraction is rounded up,
    /// and a window that would begin behind the image is left out.
    ///
    /// ```
    /// use versant::Pool;
    /// let pool = Pool::new(3).stride(2);
    /// assert_eq!(pool.output([7, 8]), Some([3, 3]));
    /// assert_eq!(pool.ceil_mode(true).output([7, 8]), Some([3, 4]));
    /// ```
    pub fn output(&self, image: [usize; 2]) -> Option<[usize; 2]> {
        if !self.ceil_mode {
            return self.window.output(image);
        }
        // Up to stride - 1 more rows let the last window in that would not fit whole.
        let Window { stride, padding, .. } = self.window;
        let along = |i: usize| image[i].checked_add(stride[i].checked_sub(1)?);
        let [oh, ow] = self.window.output([along(0)?, along(1)?])?;
        let begins = |out: usize, i: usize| {
            let behind = (out - 1) * stride[i] >= image[i] + padding[i];
            if behind { out - 1 } else { out }
        };
        Some([begins(oh, 0), begins(ow, 1)])
    }

    /// The same for the one axis of [n, c, l], seen as the last of an image of height 1.
    ///
    /// # Panics
    /// When a pair has two numbers.
    #[track_caller]
    fn along_one_axis(self, operation: &str) -> Pool {
        let Window { kernel, stride, padding, dilation } = self.window;
        let named = [("kernel", kernel), ("stride", stride), ("padding", padding), ("dilation", dilation)];
        for (name, pair) in named {
            assert!(pair[0] == pair[1], "{operation}: one axis takes one {name}, not {pair:?}");
        }
        let window = Window {
            kernel: [1, kernel[1]],
            stride: [1, stride[1]],
            padding: [0, padding[1]],
            dilation: [1, dilation[1]],
        };
        Pool { window, ..self }
    }

    /// How many windows there are in images of this height and width, for a message about a tensor of this shape.
    #[track_caller]
    fn checked_output(&self, operation: &str, image: [usize; 2], shape: Shape) -> [usize; 2] {
        let Window { kernel, stride, padding, dilation } = self.window;
        assert!(
            [kernel, stride, dilation].iter().all(|pair| !pair.contains(&0)),
            "{operation}: kernel {kernel:?}, stride {stride:?} and dilation {dilation:?} are at least 1"
        );
        assert!(
            (0..2).all(|i| padding[i] <= kernel[i] / 2),
            "{operation}: padding {padding:?} is more than half of the kernel {kernel:?}; pad the tensor instead"
        );
        // A window with a wider gap than the image may see nothing of it.
        assert!(
            (0..2).all(|i| padding[i] == 0 || dilation[i] <= image[i]),
            "{operation}: dilation {dilation:?} with padding {padding:?} steps over the whole of {shape}"
        );
        match self.output(image) {
            Some(output) => output,
            None => panic!(
                "{operation}: kernel {kernel:?} with padding {padding:?} and dilation {dilation:?} does not fit {shape}"
            ),
        }
    }
}

impl From<usize> for Pool {
    fn from(kernel: usize) -> Pool {
        Pool::new(kernel)
    }
}

impl From<[usize; 2]> for Pool {
    fn from(kernel: [usize; 2]) -> Pool {
        Pool::new(kernel)
    }
}

/// The height and width of images [n, c, h, w].
///
/// # Panics
/// When they are of another rank, empty, or not of a floating type.
#[track_caller]
pub(super) fn image_size(operation: &str, images: &Tensor) -> [usize; 2] {
    let shape = images.shape();
    assert!(shape.rank() == 4, "{operation}: images are [n, c, h, w], not {shape}");
    check_values(operation, images);
    [shape[2], shape[3]]
}

/// The length of sequences [n, c, l], and the same as images of height 1.
///
/// # Panics
/// As [`image_size`].
#[track_caller]
fn as_images(operation: &str, sequences: &Tensor) -> (usize, Tensor) {
    let shape = sequences.shape();
    assert!(shape.rank() == 3, "{operation}: sequences are [n, c, l], not {shape}");
    check_values(operation, sequences);
    (shape[2], sequences.unsqueeze(2))
}

#[track_caller]
fn check_values(operation: &str, x: &Tensor) {
    let (shape, dtype) = (x.shape(), x.dtype());
    assert!(!shape[2..].contains(&0), "{operation}: {shape} has nothing along its last axes");
    assert!(dtype.is_float(), "{operation}: needs f32 or f64, not {dtype}; cast it first");
}

/// Where window `at` of `count` lies along an axis of `len` elements of which each is in some window: from floor(at len
/// / count) to ceil((at + 1) len / count), PyTorch's rule.
fn adaptive_window(at: usize, count: usize, len: usize) -> std::ops::Range<usize> {
    let (at, count, len) = (at as u128, count as u128, len as u128);
    (at * len / count) as usize..((at + 1) * len).div_ceil(count) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_window_begins_within_the_image() {
        let pool = |k, s, p| Pool::new(k).stride(s).padding(p).ceil_mode(true);
        assert_eq!(pool(2, 2, 0).output([5, 1]), Some([3, 1]));
        // A third window would begin at 4, behind the four elements and nothing but padding.
        assert_eq!(pool(2, 3, 1).output([4, 5]), Some([2, 2]));
        assert_eq!(pool(1, 3, 0).output([4, 5]), Some([2, 2]));
        assert_eq!(pool(3, 2, 0).output([1, 7]), None);
        assert_eq!(pool(1, usize::MAX, 0).output([7, 7]), None);
        assert_eq!(pool(1, 0, 0).output([7, 7]), None);
    }

    #[test]
    fn adaptive_windows_cover_everything() {
        let windows = |count, len| (0..count).map(|i| adaptive_window(i, count, len)).collect::<Vec<_>>();
        assert_eq!(windows(3, 7), [0..3, 2..5, 4..7]);
        assert_eq!(windows(3, 2), [0..1, 0..2, 1..2]);
    }
}
