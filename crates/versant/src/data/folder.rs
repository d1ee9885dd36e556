//! Images in folders, one folder a class, as torchvision's `ImageFolder` has them. [course: B10]
//!
//! ```text
//! root/<class>/*.png             or divided:  root/train/<class>/*.png  root/test/<class>/*.png
//! ```
//!
//! `val` is read where `test` is missing. A tar archive of such folders, plain or gzipped, is read as it is. Files are
//! PNG or JPEG; others, and hidden ones, are passed over. Classes are the folders' names in the order of their bytes,
//! and so are the files within a class: the order is the same on every machine.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder, ImageReader};

use super::transforms::resize::cover;
use super::{ImageSet, Part};
use crate::cpu::threads::for_each_piece;
use crate::error::{Error, Result};
use crate::io::stored::{length, open, read_bytes, unpacked_limit};
use crate::io::tar::Tar;

/// The largest file, in bytes, and the largest image, in pixels.
const MOST_BYTES: u64 = 64 << 20;
const MOST_PIXELS: u64 = 64 << 20;

/// Labels are bytes.
const MOST_CLASSES: usize = 256;

/// Files decoded between two reports of progress.
const AT_ONCE: usize = 256;

/// A folder or an archive of images, and the form they are wanted in.
///
/// ```no_run
/// use versant::data::{ImageFolder, Part};
/// let photos = ImageFolder::new("photos").size(64, 64);
/// let train = photos.load(Part::Train, &mut |done, of| eprint!("\r{done}/{of}"))?;
/// println!("{} images of {:?}", train.count(), train.class_names);
/// # Ok::<(), versant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImageFolder {
    root: PathBuf,
    size: Option<[usize; 2]>,
    grey: bool,
}

impl ImageFolder {
    /// Colour images of the size that all of them must have.
    pub fn new(root: impl Into<PathBuf>) -> ImageFolder {
        ImageFolder { root: root.into(), size: None, grey: false }
    }

    /// Images of any size become height x width: scaled so that they cover it, what juts out cut off evenly.
    ///
    /// # Panics
    /// When one is 0.
    #[track_caller]
    pub fn size(mut self, height: usize, width: usize) -> ImageFolder {
        assert!(height > 0 && width > 0, "ImageFolder: size {height} x {width} has no pixels");
        self.size = Some([height, width]);
        self
    }

    /// One channel, the luminance by ITU-R BT.601, instead of red, green and blue.
    pub fn grey(mut self) -> ImageFolder {
        self.grey = true;
        self
    }

    /// Reads and decodes a part, on several threads; tells `progress` how many files of how many are done. A root
    /// without a folder `train` is all for training.
    ///
    /// # Errors
    /// When there are no images or more than 256 classes, a class is empty, the test part has a class that the training
    /// part lacks, or a file is damaged, too large or, without [`size`](ImageFolder::size), not as large as the first;
    /// each names the file.
    pub fn load(&self, part: Part, progress: &mut dyn FnMut(usize, usize)) -> Result<ImageSet> {
        let all = if self.root.is_dir() { in_folder(&self.root)? } else { in_archive(&self.root)? };
        let (classes, files) = self.select(all, part)?;
        let (mut images, mut labels) = (Vec::new(), Vec::with_capacity(files.len()));
        let mut size = self.size;
        for group in files.chunks(AT_ONCE) {
            let mut decoded: Vec<Option<Result<Picture>>> = group.iter().map(|_| None).collect();
            for_each_piece(&mut decoded, 1, |i, slot| slot[0] = Some(self.picture(&group[i].1)));
            for ((class, file), picture) in group.iter().zip(decoded.into_iter().flatten()) {
                let Picture { size: [height, width], pixels } = picture?;
                let [h, w] = *size.get_or_insert([height, width]);
                if [height, width] != [h, w] {
                    let reason = format!(
                        "{height} x {width} pixels, the first image has {h} x {w}; ask for one size for all of them"
                    );
                    return Err(Error::format(&file.path, reason));
                }
                images.extend_from_slice(&pixels);
                labels.push(*class);
            }
            progress(labels.len(), files.len());
        }
        let [height, width] = size.unwrap_or([1, 1]);
        let source = format!("images in {}", self.root.display());
        let set = ImageSet::new(images, labels, [self.channels(), height, width], classes.len(), &source)?;
        Ok(set.with_class_names(classes))
    }

