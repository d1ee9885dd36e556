//! Where a recipe's samples come from.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use versant::data::{ImageSet, Part, digits, mnist};
use versant::{Error, Result};

use crate::ui::Ui;

/// MNIST or the built-in digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// MNIST when it is there or can be downloaded, else the digits, said loudly.
    Auto,
    /// MNIST or an error.
    Mnist,
    /// The built-in digits.
    Digits,
}

/// Which data a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// MNIST, or the built-in digits in its place.
    Mnist(Choice),
}

impl Source {
    /// Mean and standard deviation of the training pixels, in [0, 1].
    pub fn normalization(self) -> (f32, f32) {
        match self {
            Source::Mnist(_) => (0.1307, 0.3081),
        }
    }

    /// The classes' names.
    pub fn classes(self) -> Vec<String> {
        match self {
            Source::Mnist(_) => (0..10).map(|digit| digit.to_string()).collect(),
        }
    }
}

/// The data of a run: a training and a test part, both with the same normalisation.
pub struct Samples {
    /// For training.
    pub train: Arc<ImageSet>,
    /// For evaluation.
    pub test: Arc<ImageSet>,
    /// The mean that is subtracted from values in [0, 1].
    pub mean: f32,
    /// What they are divided by then.
    pub std: f32,
    /// The classes' names.
    pub classes: Vec<String>,
}

/// The digits' own name.
const BUILT_IN: &str = "built-in digits";
/// As many as MNIST has.
const DIGITS: [(Part, usize); 2] = [(Part::Train, 60_000), (Part::Test, 10_000)];

/// Loads, downloads or makes the samples of a source.
///
/// # Errors
/// When a file is damaged, or the data is asked for by name and cannot be had.
pub fn obtain(source: Source, data_dir: &Path, ui: &mut dyn Ui) -> Result<Samples> {
    match source {
        Source::Mnist(Choice::Digits) => built_in(source),
        Source::Mnist(Choice::Mnist) => {
            fetch_missing(data_dir, ui)?;
            load(source, data_dir)
        }
        Source::Mnist(Choice::Auto) => match fetch_missing(data_dir, ui) {
            Ok(()) => load(source, data_dir),
            Err(error) => {
                ui.warn(&format!("MNIST is not here: {error}"));
                ui.warn("training on the BUILT-IN DIGITS instead; accuracies are not those of MNIST");
                built_in(source)
            }
        },
    }
}

/// What `auto` came to: a run keeps to it when it is resumed or evaluated, whatever is found then.
pub fn resolved(source: Source, samples: &Samples) -> Choice {
    match source {
        Source::Mnist(Choice::Auto) if samples.train.source == BUILT_IN => Choice::Digits,
        Source::Mnist(Choice::Auto) => Choice::Mnist,
        Source::Mnist(choice) => choice,
    }
}

fn fetch_missing(data_dir: &Path, ui: &mut dyn Ui) -> Result<()> {
    let there = [Part::Train, Part::Test].iter().all(|&part| mnist::find(data_dir, part).is_some());
    if there { Ok(()) } else { download(data_dir, ui) }
}

fn load(source: Source, data_dir: &Path) -> Result<Samples> {
    let [train, test] = [mnist::load(data_dir, Part::Train)?, mnist::load(data_dir, Part::Test)?];
    samples(source, train, test)
}

#[cfg(feature = "download")]
fn download(data_dir: &Path, ui: &mut dyn Ui) -> Result<()> {
    mnist::download(data_dir, &mut |p| ui.download(p.name, p.received, p.total))
}

#[cfg(not(feature = "download"))]
fn download(data_dir: &Path, _: &mut dyn Ui) -> Result<()> {
    let wanted = data_dir.join("MNIST/raw");
    Err(Error::Data(format!(
        "no MNIST in {}, and this program was built without downloads; put the four files into {}, or train with \
         data=digits",
        data_dir.display(),
        wanted.display()
    )))
}

fn built_in(source: Source) -> Result<Samples> {
    let [train, test] = DIGITS.map(|(part, count)| digits(count, part));
    samples(source, train, test)
}

fn samples(source: Source, train: ImageSet, test: ImageSet) -> Result<Samples> {
    for (part, set) in [("train", &train), ("test", &test)] {
        if set.count() == 0 {
            return Err(Error::Data(format!("{} has no images in its {part} part", set.source)));
        }
    }
    let (mean, std) = source.normalization();
    Ok(Samples { train: Arc::new(train), test: Arc::new(test), mean, std, classes: source.classes() })
}
