//! `versant train`

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use versant::Error;
use versant::train::RunDir;
use versant_course::experiment::{Asked, Experiment};
use versant_course::session::{self, End};
use versant_course::suite::{self, SuiteEnd};

use crate::Global;
use crate::terminal::{EXIT_INTERRUPTED, Terminal};

/// What TOML, and so a run's config.toml, can hold.
const MAX_SEED: u64 = i64::MAX as u64;

/// Train a recipe, or resume a run
///
/// Examples: `versant train mnist-mlp`, `versant train mnist-mlp adam epochs=3 optim.lr=0.002`,
/// `versant train cifar10-vgg --quick`, `versant train my.toml`, `versant train --resume last`
#[derive(Args)]
pub struct Train {
    /// A recipe's name or a TOML file
    recipe: Option<String>,

    /// A preset's name, and settings as key=value
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,

    /// The recipe's variant; `versant recipes` lists them
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    preset: Option<String>,

    /// A short form of the recipe, for a look within a minute or two
    #[arg(long, conflicts_with = "resume")]
    quick: bool,

    /// Of everything random; the same seed gives the same bits
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    seed: Option<u64>,

    /// Go on with a run: `last`, or a run's name or folder
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "last")]
    resume: Option<String>,
}

impl Train {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let places = global.places_with_data()?;
        let mut terminal = Terminal::new(global.quiet, global.json)?;
        match &self.resume {
            Some(name) => {
                self.check_resume()?;
                let path = RunDir::find(&places.runs, name)?;
                let suite = suite::of_run(&path);
                let run = RunDir::open(path)?;
                match suite {
                    Some(suite) => {
                        let end = suite::resume(suite, run, &places, &mut terminal)?;
                        finish_suite(end, &mut terminal, global)
                    }
                    None => finish(session::resume(run, &places, &mut terminal)?, &mut terminal, global),
                }
            }
            None => {
                let words = self.words();
                let asked = Asked { preset: self.preset.as_deref(), quick: self.quick, words: &words };
                let recipe = self.recipe()?;
                match suite::find(recipe) {
                    Some(suite) => {
                        let end = suite::train(suite, &asked, &places, &mut terminal)?;
                        finish_suite(end, &mut terminal, global)
                    }
                    None => {
                        let experiment = Experiment::new(recipe, &asked)?;
                        finish(session::train(&experiment, &places, &mut terminal)?, &mut terminal, global)
                    }
                }
            }
        }
    }

    fn check_resume(&self) -> Result<(), Error> {
        match self.recipe.iter().chain(&self.settings).next() {
            Some(word) => Err(Error::Config(format!(
                "`{word}` cannot be given with --resume: a run goes on with its own settings"
            ))),
            None => Ok(()),
        }
    }

    fn words(&self) -> Vec<String> {
        self.settings.iter().cloned().chain(self.seed.map(|seed| format!("seed={seed}"))).collect()
    }

    fn recipe(&self) -> Result<&str, Error> {
        self.recipe.as_deref().ok_or_else(|| {
            let ways = "a recipe such as mnist-mlp (`versant recipes` lists them), a TOML file, or --resume";
            Error::Config(format!("what shall be trained? Give {ways}"))
        })
    }
}

fn finish(end: End, terminal: &mut Terminal, global: &Global) -> anyhow::Result<ExitCode> {
    match end {
        End::Finished(report) => {
            terminal.finish(&report);
            global.json(|| json!(report.numbers))?;
            Ok(ExitCode::SUCCESS)
        }
        End::Stopped(folder) => Ok(stopped(&folder, terminal, global)),
    }
}

fn finish_suite(end: SuiteEnd, terminal: &mut Terminal, global: &Global) -> anyhow::Result<ExitCode> {
    match end {
        SuiteEnd::Finished(comparison) => {
            terminal.finish(&comparison);
            global.json(|| json!({ "run": comparison.folder, "members": comparison.numbers }))?;
            Ok(ExitCode::SUCCESS)
        }
        SuiteEnd::Stopped(folder) => Ok(stopped(&folder, terminal, global)),
    }
}

fn stopped(folder: &Path, terminal: &mut Terminal, global: &Global) -> ExitCode {
    terminal.stopped(folder, global.data_dir.as_deref());
    ExitCode::from(EXIT_INTERRUPTED)
}
