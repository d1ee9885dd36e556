//! Images at another size, larger or smaller.

use super::pair::Pair;
use super::pool::image_size;
use super::resample::Bands;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// What stands between the pixels of an image that is shown at another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest pixel above and to the left: PyTorch's `nearest`.
    Nearest,
    /// A weighted mean of the four pixels around.
    Bilinear {
        /// Whether the centres of the corner pixels stay in the corners, or the image's edges in their place.
        align_corners: bool,
    },
}

/// From `len` pixels to `size`; neighbours lie `step` old pixels apart if the edges stay in their place.
fn along_axis(mode: Interpolation, len: usize, size: usize, step: Option<f64>) -> Bands {
    let ratio = step.unwrap_or(len as f64 / size as f64);
    let nearest = |at: usize| match step {
        // Exact in whole numbers, where a rounded ratio might fall short of one.
        None => (at as u128 * len as u128 / size as u128) as usize,
        Some(step) => ((at as f64 * step) as usize).min(len - 1),
    };
    let place = |at: usize| match mode {
        Interpolation::Bilinear { align_corners: true } => {
            at as f64 * ((len - 1) as f64 / (size.max(2) - 1) as f64)
        }
        _ => ((at as f64 + 0.5) * ratio - 0.5).max(0.0),
    };
    let between = |at: usize| {
        let first = (place(at) as usize).min(len - 1);
        let second = (place(at) - first as f64).min(1.0);
        // What has no weight is left out: it must not turn infinity into NaN.
        match first + 1 < len && second > 0.0 {
            true => (first, vec![1.0 - second, second]),
            false => (first, vec![1.0]),
        }
    };
    match mode {
        Interpolation::Nearest => Bands::new(len, (0..size).map(|at| (nearest(at), [1.0]))),
        Interpolation::Bilinear { .. } => Bands::new(len, (0..size).map(between)),
    }
}

/// Gradient: each pixel gets g of those made from it, by the same weights.
impl Tensor {
    /// Images [n, c, h, w] at another height and width: PyTorch's `F.interpolate` with a `size`. The nearest pixel is
    /// found in whole numbers, floor(i d / size) of d; PyTorch rounds d / size first.
    ///
    /// ```
    /// use versant::{Interpolation, Tensor};
    /// let x = Tensor::from_slice(&[1.0f32, 3.0], [1, 1, 1, 2]);
    /// let twice = |mode| x.interpolate([1, 4], mode).to_vec::<f32>();
    /// assert_eq!(twice(Interpolation::Nearest), [1.0, 1.0, 3.0, 3.0]);
    /// assert_eq!(twice(Interpolation::Bilinear { align_corners: false }), [1.0, 1.5, 2.5, 3.0]);
    /// ```
    ///
    /// # Panics
    /// When this is not [n, c, h, w] in floating point with elements in each image, or a size is 0.
    #[track_caller]
    pub fn interpolate(&self, size: impl Into<Pair<usize>>, mode: Interpolation) -> Tensor {
        let (Pair(size), image) = (size.into(), image_size("interpolate", self));
        self.at_size("interpolate", mode, image, size, [None, None])
    }

    /// Images [n, c, h, w] larger by a factor, or smaller: PyTorch's `F.interpolate` with a `scale_factor`. The new size
    /// is rounded down; pixels lie as far apart as the factor says (but with `align_corners`, where they fill the image).
    ///
    /// ```
    /// use versant::{Interpolation, Tensor};
    /// let x = Tensor::zeros([1, 1, 4, 5]);
    /// assert_eq!(x.interpolate_by(1.5, Interpolation::Nearest).shape(), [1, 1, 6, 7].into());
    /// ```
    ///
    /// # Panics
    /// When this is not [n, c, h, w] in floating point with elements in each image, a factor is not a positive number,
    /// or nothing is left.
    #[track_caller]
    pub fn interpolate_by(&self, factor: impl Into<Pair<f64>>, mode: Interpolation) -> Tensor {
        let (Pair(factor), image) = (factor.into(), image_size("interpolate_by", self));
        assert!(
            factor.iter().all(|&f| f.is_finite() && f > 0.0),
            "interpolate_by: factors are positive numbers, not {factor:?}"
        );
        let size = [0, 1].map(|i| (image[i] as f64 * factor[i]) as usize);
        self.at_size("interpolate_by", mode, image, size, factor.map(|f| Some(1.0 / f)))
    }

    #[track_caller]
    fn at_size(
        &self,
        name: &'static str,
        mode: Interpolation,
        image: [usize; 2],
        size: [usize; 2],
        steps: [Option<f64>; 2],
    ) -> Tensor {
        let shape = self.shape();
        assert!(!size.contains(&0), "{name}: images {shape} would become {size:?}, which is nothing");
        let result = Shape::checked(&[shape[0], shape[1], size[0], size[1]]);
        assert!(result.is_some(), "{name}: {shape} at {size:?} has more elements than memory can hold");
        let [rows, columns] = [0, 1].map(|i| along_axis(mode, image[i], size[i], steps[i]));
        self.resampled(name, rows, columns)
    }
}
