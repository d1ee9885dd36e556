//! `versant recipes`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use versant_course::experiment::find;
use versant_course::recipe::{Preset, Recipe};
use versant_course::recipes::ALL;
use versant_course::suite;

use crate::Global;

/// List the recipes, their presets and settings
#[derive(Args)]
pub struct Recipes {
    /// Show one recipe's settings
    recipe: Option<String>,
}

impl Recipes {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        match &self.recipe {
            Some(name) => one(find(name)?, global)?,
            None => all(global)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn described(recipe: &dyn Recipe) -> Value {
    let preset = |p: &Preset| json!({ "name": p.name, "about": p.about, "expected": p.expected });
    let presets: Vec<Value> = recipe.presets().iter().map(preset).collect();
    json!({
        "name": recipe.name(), "about": recipe.about(), "presets": presets,
        "quick": recipe.quick().expected, "defaults": recipe.defaults(),
    })
}

fn all(global: &Global) -> anyhow::Result<()> {
    let suites: Vec<Value> = suite::ALL.iter().map(|s| json!({ "name": s.name, "about": s.about })).collect();
    let recipes: Vec<Value> = ALL.iter().map(|&recipe| described(recipe)).collect();
    global.json(|| json!({ "recipes": recipes, "suites": suites }))?;
    for recipe in ALL {
        let presets: Vec<&str> = recipe.presets().iter().map(|p| p.name).collect();
        global.text(format_args!("{:<16} {}", recipe.name(), recipe.about()))?;
        global.text(format_args!("{:<16} presets: {}", "", presets.join(", ")))?;
    }
    for suite in suite::ALL {
        global.text(format_args!("{:<16} {}", suite.name, suite.about))?;
    }
    global.text("\nversant recipes NAME shows presets, expected accuracies and settings")?;
    Ok(())
}

fn one(recipe: &dyn Recipe, global: &Global) -> anyhow::Result<()> {
    global.json(|| described(recipe))?;
    global.text(format_args!("{}  {}\n", recipe.name(), recipe.about()))?;
    for preset in recipe.presets() {
        global.text(format_args!("    {:<10} {}", preset.name, preset.about))?;
        global.text(format_args!("    {:<10} expected: {}", "", preset.expected))?;
    }
    let short: Vec<&str> = recipe.quick().toml.lines().collect();
    global.text(format_args!("    {:<10} any of them with {}", "--quick", short.join(", ")))?;
    global.text(format_args!("    {:<10} expected: {}", "", recipe.quick().expected))?;
    global.text("\nsettings (key = default), changed by key=value, as in optim.lr=0.05:\n")?;
    global.text(recipe.defaults().to_string().trim_end())?;
    Ok(())
}
