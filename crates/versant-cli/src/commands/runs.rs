//! `versant runs`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use versant::train::{EpochRecord, RunDir, epochs_of};
use versant::{Error, Result};
use versant_course::figures::compare::{Run, compare};
use versant_course::suite;

use crate::Global;

/// List, show and compare runs
#[derive(Args)]
pub struct Runs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// All runs, the oldest first
    List,
    /// Settings, epochs and results of a run
    Show {
        /// `last`, or a run's name or folder
        #[arg(default_value = "last")]
        run: String,
    },
    /// Settings that differ, results side by side, and a picture of the curves
    Compare {
        /// Two runs or more
        #[arg(required = true, num_args = 2..)]
        runs: Vec<String>,
        /// Where the picture goes (compare.svg and compare.png)
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
}

impl Runs {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        match self.action.as_ref().unwrap_or(&Action::List) {
            Action::List => list(global, &global.runs_dir)?,
            Action::Show { run } => show(global, run)?,
            Action::Compare { runs, out } => compare_runs(global, runs, out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A run's files, as far as they are there.
struct Folder {
    name: String,
    path: PathBuf,
    config: toml::Table,
    epochs: Vec<EpochRecord>,
    finished: bool,
}

impl Folder {
    fn open(path: PathBuf) -> Result<Folder> {
        let file = path.join("config.toml");
        let text = std::fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        let config = text.parse().map_err(|e: toml::de::Error| Error::format(&file, e.message()))?;
        let name = path.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
        let epochs = epochs_of(&path)?;
        Ok(Folder { name, config, epochs, finished: path.join("summary.json").exists(), path })
    }

    fn setting(&self, key: &str) -> String {
        self.config.get(key).map_or(String::new(), |v| v.as_str().map_or(v.to_string(), String::from))
    }

    fn accuracy(&self) -> Option<f64> {
        self.epochs.last().and_then(|e| e.test_accuracy)
    }

    fn seconds(&self) -> f64 {
        // A sum() of nothing is -0.
        self.epochs.iter().fold(0.0, |sum, e| sum + e.seconds)
    }

    fn state(&self) -> String {
        let wanted = self.config.get("epochs").and_then(toml::Value::as_integer).unwrap_or(0);
        match self.finished {
            true => "finished".into(),
            // A comparison has no epochs of its own.
            false if wanted == 0 => "not finished".into(),
            false => format!("{} of {wanted} epochs", self.epochs.len()),
        }
    }

    /// Accuracy, time and state, in columns.
    fn results(&self) -> String {
        format!("{:>8}  {:>8.1} s  {}", percent(self.accuracy()), self.seconds(), self.state())
    }

    fn json(&self) -> Value {
        json!({
            "run": self.path, "recipe": self.setting("recipe"), "preset": self.setting("preset"),
            "finished": self.finished, "epochs": self.epochs.len(),
            "test_accuracy": self.accuracy(), "seconds": self.seconds(),
        })
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".into(), |s| format!("{:.2} %", 100.0 * s))
}

fn list(global: &Global, runs_dir: &Path) -> Result<()> {
    let runs = RunDir::list(runs_dir)?;
    let folders: Vec<(String, Result<Folder>)> =
        runs.into_iter().map(|r| (r.to_string(), Folder::open(r.path))).collect();
    let whole = || folders.iter().filter_map(|(_, f)| Some(f.as_ref().ok()?.json()));
    global.json(|| json!({ "runs": whole().collect::<Vec<_>>() }))?;
    if folders.is_empty() {
        let folder = runs_dir.display();
        global.text(format_args!("no runs in {folder} yet; versant train mnist-mlp makes one"))?;
    }
    let width = folders.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, folder) in &folders {
        match folder {
            Ok(f) => global.text(format_args!("{name:<width$}  {}", f.results()))?,
            Err(error) => global.text(format_args!("{name:<width$}  damaged: {error}"))?,
        }
    }
    Ok(())
}

fn show(global: &Global, name: &str) -> Result<()> {
    let path = RunDir::find(&global.runs_dir, name)?;
    if suite::of_run(&path).is_some() {
        global.text(format_args!("{} compares the runs in it:\n", path.display()))?;
        return list(global, &suite::members_of(&path));
    }
    let folder = Folder::open(path)?;
    global.json(|| {
        let mut value = folder.json();
        value["config"] = json!(folder.config);
        value["history"] = json!(folder.epochs);
        value
    })?;
    global.text(format_args!("{} ({})\n\n{}", folder.path.display(), folder.state(), folder.config))?;
    global.text("epoch  train loss  train acc  test loss  test acc   seconds")?;
    for e in &folder.epochs {
        let (train, test) = (percent(e.train_accuracy), percent(e.test_accuracy));
        global.text(format_args!(
            "{:>5}  {:>10.4}  {train:>9}  {:>9.4}  {test:>8}  {:>8.2}",
            e.epoch, e.train_loss, e.test_loss, e.seconds
        ))?;
    }
    Ok(())
}

fn compare_runs(global: &Global, names: &[String], out: &Path) -> Result<()> {
    let find = |name: &String| Folder::open(RunDir::find(&global.runs_dir, name)?);
    let folders: Vec<Folder> = names.iter().map(find).collect::<Result<_>>()?;
    let series =
        |f: &Folder, value: fn(&EpochRecord) -> f64| f.epochs.iter().map(|e| value(e) as f32).collect();
    let curves: Vec<(Vec<f32>, Vec<f32>)> = folders
        .iter()
        .map(|f| (series(f, |e| e.test_loss), series(f, |e| e.test_accuracy.unwrap_or(f64::NAN))))
        .collect();
    let runs: Vec<Run> = folders
        .iter()
        .zip(&curves)
        .map(|(f, (loss, accuracy))| Run { name: &f.name, test_loss: loss, test_accuracy: accuracy })
        .collect();
    compare(&runs).save(out, "compare")?;
    let differing = differences(&folders);
    let all = || folders.iter().map(Folder::json).collect::<Vec<_>>();
    global.json(|| json!({ "runs": all(), "differing": differing, "picture": out.join("compare.svg") }))?;
    let width = folders.iter().map(|f| f.name.len()).max().unwrap_or(0);
    for f in &folders {
        global.text(format_args!("{:<width$}  {}", f.name, f.results()))?;
    }
    global.text("")?;
    for (key, values) in &differing {
        global.text(format_args!("{key:<20} {}", values.join("  |  ")))?;
    }
    global.text(format_args!("picture: {}", out.join("compare.{svg,png}").display()))
}

/// The settings that are not the same in all runs, with each run's value.
fn differences(folders: &[Folder]) -> Vec<(String, Vec<String>)> {
    let flat: Vec<Vec<(String, String)>> = folders.iter().map(|f| flatten("", &f.config)).collect();
    let mut keys: Vec<&String> = flat.iter().flatten().map(|(k, _)| k).collect();
    keys.sort();
    keys.dedup();
    let value = |all: &[(String, String)], key: &str| {
        all.iter().find(|(k, _)| k == key).map_or("-".to_string(), |(_, v)| v.clone())
    };
    let row = |key: &String| (key.clone(), flat.iter().map(|all| value(all, key)).collect::<Vec<_>>());
    keys.into_iter().map(row).filter(|(_, values)| values.iter().any(|v| *v != values[0])).collect()
}

fn flatten(prefix: &str, table: &toml::Table) -> Vec<(String, String)> {
    let one = |(key, value): (&String, &toml::Value)| match value {
        toml::Value::Table(inner) => flatten(&format!("{prefix}{key}."), inner),
        _ => vec![(format!("{prefix}{key}"), value.to_string())],
    };
    table.iter().flat_map(one).collect()
}
