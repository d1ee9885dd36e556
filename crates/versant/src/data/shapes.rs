//! Built-in shapes: an endless, deterministic stream of small colour images in the form of CIFAR-10, one textured shape
//! of ten on a textured ground.
//!
//! Colours, textures, place, size, tilt and light say nothing of the class: only the outline does ([`outline`]), and it
//! may be partly hidden by a stroke. So what counts is to see edges wherever they are, which convolutions do and fully
//! connected layers learn badly. That a shape is brighter than its ground, and not turned far, is what makes the
//! classes learnable within minutes.
//!
//! The bits are the same on every platform: only `+ - * / sqrt`, which IEEE 754 rounds exactly, take part.

mod outline;
#[cfg(test)]
mod tests;
mod texture;

use self::outline::{NAMES, Placed};
use self::texture::{Color, Texture, bell, direction};
use super::{ImageSet, Part};
use crate::cpu::threads::for_each_piece;
use crate::rng::{Purpose, Rng};

/// The width and the height of an image, in pixels.
pub const SHAPE_SIDE: usize = 32;

/// The seed of the standard shapes that [`shapes`] gives.
const STANDARD_SEED: u64 = 0;

const PLANE: usize = SHAPE_SIDE * SHAPE_SIDE;

/// A pixel is seen at so many places along each axis.
const SAMPLES: usize = 3;

/// By how much a shape's colour is brighter than its ground's, at least: the mean of red, green and blue, 0 to 1.
const CONTRAST: f64 = 0.2;

/// The standard deviation of the noise of each pixel, and the most, of the light from edge to edge.
const NOISE: f64 = 0.04;
const LIGHT: f64 = 0.25;

/// One shape: its image [3, 32, 32] (red, green and blue from 0 to 255, row by row), and its label, 0 to 9: disc, ring,
/// crescent, square, bar, triangle, hourglass, star, cross, heart.
///
/// A pure function of its arguments, so that samples may be made in any order and by any number of threads.
/// [`Purpose::ShapesTrain`] and [`Purpose::ShapesTest`] are independent streams.
///
/// ```
/// use versant::{data::shape, rng::Purpose};
/// let (image, label) = shape(42, Purpose::ShapesTrain, 7);
/// assert!(image.len() == 3 * 32 * 32 && label < 10);
/// assert_eq!((image, label), shape(42, Purpose::ShapesTrain, 7));
/// ```
pub fn shape(seed: u64, purpose: Purpose, index: u32) -> ([u8; 3 * PLANE], u8) {
    let mut rng = Rng::keyed(seed, purpose, 0, index);
    let label = rng.below(NAMES.len() as u64) as usize;
    let (own, ground) = contrasting(&mut rng);
    let [own, ground, third] =
        [own, ground, [0; 3].map(|_| rng.uniform())].map(|color| Texture::new(&mut rng, color));
    let placed = Placed::new(&mut rng, label);
    let stroke = Stroke::new(&mut rng);
    let light = direction(&mut rng).map(|part| part * LIGHT * rng.uniform() / SHAPE_SIDE as f64);
    let mut image = [0; 3 * PLANE];
    for at in 0..PLANE {
        let (x, y) = ((at % SHAPE_SIDE) as f64 + 0.5, (at / SHAPE_SIDE) as f64 + 0.5);
        let mut color = ground.at(x, y);
        for (front, share) in [(&own, placed.share(x, y)), (&third, stroke.share(x, y))] {
            if share > 0.0 {
                color = mixed(color, front.at(x, y), share);
            }
        }
        let middle = SHAPE_SIDE as f64 / 2.0;
        let bright = 1.0 + light[0] * (x - middle) + light[1] * (y - middle);
        for (channel, value) in color.into_iter().enumerate() {
            let value = 255.0 * (value * bright + NOISE * bell(&mut rng));
            // To the nearest; the cast stops at 0 and 255.
            image[channel * PLANE + at] = (value + 0.5) as u8;
        }
    }
    (image, label as u8)
}

