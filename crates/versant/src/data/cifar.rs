//! CIFAR-10 and CIFAR-100 (Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, 2009): photographs
//! 3x32x32 of 10 or 100 classes, 50,000 to train and 10,000 to test, in the official binary layout. [course: B10]
//!
//! ```text
//! cifar-10-batches-bin/  data_batch_1.bin ... data_batch_5.bin  test_batch.bin  batches.meta.txt
//! cifar-100-binary/      train.bin  test.bin  fine_label_names.txt  coarse_label_names.txt
//! ```
//!
//! A record is the label in a byte (CIFAR-100: the coarse one, then the fine one) and 3,072 bytes: the red plane, the
//! green, the blue, each row by row. The archives that the files come in, `cifar-10-binary.tar.gz` and
//! `cifar-100-binary.tar.gz`, are read as well.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{ImageSet, Part};
use crate::error::{Error, Result};
use crate::io::stored;
use crate::io::tar::Tar;

/// Bytes of an image's pixels.
const PIXELS: usize = 3 * 32 * 32;
/// Of one file: twenty times an official one, and less than would not fit a small memory.
const MOST_BYTES: u64 = 1 << 30;
/// Of a file of names.
const MOST_NAMES: u64 = 64 << 10;

/// Which of the sets, and which of CIFAR-100's two labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cifar {
    /// Ten classes: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.
    Cifar10,
    /// A hundred fine classes.
    Cifar100,
    /// Twenty coarse classes of five fine ones each.
    Cifar100Coarse,
}

use Cifar::{Cifar10, Cifar100, Cifar100Coarse};

impl Cifar {
    /// "CIFAR-10" or "CIFAR-100".
    pub fn name(self) -> &'static str {
        match self {
            Cifar10 => "CIFAR-10",
            Cifar100 => "CIFAR-100",
            Cifar100Coarse => "CIFAR-100 (coarse)",
        }
    }

    /// How many classes there are.
    pub fn classes(self) -> usize {
        match self {
            Cifar10 => 10,
            Cifar100 => 100,
            Cifar100Coarse => 20,
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Cifar10 => "cifar-10-batches-bin",
            Cifar100 | Cifar100Coarse => "cifar-100-binary",
        }
    }

    fn archive(self) -> &'static str {
        match self {
            Cifar10 => "cifar-10-binary.tar.gz",
            Cifar100 | Cifar100Coarse => "cifar-100-binary.tar.gz",
        }
    }

    fn files(self, part: Part) -> &'static [&'static str] {
        match (self, part) {
            (Cifar10, Part::Train) => &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            (Cifar10, Part::Test) => &["test_batch.bin"],
            (_, Part::Train) => &["train.bin"],
            (_, Part::Test) => &["test.bin"],
        }
    }

    fn names_file(self) -> &'static str {
        match self {
            Cifar10 => "batches.meta.txt",
            Cifar100 => "fine_label_names.txt",
            Cifar100Coarse => "coarse_label_names.txt",
        }
    }

    /// How many label bytes a record has, and which of them counts.
    fn labels(self) -> (usize, usize) {
        match self {
            Cifar10 => (1, 0),
            Cifar100 => (2, 1),
            Cifar100Coarse => (2, 0),
        }
    }
}

/// Where a part is, if all its files are there: the folder `cifar-10-batches-bin` below `data_dir`, `data_dir` itself,
/// or the packed archive in it.
pub fn find(data_dir: &Path, set: Cifar, part: Part) -> Option<PathBuf> {
    let has_all = |folder: &PathBuf| set.files(part).iter().all(|name| folder.join(name).exists());
    let folders = [data_dir.join(set.folder()), data_dir.to_path_buf()];
    let archive = data_dir.join(set.archive());
    folders.into_iter().find(has_all).or_else(|| Some(archive).filter(|archive| archive.exists()))
}

