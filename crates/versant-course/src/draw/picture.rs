//! A finished picture: its SVG, and the PNG made from it.

use std::fs;
use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use resvg::{tiny_skia, usvg};
use versant::io::atomic;
use versant::{Error, Result};

use super::font;

/// A finished picture. Made by [`Svg::finish`](super::Svg::finish).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    svg: String,
}

impl Picture {
    /// Pixels of the PNG per px of the SVG in saved pictures: sharp on a projector.
    pub const SAVED_SCALE: f32 = 2.0;

    pub(super) fn new(svg: String) -> Picture {
        Picture { svg }
    }

    /// The picture as SVG.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The picture as PNG, `scale` pixels per px.
    ///
    /// # Errors
    /// If the scale makes the picture empty, or larger than can be held.
    pub fn to_png(&self, scale: f32) -> Result<Vec<u8>> {
        let options = usvg::Options { fontdb: font::database(), ..usvg::Options::default() };
        let tree = usvg::Tree::from_str(&self.svg, &options)
            .map_err(|e| Error::Data(format!("a picture could not be read back: {e}")))?;
        let (width, height) = (tree.size().width() * scale, tree.size().height() * scale);
        let too_large = || Error::Config(format!("a picture of {width} x {height} pixels cannot be made"));
        // Beyond this side a picture is a slip, and its memory a danger.
        if width.is_nan() || width.max(height) > 32_768.0 {
            return Err(too_large());
        }
        let mut pixmap =
            tiny_skia::Pixmap::new(width.ceil() as u32, height.ceil() as u32).ok_or_else(too_large)?;
        resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixmap.as_mut());
        encode(pixmap)
    }

    /// Writes `<name>.svg` and `<name>.png` into `dir`, which is made where it is missing. A file is there
    /// whole or not at all.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn save(&self, dir: impl AsRef<Path>, name: &str) -> Result<()> {
        let dir = dir.as_ref();
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        let png = self.to_png(Picture::SAVED_SCALE)?;
        for (extension, bytes) in [("svg", self.svg.as_bytes()), ("png", &png)] {
            atomic::write(dir.join(format!("{name}.{extension}")), |w| w.write_all(bytes))?;
        }
        Ok(())
    }
}

/// As PNG in plain RGB: pictures have a white ground and no transparency. Fast compression, which is nearly as good on
/// flat colours.
fn encode(pixmap: tiny_skia::Pixmap) -> Result<Vec<u8>> {
    let (width, height) = (pixmap.width(), pixmap.height());
    let rgb: Vec<u8> =
        pixmap.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    drop(pixmap);
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive)
        .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
        .map_err(|e| Error::Data(format!("a picture could not be written as PNG: {e}")))?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::super::{BLUE, Brush, Rect, Svg};
    use super::*;

    fn square() -> Picture {
        let mut svg = Svg::new("a square", 40.0, 30.0);
        svg.rect(Rect::new(10.0, 10.0, 20.0, 10.0), Brush::fill(BLUE));
        svg.finish()
    }

    #[test]
    fn png_has_the_size_and_colours_of_the_svg() {
        let png = image::load_from_memory(&square().to_png(2.0).unwrap()).unwrap().to_rgb8();
        assert_eq!((png.width(), png.height()), (80, 60));
        assert_eq!(png.get_pixel(40, 30).0, [0, 114, 178]);
        assert_eq!(png.get_pixel(5, 5).0, [255, 255, 255]);
        assert_eq!(square().to_png(2.0).unwrap(), square().to_png(2.0).unwrap());
    }

    #[test]
    fn impossible_scales_are_errors() {
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e6] {
            assert!(square().to_png(scale).is_err(), "{scale}");
        }
    }

    #[test]
    fn saving_writes_both_files_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let media = dir.path().join("runs/media");
        square().save(&media, "square").unwrap();
        square().save(&media, "square").unwrap();
        let mut names: Vec<_> = fs::read_dir(&media).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["square.png", "square.svg"]);
        assert_eq!(fs::read_to_string(media.join("square.svg")).unwrap(), square().svg());
        let blocked = square().save(media.join("square.svg"), "x").unwrap_err().to_string();
        assert!(blocked.contains("square.svg"), "{blocked}");
    }
}
