//! Small images that are put into a picture pixel by pixel.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::color::Color;

/// An RGB image, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Pixels {
    /// `width * height` colours, row by row.
    ///
    /// # Panics
    /// If a side is 0.
    #[track_caller]
    pub fn from_fn(width: usize, height: usize, mut color: impl FnMut(usize, usize) -> Color) -> Pixels {
        assert!(width > 0 && height > 0, "an image of {width}x{height} pixels cannot be drawn");
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                let Color(r, g, b) = color(x, y);
                rgb.extend([r, g, b]);
            }
        }
        Pixels { width, height, rgb }
    }

    /// An image of interleaved bytes, row by row: one channel is greyscale, three are RGB.
    ///
    /// # Panics
    /// If `bytes` is not `height * width * channels` long, or channels are not 1 or 3.
    #[track_caller]
    pub fn from_bytes(height: usize, width: usize, channels: usize, bytes: &[u8]) -> Pixels {
        assert!(
            matches!(channels, 1 | 3) && bytes.len() == height * width * channels,
            "Pixels::from_bytes: {} bytes are no {height}x{width} image of {channels} channels (1 or 3)",
            bytes.len()
        );
        Pixels::from_fn(width, height, |x, y| {
            let at = (y * width + x) * channels;
            if channels == 1 {
                Color(bytes[at], bytes[at], bytes[at])
            } else {
                Color(bytes[at], bytes[at + 1], bytes[at + 2])
            }
        })
    }

    /// The image as a PNG in a `data:` address, so that an SVG stays one file.
    pub(super) fn data_uri(&self) -> String {
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(&self.rgb, self.width as u32, self.height as u32, ExtendedColorType::Rgb8)
            .expect("encoding a checked image into memory");
        format!("data:image/png;base64,{}", STANDARD.encode(png))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_png_holds_the_same_pixels() {
        let pixels = Pixels::from_bytes(2, 3, 3, &(0..18).collect::<Vec<u8>>());
        let uri = pixels.data_uri();
        let png = STANDARD.decode(uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let read = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!((read.width(), read.height()), (3, 2));
        assert_eq!(read.into_raw(), pixels.rgb);
    }

    #[test]
    #[should_panic(expected = "5 bytes are no 2x3 image of 1 channels")]
    fn a_wrong_length_is_named() {
        Pixels::from_bytes(2, 3, 1, &[0; 5]);
    }
}
