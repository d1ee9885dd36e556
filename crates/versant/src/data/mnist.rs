//! MNIST (LeCun, Cortes, Burges 1998) in torchvision's layout: `MNIST/raw/train-images-idx3-ubyte[.gz]` and three
//! more. Sets of the same form (Fashion-MNIST, KMNIST) load as well. [course: A17]

use std::path::{Path, PathBuf};

use super::{ImageSet, Part};
use crate::error::{Error, Result};
use crate::io::idx::Idx;

/// The checksums of the two official parts, as [`ImageSet::checksum`] has them.
const OFFICIAL: [&str; 2] = ["df6dde61", "190e897b"];

/// The files of a part: images, labels.
fn names(part: Part) -> [&'static str; 2] {
    match part {
        Part::Train => ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
        Part::Test => ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
    }
}

/// The files of a part, images and labels, if both are below the folder: in `MNIST/raw`, in `raw`, or directly. A
/// plain file goes before a packed one.
pub fn find(data_dir: &Path, part: Part) -> Option<[PathBuf; 2]> {
    let folders = [data_dir.join("MNIST/raw"), data_dir.join("raw"), data_dir.to_path_buf()];
    let file = |folder: &Path, name: &str| {
        [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.exists())
    };
    let [images, labels] = names(part);
    folders.iter().find_map(|folder| Some([file(folder, images)?, file(folder, labels)?]))
}

/// Loads a part from files.
///
/// # Errors
/// When a file is missing or damaged, is not [n, 28, 28] with n labels below 10, or cannot be read; each names the
/// file.
pub fn load(data_dir: &Path, part: Part) -> Result<ImageSet> {
    let Some([image_file, label_file]) = find(data_dir, part) else {
        return Err(missing(data_dir, part));
    };
    let (images, labels) = (Idx::read(&image_file)?, Idx::read(&label_file)?);
    let &[count, 28, 28] = &images.dims[..] else {
        return Err(Error::format(image_file, format!("holds {:?}, not images [n, 28, 28]", images.dims)));
    };
    if labels.dims != [count] {
        return Err(Error::format(
            label_file,
            format!("holds {:?} labels, {} holds {count} images", labels.dims, image_file.display()),
        ));
    }
    if let Some(at) = labels.data.iter().position(|&label| label > 9) {
        let label = labels.data[at];
        return Err(Error::format(
            label_file,
            format!("label {label} at index {at} is not a digit (0 to 9)"),
        ));
    }
    let mut set = ImageSet::new(images.data, labels.data, [1, 28, 28], 10, "MNIST")?;
    if !is_official(&set, part) {
        set.source = format!("MNIST-like files in {}", folder_of(&image_file).display());
    }
    Ok(set)
}

/// Writes a part into `MNIST/raw` below a folder, gzipped: any program that reads MNIST reads it.
///
/// # Errors
/// When the images are not grey or a file cannot be written.
pub fn save(data_dir: &Path, part: Part, set: &ImageSet) -> Result<()> {
    if set.channels != 1 {
        return Err(Error::Data(format!(
            "{} has {} channels; MNIST's files hold one",
            set.source, set.channels
        )));
    }
    let folder = data_dir.join("MNIST/raw");
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let [images, labels] = names(part).map(|name| folder.join(format!("{name}.gz")));
    Idx { dims: vec![set.count(), set.height, set.width], data: set.images.clone() }.write(images)?;
    Idx { dims: vec![set.count()], data: set.labels.clone() }.write(labels)
}

