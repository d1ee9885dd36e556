//! A hand that never writes the same digit twice: from a skeleton to the path of a pen.

use std::array;

use super::skeletons::{Knot, Skeleton};
use crate::rng::Rng;

/// A point of a written stroke: the units of place are the skeleton's, the radius is in pixels.
#[derive(Clone, Copy)]
pub(super) struct Dot {
    pub(super) at: [f64; 2],
    pub(super) radius: f64,
}

/// Line segments between two knots.
const STEPS: usize = 8;

/// Control points along each side of the grid of displacements: two cells of a cubic B-spline.
const GRID: usize = 5;

/// Standard deviations, in units of the skeleton's box.
const KNOT_JITTER: f64 = 0.045;
const STROKE_JITTER: f64 = 0.035;
const WARP: f64 = 0.12;

/// The standard deviation of the factor by which the pen's pressure changes the radius.
const PRESSURE: f64 = 0.15;

/// The range over which the radius strays from point to point, in pixels: neither pen nor paper is smooth.
const ROUGHNESS: f64 = 0.5;

/// Writes one of the ways, chosen by weight: a polyline for each stroke.
pub(super) fn write(rng: &mut Rng, ways: &[Skeleton]) -> Vec<Vec<Dot>> {
    let skeleton = choose(rng, ways);
    let hand = Hand::new(rng);
    skeleton.strokes.iter().map(|stroke| hand.draw(rng, stroke)).collect()
}

fn choose<'a>(rng: &mut Rng, ways: &'a [Skeleton]) -> &'a Skeleton {
    let mut ticket = rng.below(ways.iter().map(|way| way.weight).sum());
    for way in ways {
        if ticket < way.weight {
            return way;
        }
        ticket -= way.weight;
    }
    unreachable!("the ticket is below the sum of the weights")
}

/// What all strokes of one sample share.
struct Hand {
    /// The linear map, by rows.
    map: [[f64; 2]; 2],
    /// A smooth random field of displacements, after Simard, Steinkraus and Platt, *Best Practices for
    /// Convolutional Neural Networks Applied to Visual Document Analysis*, ICDAR 2003; a cubic B-spline on a
    /// coarse grid takes the place of their blurred noise.
    field: [[[f64; 2]; GRID]; GRID],
    /// Half the width of the stroke in pixels.
    radius: f64,
}

impl Hand {
    fn new(rng: &mut Rng) -> Hand {
        // With t = tan(angle / 2), the cosine and the sine are rational in t.
        let t = 0.07 * bell(rng);
        let (cos, sin) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
        let width = 0.85 + 0.16 * bell(rng);
        // y points down: a negative slant leans to the right.
        let slant = -0.15 + 0.25 * bell(rng);
        let map = [[cos * width, cos * slant - sin], [sin * width, sin * slant + cos]];
        let mut field = [[[0.0; 2]; GRID]; GRID];
        for displacement in field.iter_mut().flatten().flatten() {
            *displacement = WARP * bell(rng);
        }
        let radius = rng.uniform_in(0.7, 1.65) + 0.15 * bell(rng).abs();
        Hand { map, field, radius }
    }

    fn draw(&self, rng: &mut Rng, stroke: &[Knot]) -> Vec<Dot> {
        let pressure = array::from_fn(|_| 1.0 + PRESSURE * bell(rng));
        let path = smooth(&jitter(rng, stroke));
        let last = (path.len() - 1) as f64;
        let dot = |(i, &at): (usize, &[f64; 2])| {
            let rough = ROUGHNESS * (rng.uniform() - 0.5);
            Dot { at: self.bend(at), radius: self.radius * bernstein(pressure, i as f64 / last) + rough }
        };
        path.iter().enumerate().map(dot).collect()
    }

    /// Displaces a point by the field, then maps it linearly about the middle of the box.
    fn bend(&self, at: [f64; 2]) -> [f64; 2] {
        let (column, across) = cell(at[0]);
        let (row, down) = cell(at[1]);
        let mut moved = [at[0] - 0.5, at[1] - 0.5];
        for (controls, v) in self.field[row..].iter().zip(down) {
            for (control, u) in controls[column..].iter().zip(across) {
                moved[0] += u * v * control[0];
                moved[1] += u * v * control[1];
            }
        }
        self.map.map(|line| line[0] * moved[0] + line[1] * moved[1])
    }
}

/// The first of the four controls that reach a coordinate, and their weights: the uniform cubic B-spline.
fn cell(coordinate: f64) -> (usize, [f64; 4]) {
    let cells = GRID - 3;
    let scaled = coordinate.clamp(0.0, 1.0) * cells as f64;
    let first = (scaled as usize).min(cells - 1);
    let t = scaled - first as f64;
    let s = 1.0 - t;
    let weights =
        [s * s * s, 3.0 * t * t * t - 6.0 * t * t + 4.0, 3.0 * s * s * s - 6.0 * s * s + 4.0, t * t * t];
    (first, weights.map(|weight| weight / 6.0))
}

