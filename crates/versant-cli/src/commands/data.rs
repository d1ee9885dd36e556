//! `versant data`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use versant::data::{ImageSet, Part, digits, mnist};
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

/// As many digits are written as MNIST has.
const DIGITS: [(Part, usize); 2] = [(Part::Train, 60_000), (Part::Test, 10_000)];

const NAMES: [&str; 2] = ["mnist", "digits"];

impl Data {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        match &self.action {
            Action::List => list(global)?,
            Action::Get { name } => get(global, known(name)?)?,
            Action::Info { name } => info(global, known(name)?)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn known(name: &str) -> Result<&'static str> {
    NAMES.into_iter().find(|&n| n == name).ok_or_else(|| {
        let hint = did_you_mean(name, NAMES);
        Error::Config(format!("there is no data set `{name}`{hint}; there are: {}", NAMES.join(", ")))
    })
}

fn has_mnist(global: &Global) -> bool {
    [Part::Train, Part::Test].iter().all(|&part| mnist::find(&global.places().data, part).is_some())
}

fn list(global: &Global) -> Result<()> {
    let there = has_mnist(global);
    let sets = [json!({ "name": "mnist", "present": there }), json!({ "name": "digits", "present": true })];
    global.json(|| json!({ "datasets": sets }))?;
    let folder = global.places().data;
    let state = match there {
        true => format!("in {}", folder.display()),
        false => format!("not in {}; versant data get mnist fetches it", folder.display()),
    };
    global.text(format_args!("mnist   60,000 + 10,000 handwritten digits, 28x28 grey  ({state})"))?;
    global.text("digits  as many made by a generator, for when there is no network  (built in)")
}

fn get(global: &Global, name: &str) -> anyhow::Result<()> {
    let mut terminal = Terminal::new(global.quiet, global.json)?;
    let folder = global.places().data;
    if name == "digits" {
        let folder = folder.join("digits");
        for (part, count) in DIGITS {
            mnist::save(&folder, part, &digits(count, part))?;
        }
        global.json(|| json!({ "name": name, "folder": folder }))?;
        global.text(format_args!("written in MNIST's format; --data-dir {} reads them", folder.display()))?;
        return Ok(());
    }
    mnist::download(&folder, &mut |p| terminal.download(p.name, p.received, p.total))?;
    Ok(info(global, name)?)
}

fn info(global: &Global, name: &str) -> Result<()> {
    let folder = global.places().data;
    let [train, test] = DIGITS.map(|(part, count)| match name {
        "digits" => Ok(digits(count, part)),
        _ => mnist::load(&folder, part),
    });
    let (train, test) = (train?, test?);
    let official =
        name == "mnist" && mnist::is_official(&train, Part::Train) && mnist::is_official(&test, Part::Test);
    let part = |set: &ImageSet| json!({ "samples": set.count(), "per_class": per_class(set), "crc32": set.checksum });
    let shape = [train.channels, train.height, train.width];
    global.json(|| {
        json!({
            "name": name, "source": train.source, "shape": shape, "classes": train.classes,
            "official": official, "train": part(&train), "test": part(&test),
        })
    })?;
    let [channels, height, width] = shape;
    global.text(&train.source)?;
    global.text(format_args!("images   {channels} x {height} x {width} (channels, height, width), bytes"))?;
    global.text(format_args!("classes  {}", train.classes))?;
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
