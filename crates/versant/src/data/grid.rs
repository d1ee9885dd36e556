//! Many images as one.

use crate::array::Array;
use crate::dtype::DType;
use crate::tensor::Tensor;

/// Black pixels around each image.
const PADDING: usize = 2;

/// A batch of images [n, c, h, w] as one image of bytes [height, width, c], `columns` in a row, two black pixels around
/// each; places that are left over are black. Values of `range` become 0 to 255, values beyond it its ends. (As
/// torchvision's `make_grid`)
///
/// ```
/// use versant::{data::make_grid, prelude::*};
/// let images = Tensor::rand([10, 3, 28, 28], &mut Rng::new(0));
/// assert_eq!(make_grid(&images, 4, (0.0, 1.0)).shape(), [92, 122, 3].into());
/// ```
///
/// # Panics
/// When `images` is not [n, c, h, w] of floats with at least one image, `columns` is 0, or the range has no extent.
#[track_caller]
pub fn make_grid(images: &Tensor, columns: usize, range: (f64, f64)) -> Array {
    let shape = images.shape();
    assert!(
        shape.rank() == 4 && shape.numel() > 0 && images.dtype().is_float(),
        "make_grid: images are floats [n, c, h, w], at least one; these are {} {shape}",
        images.dtype()
    );
    let (low, high) = range;
    assert!(low < high, "make_grid: the range is {low} to {high}; the first must be less than the second");
    assert!(columns > 0, "make_grid: no image fits into 0 columns");
    let [n, c, h, w] = images.dims();
    let columns = columns.min(n);
    let height = n.div_ceil(columns) * (h + PADDING) + PADDING;
    let width = columns * (w + PADDING) + PADDING;
    let mut bytes = vec![0u8; height * width * c];
    // Channels last, so that rows of pixels follow one another as in the result.
    let pixels = images.array().permute(&[0, 2, 3, 1]).cast(DType::F64).to_vec::<f64>();
    for (row, values) in pixels.chunks_exact(w * c).enumerate() {
        let (image, y) = (row / h, row % h);
        let top = image / columns * (h + PADDING) + PADDING + y;
        let left = image % columns * (w + PADDING) + PADDING;
        let start = (top * width + left) * c;
        for (byte, value) in bytes[start..].iter_mut().zip(values) {
            *byte = ((value - low) / (high - low) * 255.0).round() as u8;
        }
    }
    Array::from_slice(&bytes, [height, width, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_has_its_place() {
        let (n, c, h, w) = (5, 2, 3, 4);
        let values: Vec<f32> = (0..n * c * h * w).map(|i| i as f32).collect();
        let grid = make_grid(&Tensor::from_slice(&values, [n, c, h, w]), 3, (-135.0, 120.0));
        let [height, width, _] = grid.dims();
        assert_eq!((height, width), (2 + 2 * 5, 2 + 3 * 6));
        let bytes = grid.to_vec::<u8>();
        let mut seen = 0;
        for y in 0..height {
            for x in 0..width {
                let (row, dy, column, dx) = (y / 5, y % 5, x / 6, x % 6);
                let image = row * 3 + column;
                for channel in 0..c {
                    let found = bytes[(y * width + x) * c + channel];
                    let inside = dy >= 2 && dx >= 2 && image < n;
                    let at = ((image * c + channel) * h + dy.saturating_sub(2)) * w + dx.saturating_sub(2);
                    assert_eq!(found, if inside { at as u8 + 135 } else { 0 }, "{y} {x} {channel}");
                    seen += usize::from(inside);
                }
            }
        }
        assert_eq!(seen, values.len());
    }

    #[test]
    fn values_beyond_the_range_are_its_ends() {
        let image = Tensor::from_slice(&[-1.0f32, 0.5, 7.0, f32::NAN], [1, 1, 1, 4]);
        assert_eq!(make_grid(&image, 8, (0.0, 1.0)).slice(0, 2, 3, 1).to_vec::<u8>()[2..6], [0, 128, 255, 0]);
    }

    #[test]
    #[should_panic(
        expected = "make_grid: images are floats [n, c, h, w], at least one; these are f32 [3, 28, 28]"
    )]
    fn what_is_no_batch_is_named() {
        make_grid(&Tensor::zeros([3, 28, 28]), 8, (0.0, 1.0));
    }
}
