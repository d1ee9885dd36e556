//! `versant find-lr`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use versant_course::experiment::{Asked, Experiment};
use versant_course::find_lr::find_lr;

use crate::Global;
use crate::terminal::Terminal;

/// Look for a learning rate: train a hundred steps with rates from tiny to huge, and draw the loss
///
/// Example: `versant find-lr cifar10-lenet optim.momentum=0.9`
#[derive(Args)]
pub struct FindLr {
    /// A recipe's name or a TOML file
    recipe: String,

    /// A preset's name, and settings as key=value
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,

    /// Where lr-finder.svg and lr-finder.png go
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl FindLr {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let places = global.places_with_data()?;
        let mut terminal = Terminal::new(global.quiet, global.json)?;
        let experiment = Experiment::new(&self.recipe, &Asked { words: &self.settings, ..Asked::default() })?;
        let found = find_lr(&experiment, &places, &mut terminal)?;
        found.draw(&self.out)?;
        global.json(|| {
            json!({
                "recipe": self.recipe, "steepest": found.steepest, "tenth_of_lowest": found.tenth,
                "rates": found.curve.rates, "losses": found.curve.losses,
            })
        })?;
        global.text(&found)?;
        global.text(format_args!("picture: {}", self.out.join("lr-finder.{svg,png}").display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
