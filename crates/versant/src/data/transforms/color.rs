//! Values change, in their places. The formulas are torchvision's (`adjust_brightness` and so on).

use super::Canvas;
use crate::rng::Rng;

/// One change of colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Adjust {
    /// v f: 0 is black.
    Brightness(f64),
    /// m + (v - m) f with the mean m of the grey image.
    Contrast(f64),
    /// g + (v - g) f with the grey g of each pixel.
    Saturation(f64),
    /// So much of the colour circle further.
    Hue(f64),
}

/// Brightness, contrast, saturation by factors in 1 ± strength, hue by ± `hue`, in random order.
pub(super) fn jitter(image: &mut Canvas, strengths: [f64; 3], hue: f64, rng: &mut Rng) {
    let [brightness, contrast, saturation] = strengths.map(|s| rng.uniform_in(1.0 - s, 1.0 + s));
    let turn = rng.uniform_in(-hue, hue);
    let mut all = [
        Adjust::Brightness(brightness),
        Adjust::Contrast(contrast),
        Adjust::Saturation(saturation),
        Adjust::Hue(turn),
    ];
    rng.shuffle(&mut all);
    all.into_iter().for_each(|change| adjust(image, change));
}

pub(super) fn adjust(image: &mut Canvas, change: Adjust) {
    match change {
        // What changes nothing is not worth a look at every pixel.
        Adjust::Brightness(1.0) | Adjust::Contrast(1.0) | Adjust::Saturation(1.0) | Adjust::Hue(0.0) => {}
        Adjust::Brightness(factor) => blend(image, 0.0, factor),
        Adjust::Contrast(factor) => {
            let mean = mean_grey(image);
            blend(image, mean, factor);
        }
        Adjust::Saturation(factor) => {
            let Some([red, green, blue]) = image.colors() else { return };
            for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
                let grey = grey([*r, *g, *b]);
                [*r, *g, *b] = [*r, *g, *b].map(|v| byte(grey + (v as f32 - grey) * factor as f32));
            }
        }
        Adjust::Hue(turn) => {
            let Some([red, green, blue]) = image.colors() else { return };
            for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
                [*r, *g, *b] = turned([*r, *g, *b], turn as f32);
            }
        }
    }
}

/// Each value becomes what a table of all 256 says.
pub(super) fn look_up(pixels: &mut [u8], table: impl Fn(u8) -> u8) {
    let table: [u8; 256] = std::array::from_fn(|value| table(value as u8));
    pixels.iter_mut().for_each(|pixel| *pixel = table[*pixel as usize]);
}

/// other + (v - other) factor.
fn blend(image: &mut Canvas, other: f32, factor: f64) {
    look_up(&mut image.pixels, |value| byte(other + (value as f32 - other) * factor as f32));
}

/// The nearest byte. (`round` would be a call for each pixel.)
pub(super) fn byte(value: f32) -> u8 {
    // The cast rounds down, and stops at 0 and 255.
    (value + 0.5) as u8
}

/// The luminance by ITU-R BT.601.
fn grey([red, green, blue]: [u8; 3]) -> f32 {
    0.299 * red as f32 + 0.587 * green as f32 + 0.114 * blue as f32
}

fn mean_grey(image: &mut Canvas) -> f32 {
    let count = (image.height * image.width) as f32;
    // Sums of bytes are exact, in any order.
    let sums: Vec<f32> =
        image.planes().map(|plane| plane.iter().map(|&v| v as u64).sum::<u64>() as f32 / count).collect();
    match sums[..] {
        [red, green, blue] => 0.299 * red + 0.587 * green + 0.114 * blue,
        _ => sums.iter().sum::<f32>() / sums.len() as f32,
    }
}

