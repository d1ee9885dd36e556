//! `versant train`

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use versant::Error;
use versant::train::RunDir;
use versant_course::experiment::Experiment;
use versant_course::session::{self, End};

use crate::Global;
use crate::terminal::{EXIT_INTERRUPTED, Terminal};

/// What TOML, and so a run's config.toml, can hold.
const MAX_SEED: u64 = i64::MAX as u64;

/// Train a recipe, or resume a run
///
/// Examples: `versant train mnist-mlp`, `versant train mnist-mlp adam epochs=3 optim.lr=0.002`,
/// `versant train my.toml`, `versant train --resume last`
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
        let end = match &self.resume {
            Some(name) => {
                self.check_resume()?;
                let run = RunDir::open(RunDir::find(&places.runs, name)?)?;
                session::resume(run, &places, &mut terminal)?
            }
            None => {
                let experiment = self.experiment()?;
                session::train(&experiment, &places, &mut terminal)?
            }
        };
        match end {
            End::Finished(report) => {
                terminal.finish(&report);
                global.json(|| json!(report.numbers))?;
                Ok(ExitCode::SUCCESS)
            }
            End::Stopped(folder) => {
                terminal.stopped(&folder, global.data_dir.as_deref());
                Ok(ExitCode::from(EXIT_INTERRUPTED))
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

    fn experiment(&self) -> Result<Experiment, Error> {
        let mut words = self.settings.clone();
        words.extend(self.seed.map(|seed| format!("seed={seed}")));
        let Some(recipe) = &self.recipe else {
            let ways = "a recipe such as mnist-mlp (`versant recipes` lists them), a TOML file, or --resume";
            return Err(Error::Config(format!("what shall be trained? Give {ways}")));
        };
        Experiment::new(recipe, self.preset.as_deref(), &words)
    }
}
