//! Where a recipe's samples come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use versant::data::cifar::{self, Cifar};
use versant::data::{ImageFolder, ImageSet, Part, digits, mnist, shapes};
use versant::rng::{Purpose, Rng};
use versant::{Error, Result};

use crate::ui::Ui;

/// Data sets of one shape: the real one, and the built-in one that stands in for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// MNIST, or the built-in digits: 1 x 28 x 28.
    Mnist,
    /// CIFAR-10, or the built-in shapes: 3 x 32 x 32.
    Cifar10,
}

impl Family {
    /// The real data set's name in settings.
    fn name(self) -> &'static str {
        match self {
            Family::Mnist => "mnist",
            Family::Cifar10 => "cifar10",
        }
    }

    /// The real data set's name in prose.
    fn title(self) -> &'static str {
        match self {
            Family::Mnist => "MNIST",
            Family::Cifar10 => "CIFAR-10",
        }
    }

    /// The built-in data set's name in settings.
    fn built_in(self) -> &'static str {
        match self {
            Family::Mnist => "digits",
            Family::Cifar10 => "shapes",
        }
    }

    /// Channels, height and width of an image.
    pub fn shape(self) -> [usize; 3] {
        match self {
            Family::Mnist => [1, 28, 28],
            Family::Cifar10 => [3, 32, 32],
        }
    }

    /// Mean and standard deviation of the real data's training pixels in [0, 1], by channel.
    pub fn normalization(self) -> (&'static [f32], &'static [f32]) {
        match self {
            Family::Mnist => (&[0.1307], &[0.3081]),
            Family::Cifar10 => (&[0.4914, 0.4822, 0.4465], &[0.2470, 0.2435, 0.2616]),
        }
    }

    /// As many samples as the real data has, for training and for testing.
    fn sizes(self) -> [(Part, usize); 2] {
        match self {
            Family::Mnist => [(Part::Train, 60_000), (Part::Test, 10_000)],
            Family::Cifar10 => [(Part::Train, 50_000), (Part::Test, 10_000)],
        }
    }

    fn is_there(self, dir: &Path) -> bool {
        [Part::Train, Part::Test].iter().all(|&part| match self {
            Family::Mnist => mnist::find(dir, part).is_some(),
            Family::Cifar10 => cifar::find(dir, Cifar::Cifar10, part).is_some(),
        })
    }

    fn load(self, dir: &Path, part: Part) -> Result<ImageSet> {
        match self {
            Family::Mnist => mnist::load(dir, part),
            Family::Cifar10 => cifar::load(dir, Cifar::Cifar10, part),
        }
    }

    fn generate(self, part: Part, count: usize) -> ImageSet {
        match self {
            Family::Mnist => digits(count, part),
            Family::Cifar10 => shapes(count, part),
        }
    }

    #[cfg(feature = "download")]
    fn download(self, dir: &Path, ui: &mut dyn Ui) -> Result<()> {
        let progress = &mut |p: versant::data::download::Progress| ui.download(p.name, p.received, p.total);
        match self {
            Family::Mnist => mnist::download(dir, progress),
            Family::Cifar10 => cifar::download(dir, Cifar::Cifar10, progress),
        }
    }

    #[cfg(not(feature = "download"))]
    fn download(self, dir: &Path, _: &mut dyn Ui) -> Result<()> {
        Err(Error::Data(format!(
            "no {} in {}, and this program was built without downloads; put its files there, or train with data={}",
            self.title(),
            dir.display(),
            self.built_in()
        )))
    }
}

/// Which data a plan is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What the images are like.
    pub family: Family,
    choice: Choice,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    /// The real data when it is there or can be downloaded, else the built-in, said loudly.
    Auto,
    /// The real data or an error.
    Real,
    /// The built-in data.
    BuiltIn,
    /// A folder of images, or its archive: `train/<class>/*.png`, `test/<class>/*.png`.
    Folder(PathBuf),
}

impl Source {
    /// By the word of the setting `data`.
    ///
    /// # Errors
    /// When the word is neither a name nor a folder.
    pub fn new(family: Family, word: &str) -> Result<Source> {
        let choice = match word {
            "auto" => Choice::Auto,
            name if name == family.name() => Choice::Real,
            name if name == family.built_in() => Choice::BuiltIn,
            path if Path::new(path).exists() => Choice::Folder(path.into()),
            _ => {
                return Err(Error::Config(format!(
                    "data is {word}; it must be auto, {}, {}, or a folder (or its .tar.gz) with train/CLASS/*.png and \
                     test/CLASS/*.png",
                    family.name(),
                    family.built_in()
                )));
            }
        };
        Ok(Source { family, choice })
    }
}

