//! Several recipes trained one after another and compared [B9, B14].
//!
//! A suite's run directory holds its members' runs, so that one folder is the whole comparison, and a suite that was
//! stopped knows which of them are done.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::json;
use versant::train::{EpochRecord, RunDir, environment_meta, epochs_of};
use versant::{Error, Result};

use crate::experiment::{Asked, Experiment};
use crate::figures::models::{Model, models};
use crate::report::Numbers;
use crate::session::{self, End, Places};
use crate::ui::Ui;

/// Recipes that belong together.
pub struct Suite {
    /// As on the command line.
    pub name: &'static str,
    /// One line on what it compares, with its row of the course.
    pub about: &'static str,
    /// The recipes, in the order in which they are trained.
    members: &'static [&'static str],
}

/// Every suite.
pub static ALL: &[Suite] = &[Suite {
    name: "cifar10-compare",
    about: "Models 1, 2 and 3 on CIFAR-10, one after another, in one figure [B9, B14]",
    members: &["cifar10-mlp", "cifar10-lenet", "cifar10-vgg"],
}];

/// The suite of that name, if it is one's.
pub fn find(name: &str) -> Option<&'static Suite> {
    ALL.iter().find(|suite| suite.name == name)
}

/// What was asked for, as the suite's `config.toml` keeps it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    recipe: String,
    quick: bool,
    words: Vec<String>,
}

/// How a suite ended.
pub enum SuiteEnd {
    /// All members are trained.
    Finished(Comparison),
    /// It was stopped; what is done is saved in this directory.
    Stopped(PathBuf),
}

/// The members' numbers.
pub struct Comparison {
    /// Of each member, in order.
    pub numbers: Vec<Numbers>,
    /// The suite's run directory.
    pub folder: PathBuf,
}

/// Trains a suite in a new run directory; settings go to every member.
///
/// # Errors
/// When a setting does not fit a member, or a training fails.
pub fn train(suite: &'static Suite, asked: &Asked, places: &Places, ui: &mut dyn Ui) -> Result<SuiteEnd> {
    for name in suite.members {
        Experiment::new(name, asked)?.plan()?;
    }
    let slug = if asked.quick { "quick" } else { "full" };
    let run = RunDir::create(&places.runs, suite.name, slug, SystemTime::now())?;
    run.write_meta(&environment_meta())?;
    let mut words = asked.words.to_vec();
    words.extend(asked.preset.map(|name| format!("preset={name}")));
    let config = Config { recipe: suite.name.into(), quick: asked.quick, words };
    run.write_config(&toml::to_string(&config).map_err(|e| Error::Config(e.to_string()))?)?;
    execute(suite, &config, &run, places, ui)
}

/// The suite that a run directory belongs to, if it is one's.
pub fn of_run(run: &Path) -> Option<&'static Suite> {
    find(&read_config(run).ok()?.recipe)
}

/// Where the runs of a suite's members are.
pub fn members_of(run: &Path) -> PathBuf {
    run.join("runs")
}

fn read_config(run: &Path) -> Result<Config> {
    let path = run.join("config.toml");
    let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    toml::from_str(&text).map_err(|e| Error::format(&path, e.message().to_string()))
}

/// Goes on with a suite that was stopped.
///
/// # Errors
/// As [`train`].
pub fn resume(suite: &'static Suite, run: RunDir, places: &Places, ui: &mut dyn Ui) -> Result<SuiteEnd> {
    let config = read_config(run.path())?;
    execute(suite, &config, &run, places, ui)
}

fn execute(
    suite: &'static Suite,
    config: &Config,
    run: &RunDir,
    places: &Places,
    ui: &mut dyn Ui,
) -> Result<SuiteEnd> {
    let inside = Places { data: places.data.clone(), runs: members_of(run.path()) };
    let (mut numbers, mut curves) = (Vec::new(), Vec::new());
    for name in suite.members {
        let Some(folder) = member(name, config, &inside, ui)? else {
            return Ok(SuiteEnd::Stopped(run.path().to_path_buf()));
        };
        numbers.push(read_numbers(&folder)?);
        curves.push(epochs_of(&folder)?);
    }
    draw(suite, &numbers, &curves, &run.media())?;
    run.write_summary(&json!({ "recipe": suite.name, "members": numbers }))?;
    Ok(SuiteEnd::Finished(Comparison { numbers, folder: run.path().to_path_buf() }))
}

/// The run of one member: found, or trained, or trained to its end; none when it was stopped.
fn member(name: &str, config: &Config, places: &Places, ui: &mut dyn Ui) -> Result<Option<PathBuf>> {
    let begun = match places.runs.is_dir() {
        // The newest: one that died before it had settings is left behind.
        true => RunDir::list(&places.runs)?.into_iter().rfind(|run| run.experiment == name),
        false => None,
    };
    let end = match begun {
        Some(run) if run.finished => return Ok(Some(run.path)),
        Some(run) if run.path.join("config.toml").exists() => {
            session::resume(RunDir::open(&run.path)?, places, ui)?
        }
        _ => {
            let asked = Asked { preset: None, quick: config.quick, words: &config.words };
            session::train(&Experiment::new(name, &asked)?, places, ui)?
        }
    };
    Ok(match end {
        End::Finished(report) => {
            ui.finished(&report);
            Some(report.folder)
        }
        End::Stopped(_) => None,
    })
}

fn read_numbers(run: &Path) -> Result<Numbers> {
    let path = run.join("summary.json");
    let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    serde_json::from_str(&text).map_err(|e| Error::format(&path, e.to_string()))
}

fn draw(suite: &Suite, numbers: &[Numbers], epochs: &[Vec<EpochRecord>], media: &Path) -> Result<()> {
    let accuracies = |epochs: &Vec<EpochRecord>| -> Vec<f32> {
        epochs.iter().map(|e| e.test_accuracy.unwrap_or(f64::NAN) as f32).collect()
    };
    let curves: Vec<Vec<f32>> = epochs.iter().map(accuracies).collect();
    let shown: Vec<Model> = numbers
        .iter()
        .zip(&curves)
        .map(|(n, curve)| Model {
            name: &n.recipe,
            parameters: n.parameters,
            multiply_adds: n.multiply_adds,
            seconds: n.seconds,
            test_accuracy: curve,
        })
        .collect();
    models(suite.name, &shown).save(media, "compare")
}

/// The closing table.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<14} {:>11} {:>12} {:>7} {:>9} {:>9}",
            "model", "parameters", "mult-adds", "epochs", "accuracy", "seconds"
        )?;
        for n in &self.numbers {
            let accuracy = format!("{:.2} %", 100.0 * n.test_accuracy);
            writeln!(
                f,
                "{:<14} {:>11} {:>12} {:>7} {accuracy:>9} {:>9.1}",
                n.recipe, n.parameters, n.multiply_adds, n.epochs, n.seconds
            )?;
        }
        writeln!(f, "\nrun      {}", self.folder.display())?;
        write!(f, "picture  {}.{{svg,png}}", self.folder.join("media/compare").display())
    }
}