/// The colour with its hue turned: to HSV (A. R. Smith, *Color Gamut Transform Pairs*, 1978) and back.
fn turned(rgb: [u8; 3], turn: f32) -> [u8; 3] {
    let [red, green, blue] = rgb.map(f32::from);
    let most = red.max(green).max(blue);
    let spread = most - red.min(green).min(blue);
    if spread == 0.0 {
        return rgb;
    }
    // In sixths of the circle, from red over green to blue.
    let sixth = if most == red {
        (green - blue) / spread
    } else if most == green {
        2.0 + (blue - red) / spread
    } else {
        4.0 + (red - green) / spread
    };
    // Turned by half the circle at most, it is between -4 and 8.
    let around = |sixth: f32| if sixth < 0.0 { sixth + 6.0 } else { sixth };
    let sixth = around(sixth + 6.0 * turn);
    let sixth = if sixth >= 6.0 { sixth - 6.0 } else { sixth };
    // How far a channel is from its full value: not at all within a sixth of its own hue, all the way two sixths off.
    let channel = |hue: f32| {
        let off = around(sixth - hue);
        byte(most - spread * (off.min(6.0 - off) - 1.0).clamp(0.0, 1.0))
    };
    [channel(0.0), channel(2.0), channel(4.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(pixels: &[u8]) -> Canvas {
        let mut canvas = Canvas::new(3, 1, pixels.len() / 3);
        canvas.pixels.copy_from_slice(pixels);
        canvas
    }

    fn adjusted(pixels: &[u8], change: Adjust) -> Vec<u8> {
        let mut image = image(pixels);
        adjust(&mut image, change);
        image.pixels
    }

    /// A pixel of (100, 50, 200), whose grey is 82.05, and one of (0, 255, 10), whose grey is 150.825.
    const TWO: [u8; 6] = [100, 0, 50, 255, 200, 10];

    #[test]
    fn brightness_contrast_saturation_by_hand() {
        assert_eq!(adjusted(&TWO, Adjust::Brightness(1.5)), [150, 0, 75, 255, 255, 15]);
        assert_eq!(adjusted(&TWO, Adjust::Brightness(0.0)), [0; 6]);
        // The mean grey is 116.4375.
        assert_eq!(adjusted(&TWO, Adjust::Contrast(0.0)), [116; 6]);
        assert_eq!(adjusted(&TWO, Adjust::Contrast(0.5)), [108, 58, 83, 186, 158, 63]);
        assert_eq!(adjusted(&TWO, Adjust::Saturation(0.0)), [82, 151, 82, 151, 82, 151]);
        // 82.05 + 1.5 (v - 82.05), and for the second pixel 150.825 + 1.5 (v - 150.825).
        assert_eq!(adjusted(&TWO, Adjust::Saturation(1.5)), [109, 0, 34, 255, 255, 0]);
        for same in
            [Adjust::Brightness(1.0), Adjust::Contrast(1.0), Adjust::Saturation(1.0), Adjust::Hue(0.0)]
        {
            assert_eq!(adjusted(&TWO, same), TWO);
        }
    }

    /// The numbers of Python's `colorsys`.
    #[test]
    fn hues_are_turned() {
        assert_eq!(turned([200, 30, 60], 0.25), [145, 200, 30]);
        assert_eq!(turned([10, 200, 100], -0.4), [200, 24, 10]);
        assert_eq!(turned([5, 5, 5], 0.3), [5, 5, 5]);
        assert_eq!(turned([0, 0, 255], 0.5), [255, 255, 0]);
        assert_eq!(turned([0, 0, 255], -0.5), [255, 255, 0]);
        for third in 0..3 {
            let turn = third as f32 / 3.0;
            assert_eq!(turned([255, 0, 0], turn), [[255, 0, 0], [0, 255, 0], [0, 0, 255]][third]);
        }
    }

    #[test]
    fn grey_images_have_no_colours_to_change() {
        let mut grey = Canvas::new(1, 1, 2);
        grey.pixels.copy_from_slice(&[10, 30]);
        adjust(&mut grey, Adjust::Hue(0.3));
        adjust(&mut grey, Adjust::Saturation(0.3));
        assert_eq!(grey.pixels, [10, 30]);
        adjust(&mut grey, Adjust::Contrast(2.0));
        assert_eq!(grey.pixels, [0, 40]);
    }
}
