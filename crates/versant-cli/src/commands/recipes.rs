//! `versant recipes`

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use versant_course::experiment::find;
use versant_course::recipe::Recipe;
use versant_course::recipes::ALL;

use crate::Global;

/// List the recipes, their presets and settings
#[derive(Args)]
pub struct Recipes {
    /// Show one recipe's settings
    recipe: Option<String>,
}

impl Recipes {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let shown = match &self.recipe {
            Some(name) => vec![find(name)?],
            None => ALL.to_vec(),
        };
        let describe = |r: &&dyn Recipe| {
            let presets: Vec<&str> = r.presets().iter().map(|p| p.name).collect();
            json!({ "name": r.name(), "about": r.about(), "presets": presets, "defaults": r.defaults() })
        };
        global.json(|| json!({ "recipes": shown.iter().map(describe).collect::<Vec<_>>() }))?;
        for recipe in &shown {
            global.text(format_args!("{}  {}", recipe.name(), recipe.about()))?;
            for preset in recipe.presets() {
                global.text(format_args!("    {:<10} {}", preset.name, preset.about))?;
            }
            if self.recipe.is_some() {
                global.text("\nsettings (key = default), changed by key=value, as in optim.lr=0.05:\n")?;
                global.text(recipe.defaults().to_string().trim_end())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
