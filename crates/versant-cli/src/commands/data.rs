//! `versant data`

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use versant::data::cifar::{self, Cifar};
use versant::data::{ImageSet, Part, digits, mnist, shapes};
use versant::{Error, Result};
use versant_course::config::did_you_mean;
use versant_course::ui::Ui;

use crate::Global;
use crate::terminal::Terminal;

/// List, fetch and describe data sets
#[derive(Args)]
pub struct Data {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// The data sets that are known, and which are there
    List,
    /// Fetch a data set into the data folder; digits are written there in MNIST's format
    Get {
        /// Its name
        name: String,
    },
    /// Sizes, classes and checksums of a data set
    Info {
        /// Its name
        name: String,
    },
}

/// A data set by name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Mnist,
    Digits,
    Cifar(Cifar),
    Shapes,
}

use Known::{Digits, Mnist, Shapes};

/// The names, and a line on each.
const ALL: [(&str, Known, &str); 5] = [
    ("mnist", Mnist, "60,000 + 10,000 handwritten digits, 28x28 grey"),
    ("digits", Digits, "as many made by a generator, for when there is no network"),
    ("cifar10", Known::Cifar(Cifar::Cifar10), "50,000 + 10,000 photographs of 10 classes, 32x32 in colour"),
    (
        "cifar100",
        Known::Cifar(Cifar::Cifar100),
        "50,000 + 10,000 photographs of 100 classes, 32x32 in colour",
    ),
    ("shapes", Shapes, "50,000 + 10,000 textured shapes made by a generator, 32x32 in colour"),
];

/// As many samples are made as the real data set has.
const DIGITS: [(Part, usize); 2] = [(Part::Train, 60_000), (Part::Test, 10_000)];
const SHAPES: [(Part, usize); 2] = [(Part::Train, 50_000), (Part::Test, 10_000)];

impl Data {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        match &self.action {
            Action::List => list(global)?,
            Action::Get { name } => get(global, name, known(name)?)?,
            Action::Info { name } => info(global, name, known(name)?)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn known(name: &str) -> Result<Known> {
    ALL.into_iter().find(|set| set.0 == name).map(|set| set.1).ok_or_else(|| {
        let names = ALL.map(|set| set.0);
        let hint = did_you_mean(name, names);
        Error::Config(format!("there is no data set `{name}`{hint}; there are: {}", names.join(", ")))
    })
}

impl Known {
    fn is_there(self, folder: &Path) -> bool {
        [Part::Train, Part::Test].into_iter().all(|part| match self {
            Mnist => mnist::find(folder, part).is_some(),
            Known::Cifar(which) => cifar::find(folder, which, part).is_some(),
            Digits | Shapes => true,
        })
    }

    fn is_built_in(self) -> bool {
        matches!(self, Digits | Shapes)
    }

    fn load(self, folder: &Path) -> Result<[ImageSet; 2]> {
        let [train, test] = match self {
            Digits => DIGITS.map(|(part, count)| Ok(digits(count, part))),
            Shapes => SHAPES.map(|(part, count)| Ok(shapes(count, part))),
            Mnist => [Part::Train, Part::Test].map(|part| mnist::load(folder, part)),
            Known::Cifar(which) => [Part::Train, Part::Test].map(|part| cifar::load(folder, which, part)),
        };
        Ok([train?, test?])
    }
}

fn list(global: &Global) -> Result<()> {
    let folder = global.places().data;
    let sets: Vec<Value> =
        ALL.iter().map(|(name, set, _)| json!({ "name": name, "present": set.is_there(&folder) })).collect();
    global.json(|| json!({ "datasets": sets }))?;
    for (name, set, about) in ALL {
        let state = match set.is_there(&folder) {
            _ if set.is_built_in() => "built in".into(),
            true => format!("in {}", folder.display()),
            false => format!("not in {}; versant data get {name} fetches it", folder.display()),
        };
        global.text(format_args!("{name:<9} {about}\n{:<9} ({state})", ""))?;
    }
    Ok(())
}

fn get(global: &Global, name: &str, set: Known) -> anyhow::Result<()> {
    let mut terminal = Terminal::new(global.quiet, global.json)?;
    let folder = global.places().data;
    let mut progress = |p: versant::data::download::Progress| terminal.download(p.name, p.received, p.total);
    match set {
        Digits => {
            let folder = folder.join("digits");
            for (part, count) in DIGITS {
                mnist::save(&folder, part, &digits(count, part))?;
            }
            global.json(|| json!({ "name": name, "folder": folder }))?;
            global.text(format_args!(
                "written in MNIST's format; --data-dir {} reads them",
                folder.display()
            ))?;
            return Ok(());
        }
        Shapes => {
            return Err(Error::Config(
                "shapes are made anew whenever they are needed; there is nothing to fetch".into(),
            )
            .into());
        }
        Mnist => mnist::download(&folder, &mut progress)?,
        Known::Cifar(which) => cifar::download(&folder, which, &mut progress)?,
    }
    Ok(info(global, name, set)?)
}

fn info(global: &Global, name: &str, set: Known) -> Result<()> {
    let [train, test] = set.load(&global.places().data)?;
    let official =
        set == Mnist && mnist::is_official(&train, Part::Train) && mnist::is_official(&test, Part::Test);
    let part = |set: &ImageSet| json!({ "samples": set.count(), "per_class": per_class(set), "crc32": set.checksum });
    let shape = [train.channels, train.height, train.width];
    global.json(|| {
        json!({
            "name": name, "source": train.source, "shape": shape, "classes": train.classes,
            "class_names": train.class_names, "official": official, "train": part(&train), "test": part(&test),
        })
    })?;
    let [channels, height, width] = shape;
    global.text(&train.source)?;
    global.text(format_args!("images   {channels} x {height} x {width} (channels, height, width), bytes"))?;
    global.text(format_args!("classes  {}: {}", train.classes, train.class_names.join(", ")))?;
    for (name, set) in [("train", &train), ("test", &test)] {
        global.text(format_args!("{name:<5}    {} images, by class {:?}", set.count(), per_class(set)))?;
        global.text(format_args!("         CRC-32 {}", set.checksum))?;
    }
    if official {
        global.text("these are the official files, by their checksums")?;
    }
    Ok(())
}

fn per_class(set: &ImageSet) -> Vec<usize> {
    let mut counts = vec![0; set.classes];
    set.labels.iter().for_each(|&l| counts[l as usize] += 1);
    counts
}