/// The first `count` standard shapes of a part, as an [`ImageSet`]; made on several threads.
///
/// ```
/// use versant::data::{Part, shapes};
/// let set = shapes(10, Part::Test);
/// assert_eq!((set.count(), set.channels, &set.class_names[7][..]), (10, 3, "star"));
/// ```
///
/// # Panics
/// When `count` is above 2^32.
#[track_caller]
pub fn shapes(count: usize, part: Part) -> ImageSet {
    assert!(count as u64 <= 1 << 32, "shapes: {count} images; there are 2^32");
    let purpose = match part {
        Part::Train => Purpose::ShapesTrain,
        Part::Test => Purpose::ShapesTest,
    };
    // Each image is followed by its label, so that both are made at once.
    let mut records = vec![0; count * (3 * PLANE + 1)];
    for_each_piece(&mut records, 3 * PLANE + 1, |index, record| {
        let (image, label) = shape(STANDARD_SEED, purpose, index as u32);
        record[..3 * PLANE].copy_from_slice(&image);
        record[3 * PLANE] = label;
    });
    let (mut images, mut labels) = (Vec::with_capacity(count * 3 * PLANE), Vec::with_capacity(count));
    for record in records.chunks_exact(3 * PLANE + 1) {
        images.extend_from_slice(&record[..3 * PLANE]);
        labels.push(record[3 * PLANE]);
    }
    match ImageSet::new(images, labels, [3, SHAPE_SIDE, SHAPE_SIDE], NAMES.len(), "built-in shapes") {
        Ok(set) => set.with_class_names(NAMES),
        Err(error) => unreachable!("made to fit: {error}"),
    }
}

/// The colours of a shape and of its darker ground.
fn contrasting(rng: &mut Rng) -> (Color, Color) {
    let brightness = |color: &Color| color.iter().sum::<f64>() / 3.0;
    loop {
        let [a, b] = [[0; 3], [0; 3]].map(|color| color.map(|_| rng.uniform()));
        if brightness(&a) > brightness(&b) + CONTRAST {
            return (a, b);
        }
    }
}

fn mixed(a: Color, b: Color, share: f64) -> Color {
    [0, 1, 2].map(|channel| a[channel] + (b[channel] - a[channel]) * share)
}

/// The share of a pixel that lies inside.
fn covered(x: f64, y: f64, inside: impl Fn(f64, f64) -> bool) -> f64 {
    let place = |i: usize| (i as f64 + 0.5) / SAMPLES as f64 - 0.5;
    let all = (0..SAMPLES * SAMPLES).filter(|i| inside(x + place(i % SAMPLES), y + place(i / SAMPLES)));
    all.count() as f64 / (SAMPLES * SAMPLES) as f64
}

/// A straight line across the image, in front of everything.
struct Stroke {
    /// Points at this distance from the origin along the normal.
    normal: [f64; 2],
    distance: f64,
    half: f64,
}

impl Stroke {
    fn new(rng: &mut Rng) -> Stroke {
        let normal = direction(rng);
        let point = [0, 1].map(|_| SHAPE_SIDE as f64 * rng.uniform());
        Stroke {
            normal,
            distance: normal[0] * point[0] + normal[1] * point[1],
            half: rng.uniform_in(0.4, 1.6),
        }
    }

    /// The share of the pixel with this middle that it covers.
    fn share(&self, x: f64, y: f64) -> f64 {
        let off = |x: f64, y: f64| (self.normal[0] * x + self.normal[1] * y - self.distance).abs();
        // The farthest of the places looked at is sqrt(2) / 3 away.
        match off(x, y) - self.half {
            beyond if beyond > 0.5 => 0.0,
            beyond if beyond < -0.5 => 1.0,
            _ => covered(x, y, |x, y| off(x, y) < self.half),
        }
    }
}
