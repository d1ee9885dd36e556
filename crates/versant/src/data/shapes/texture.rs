//! What shapes and grounds are made of.

use super::SHAPE_SIDE;
use crate::rng::Rng;

/// Red, green and blue, 0 to 1.
pub(super) type Color = [f64; 3];

/// Points along each side of the grid of a cloud.
const GRID: usize = 6;

/// Two colours, and where which of them is seen.
pub(super) struct Texture {
    colors: [Color; 2],
    pattern: Pattern,
    /// Where the pattern lies: its first axis, its period in pixels, and its start.
    axis: [f64; 2],
    period: f64,
    phase: [f64; 2],
}

enum Pattern {
    Plain,
    Gradient,
    Stripes,
    Checks,
    Dots,
    Cloud(Box<[[f64; GRID]; GRID]>),
}

impl Texture {
    /// Any pattern of this colour and one not far from it.
    pub(super) fn new(rng: &mut Rng, color: Color) -> Texture {
        let other = color.map(|part| (part + rng.uniform_in(-0.35, 0.35)).clamp(0.0, 1.0));
        let pattern = match rng.below(6) {
            0 => Pattern::Plain,
            1 => Pattern::Gradient,
            2 => Pattern::Stripes,
            3 => Pattern::Checks,
            4 => Pattern::Dots,
            _ => Pattern::Cloud(Box::new([[0; GRID]; GRID].map(|row| row.map(|_| rng.uniform())))),
        };
        let axis = direction(rng);
        let (period, phase) = (rng.uniform_in(3.0, 8.0), [rng.uniform(), rng.uniform()]);
        Texture { colors: [color, other], pattern, axis, period, phase }
    }

    /// The colour of a point, in pixels.
    pub(super) fn at(&self, x: f64, y: f64) -> Color {
        let [cos, sin] = self.axis;
        let (along, across) = (cos * x + sin * y, cos * y - sin * x);
        let (u, v) = (along / self.period + self.phase[0], across / self.period + self.phase[1]);
        let share = match &self.pattern {
            Pattern::Plain => 0.0,
            // The middle of the image has half of each.
            Pattern::Gradient => {
                let middle = 0.5 * SHAPE_SIDE as f64 * (cos + sin);
                (0.5 + (along - middle) / SHAPE_SIDE as f64).clamp(0.0, 1.0)
            }
            Pattern::Stripes => edge(wave(u)),
            Pattern::Checks => {
                let (a, b) = (edge(wave(u)), edge(wave(v)));
                a + b - 2.0 * a * b
            }
            Pattern::Dots => edge(wave(u) * wave(v)),
            Pattern::Cloud(grid) => cloud(grid, x, y),
        };
        super::mixed(self.colors[0], self.colors[1], share)
    }
}

/// Up from 0 to 1 and down again in a period of 1.
fn wave(at: f64) -> f64 {
    // `floor` is a call on many machines; a cast, which goes towards 0, is an instruction.
    let t = at - (at as i64) as f64;
    let t = if t < 0.0 { t + 1.0 } else { t };
    1.0 - (2.0 * t - 1.0).abs()
}

/// A soft step at a half.
fn edge(value: f64) -> f64 {
    (0.5 + 3.0 * (value - 0.5)).clamp(0.0, 1.0)
}

/// The grid over the image, smoothly between its points.
fn cloud(grid: &[[f64; GRID]; GRID], x: f64, y: f64) -> f64 {
    let cell = |at: f64| {
        let at = at / SHAPE_SIDE as f64 * (GRID - 1) as f64;
        let first = (at.max(0.0) as usize).min(GRID - 2);
        let t = at - first as f64;
        (first, t * t * (3.0 - 2.0 * t))
    };
    let ((column, right), (row, down)) = (cell(x), cell(y));
    let line = |row: usize| grid[row][column] + (grid[row][column + 1] - grid[row][column]) * right;
    line(row) + (line(row + 1) - line(row)) * down
}

/// A direction, all equally likely: a point of the unit disc, moved to its rim.
pub(super) fn direction(rng: &mut Rng) -> [f64; 2] {
    loop {
        let [x, y] = [rng.uniform_in(-1.0, 1.0), rng.uniform_in(-1.0, 1.0)];
        let squares = x * x + y * y;
        if (0.01..1.0).contains(&squares) {
            let radius = squares.sqrt();
            return [x / radius, y / radius];
        }
    }
}

/// A bell-shaped random number in [-3, 3), of mean 0 and variance 1: three uniform ones of ten bits each, whose sum has
/// variance 3/12.
pub(super) fn bell(rng: &mut Rng) -> f64 {
    let bits = rng.next_u32();
    let sum = (bits & 1023) + (bits >> 10 & 1023) + (bits >> 20 & 1023);
    2.0 * ((sum as f64 + 1.5) / 1024.0 - 1.5)
}
