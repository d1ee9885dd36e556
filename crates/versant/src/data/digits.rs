//! Built-in digits: an endless, deterministic stream of handwritten-looking digits in the format of MNIST.
//!
//! A class has a few skeletons, the paths a pen takes ([`skeletons`]); each sample bends one of them the way
//! hands differ ([`pen`]), and inks it as MNIST was made ([`raster`]): fitted into 20x20 pixels, then centred by
//! its centre of mass in 28x28 (LeCun, Bottou, Bengio and Haffner, *Gradient-Based Learning Applied to Document
//! Recognition*, 1998).
//!
//! The bits are the same on every platform: only `+ - * / sqrt`, which IEEE 754 rounds exactly, take part, and
//! never `sin` or `exp`, whose last bit is the platform's own.

mod pen;
mod raster;
mod skeletons;
#[cfg(test)]
mod tests;

use super::{ImageSet, Part};
use crate::rng::{Purpose, Rng};

/// The width and the height of a digit's image, in pixels.
pub const DIGIT_SIDE: usize = 28;

/// The seed of the standard training and test digits that [`digits`] gives.
const STANDARD_SEED: u64 = 0;

/// One digit: its image, 28 rows of 28 pixels from 0 (paper) to 255 (ink), and its label, 0 to 9.
///
/// A pure function of its arguments, so that samples may be made in any order and by any number of threads.
/// [`Purpose::DigitsTrain`] and [`Purpose::DigitsTest`] are independent streams.
///
/// ```
/// use versant::{data::digit, rng::Purpose};
/// let (image, label) = digit(42, Purpose::DigitsTrain, 7);
/// assert!(label < 10);
/// assert_eq!((image, label), digit(42, Purpose::DigitsTrain, 7));
/// ```
pub fn digit(seed: u64, purpose: Purpose, index: u32) -> ([u8; DIGIT_SIDE * DIGIT_SIDE], u8) {
    let mut rng = Rng::keyed(seed, purpose, 0, index);
    let label = rng.below(skeletons::CLASSES.len() as u64) as usize;
    let strokes = pen::write(&mut rng, skeletons::CLASSES[label]);
    (raster::ink(&strokes), label as u8)
}

/// The first `count` standard digits of a part, as an [`ImageSet`].
///
/// ```
/// use versant::data::{Part, digits};
/// let set = digits(10, Part::Test);
/// assert_eq!((set.count(), set.images.len()), (10, 10 * 28 * 28));
/// ```
pub fn digits(count: usize, part: Part) -> ImageSet {
    let purpose = match part {
        Part::Train => Purpose::DigitsTrain,
        Part::Test => Purpose::DigitsTest,
    };
    let (images, labels) = digit_images(count, purpose);
    match ImageSet::new(images, labels, [1, DIGIT_SIDE, DIGIT_SIDE], 10, "built-in digits") {
        Ok(set) => set,
        Err(error) => unreachable!("made to fit: {error}"),
    }
}

/// Images one after another, and their labels.
fn digit_images(count: usize, purpose: Purpose) -> (Vec<u8>, Vec<u8>) {
    let mut images = Vec::with_capacity(count * DIGIT_SIDE * DIGIT_SIDE);
    let mut labels = Vec::with_capacity(count);
    for index in (0..=u32::MAX).take(count) {
        let (image, label) = digit(STANDARD_SEED, purpose, index);
        images.extend_from_slice(&image);
        labels.push(label);
    }
    (images, labels)
}