/// Whether these are the images and labels that everyone calls MNIST.
pub fn is_official(set: &ImageSet, part: Part) -> bool {
    set.checksum == OFFICIAL[(part == Part::Test) as usize]
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn missing(data_dir: &Path, part: Part) -> Error {
    let [images, labels] = names(part);
    Error::Data(format!(
        "no MNIST in {}: {images}[.gz] and {labels}[.gz] belong into {}",
        data_dir.display(),
        data_dir.join("MNIST/raw").display()
    ))
}

/// Fetches the files that are missing, from `$VERSANT_MIRROR` (a folder on the web that holds the four files gzipped:
/// for classrooms and tests) or the public mirrors. An unreachable network costs about five seconds at most.
///
/// # Errors
/// When a file cannot be had; the message says what was tried and what to do.
#[cfg(feature = "download")]
pub fn download(data_dir: &Path, progress: &mut dyn FnMut(super::download::Progress)) -> Result<()> {
    use super::download::{Downloader, FileSpec};
    const MIRRORS: [&str; 2] =
        ["http://ossci-datasets.s3.amazonaws.com/mnist", "http://storage.googleapis.com/cvdf-datasets/mnist"];
    // SHA-256 of the unpacked files.
    const CONTENTS: [[&str; 2]; 2] = [
        [
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ],
        [
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ],
    ];
    let folder = data_dir.join("MNIST/raw");
    let files = [Part::Train, Part::Test].into_iter().flat_map(names).zip(CONTENTS.into_iter().flatten());
    let mut downloader = Downloader::from_env(&MIRRORS);
    for (name, sha256) in files {
        let packed = format!("{name}.gz");
        if folder.join(name).exists() || folder.join(&packed).exists() {
            continue;
        }
        let spec = FileSpec { name: &packed, sha256, unpacked: true, max_bytes: 16 + 60_000 * 784 };
        downloader.fetch(&spec, &folder.join(&packed), progress).map_err(|error| match error {
            Error::Network(tried) => Error::Network(format!(
                "{tried}. Without a network: put the four files into {}, or use data=digits",
                folder.display()
            )),
            other => other,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, dims: &[usize], data: Vec<u8>) {
        Idx { dims: dims.to_vec(), data }.write(folder.join(name)).unwrap();
    }

    #[test]
    fn three_layouts_and_plain_before_packed() {
        for inner in ["MNIST/raw", "raw", ""] {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join(inner);
            std::fs::create_dir_all(&folder).unwrap();
            assert!(find(root.path(), Part::Test).is_none());
            write(&folder, "t10k-images-idx3-ubyte.gz", &[2, 28, 28], vec![1; 2 * 784]);
            write(&folder, "t10k-labels-idx1-ubyte.gz", &[2], vec![3, 4]);
            write(&folder, "t10k-labels-idx1-ubyte", &[2], vec![5, 6]);
            let set = load(root.path(), Part::Test).unwrap();
            assert_eq!((set.count(), &set.labels[..]), (2, &[5, 6][..]));
            assert!(!is_official(&set, Part::Test) && set.source.starts_with("MNIST-like"));
        }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let root = tempfile::tempdir().unwrap();
        let digits = crate::data::digits(20, Part::Train);
        save(root.path(), Part::Train, &digits).unwrap();
        let loaded = load(root.path(), Part::Train).unwrap();
        assert_eq!(
            (loaded.images, loaded.labels, loaded.checksum),
            (digits.images, digits.labels, digits.checksum)
        );
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        let error = || load(folder, Part::Train).unwrap_err().to_string();
        assert!(error().contains("train-images-idx3-ubyte[.gz] and train-labels"), "{}", error());
        write(folder, "train-images-idx3-ubyte", &[2, 28, 28], vec![0; 2 * 784]);
        write(folder, "train-labels-idx1-ubyte", &[3], vec![0; 3]);
        assert!(error().contains("train-labels-idx1-ubyte: holds [3] labels"), "{}", error());
        write(folder, "train-labels-idx1-ubyte", &[2], vec![0, 10]);
        assert!(error().ends_with("label 10 at index 1 is not a digit (0 to 9)"), "{}", error());
        write(folder, "train-images-idx3-ubyte", &[2, 8, 8], vec![0; 128]);
        assert!(error().contains("not images [n, 28, 28]"), "{}", error());
    }
}
