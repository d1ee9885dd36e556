//! Images of another size.

/// The image [channels, height, width] scaled so that it covers the wanted height and width, its middle: what juts out
/// on two sides is cut off first.
///
/// A pixel is the weighted mean of those around its place in the original; the weights fall linearly to 0 over one
/// pixel, or over one pixel of the smaller image when there are more of them than wanted. (Bilinear interpolation with
/// antialiasing, as Pillow and torchvision have it.)
pub(crate) fn cover(
    image: &[u8],
    channels: usize,
    [height, width]: [usize; 2],
    wanted: [usize; 2],
) -> Vec<u8> {
    // Heights and widths are below 2^26, as products of them are.
    let scale = (wanted[0] as f64 / height as f64).max(wanted[1] as f64 / width as f64);
    let kept = |has: usize, wanted: usize| ((wanted as f64 / scale).round() as usize).clamp(1, has);
    let (rows, columns) = (kept(height, wanted[0]), kept(width, wanted[1]));
    let (top, left) = ((height - rows) / 2, (width - columns) / 2);
    let (down, across) = (weights(rows, wanted[0]), weights(columns, wanted[1]));
    let mut out = Vec::with_capacity(channels * wanted[0] * wanted[1]);
    for plane in image.chunks_exact(height * width) {
        let narrow: Vec<f32> = plane[top * width..][..rows * width]
            .chunks_exact(width)
            .flat_map(|row| {
                let row = &row[left..left + columns];
                across.iter().map(|taps| taps.weigh(|at| row[at] as f32))
            })
            .collect();
        for taps in &down {
            out.extend((0..wanted[1]).map(|x| taps.weigh(|at| narrow[at * wanted[1] + x]).round() as u8));
        }
    }
    out
}

/// The weights of neighbouring pixels, which sum to 1.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Taps {
    fn weigh(&self, pixel: impl Fn(usize) -> f32) -> f32 {
        self.weights.iter().enumerate().map(|(i, weight)| weight * pixel(self.first + i)).sum()
    }
}

/// For each of `wanted` pixels in a row of `has`.
fn weights(has: usize, wanted: usize) -> Vec<Taps> {
    let step = has as f64 / wanted as f64;
    let reach = step.max(1.0);
    let taps = |i: usize| {
        let middle = (i as f64 + 0.5) * step;
        let first = (middle - reach).floor().max(0.0) as usize;
        let end = ((middle + reach).ceil() as usize).min(has);
        let weight = |at: usize| (1.0 - (at as f64 + 0.5 - middle).abs() / reach).max(0.0);
        let sum: f64 = (first..end).map(weight).sum();
        Taps { first, weights: (first..end).map(|at| (weight(at) / sum) as f32).collect() }
    };
    (0..wanted).map(taps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_changes_nothing() {
        let image: Vec<u8> = (0..2 * 3 * 5).map(|i| (i * 37) as u8).collect();
        assert_eq!(cover(&image, 2, [3, 5], [3, 5]), image);
    }

    /// The numbers of Pillow's `resize` with `BILINEAR`.
    #[test]
    fn smaller_and_larger_as_pillow_has_it() {
        let image = [0, 60, 120, 240, 10, 20, 30, 40, 200, 100, 0, 255];
        let down: Vec<u8> =
            weights(3, 2).iter().map(|taps| taps.weigh(|y| image[4 * y] as f32).round() as u8).collect();
        assert_eq!(down, [4, 129]);
        let across = |row: &[u8], wanted: usize| -> Vec<u8> {
            weights(row.len(), wanted)
                .iter()
                .map(|taps| taps.weigh(|x| row[x] as f32).round() as u8)
                .collect()
        };
        assert_eq!(across(&image[..4], 2), [43, 163]);
        assert_eq!(across(&[0, 100], 4), [0, 25, 75, 100]);
    }

    #[test]
    fn what_juts_out_is_cut_off() {
        // Columns 1 and 2 of 4 remain.
        assert_eq!(cover(&[9, 1, 2, 9, 9, 3, 4, 9], 1, [2, 4], [2, 2]), [1, 2, 3, 4]);
        assert_eq!(cover(&[9, 9, 1, 2, 9, 9], 1, [3, 2], [1, 2]), [1, 2]);
        // A line of any length, and a single dot.
        assert_eq!(cover(&vec![7; 100_000], 1, [1, 100_000], [3, 2]), [7; 6]);
        assert_eq!(cover(&[5], 1, [1, 1], [2, 3]), [5; 6]);
    }
}
