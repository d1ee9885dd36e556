//! PNG and JPEG files in a folder of images.

use std::io::{Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{ImageFormat, Rgb, RgbImage};
use versant::Result;
use versant::data::{ImageFolder, Part};

use super::{Family, bad};

fn load(path: &Path) -> Result<()> {
    let root = path.ancestors().nth(2).unwrap();
    ImageFolder::new(root).load(Part::Train, &mut |_, _| {}).map(|_| ())
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(40, 30, |x, y| Rgb([(x * 6) as u8, (y * 8) as u8, (x * y) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [&kind[..], content].concat();
    [&(content.len() as u32).to_be_bytes()[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
}

/// A PNG of 8-bit RGB, of which this is the content.
fn png_of(width: u32, height: u32, content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    let packed = encoder.finish().unwrap();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunk(b"IDAT", &packed), &chunk(b"IEND", b"")]
        .concat()
}

pub fn png() -> Family {
    let good = encoded(ImageFormat::Png);
    let no_image = "no image that can be read";
    let many = "that many are not read";
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    Family {
        file: "pictures/png/class/image.png",
        load,
        inspect: load,
        good: vec![
            ("as it is", good.clone()),
            ("a JPEG by another name", encoded(ImageFormat::Jpeg)),
            ("by hand", png_of(1, 1, &[0, 1, 2, 3])),
        ],
        bad: vec![
            bad("empty", vec![], no_image),
            bad("a text", b"This is a text.".to_vec(), no_image),
            bad("only its mark", good[..8].to_vec(), no_image),
            bad("cut in the header", good[..20].to_vec(), no_image),
            bad("cut in the pixels", good[..good.len() / 2].to_vec(), no_image),
            bad("a bit in the pixels", flipped, no_image),
            bad("no pixels", png_of(40, 30, &[]), no_image),
            bad("too few pixels", png_of(2000, 1000, &[0; 5000]), no_image),
            bad("a width of 0", png_of(0, 30, &[0; 30]), no_image),
            bad("2^62 pixels", png_of(0x7fff_ffff, 0x7fff_ffff, &[0; 100]), ""),
            bad("a line of 2^31 pixels", png_of(0x7fff_ffff, 1, &[0; 100]), many),
            bad("400 megabytes", png_of(20_000, 7_000, &[0; 100]), many),
            bad("17 megabytes in a small file", png_of(3_000, 2_000, &vec![0; 2_000 * 9_001]), many),
            bad("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), no_image),
        ],
    }
}

pub fn jpeg() -> Family {
    let good = encoded(ImageFormat::Jpeg);
    let no_image = "no image that can be read";
    let frame = good.windows(2).position(|mark| mark == [0xff, 0xc0]).unwrap();
    let sized = |height: u16, width: u16| {
        let mut bytes = good.clone();
        bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        bytes
    };
    Family {
        file: "pictures/jpeg/class/image.jpg",
        load,
        inspect: load,
        good: vec![("as it is", good.clone()), ("a PNG by another name", encoded(ImageFormat::Png))],
        bad: vec![
            bad("only its mark", good[..3].to_vec(), no_image),
            bad("cut in the header", good[..frame + 4].to_vec(), no_image),
            bad("4 billion pixels", sized(65_535, 65_535), "that many are not read"),
            bad("17 megabytes in a small file", sized(3_000, 2_000), "that many are not read"),
            bad("a width of 0", sized(30, 0), no_image),
        ],
    }
}
