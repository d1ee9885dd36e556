//! The ten outlines, about as large as the unit disc.

use super::{SHAPE_SIDE, covered};
use crate::rng::Rng;

/// The classes' names, by label.
pub(super) const NAMES: [&str; 10] =
    ["disc", "ring", "crescent", "square", "bar", "triangle", "hourglass", "star", "cross", "heart"];

/// Whether a point lies inside, by label. y points down; every shape is turned anyway.
const INSIDE: [fn(f64, f64) -> bool; 10] =
    [disc, ring, crescent, square, bar, triangle, hourglass, star, cross, heart];

fn disc(x: f64, y: f64) -> bool {
    x * x + y * y < 0.81
}

fn ring(x: f64, y: f64) -> bool {
    (0.3..1.0).contains(&(x * x + y * y))
}

fn crescent(x: f64, y: f64) -> bool {
    let from_bite = (x - 0.45) * (x - 0.45) + y * y;
    x * x + y * y < 1.0 && from_bite > 0.64
}

fn square(x: f64, y: f64) -> bool {
    x.abs().max(y.abs()) < 0.78
}

fn bar(x: f64, y: f64) -> bool {
    x.abs() < 1.1 && y.abs() < 0.32
}

/// Equilateral, its corners on the circle of radius 1.1.
fn triangle(x: f64, y: f64) -> bool {
    // The sides' normals are (0, 1) and (±sqrt(3), -1) / 2.
    const HALF_ROOT_3: f64 = 0.866_025_403_784_438_6;
    y < 0.55 && HALF_ROOT_3 * x.abs() - 0.5 * y < 0.55
}

/// Two triangles, tip to tip.
fn hourglass(x: f64, y: f64) -> bool {
    y.abs() < 0.95 && x.abs() < 0.08 + 0.85 * y.abs()
}

/// Five points: each edge runs from a tip at radius 1.1 to a dent at radius 0.45.
fn star(x: f64, y: f64) -> bool {
    // Cosine and sine of 72 degrees turn one point into the next; of 36 degrees, the tip into the dent.
    const TURN: [f64; 2] = [0.309_016_994_374_947_45, 0.951_056_516_295_153_5];
    const DENT: [f64; 2] = [0.45 * 0.809_016_994_374_947_5, 0.45 * 0.587_785_252_292_473_1];
    const TIP: f64 = 1.1;
    let mut point = [x, y];
    for _ in 0..5 {
        let [u, v] = [point[0], point[1].abs()];
        // Within 36 degrees of the tip's axis: v / u below the tangent, and on the inner side of the edge.
        if u > 0.0 && v * DENT[0] <= u * DENT[1] {
            return (TIP - u) * DENT[1] > (TIP - DENT[0]) * v;
        }
        point = [TURN[0] * point[0] - TURN[1] * point[1], TURN[1] * point[0] + TURN[0] * point[1]];
    }
    true
}

fn cross(x: f64, y: f64) -> bool {
    let (less, more) = (x.abs().min(y.abs()), x.abs().max(y.abs()));
    less < 0.3 && more < 1.0
}

/// (x^2 + y^2 - 1)^3 < x^2 y^3, the heart curve.
fn heart(x: f64, y: f64) -> bool {
    let (x, y) = (1.15 * x, -1.15 * y + 0.1);
    let r = x * x + y * y - 1.0;
    r * r * r < x * x * y * y * y
}

/// Nothing of an outline is farther from its middle.
const MOST: f64 = 1.2;

/// A shape at a place in the image.
pub(super) struct Placed {
    inside: fn(f64, f64) -> bool,
    middle: [f64; 2],
    /// From pixels about the middle to the outline's units.
    map: [[f64; 2]; 2],
    /// No pixel farther from the middle is touched.
    reach: f64,
}

impl Placed {
    /// Turned by up to 25 degrees, a little squeezed, with a radius of 8 to 13 pixels, and wholly or nearly inside.
    pub(super) fn new(rng: &mut Rng, label: usize) -> Placed {
        let slope = rng.uniform_in(-0.47, 0.47);
        let cos = 1.0 / (1.0 + slope * slope).sqrt();
        let sin = slope * cos;
        let radius = rng.uniform_in(8.0, 13.0);
        let room = SHAPE_SIDE as f64 / 2.0 - 0.85 * radius;
        let middle = [0, 1].map(|_| SHAPE_SIDE as f64 / 2.0 + rng.uniform_in(-room, room));
        let squeeze = rng.uniform_in(0.87, 1.15);
        let slant = rng.uniform_in(-0.15, 0.15);
        let (across, down) = (squeeze / radius, 1.0 / (squeeze * radius));
        let map = [[across * (cos + slant * sin), across * (slant * cos - sin)], [down * sin, down * cos]];
        // Squeezing and slanting stretch by 1.15 at most, each; a pixel's own places are within half a pixel.
        let reach = 1.33 * MOST * radius + 0.5;
        Placed { inside: INSIDE[label], middle, map, reach }
    }

    /// The share of the pixel with this middle that it covers.
    pub(super) fn share(&self, x: f64, y: f64) -> f64 {
        let from_middle = [x - self.middle[0], y - self.middle[1]];
        if from_middle[0] * from_middle[0] + from_middle[1] * from_middle[1] > self.reach * self.reach {
            return 0.0;
        }
        covered(from_middle[0], from_middle[1], |x, y| {
            let [u, v] = self.map.map(|row| row[0] * x + row[1] * y);
            u * u + v * v < MOST * MOST && (self.inside)(u, v)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The areas of the outlines by counting points, and as geometry has them.
    #[test]
    fn areas() {
        let area = |inside: fn(f64, f64) -> bool| {
            let place = |i: usize| (i as f64 + 0.5) / 200.0 - 1.25;
            let inside = |i: &usize| inside(place(i % 500), place(i / 500));
            (0..250_000).filter(inside).count() as f64 / 40_000.0
        };
        let pi = std::f64::consts::PI;
        // The star: ten triangles with sides 1.1 and 0.45 at an angle of 36 degrees.
        let star = 5.0 * 1.1 * 0.45 * 0.587_785_252_292_473_1;
        let expected = [
            (0, 0.81 * pi),
            (1, 0.7 * pi),
            (3, 1.56 * 1.56),
            (4, 2.2 * 0.64),
            (5, 3.0 / 4.0 * 3f64.sqrt() * 1.21),
            (6, 4.0 * (0.08 * 0.95 + 0.85 * 0.95 * 0.95 / 2.0)),
            (7, star),
            (8, 4.0 * 0.6 * 1.0 - 0.36),
        ];
        for (label, expected) in expected {
            let found = area(INSIDE[label]);
            assert!((found - expected).abs() < 0.02, "{}: {found} instead of {expected}", NAMES[label]);
        }
        assert!((1.0..1.6).contains(&area(crescent)) && (2.0..3.0).contains(&area(heart)));
    }
}