/// Loads a part from what [`find`] finds. Files may hold any number of records.
///
/// ```no_run
/// use versant::data::{Part, cifar, data_dir};
/// let train = cifar::load(&data_dir(None), cifar::Cifar::Cifar10, Part::Train)?;
/// assert_eq!((train.count(), &train.class_names[3][..]), (50_000, "cat"));
/// # Ok::<(), versant::Error>(())
/// ```
///
/// # Errors
/// When files are missing or cannot be read, do not consist of whole records, or a label is not a class; each names
/// the file.
pub fn load(data_dir: &Path, set: Cifar, part: Part) -> Result<ImageSet> {
    let Some(place) = find(data_dir, set, part) else { return Err(missing(data_dir, set, part)) };
    let mut files =
        if place.is_dir() { from_folder(&place, set, part)? } else { from_archive(&place, set, part)? };
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for &name in set.files(part) {
        // Each file's bytes are let go before the next is copied.
        let Some((path, bytes)) = files.remove(name) else {
            return Err(Error::format(&place, format!("there is no {name} in it")));
        };
        take_records(&path, &bytes, set, &mut images, &mut labels)?;
    }
    let all = ImageSet::new(images, labels, [3, 32, 32], set.classes(), set.name())?;
    match files.remove(set.names_file()) {
        Some((path, bytes)) => Ok(all.with_class_names(names_in(&path, &bytes, set)?)),
        None if set == Cifar10 => Ok(all.with_class_names(NAMES)),
        None => Ok(all),
    }
}

const NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Contents by their file's name, each with the place to name when it is wrong.
type Files = BTreeMap<&'static str, (PathBuf, Vec<u8>)>;

/// The files of a part, and the one of the classes' names, which may be missing.
fn wanted(set: Cifar, part: Part) -> impl Iterator<Item = (&'static str, u64)> {
    set.files(part).iter().map(|&name| (name, MOST_BYTES)).chain([(set.names_file(), MOST_NAMES)])
}

fn from_folder(folder: &Path, set: Cifar, part: Part) -> Result<Files> {
    let mut files = Files::new();
    for (name, most) in wanted(set, part) {
        let path = folder.join(name);
        if name == set.names_file() && !path.exists() {
            continue;
        }
        let mut file = stored::open(&path)?;
        let len = stored::length(&mut file, &path)?;
        if len > most {
            return Err(Error::format(path, format!("{len} bytes; at most {most} are read")));
        }
        let bytes = stored::read_bytes(&mut file, len as usize, &path)?;
        files.insert(name, (path, bytes));
    }
    Ok(files)
}

fn from_archive(archive: &Path, set: Cifar, part: Part) -> Result<Files> {
    let mut files = Files::new();
    read_archive(archive, set, &[part], |name, path, bytes| {
        let known = files.insert(name, (path, bytes));
        if known.is_some() { Err(Error::format(archive, format!("holds {name} twice"))) } else { Ok(()) }
    })?;
    Ok(files)
}

/// Tells `take` of each file of these parts: its name, its place for messages, its content.
fn read_archive(
    archive: &Path,
    set: Cifar,
    parts: &[Part],
    mut take: impl FnMut(&'static str, PathBuf, Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut tar = Tar::open(archive)?;
    while let Some(member) = tar.next_file()? {
        let inner = member.name.strip_prefix(set.folder()).and_then(|rest| rest.strip_prefix('/'));
        let found = parts.iter().flat_map(|&part| wanted(set, part)).find(|(name, _)| Some(*name) == inner);
        if let Some((name, most)) = found {
            take(name, archive.join(&member.name), tar.content(most)?)?;
        }
    }
    Ok(())
}

fn take_records(
    path: &Path,
    bytes: &[u8],
    set: Cifar,
    images: &mut Vec<u8>,
    labels: &mut Vec<u8>,
) -> Result<()> {
    let (label_bytes, which) = set.labels();
    let record = label_bytes + PIXELS;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        let reason =
            format!("{} bytes are not whole records of {record} bytes, as {} has", bytes.len(), set.name());
        return Err(Error::format(path, reason));
    }
    images.reserve_exact(bytes.len() / record * PIXELS);
    for (i, record) in bytes.chunks_exact(record).enumerate() {
        let label = record[which];
        if label as usize >= set.classes() {
            let reason = format!("label {label} of record {i} is not below {}", set.classes());
            return Err(Error::format(path, reason));
        }
        labels.push(label);
        images.extend_from_slice(&record[label_bytes..]);
    }
    Ok(())
}

