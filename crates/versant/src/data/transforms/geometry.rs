//! Pixels change their places. Where none comes from, the image is black.

use super::Canvas;

/// The pixel of (y, x) comes from (y + down, x + right).
pub(super) fn shift(image: &mut Canvas, down: isize, right: isize) {
    if (down, right) == (0, 0) {
        return;
    }
    let (height, width) = (image.height as isize, image.width as isize);
    // The columns that have a source.
    let start = (-right).clamp(0, width);
    let end = (width - right).clamp(start, width);
    image.replace(|old, new| {
        for (y, row) in (0..height).zip(new.chunks_exact_mut(width as usize)) {
            if !(0..height).contains(&(y + down)) || start == end {
                row.fill(0);
                continue;
            }
            let from = ((y + down) * width + start + right) as usize;
            row[..start as usize].fill(0);
            row[start as usize..end as usize].copy_from_slice(&old[from..from + (end - start) as usize]);
            row[end as usize..].fill(0);
        }
    });
}

/// Left and right change places.
pub(super) fn flip(image: &mut Canvas) {
    let width = image.width;
    image.pixels.chunks_exact_mut(width).for_each(<[u8]>::reverse);
}

/// The pixel of (x, y), measured from the point (cx, cy), comes from the one nearest to (a x + b y, c x + d y).
pub(super) fn transform(image: &mut Canvas, [cx, cy]: [f64; 2], [[a, b], [c, d]]: [[f64; 2]; 2]) {
    let (height, width) = (image.height, image.width);
    let inside = |at: f64, len: usize| (at >= 0.0 && at < len as f64).then_some(at as usize);
    image.replace(|old, new| {
        for (i, pixel) in new.iter_mut().enumerate() {
            // A pixel's place is its middle.
            let (x, y) = ((i % width) as f64 + 0.5 - cx, (i / width) as f64 + 0.5 - cy);
            let (from_x, from_y) = (a * x + b * y + cx, c * x + d * y + cy);
            let source = inside(from_y, height).zip(inside(from_x, width));
            *pixel = source.map_or(0, |(y, x)| old[y * width + x]);
        }
    });
}

/// Turns counter-clockwise about the middle.
pub(super) fn rotate(image: &mut Canvas, degrees: f64) {
    // Not `f64::sin_cos`, which differs from machine to machine.
    let (sin, cos) = libm::sincos(degrees.to_radians());
    transform(image, [image.width as f64 / 2.0, image.height as f64 / 2.0], [[cos, -sin], [sin, cos]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas(height: usize, width: usize, pixels: &[u8]) -> Canvas {
        let mut canvas = Canvas::new(1, height, width);
        canvas.pixels.copy_from_slice(pixels);
        canvas
    }

    #[test]
    fn shifts_and_flips() {
        let shifted = |down, right| {
            let mut image = canvas(2, 3, &[1, 2, 3, 4, 5, 6]);
            shift(&mut image, down, right);
            image.pixels
        };
        assert_eq!(shifted(0, 0), [1, 2, 3, 4, 5, 6]);
        assert_eq!(shifted(1, 0), [4, 5, 6, 0, 0, 0]);
        assert_eq!(shifted(0, 1), [2, 3, 0, 5, 6, 0]);
        assert_eq!(shifted(-1, -2), [0, 0, 0, 0, 0, 1]);
        for (down, right) in [(2, 0), (0, 3), (-2, 0), (0, -3), (9, 9), (-9, -9), (0, 100)] {
            assert_eq!(shifted(down, right), [0; 6], "{down} {right}");
        }
        let mut image = canvas(2, 3, &[1, 2, 3, 4, 5, 6]);
        flip(&mut image);
        assert_eq!(image.pixels, [3, 2, 1, 6, 5, 4]);
    }

    #[test]
    fn quarter_turns_are_exact() {
        let mut image = canvas(3, 3, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        rotate(&mut image, 90.0);
        assert_eq!(image.pixels, [3, 6, 9, 2, 5, 8, 1, 4, 7]);
        rotate(&mut image, -90.0);
        assert_eq!(image.pixels, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn a_shear_moves_each_row_further() {
        let mut image = canvas(3, 4, &[1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
        transform(&mut image, [0.0, 0.0], [[1.0, 1.0], [0.0, 1.0]]);
        // Rows come from 0.5, 1.5 and 2.5 pixels further right.
        assert_eq!(image.pixels, [2, 3, 4, 0, 3, 4, 0, 0, 4, 0, 0, 0]);
    }
}