    /// One picture as the images of a set are: pixels [channels, height, width], and its height and width.
    ///
    /// # Errors
    /// When the file cannot be read, is no PNG or JPEG, is damaged or too large.
    pub fn read(&self, path: impl Into<PathBuf>) -> Result<(Vec<u8>, [usize; 2])> {
        let file = File { group: String::new(), class: String::new(), path: path.into(), bytes: None };
        self.picture(&file).map(|picture| (picture.pixels, picture.size))
    }

    fn channels(&self) -> usize {
        if self.grey { 1 } else { 3 }
    }

    /// The classes, and the part's files with their labels.
    fn select(&self, all: Vec<File>, part: Part) -> Result<(Vec<String>, Vec<Labelled>)> {
        let has = |group: &str| all.iter().any(|file| file.group == group);
        let divided = has(TRAIN);
        let group = match part {
            Part::Train => Some(TRAIN),
            Part::Test => TESTS.into_iter().find(|name| divided && has(name)),
        };
        let root = self.root.display();
        let Some(group) = group else {
            return Err(Error::Data(format!(
                "{root}: no images in train/<class>/ and test/<class>/ (or val)"
            )));
        };
        let of_group = |file: &File, group: &str| !divided || file.group == group;
        let classes: BTreeSet<String> =
            all.iter().filter(|file| of_group(file, TRAIN)).map(|file| file.class.clone()).collect();
        let classes = Vec::from_iter(classes);
        if classes.is_empty() || classes.len() > MOST_CLASSES {
            return Err(Error::Data(format!(
                "{root}: {} folders of PNG or JPEG files; there must be one for each class, 1 to {MOST_CLASSES}",
                classes.len()
            )));
        }
        let mut files = Vec::new();
        for file in all.into_iter().filter(|file| of_group(file, group)) {
            let Ok(class) = classes.binary_search(&file.class) else {
                return Err(Error::format(
                    &file.path,
                    format!("the training part has no class {:?}", file.class),
                ));
            };
            files.push((class as u8, file));
        }
        files.sort_by(|a, b| (a.0, a.1.path.as_os_str()).cmp(&(b.0, b.1.path.as_os_str())));
        Ok((classes, files))
    }

    /// Decodes one file.
    fn picture(&self, file: &File) -> Result<Picture> {
        let read;
        let bytes = match &file.bytes {
            Some(bytes) => bytes,
            None => {
                read = read_file(&file.path)?;
                &read
            }
        };
        let image = decode(bytes, &file.path)?;
        let size = [image.height() as usize, image.width() as usize];
        let rgb = image.into_rgb8().into_raw();
        let (dots, _) = rgb.as_chunks::<3>();
        let pixels: Vec<u8> = if self.grey {
            dots.iter().map(|&dot| luminance(dot)).collect()
        } else {
            (0..3).flat_map(|channel| dots.iter().map(move |dot| dot[channel])).collect()
        };
        Ok(match self.size {
            Some(wanted) => Picture { pixels: cover(&pixels, self.channels(), size, wanted), size: wanted },
            None => Picture { pixels, size },
        })
    }
}

/// The folder of training images, and those of test images in the order of preference.
const TRAIN: &str = "train";
const TESTS: [&str; 2] = ["test", "val"];

/// A label and its image.
type Labelled = (u8, File);

