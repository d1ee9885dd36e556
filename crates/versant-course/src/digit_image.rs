//! Someone's own picture of a digit, made to look like the ones of MNIST.
//!
//! MNIST's makers scaled each digit to fit a box of 20x20 pixels, kept its aspect, and put its centre of mass
//! into the middle of 28x28 (<http://yann.lecun.com/exdb/mnist/>); white ink on black paper. A model trained
//! on those reads other pictures well only if they are treated the same.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};
use versant::{Error, Result};

/// Side of the image that is made.
pub const SIDE: usize = 28;
/// Side of the box that the ink is scaled to.
const BOX: usize = 20;
/// Pictures with a longer side than this are refused.
const LONGEST_SIDE: u32 = 10_000;
/// Pictures that unpack to more bytes than this are refused: enough for a telephone's 64 megapixels.
const MOST_BYTES: u64 = 256 << 20;
/// Ink must differ from the paper by this much of the range from black to white.
const LEAST_CONTRAST: f32 = 0.08;

/// Reads a PNG or JPEG of any size with one digit in it, and returns it as MNIST would have it: [`SIDE`] rows
/// of `SIDE` values from 0 (paper) to 1 (ink). Dark ink on light paper and light on dark are told apart by
/// the picture's border; what is transparent counts as white.
///
/// # Errors
/// If the file cannot be read, is no PNG or JPEG, is damaged or too large, or shows nothing.
pub fn read_digit(path: impl AsRef<Path>) -> Result<Vec<f32>> {
    let path = path.as_ref();
    let (width, grey) = decode(path)?;
    let ink = ink(width, &grey).map_err(|reason| Error::format(path, reason))?;
    Ok(center(&ink.fit_box()))
}

/// The width, and the shades of grey row by row, 0 black to 255 white.
fn decode(path: &Path) -> Result<(usize, Vec<u8>)> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    if file.metadata().map_err(Error::io("read", path))?.is_dir() {
        return Err(Error::format(path, "this is a folder; give the PNG or JPEG file of one digit"));
    }
    let mut reader =
        ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(Error::io("read", path))?;
    if reader.format().is_none() {
        return Err(Error::format(path, "this is neither a PNG nor a JPEG image"));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let refuse = |e: ImageError| Error::format(path, refusal(&e));
    let mut decoder = reader.into_decoder().map_err(refuse)?;
    if decoder.total_bytes() > MOST_BYTES {
        return Err(Error::format(path, too_large()));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refuse)?;
    picture.apply_orientation(orientation);
    let grey = on_white(&picture);
    Ok((picture.width() as usize, grey))
}

fn too_large() -> String {
    let megabytes = MOST_BYTES >> 20;
    let most = format!("at most {LONGEST_SIDE}x{LONGEST_SIDE} pixels and {megabytes} MiB unpacked");
    format!("the image is too large ({most}); scale it down")
}

fn refusal(error: &ImageError) -> String {
    match error {
        ImageError::Limits(_) => too_large(),
        ImageError::Unsupported(_) => format!("only PNG and JPEG images can be read ({error})"),
        _ => format!("the image is damaged ({error})"),
    }
}