/// Moves the stroke as a whole and each of its knots; its ends twice as far, where hands differ most.
fn jitter(rng: &mut Rng, stroke: &[Knot]) -> Vec<Knot> {
    let shift = [STROKE_JITTER * bell(rng), STROKE_JITTER * bell(rng)];
    let last = stroke.len() - 1;
    stroke
        .iter()
        .enumerate()
        .map(|(i, knot)| {
            let amount = if i == 0 || i == last { 2.0 * KNOT_JITTER } else { KNOT_JITTER };
            let at = [0, 1].map(|axis| knot.at[axis] + shift[axis] + amount * bell(rng));
            Knot { at, ..*knot }
        })
        .collect()
}

/// A Catmull-Rom spline through the knots: cubic Hermite pieces whose tangents are half the way between the
/// neighbours, and zero at corners.
fn smooth(knots: &[Knot]) -> Vec<[f64; 2]> {
    let last = knots.len() - 1;
    let tangent = |i: usize, axis: usize| {
        if knots[i].corner {
            return 0.0;
        }
        0.5 * (knots[(i + 1).min(last)].at[axis] - knots[i.saturating_sub(1)].at[axis])
    };
    let mut path = vec![knots[0].at];
    for i in 0..last {
        for step in 1..=STEPS {
            let t = step as f64 / STEPS as f64;
            let s = 1.0 - t;
            path.push([0, 1].map(|axis| {
                s * s * (1.0 + 2.0 * t) * knots[i].at[axis]
                    + s * s * t * tangent(i, axis)
                    + t * t * (1.0 + 2.0 * s) * knots[i + 1].at[axis]
                    - t * t * s * tangent(i + 1, axis)
            }));
        }
    }
    path
}

/// The quadratic with these Bernstein coefficients, at t in [0, 1].
fn bernstein(coefficients: [f64; 3], t: f64) -> f64 {
    let s = 1.0 - t;
    s * s * coefficients[0] + 2.0 * s * t * coefficients[1] + t * t * coefficients[2]
}

/// A bell-shaped random number in [-3, 3), of mean 0 and variance 1: three uniform ones, whose sum has variance
/// 3/12. Unlike [`Rng::normal`] it needs no logarithm.
fn bell(rng: &mut Rng) -> f64 {
    2.0 * (rng.uniform() + rng.uniform() + rng.uniform() - 1.5)
}

#[cfg(test)]
mod tests {
    use super::super::skeletons::CLASSES;
    use super::*;

    #[test]
    fn the_spline_passes_through_the_knots() {
        for stroke in CLASSES.iter().copied().flatten().flat_map(|way| way.strokes) {
            let path = smooth(stroke);
            assert_eq!(path.len(), (stroke.len() - 1) * STEPS + 1);
            for (knot, at) in stroke.iter().zip(path.iter().step_by(STEPS)) {
                assert_eq!(knot.at, *at);
            }
        }
    }

    #[test]
    fn displacements_are_averages_of_the_controls() {
        for coordinate in [-0.3, 0.0, 0.2, 0.5, 0.7, 1.0, 1.3] {
            let (first, weights) = cell(coordinate);
            assert!(first + weights.len() <= GRID);
            assert!(weights.iter().all(|&weight| weight >= 0.0));
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        // Both cells give the same weights where they meet.
        let (before, after) = (cell(0.5 - 1e-9), cell(0.5));
        assert_eq!((before.0, after.0), (0, 1));
        for i in 0..3 {
            assert!((before.1[i + 1] - after.1[i]).abs() < 1e-7);
        }
    }

    #[test]
    fn ways_are_chosen_by_their_weights() {
        let mut rng = Rng::new(5);
        for ways in CLASSES {
            let total: u64 = ways.iter().map(|way| way.weight).sum();
            let mut counts = vec![0.0; ways.len()];
            for _ in 0..2000 {
                let chosen = choose(&mut rng, ways);
                counts[ways.iter().position(|way| std::ptr::eq(way, chosen)).unwrap()] += 1.0;
            }
            for (way, count) in ways.iter().zip(counts) {
                let p = way.weight as f64 / total as f64;
                let deviation: f64 = (2000.0 * p * (1.0 - p)).sqrt();
                assert!((count - 2000.0 * p).abs() < 5.0 * deviation, "{count} of 2000 for {p}");
            }
        }
    }

    #[test]
    fn the_bell_has_mean_zero_and_variance_one() {
        let mut rng = Rng::new(6);
        let n = 100_000;
        let (mut first, mut second) = (0.0, 0.0);
        for _ in 0..n {
            let z = bell(&mut rng);
            first += z;
            second += z * z;
        }
        let n = n as f64;
        // Five standard errors each, with 2 / n above the variance of z^2.
        assert!((first / n).abs() < 5.0 * (1.0 / n).sqrt());
        assert!((second / n - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
    }
}