/// One name a line; the official files end in an empty line.
fn names_in(path: &Path, bytes: &[u8], set: Cifar) -> Result<Vec<String>> {
    let text = String::from_utf8_lossy(bytes);
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|l| !l.is_empty()).map(String::from).collect();
    if names.len() != set.classes() {
        let reason = format!("{} names of classes; {} has {}", names.len(), set.name(), set.classes());
        return Err(Error::format(path, reason));
    }
    if let Some(name) = names.iter().find(|name| name.len() > 100 || name.contains(char::is_control)) {
        return Err(Error::format(path, format!("{name:?} is no name of a class")));
    }
    Ok(names)
}

fn missing(data_dir: &Path, set: Cifar, part: Part) -> Error {
    let (dir, files) = (data_dir.display(), set.files(part).join(", "));
    Error::Data(format!(
        "no {} in {dir}: {files} belong into {}, or {} into {dir}",
        set.name(),
        data_dir.join(set.folder()).display(),
        set.archive()
    ))
}

/// Fetches the official archive unless the set is there, from `$VERSANT_MIRROR` (a folder on the web that holds the
/// archive) or its home, and unpacks it. An unreachable network costs about five seconds at most.
///
/// # Errors
/// When the archive cannot be had; the message says what was tried and what to do.
#[cfg(feature = "download")]
pub fn download(
    data_dir: &Path,
    set: Cifar,
    progress: &mut dyn FnMut(super::download::Progress),
) -> Result<()> {
    use super::download::{Downloader, FileSpec};
    const MIRRORS: [&str; 1] = ["http://www.cs.toronto.edu/~kriz"];
    if [Part::Train, Part::Test].iter().all(|&part| find(data_dir, set, part).is_some()) {
        return Ok(());
    }
    let (sha256, max_bytes) = match set {
        Cifar10 => ("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170_052_171),
        Cifar100 | Cifar100Coarse => {
            ("58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", 168_513_733)
        }
    };
    let archive = data_dir.join(set.archive());
    let file = FileSpec { name: set.archive(), sha256, unpacked: false, max_bytes };
    Downloader::from_env(&MIRRORS).fetch(&file, &archive, progress).map_err(|error| match error {
        Error::Network(tried) => Error::Network(format!(
            "{tried}. Without https here: download https://www.cs.toronto.edu/~kriz/{} with a browser and put it \
             into {}",
            set.archive(),
            data_dir.display()
        )),
        other => other,
    })?;
    unpack(data_dir, set)
}

/// Writes the files of the archive into their folder, so that the next start need not unpack them.
#[cfg(feature = "download")]
fn unpack(data_dir: &Path, set: Cifar) -> Result<()> {
    let folder = data_dir.join(set.folder());
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    read_archive(&data_dir.join(set.archive()), set, &[Part::Train, Part::Test], |name, _, bytes| {
        crate::io::atomic::write(folder.join(name), |w| w.write_all(&bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::tar::tests::packed;

    fn records(set: Cifar, labels: &[u8]) -> Vec<u8> {
        let (label_bytes, which) = set.labels();
        let mut bytes = Vec::new();
        for (i, &label) in labels.iter().enumerate() {
            let mut record = vec![7; label_bytes];
            record[which] = label;
            record.extend((0..PIXELS).map(|at| (at / 1024 * 100 + at % 32 + i) as u8));
            bytes.extend(record);
        }
        bytes
    }

    fn write(folder: &Path, files: &[(&str, Vec<u8>)]) {
        std::fs::create_dir_all(folder).unwrap();
        files.iter().for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes).unwrap());
    }

    #[test]
    fn files_in_order_in_either_folder() {
        for inner in ["cifar-10-batches-bin", ""] {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join(inner);
            for (i, name) in Cifar10.files(Part::Train).iter().enumerate() {
                assert!(find(root.path(), Cifar10, Part::Train).is_none());
                write(&folder, &[(name, records(Cifar10, &[i as u8, 9]))]);
            }
            let set = load(root.path(), Cifar10, Part::Train).unwrap();
            assert_eq!(set.labels, [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]);
            assert_eq!((set.channels, set.height, set.width, set.classes), (3, 32, 32, 10));
            assert_eq!((set.image(1)[0], set.image(0)[1024 + 33], set.image(0)[3071]), (1, 101, 231));
            assert_eq!((&set.class_names[9][..], &set.source[..]), ("truck", "CIFAR-10"));
            let error = load(root.path(), Cifar10, Part::Test).unwrap_err().to_string();
            assert!(error.contains("test_batch.bin") && error.contains("cifar-10-binary.tar.gz"), "{error}");
        }
    }

    #[test]
    fn both_labels_of_cifar_100() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cifar-100-binary");
        let coarse: String = (0..20).map(|i| format!("group {i}\n")).collect();
        write(
            &folder,
            &[("test.bin", records(Cifar100, &[99, 0])), ("coarse_label_names.txt", coarse.into())],
        );
        let fine = load(root.path(), Cifar100, Part::Test).unwrap();
        assert_eq!((fine.classes, &fine.labels[..], &fine.class_names[99][..]), (100, &[99, 0][..], "99"));
        let coarse = load(root.path(), Cifar100Coarse, Part::Test).unwrap();
        assert_eq!((coarse.classes, &coarse.labels[..]), (20, &[7, 7][..]));
        assert_eq!(coarse.class_names[7], "group 7");
    }

    /// An official archive in small, its names ending in an empty line.
    fn archive() -> Vec<u8> {
        let batch = records(Cifar10, &[3]);
        let inner = |name: &str| format!("cifar-10-batches-bin/{name}");
        let names = format!("{}\n\n", NAMES.join("\n"));
        let mut files =
            vec![(inner("batches.meta.txt"), names.as_bytes()), (inner("readme.html"), &b"x"[..])];
        files.extend(
            Cifar10.files(Part::Train).iter().chain(&["test_batch.bin"]).map(|n| (inner(n), &batch[..])),
        );
        packed(&files.iter().map(|(name, bytes)| (&name[..], *bytes)).collect::<Vec<_>>())
    }

    #[test]
    fn an_archive_is_read_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &[("cifar-10-binary.tar.gz", archive())]);
        assert_eq!(find(root.path(), Cifar10, Part::Test), Some(root.path().join("cifar-10-binary.tar.gz")));
        assert_eq!(load(root.path(), Cifar10, Part::Train).unwrap().count(), 5);
        let test = load(root.path(), Cifar10, Part::Test).unwrap();
        assert_eq!((test.labels.len(), &test.class_names[0][..]), (1, "airplane"));
        let error = load(root.path(), Cifar100, Part::Test).unwrap_err().to_string();
        assert!(error.contains("cifar-100-binary"), "{error}");
    }

    #[cfg(feature = "download")]
    #[test]
    fn an_archive_unpacks_into_its_folder() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &[("cifar-10-binary.tar.gz", archive())]);
        unpack(root.path(), Cifar10).unwrap();
        std::fs::remove_file(root.path().join("cifar-10-binary.tar.gz")).unwrap();
        assert_eq!(load(root.path(), Cifar10, Part::Train).unwrap().count(), 5);
        assert_eq!(load(root.path(), Cifar10, Part::Test).unwrap().class_names[9], "truck");
    }
}
