//! Ink on paper: from the path of a pen to an image.

use super::DIGIT_SIDE;
use super::pen::Dot;

/// The side of the box that the ink fits, in pixels.
const BOX: usize = 20;

/// The width of the soft edge of a stroke, in pixels.
const EDGE: f64 = 1.2;

/// Ink by pixel in the box, 0 to 1.
type Patch = [[f64; BOX]; BOX];

/// The image of the strokes: fitted into the box, which then lies so that the ink's centre of mass is in the
/// middle of the image, to the nearest pixel.
pub(super) fn ink(strokes: &[Vec<Dot>]) -> [u8; DIGIT_SIDE * DIGIT_SIDE] {
    let mut patch = [[0.0; BOX]; BOX];
    let fit = Fit::new(strokes);
    for stroke in strokes {
        for ends in stroke.windows(2) {
            draw(&mut patch, fit.place(ends[0]), fit.place(ends[1]));
        }
    }
    let (row, column) = corner(&patch);
    let mut image = [0; DIGIT_SIDE * DIGIT_SIDE];
    for (i, line) in patch.iter().enumerate() {
        let start = (row + i) * DIGIT_SIDE + column;
        for (pixel, &ink) in image[start..start + BOX].iter_mut().zip(line) {
            *pixel = (255.0 * ink).round() as u8;
        }
    }
    image
}

/// The map from the skeleton's units to pixels that makes the longer side of the inked box [`BOX`] pixels.
struct Fit {
    middle: [f64; 2],
    scale: f64,
}

impl Fit {
    fn new(strokes: &[Vec<Dot>]) -> Fit {
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        let mut radius = 0.0f64;
        for dot in strokes.iter().flatten() {
            for axis in 0..2 {
                low[axis] = low[axis].min(dot.at[axis]);
                high[axis] = high[axis].max(dot.at[axis]);
            }
            radius = radius.max(dot.radius);
        }
        let side = (high[0] - low[0]).max(high[1] - low[1]);
        Fit {
            middle: [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])],
            scale: (BOX as f64 - 2.0 * radius - (EDGE - 1.0)) / side,
        }
    }

    fn place(&self, dot: Dot) -> Dot {
        let at = [0, 1].map(|axis| (dot.at[axis] - self.middle[axis]) * self.scale + 0.5 * BOX as f64);
        Dot { at, ..dot }
    }
}

/// Inks the pixels around a segment. A pixel's ink falls from 1 to 0 while its centre's distance from the
/// segment grows from half an edge inside the radius to half an edge outside.
fn draw(patch: &mut Patch, a: Dot, b: Dot) {
    let along = [b.at[0] - a.at[0], b.at[1] - a.at[1]];
    // The floor keeps the position along a segment of no length a number: 0.
    let per_square = 1.0 / (along[0] * along[0] + along[1] * along[1]).max(f64::MIN_POSITIVE);
    let farthest = a.radius.max(b.radius) + 0.5 * EDGE;
    // The pixels whose centres, at i + 1/2, are near enough along this axis.
    let span = |axis: usize| {
        let low = a.at[axis].min(b.at[axis]) - farthest + 0.5;
        let high = a.at[axis].max(b.at[axis]) + farthest + 0.5;
        low.max(0.0) as usize..(high.max(0.0) as usize).min(BOX)
    };
    for row in span(1) {
        for column in span(0) {
            let from = [column as f64 + 0.5 - a.at[0], row as f64 + 0.5 - a.at[1]];
            let t = ((from[0] * along[0] + from[1] * along[1]) * per_square).clamp(0.0, 1.0);
            let off = [from[0] - t * along[0], from[1] - t * along[1]];
            let reach = a.radius + t * (b.radius - a.radius) + 0.5 * EDGE;
            let distance2 = off[0] * off[0] + off[1] * off[1];
            if distance2 < reach * reach {
                let pixel = &mut patch[row][column];
                *pixel = pixel.max(((reach - distance2.sqrt()) / EDGE).min(1.0));
            }
        }
    }
}

/// The row and the column of the image where the box begins: the centre of mass comes to lie at (14, 14), counted
/// as MNIST does it, with 0 for the first pixel.
fn corner(patch: &Patch) -> (usize, usize) {
    let (mut mass, mut down, mut across) = (0.0, 0.0, 0.0);
    for (row, line) in patch.iter().enumerate() {
        for (column, &ink) in line.iter().enumerate() {
            mass += ink;
            down += ink * row as f64;
            across += ink * column as f64;
        }
    }
    let middle = 0.5 * DIGIT_SIDE as f64;
    let start = |moment: f64| (middle - moment / mass).round().clamp(0.0, (DIGIT_SIDE - BOX) as f64) as usize;
    (start(down), start(across))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Across a straight stroke the ink is 1 within the radius less half an edge, 1/2 at the radius, and 0 beyond.
    #[test]
    fn profile_of_a_stroke() {
        let dot = |x: f64| Dot { at: [x, 10.5], radius: 2.0 };
        let mut patch = [[0.0; BOX]; BOX];
        draw(&mut patch, dot(5.0), dot(15.0));
        let across: Vec<f64> = patch.iter().map(|line| line[10]).collect();
        assert_eq!(across[9..12], [1.0; 3]);
        for row in [8, 12] {
            assert!((across[row] - 0.5).abs() < 1e-12);
        }
        assert!(across[..8].iter().chain(&across[13..]).all(|&ink| ink == 0.0));
    }

    #[test]
    fn a_segment_of_no_length_is_a_round_dot() {
        let dot = Dot { at: [10.0, 10.0], radius: 3.0 };
        let mut patch = [[0.0; BOX]; BOX];
        draw(&mut patch, dot, dot);
        let area: f64 = patch.iter().flatten().sum();
        assert!((area - std::f64::consts::PI * 9.0).abs() < 1.0, "{area} pixels");
    }

    #[test]
    fn ink_outside_the_box_is_cut_off() {
        let dot = |x: f64| Dot { at: [x, -1.0], radius: 3.0 };
        let mut patch = [[0.0; BOX]; BOX];
        draw(&mut patch, dot(-50.0), dot(50.0));
        assert_eq!(patch[0], [1.0; BOX]);
        assert_eq!(patch[3], [0.0; BOX]);
    }
}
