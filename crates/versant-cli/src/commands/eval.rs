//! `versant eval`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use versant_course::trained::{Trained, Weights};

use crate::Global;
use crate::terminal::Terminal;

/// Evaluate a run's checkpoint on its test data
#[derive(Args)]
pub struct Eval {
    /// `last`, or a run's name or folder
    #[arg(default_value = "last")]
    run: String,

    /// Take the checkpoint with the best test accuracy instead of the last
    #[arg(long)]
    best: bool,

    /// Take these weights instead: a safetensors file, PyTorch's too
    #[arg(long, value_name = "FILE", conflicts_with = "best")]
    weights: Option<PathBuf>,
}

impl Eval {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let mut terminal = Terminal::new(global.quiet, global.json)?;
        let places = global.places_with_data()?;
        let trained = Trained::open(&places, &self.run, &Weights::choose(self.best, self.weights.clone()))?;
        let found = trained.evaluate(&places, &mut terminal)?;
        global.json(|| json!(found.numbers))?;
        global.text(&found)?;
        Ok(ExitCode::SUCCESS)
    }
}
