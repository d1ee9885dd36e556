//! Augmentation: the images of an epoch, each changed a little at random, so that a model never sees one twice.
//! [course: F6]
//!
//! An [`Augment`] changes single images before they are normalised, a [`Mix`] whole batches. What is random is a
//! function of (seed, epoch, index of the image or number of the batch): who prepares which batch does not matter. Only
//! training data are given either; evaluation sees the images as they are.

mod canvas;
mod color;
mod erase;
mod geometry;
mod mix;
mod rand_augment;
#[cfg(feature = "images")]
pub(super) mod resize;

pub(super) use canvas::Canvas;
pub(super) use erase::Box2d;
pub use mix::Mix;

use self::color::jitter;
use crate::rng::Rng;

/// What is done to each image, in this order.
///
/// ```
/// use versant::data::{Augment, ImageData, Loader, Part, shapes};
/// let augment = Augment::new().crop(4).flip(0.5).erase(0.25);
/// let train = ImageData::new(shapes(256, Part::Train)).normalize(0.5, 0.25).augment(augment, 1);
/// let loader = Loader::new(train, 64).shuffle(1).workers(2);
/// let first = |epoch| loader.epoch(epoch).next().map(|batch| batch.x.to_vec::<f32>());
/// assert_eq!(first(3), first(3));
/// assert_ne!(first(3), first(4));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Augment {
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Crop { padding: usize },
    Flip { probability: f64 },
    Jitter { strengths: [f64; 3], hue: f64 },
    RandAugment { operations: usize, magnitude: f64 },
    Erase { probability: f64 },
}

impl Augment {
    /// Nothing is changed.
    pub fn new() -> Augment {
        Augment::default()
    }

    /// Adds `padding` black pixels on each side and cuts out an image of the old size anywhere. (He et al. 2016, *Deep
    /// Residual Learning*, train on CIFAR with 4)
    pub fn crop(self, padding: usize) -> Augment {
        self.then(Step::Crop { padding })
    }

    /// Mirrors left and right with this probability.
    ///
    /// # Panics
    /// When that is not between 0 and 1.
    #[track_caller]
    pub fn flip(self, probability: f64) -> Augment {
        self.then(Step::Flip { probability: checked("flip", "probability", probability, 1.0) })
    }

    /// Changes brightness, contrast and saturation by a factor up to 1 ± the strength, and the hue by up to ± `hue` of
    /// the colour circle, in random order. An image of one channel keeps what it has no colours for.
    ///
    /// # Panics
    /// When a strength is not between 0 and 1, or `hue` not between 0 and 0.5.
    #[track_caller]
    pub fn jitter(self, brightness: f64, contrast: f64, saturation: f64, hue: f64) -> Augment {
        let strengths = [("brightness", brightness), ("contrast", contrast), ("saturation", saturation)];
        let strengths = strengths.map(|(name, strength)| checked("jitter", name, strength, 1.0));
        self.then(Step::Jitter { strengths, hue: checked("jitter", "hue", hue, 0.5) })
    }

    /// RandAugment (Cubuk et al. 2020): so many of fourteen operations at random (shear, translate, rotate, brightness,
    /// colour, contrast, sharpness, posterise, solarise, auto-contrast, equalise, none), each as strong as `magnitude`
    /// says, 0 to 30; (2, 9) is usual.
    ///
    /// # Panics
    /// When the magnitude is not between 0 and 30.
    #[track_caller]
    pub fn rand_augment(self, operations: usize, magnitude: f64) -> Augment {
        let magnitude = checked("rand_augment", "magnitude", magnitude, 30.0);
        self.then(Step::RandAugment { operations, magnitude })
    }

    /// Replaces a rectangle of 2 to 33 per cent of the image by the mean colour with this probability, after all else.
    /// (Zhong et al. 2020, *Random Erasing Data Augmentation*)
    ///
    /// # Panics
    /// When the probability is not between 0 and 1.
    #[track_caller]
    pub fn erase(self, probability: f64) -> Augment {
        self.then(Step::Erase { probability: checked("erase", "probability", probability, 1.0) })
    }

    fn then(mut self, step: Step) -> Augment {
        self.steps.push(step);
        self
    }

    /// Changes an image; returns the rectangles that are to be erased when it has been normalised.
    pub(super) fn apply(&self, image: &mut Canvas, rng: &mut Rng) -> Vec<Box2d> {
        let mut erased = Vec::new();
        for step in &self.steps {
            match *step {
                Step::Crop { padding } => {
                    let mut place = || rng.below(2 * padding as u64 + 1) as isize - padding as isize;
                    geometry::shift(image, place(), place());
                }
                Step::Flip { probability } if rng.uniform() < probability => geometry::flip(image),
                Step::Flip { .. } => {}
                Step::Jitter { strengths, hue } => jitter(image, strengths, hue, rng),
                Step::RandAugment { operations, magnitude } => {
                    (0..operations).for_each(|_| rand_augment::apply_one(image, magnitude, rng));
                }
                Step::Erase { probability } if rng.uniform() < probability => {
                    erased.extend(erase::choose(image.height, image.width, rng));
                }
                Step::Erase { .. } => {}
            }
        }
        erased
    }
}

#[track_caller]
fn checked(operation: &str, name: &str, value: f64, most: f64) -> f64 {
    assert!((0.0..=most).contains(&value), "{operation}: {name} is {value}; it must be between 0 and {most}");
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    /// 3x5x4 pixels, all different.
    pub(super) fn sample() -> Canvas {
        let mut canvas = Canvas::new(3, 5, 4);
        canvas.pixels.iter_mut().enumerate().for_each(|(i, pixel)| *pixel = (i * 4 + 3) as u8);
        canvas
    }

    fn applied(augment: &Augment, epoch: u32) -> (Vec<u8>, Vec<Box2d>) {
        let mut canvas = sample();
        let erased = augment.apply(&mut canvas, &mut Rng::keyed(1, Purpose::Augment, epoch, 0));
        (canvas.pixels, erased)
    }

    #[test]
    fn the_same_key_gives_the_same_image() {
        let all = Augment::new().crop(2).flip(0.5).jitter(0.4, 0.4, 0.4, 0.1).rand_augment(2, 9.0).erase(0.5);
        for epoch in 0..20 {
            assert_eq!(applied(&all, epoch), applied(&all, epoch));
            assert_ne!(applied(&all, epoch).0, applied(&all, epoch + 1).0);
        }
    }

    #[test]
    fn nothing_and_zero_strengths_change_nothing() {
        let nothing =
            Augment::new().crop(0).flip(0.0).jitter(0.0, 0.0, 0.0, 0.0).rand_augment(0, 30.0).erase(0.0);
        for augment in [Augment::new(), nothing] {
            assert_eq!(applied(&augment, 0), (sample().pixels, vec![]));
        }
    }

    #[test]
    fn crops_are_uniform_over_all_places() {
        let augment = Augment::new().crop(1);
        let mut found = std::collections::BTreeMap::new();
        for epoch in 0..900 {
            *found.entry(applied(&augment, epoch).0).or_insert(0) += 1;
        }
        // Nine places of 100 each; five standard deviations of the binomial distribution are 47.
        assert_eq!(found.len(), 9);
        assert!(found.values().all(|n| (53..=147).contains(n)), "{:?}", found.values());
    }

    #[test]
    #[should_panic(expected = "jitter: hue is 0.6; it must be between 0 and 0.5")]
    fn settings_out_of_range_are_named() {
        Augment::new().jitter(0.0, 0.0, 0.0, 0.6);
    }
}
