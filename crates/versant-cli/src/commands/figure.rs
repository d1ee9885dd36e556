//! `versant figure`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use versant_course::gallery::{ALL, find};

use crate::Global;

/// Draw a figure of the course that needs no training; without a name, list them
#[derive(Args)]
pub struct FigureCommand {
    /// The figure's name
    name: Option<String>,

    /// Where NAME.svg and NAME.png go
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl FigureCommand {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let Some(name) = &self.name else {
            let all: Vec<_> = ALL.iter().map(|f| json!({ "name": f.name, "about": f.about })).collect();
            global.json(|| json!({ "figures": all }))?;
            ALL.iter().try_for_each(|f| global.text(format_args!("{:<15} {}", f.name, f.about)))?;
            return Ok(ExitCode::SUCCESS);
        };
        let figure = find(name)?;
        (figure.make)().save(&self.out, figure.name)?;
        let path = self.out.join(format!("{}.{{svg,png}}", figure.name));
        global.json(|| json!({ "figure": figure.name, "folder": self.out }))?;
        global.text(format_args!("picture: {}", path.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
