//! A hand that never writes the same digit twice: from a skeleton to the path of a pen.

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

/// Writes one of the ways, chosen by weight: a polyline for each stroke.
pub(super) fn write(rng: &mut Rng, ways: &[Skeleton]) -> Vec<Vec<Dot>> {
    let skeleton = choose(rng, ways);
    let hand = Hand::new(rng);
    skeleton
        .strokes
        .iter()
        .map(|stroke| {
            let knots = jitter(rng, stroke);
            let pressure = [hand.pressure(rng), hand.pressure(rng), hand.pressure(rng)];
            let path = smooth(&knots);
            let last = (path.len() - 1) as f64;
            path.iter()
                .enumerate()
                .map(|(i, &at)| Dot {
                    at: hand.bend(at),
                    radius: hand.radius * bernstein(pressure, i as f64 / last),
                })
                .collect()
        })
        .collect()
}

fn choose<'a>(rng: &mut Rng, ways: &'a [Skeleton]) -> &'a Skeleton {
    let mut ticket = rng.below(ways.iter().map(|way| way.weight).sum());
    ways.iter()
        .find(|way| {
            let found = ticket < way.weight;
            ticket = ticket.wrapping_sub(way.weight);
            found
        })
        .expect("the ticket is below the sum of the weights")
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
        let thin = rng.uniform();
        Hand { map, field, radius: 0.7 + 0.95 * thin + 0.15 * bell(rng).abs() }
    }

    /// The factor of the radius at one place of a stroke.
    fn pressure(&self, rng: &mut Rng) -> f64 {
        1.0 + 0.15 * bell(rng)
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
