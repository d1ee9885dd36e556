//! RandAugment's operations (Cubuk et al. 2020, *RandAugment: Practical Automated Data Augmentation with a Reduced
//! Search Space*), with the ranges of torchvision's `RandAugment` and the formulas of Pillow's `ImageOps`.

use super::Canvas;
use super::color::{Adjust, adjust, byte, look_up};
use super::geometry::{rotate, shift, transform};
use crate::rng::Rng;

/// The scale of magnitudes ends here.
const MOST: f64 = 30.0;

/// One of the fourteen operations, in one of two directions where it has them.
pub(super) fn apply_one(image: &mut Canvas, magnitude: f64, rng: &mut Rng) {
    let strength = magnitude / MOST;
    let operation = rng.below(14);
    let sign = if rng.below(2) == 0 { 1.0 } else { -1.0 };
    let shear = 0.3 * strength * sign;
    let reach = |side: usize| (150.0 / 331.0 * side as f64 * strength * sign) as isize;
    let factor = 1.0 + 0.9 * strength * sign;
    match operation {
        0 => {}
        1 => transform(image, [0.0; 2], [[1.0, shear], [0.0, 1.0]]),
        2 => transform(image, [0.0; 2], [[1.0, 0.0], [shear, 1.0]]),
        3 => shift(image, 0, reach(image.width)),
        4 => shift(image, reach(image.height), 0),
        5 => rotate(image, 30.0 * strength * sign),
        6 => adjust(image, Adjust::Brightness(factor)),
        7 => adjust(image, Adjust::Saturation(factor)),
        8 => adjust(image, Adjust::Contrast(factor)),
        9 => sharpen(image, factor as f32),
        10 => posterise(image, 8 - (4.0 * strength).round() as u32),
        11 => solarise(image, 255.0 * (1.0 - strength)),
        12 => image.planes().for_each(stretch),
        _ => image.planes().for_each(equalise),
    }
}

/// Keeps the upper bits of each value.
fn posterise(image: &mut Canvas, bits: u32) {
    look_up(&mut image.pixels, |value| value & !(0xffu8.checked_shr(bits).unwrap_or(0)));
}

/// Inverts values from a threshold on.
fn solarise(image: &mut Canvas, threshold: f64) {
    look_up(&mut image.pixels, |value| if value as f64 >= threshold { 255 - value } else { value });
}

/// s + (v - s) f with the smooth image s: the mean of 3x3 pixels, the middle one counted five times. Edges stay.
fn sharpen(image: &mut Canvas, factor: f32) {
    let (height, width) = (image.height, image.width);
    image.replace(|old, new| {
        new.copy_from_slice(old);
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let at = y * width + x;
                let row = |at: usize| old[at - 1..=at + 1].iter().map(|&v| v as u32).sum::<u32>();
                let sum = row(at - width) + row(at) + row(at + width) + 4 * old[at] as u32;
                // The smooth image has bytes, too.
                let smooth = byte(sum as f32 / 13.0) as f32;
                new[at] = byte(smooth + (old[at] as f32 - smooth) * factor);
            }
        }
    });
}

/// The darkest value becomes 0, the lightest 255, those between in proportion (Pillow's `autocontrast`).
fn stretch(plane: &mut [u8]) {
    let (low, high) = plane.iter().fold((255, 0), |(low, high), &v| (v.min(low), v.max(high)));
    if low < high {
        // Rounded down, as Pillow does.
        let (low, range) = (low as u32, (high - low) as u32);
        look_up(plane, |value| (255 * (value as u32).saturating_sub(low) / range).min(255) as u8);
    }
}

/// All ranges of values become about as frequent (Pillow's `equalize`).
fn equalise(plane: &mut [u8]) {
    let mut counts = [0usize; 256];
    plane.iter().for_each(|&value| counts[value as usize] += 1);
    let last = counts.iter().rfind(|&&count| count > 0).copied().unwrap_or(0);
    let step = (plane.len() - last) / 255;
    if step == 0 {
        return;
    }
    let mut below = step / 2;
    let table = counts.map(|count| {
        let value = (below / step).min(255) as u8;
        below += count;
        value
    });
    look_up(plane, |value| table[value as usize]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(height: usize, width: usize, pixels: &[u8]) -> Canvas {
        let mut canvas = Canvas::new(1, height, width);
        canvas.pixels.copy_from_slice(pixels);
        canvas
    }

    const VALUES: [u8; 8] = [10, 20, 30, 40, 10, 20, 30, 200];

    /// The numbers of Pillow's `ImageOps` and `ImageEnhance`.
    #[test]
    fn operations_as_pillow_has_them() {
        let changed = |change: fn(&mut Canvas)| {
            let mut image = grey(2, 4, &VALUES);
            change(&mut image);
            image.pixels
        };
        assert_eq!(changed(|image| posterise(image, 4)), [0, 16, 16, 32, 0, 16, 16, 192]);
        assert_eq!(changed(|image| posterise(image, 8)), VALUES);
        assert_eq!(changed(|image| solarise(image, 30.0)), [10, 20, 225, 215, 10, 20, 225, 55]);
        assert_eq!(changed(|image| stretch(&mut image.pixels)), [0, 13, 26, 40, 0, 13, 26, 255]);
        let mut flat = [7; 4];
        stretch(&mut flat);
        assert_eq!(flat, [7; 4]);
        let squares: Vec<u8> = (0..25u32).map(|i| (i * i % 256 % 251) as u8).collect();
        let mut image = grey(5, 5, &squares);
        sharpen(&mut image, 1.5);
        assert_eq!(image.pixels[6..9], [30, 43, 58]);
        // Pillow cuts off the halves of 134.5, 167.5, 192.5 and 7.5.
        assert_eq!(image.pixels[11..14], [135, 168, 193]);
        assert_eq!(image.pixels[16..19], [0, 8, 52]);
        assert_eq!((&image.pixels[..6], image.pixels[24]), (&squares[..6], squares[24]));
    }

    #[test]
    fn values_are_equalised() {
        let mut plane = [[10; 512], [20; 512]].concat();
        equalise(&mut plane);
        assert_eq!((plane[0], plane[1023]), (0, 255));
        let mut few = [1, 2, 3];
        equalise(&mut few);
        assert_eq!(few, [1, 2, 3]);
        let mut ramp: Vec<u8> = (0..1024).map(|i| (i / 16) as u8).collect();
        equalise(&mut ramp);
        // 64 values of 16 pixels: (16 i + 1) / 3, as the step is (1024 - 16) / 255 = 3.
        assert_eq!((ramp[16], ramp[16 * 20], ramp[1023]), (5, 107, 255));
    }

    #[test]
    fn every_operation_occurs_and_tiny_images_survive() {
        let mut rng = Rng::new(4);
        let mut changed = 0;
        for size in [[1, 1], [1, 7], [2, 2], [8, 6]] {
            for _ in 0..300 {
                let mut image = Canvas::new(3, size[0], size[1]);
                image.pixels.iter_mut().enumerate().for_each(|(i, v)| *v = (i * 29) as u8);
                let before = image.pixels.clone();
                apply_one(&mut image, 30.0, &mut rng);
                changed += (image.pixels != before) as usize;
            }
        }
        assert!((400..1200).contains(&changed), "{changed} of 1200 images changed");
    }
}