/// The word of the setting.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.choice {
            Choice::Auto => f.write_str("auto"),
            Choice::Real => f.write_str(self.family.name()),
            Choice::BuiltIn => f.write_str(self.family.built_in()),
            Choice::Folder(path) => path.display().fmt(f),
        }
    }
}

/// The data of a run: a training and a test part, both with the same normalisation.
pub struct Samples {
    /// For training.
    pub train: Arc<ImageSet>,
    /// For evaluation.
    pub test: Arc<ImageSet>,
    /// The means that are subtracted from values in [0, 1], by channel.
    pub mean: &'static [f32],
    /// What they are divided by then.
    pub std: &'static [f32],
    /// The classes' names.
    pub classes: Vec<String>,
    /// Where they came from in the end: what `auto` came to, and a folder's full path. A run keeps to it when it is
    /// resumed or evaluated, whatever is found then.
    pub source: Source,
}

/// Loads, downloads or makes the samples of a source, at most `limits` of them for training and for testing (0: all).
///
/// # Errors
/// When a file is damaged, or the data is asked for by name and cannot be had.
pub fn obtain(source: &Source, limits: [usize; 2], data_dir: &Path, ui: &mut dyn Ui) -> Result<Samples> {
    let family = source.family;
    let choice = match &source.choice {
        Choice::Auto => match fetch_missing(family, data_dir, ui) {
            Ok(()) => Choice::Real,
            Err(error) => {
                ui.warn(&format!("{} is not here: {error}", family.title()));
                ui.warn(&format!(
                    "training on the BUILT-IN {} instead; accuracies are not those of {}",
                    family.built_in().to_uppercase(),
                    family.title()
                ));
                Choice::BuiltIn
            }
        },
        Choice::Real => {
            fetch_missing(family, data_dir, ui)?;
            Choice::Real
        }
        Choice::BuiltIn => Choice::BuiltIn,
        Choice::Folder(path) => Choice::Folder(path.canonicalize().map_err(Error::io("read", path))?),
    };
    let [train, test] = family.sizes().map(|(part, count)| match &choice {
        // Any number of the first is as good a sample as any other.
        Choice::BuiltIn => Ok(family.generate(
            part,
            at_most(
                count,
                match part {
                    Part::Train => limits[0],
                    Part::Test => limits[1],
                },
            ),
        )),
        Choice::Folder(path) => load_folder(path, part, family, ui),
        _ => family.load(data_dir, part),
    });
    samples(Source { family, choice }, [train?, test?], limits)
}

/// A limit of 0 is none.
fn at_most(count: usize, limit: usize) -> usize {
    if limit == 0 { count } else { count.min(limit) }
}

fn fetch_missing(family: Family, data_dir: &Path, ui: &mut dyn Ui) -> Result<()> {
    if family.is_there(data_dir) { Ok(()) } else { family.download(data_dir, ui) }
}

fn load_folder(path: &Path, part: Part, family: Family, ui: &mut dyn Ui) -> Result<ImageSet> {
    let [channels, height, width] = family.shape();
    let folder = ImageFolder::new(path).size(height, width);
    let folder = if channels == 1 { folder.grey() } else { folder };
    folder.load(part, &mut |done, total| ui.progress("images read", done, total))
}

fn samples(
    source: Source,
    [train, test]: [ImageSet; 2],
    [most_train, most_test]: [usize; 2],
) -> Result<Samples> {
    for (part, set) in [("train", &train), ("test", &test)] {
        if set.count() == 0 {
            return Err(Error::Data(format!("{} has no images in its {part} part", set.source)));
        }
    }
    if train.class_names != test.class_names {
        return Err(Error::Data(format!(
            "{}: the training classes are {}, those of the test part {}",
            train.source,
            train.class_names.join(", "),
            test.class_names.join(", ")
        )));
    }
    let (mean, std) = source.family.normalization();
    let classes = train.class_names.clone();
    let (train, test) = (Arc::new(some_of(train, most_train)), Arc::new(some_of(test, most_test)));
    Ok(Samples { train, test, mean, std, classes, source })
}

/// At most so many of a set's images, drawn without regard to their order, which may be by class; 0: all.
fn some_of(set: ImageSet, most: usize) -> ImageSet {
    let most = at_most(set.count(), most);
    if most == set.count() {
        return set;
    }
    set.subset(&Rng::keyed(0, Purpose::Shuffle, 0, 0).permutation(set.count())[..most])
}