fn on_white(picture: &DynamicImage) -> Vec<u8> {
    if !picture.color().has_alpha() {
        return picture.to_luma8().into_raw();
    }
    let over = |grey: u8, alpha: u8| {
        let (grey, alpha) = (grey as u32, alpha as u32);
        ((grey * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    picture.to_luma_alpha8().pixels().map(|p| over(p.0[0], p.0[1])).collect()
}

/// Ink on paper: 0 is paper, 1 the strongest ink.
#[derive(Debug)]
struct Ink {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

/// Finds the ink by what differs from the paper, and cuts the picture down to it.
fn ink(width: usize, grey: &[u8]) -> std::result::Result<Ink, String> {
    let height = grey.len() / width;
    let (paper, noise) = paper(width, grey);
    let (darkest, lightest) =
        grey.iter().fold((u8::MAX, u8::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    // The paper is at one end of the range and the ink at the other.
    let sign = if paper - darkest as f32 >= lightest as f32 - paper { -1.0 } else { 1.0 };
    let range = (paper - darkest as f32).max(lightest as f32 - paper);
    if range < LEAST_CONTRAST * 255.0 {
        return Err("the image is blank: it shows no digit (what is transparent counts as white)".to_owned());
    }
    // In a picture of about the final size, faint pixels are the edges of strokes; in a large one, where
    // edges are thin, they are what compression left.
    let faintest = if width.max(height) > 4 * SIDE { 0.1 } else { 0.01 };
    let threshold = (4.0 * noise / range).clamp(faintest, 0.5);
    let strength = |v: u8| {
        let s = sign * (v as f32 - paper) / range;
        if s > threshold { s } else { 0.0 }
    };
    let inked = |x: usize, y: usize| strength(grey[y * width + x]) > 0.0;
    let rows: Vec<usize> = (0..height).filter(|&y| (0..width).any(|x| inked(x, y))).collect();
    let columns: Vec<usize> = (0..width).filter(|&x| rows.iter().any(|&y| inked(x, y))).collect();
    let (Some(&top), Some(&bottom), Some(&left), Some(&right)) =
        (rows.first(), rows.last(), columns.first(), columns.last())
    else {
        return Err("the image shows no digit that stands out from its border".to_owned());
    };
    let values = (top..=bottom).flat_map(|y| grey[y * width + left..=y * width + right].iter());
    let values = values.map(|&v| strength(v)).collect();
    Ok(Ink { width: right - left + 1, height: bottom - top + 1, values })
}

/// The paper's shade, and how far the shades of most of it stray: median and 90th percentile over the
/// picture's border.
fn paper(width: usize, grey: &[u8]) -> (f32, f32) {
    let height = grey.len() / width;
    let on_border = |i: usize| {
        let (x, y) = (i % width, i / width);
        x == 0 || y == 0 || x == width - 1 || y == height - 1
    };
    let mut border: Vec<u8> = (0..grey.len()).filter(|&i| on_border(i)).map(|i| grey[i]).collect();
    border.sort_unstable();
    let median = border[border.len() / 2] as f32;
    let mut strays: Vec<f32> = border.iter().map(|&v| (v as f32 - median).abs()).collect();
    strays.sort_unstable_by(f32::total_cmp);
    (median, strays[strays.len() * 9 / 10])
}

impl Ink {
    /// Scaled so that the longer side is [`BOX`], each new pixel the mean of the area it covers; the
    /// strongest ink is 1 again, so that thin lines in large pictures do not fade.
    fn fit_box(&self) -> Ink {
        let scale = BOX as f64 / self.width.max(self.height) as f64;
        let scaled = |side: usize| ((side as f64 * scale).round() as usize).clamp(1, BOX);
        let (width, height) = (scaled(self.width), scaled(self.height));
        let (columns, rows) = (coverage(self.width, width), coverage(self.height, height));
        let mut values = Vec::with_capacity(width * height);
        for row in &rows {
            for column in &columns {
                let mut sum = 0.0;
                for &(y, by_y) in row {
                    for &(x, by_x) in column {
                        sum += by_y * by_x * self.values[y * self.width + x];
                    }
                }
                values.push(sum);
            }
        }
        let strongest = values.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        values.iter_mut().for_each(|v| *v = (*v / strongest).min(1.0));
        Ink { width, height, values }
    }
}

/// For each of `to` equal parts of `from` pixels: which pixels it covers, with weights that add up to 1.
fn coverage(from: usize, to: usize) -> Vec<Vec<(usize, f32)>> {
    let step = from as f64 / to as f64;
    let part = |i: usize| {
        let (start, end) = (i as f64 * step, (i + 1) as f64 * step);
        let last = (end.ceil() as usize).min(from);
        let weight = |p: usize| (end.min(p as f64 + 1.0) - start.max(p as f64)) / step;
        (start as usize..last).map(|p| (p, weight(p) as f32)).filter(|w| w.1 > 0.0).collect()
    };
    (0..to).map(part).collect()
}

/// Puts the centre of mass into the field's middle: in MNIST's own images it lies from 14 up to 15 px from
/// the left and upper edges, as far as whole pixels and the edges allow.
fn center(ink: &Ink) -> Vec<f32> {
    let total: f64 = ink.values.iter().map(|&v| v as f64).sum();
    let mean = |place: &dyn Fn(usize) -> usize| {
        let moment = |(i, &v): (usize, &f32)| v as f64 * (place(i) as f64 + 0.5);
        ink.values.iter().enumerate().map(moment).sum::<f64>() / total
    };
    // A hair less, so that rounding in the sums does not move a mean at exactly 14.
    let shift = |mean: f64| (0.5 * SIDE as f64 - mean - 1e-3).ceil().max(0.0) as usize;
    let offset = |mean: f64, side: usize| shift(mean).min(SIDE - side);
    let left = offset(mean(&|i| i % ink.width), ink.width);
    let top = offset(mean(&|i| i / ink.width), ink.height);
    let mut field = vec![0.0; SIDE * SIDE];
    for (y, row) in ink.values.chunks(ink.width).enumerate() {
        let at = (top + y) * SIDE + left;
        field[at..at + ink.width].copy_from_slice(row);
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, ImageEncoder, ImageFormat, Luma, Rgba, RgbaImage};
    use std::path::PathBuf;

    fn digit_of(picture: impl Into<DynamicImage>) -> Result<Vec<f32>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("digit.png");
        picture.into().save(&path).unwrap();
        read_digit(&path)
    }

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("digit.png");
        std::fs::write(&path, content).unwrap();
        (dir, path)
    }

    /// An upright bar, wider at the foot, as ink on paper.
    fn bar(width: u32, height: u32, paper: u8, ink: u8) -> GrayImage {
        GrayImage::from_fn(width, height, |x, y| {
            let (x, y) = (x as f64 / width as f64, y as f64 / height as f64);
            let half = if y > 0.6 { 0.2 } else { 0.1 };
            Luma([if (0.2..0.8).contains(&y) && (x - 0.4).abs() < half { ink } else { paper }])
        })
    }

    fn mass(field: &[f32]) -> (f64, f64) {
        let total: f64 = field.iter().map(|&v| v as f64).sum();
        let moment = |place: fn(usize) -> usize| {
            field.iter().enumerate().map(|(i, &v)| v as f64 * (place(i) as f64 + 0.5)).sum::<f64>() / total
        };
        (moment(|i| i % SIDE), moment(|i| i / SIDE))
    }

    #[test]
    fn ink_fills_a_box_of_20_and_its_mass_is_central() {
        for (width, height) in [(300, 300), (61, 40), (28, 28), (20, 90), (1500, 500)] {
            let field = digit_of(bar(width, height, 255, 0)).unwrap();
            assert_eq!(field.len(), SIDE * SIDE);
            assert!(field.iter().all(|v| (0.0..=1.0).contains(v)) && field.contains(&1.0));
            let inked = |f: fn(usize) -> usize| {
                let places: Vec<usize> = (0..field.len()).filter(|&i| field[i] > 0.0).map(f).collect();
                places.iter().max().unwrap() - places.iter().min().unwrap() + 1
            };
            assert_eq!(inked(|i| i % SIDE).max(inked(|i| i / SIDE)), BOX, "{width}x{height}");
            let (x, y) = mass(&field);
            assert!((13.99..15.0).contains(&x) && (13.99..15.0).contains(&y), "{width}x{height}: {x}, {y}");
        }
    }

    #[test]
    fn polarity_and_contrast_do_not_matter() {
        let expected = digit_of(bar(200, 200, 0, 255)).unwrap();
        for (paper, ink) in [(255, 0), (200, 60), (40, 90)] {
            assert_eq!(digit_of(bar(200, 200, paper, ink)).unwrap(), expected, "{paper} {ink}");
        }
    }

    #[test]
    fn an_image_made_as_mnist_made_them_stays_as_it_is() {
        let first = digit_of(bar(240, 240, 255, 0)).unwrap();
        let bytes = first.iter().map(|v| (v * 255.0).round() as u8).collect();
        let again = digit_of(GrayImage::from_raw(28, 28, bytes).unwrap()).unwrap();
        for (a, b) in first.iter().zip(&again) {
            assert!((a - b).abs() < 0.011, "{a} {b}");
        }
    }

    #[test]
    fn transparent_paper_is_white() {
        let expected = digit_of(bar(90, 90, 255, 0)).unwrap();
        let ink = bar(90, 90, 0, 255);
        let picture = RgbaImage::from_fn(90, 90, |x, y| Rgba([0, 0, 0, ink.get_pixel(x, y).0[0]]));
        assert_eq!(digit_of(picture).unwrap(), expected);
        let white = RgbaImage::from_pixel(9, 9, Rgba([255, 255, 255, 128]));
        assert!(digit_of(white).unwrap_err().to_string().contains("blank"));
    }

    #[test]
    fn a_telephones_note_that_the_picture_lies_on_its_side_is_heeded() {
        let upright = bar(60, 90, 255, 0);
        let expected = digit_of(upright.clone()).unwrap();
        let lying = image::imageops::rotate270(&upright);
        // Exif: one entry, orientation (0x0112), a 16-bit number: 6, to be turned clockwise by a quarter.
        let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        let mut png = Vec::new();
        let mut encoder = image::codecs::png::PngEncoder::new(&mut png);
        encoder.set_exif_metadata(exif).unwrap();
        encoder.write_image(&lying, 90, 60, image::ExtendedColorType::L8).unwrap();
        let (_dir, path) = file(&png);
        assert_eq!(read_digit(&path).unwrap(), expected);
    }

    #[test]
    fn tiny_and_stretched_images() {
        assert!(digit_of(GrayImage::from_pixel(1, 1, Luma([7]))).unwrap_err().to_string().contains("blank"));
        let mut dot = GrayImage::from_pixel(3, 3, Luma([255]));
        dot.put_pixel(1, 1, Luma([0]));
        let field = digit_of(dot).unwrap();
        assert_eq!(field.iter().filter(|v| **v == 1.0).count(), BOX * BOX);
        let pair = GrayImage::from_raw(2, 1, vec![0, 255]).unwrap();
        assert!(digit_of(pair).is_ok());
        for (width, height) in [(5000, 3), (3, 5000)] {
            let line = GrayImage::from_fn(width, height, |x, y| {
                let inside = x > 0 && y > 0 && x + 1 < width && y + 1 < height;
                Luma([if inside { 0 } else { 255 }])
            });
            assert_eq!(digit_of(line).unwrap().iter().filter(|v| **v > 0.0).count(), BOX);
        }
    }

    #[test]
    fn a_noisy_photograph_is_cut_to_its_digit() {
        let mut rng = versant::rng::Rng::new(4);
        let mut photograph = bar(300, 300, 190, 50);
        for p in photograph.pixels_mut() {
            p.0[0] = p.0[0].saturating_add_signed((rng.normal() * 4.0) as i8);
        }
        let (clean, noisy) = (digit_of(bar(300, 300, 255, 0)).unwrap(), digit_of(photograph).unwrap());
        let difference: f32 = clean.iter().zip(&noisy).map(|(a, b)| (a - b).abs()).sum();
        assert!(difference / clean.iter().sum::<f32>() < 0.15, "{difference}");
    }

    #[test]
    fn unreadable_files_are_named_with_the_reason() {
        let mut png = std::io::Cursor::new(Vec::new());
        bar(30, 30, 255, 0).write_to(&mut png, ImageFormat::Png).unwrap();
        let png = png.into_inner();
        let cases: [(&[u8], &str); 4] = [
            (b"", "neither a PNG nor a JPEG"),
            (b"a letter, not a picture", "neither a PNG nor a JPEG"),
            (b"GIF89a and so on and on and on", "only PNG and JPEG"),
            (&png[..png.len() / 2], "damaged"),
        ];
        for (content, reason) in cases {
            let (_dir, path) = file(content);
            let error = read_digit(&path).unwrap_err().to_string();
            assert!(error.contains("digit.png") && error.contains(reason), "{error}");
        }
        let (dir, _) = file(b"");
        assert!(read_digit(dir.path()).unwrap_err().to_string().contains("folder"));
        let missing = read_digit(dir.path().join("missing.png")).unwrap_err().to_string();
        assert!(missing.contains("cannot read") && missing.contains("missing.png"), "{missing}");
    }

    /// A PNG whose header promises `width * height` pixels of a kind (0 grey, 6 RGBA) that are not there.
    fn promise(width: u32, height: u32, kind: u8) -> Vec<u8> {
        let mut png = std::io::Cursor::new(Vec::new());
        GrayImage::new(1, 1).write_to(&mut png, ImageFormat::Png).unwrap();
        let mut png = png.into_inner();
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        png[25] = kind;
        let sum = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&sum.to_be_bytes());
        png
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, &b| {
            (0..8).fold(crc ^ b as u32, |c, _| if c & 1 == 1 { c >> 1 ^ 0xEDB8_8320 } else { c >> 1 })
        })
    }

    #[test]
    fn giants_are_refused_before_their_memory_is_taken() {
        let most = u32::MAX >> 1;
        for (width, height, kind) in [(10_001, 1, 0), (1, 10_001, 0), (10_000, 10_000, 6), (most, most, 0)] {
            let (_dir, path) = file(&promise(width, height, kind));
            let error = read_digit(&path).unwrap_err().to_string();
            assert!(error.contains("too large (at most 10000x10000 pixels"), "{width}x{height}: {error}");
        }
    }
}