/// An image's file.
struct File {
    /// The name of the folder that its class's folder lies in.
    group: String,
    class: String,
    path: PathBuf,
    /// Its content, if it comes from an archive.
    bytes: Option<Vec<u8>>,
}

/// A decoded image: height and width, and pixels [channels, height, width].
struct Picture {
    size: [usize; 2],
    pixels: Vec<u8>,
}

fn in_folder(root: &Path) -> Result<Vec<File>> {
    if !root.join(TRAIN).is_dir() {
        return in_group(root, "");
    }
    let mut all = Vec::new();
    for group in [TRAIN].into_iter().chain(TESTS) {
        let folder = root.join(group);
        if folder.is_dir() {
            all.extend(in_group(&folder, group)?);
        }
    }
    Ok(all)
}

fn in_group(folder: &Path, group: &str) -> Result<Vec<File>> {
    let mut all = Vec::new();
    for inner in entries(folder)?.into_iter().filter(|path| !is_hidden(path) && path.is_dir()) {
        let class = inner.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let before = all.len();
        for path in entries(&inner)?.into_iter().filter(|path| is_image(path)) {
            all.push(File { group: group.into(), class: class.clone(), path, bytes: None });
        }
        if all.len() == before {
            return Err(Error::format(inner, "no PNG or JPEG file for this class"));
        }
    }
    Ok(all)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let all = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    all.map(|entry| Ok(entry.map_err(Error::io("read", folder))?.path())).collect()
}

/// Files of an archive, `[.../][group/]class/file`.
fn in_archive(archive: &Path) -> Result<Vec<File>> {
    let mut all = Vec::new();
    let mut tar = Tar::open(archive)?;
    while let Some(member) = tar.next_file()? {
        let path = archive.join(&member.name);
        let mut parts = member.name.rsplit('/').skip(1).map(String::from);
        if let Some(class) = parts.next().filter(|_| is_image(&path)) {
            let group = parts.next().unwrap_or_default();
            all.push(File { group, class, path, bytes: Some(tar.content(MOST_BYTES)?) });
        }
    }
    Ok(all)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_image(path: &Path) -> bool {
    let known = |extension: &str| ["png", "jpg", "jpeg"].contains(&&extension.to_ascii_lowercase()[..]);
    !is_hidden(path) && path.extension().and_then(|e| e.to_str()).is_some_and(known)
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let mut file = open(path)?;
    let len = length(&mut file, path)?;
    if len > MOST_BYTES {
        return Err(Error::format(path, format!("{len} bytes; at most {MOST_BYTES} are read")));
    }
    read_bytes(&mut file, len as usize, path)
}

/// Decodes PNG or JPEG, as the content tells, unless the header promises more than such a file can hold.
fn decode(bytes: &[u8], path: &Path) -> Result<DynamicImage> {
    let damaged = |error: image::ImageError| {
        let reason = match error {
            image::ImageError::Limits(_) => {
                format!("more pixels than {} bytes pay for; that many are not read", bytes.len())
            }
            // Some decoders end their reasons with a line feed.
            error => format!("no image that can be read: {}", error.to_string().trim_end()),
        };
        Error::format(path, reason)
    };
    let reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(Error::io("read", path))?;
    let decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let (pixels, unpacked) = (width as u64 * height as u64, decoder.total_bytes());
    if pixels > MOST_PIXELS || unpacked > unpacked_limit(bytes.len() as u64) {
        let reason = format!("{height} x {width} pixels in {} bytes; that many are not read", bytes.len());
        return Err(Error::format(path, reason));
    }
    DynamicImage::from_decoder(decoder).map_err(damaged)
}

/// 0.299 R + 0.587 G + 0.114 B, rounded, as Pillow and torchvision have it.
fn luminance([red, green, blue]: [u8; 3]) -> u8 {
    ((19_595 * red as u32 + 38_470 * green as u32 + 7_471 * blue as u32 + 32_768) >> 16) as u8
}

#[cfg(test)]
mod tests;
