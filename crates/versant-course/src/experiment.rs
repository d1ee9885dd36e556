//! A recipe with its settings: from names, files and `key=value` words.

use std::path::Path;

use toml::Table;
use versant::{Error, Result};

use crate::config;
use crate::recipe::{Plan, Recipe};
use crate::recipes;

/// A recipe with its resolved configuration.
#[derive(Clone)]
pub struct Experiment {
    /// The recipe.
    pub recipe: &'static dyn Recipe,
    /// The preset's name, "custom" for a configuration from a file.
    pub preset: String,
    /// Every key with its value.
    pub config: Table,
}

impl Experiment {
    /// From a recipe's name or the path of a TOML file, a preset, and `key=value` words. A first word without `=`
    /// that names a preset is taken as one: `mnist-mlp adam epochs=3`.
    ///
    /// # Errors
    /// On an unknown recipe, preset or key, and on values of the wrong type; each with the nearest known name.
    pub fn new(name: &str, preset: Option<&str>, words: &[String]) -> Result<Experiment> {
        if name.ends_with(".toml") {
            return Experiment::from_file(Path::new(name), preset, words);
        }
        let recipe = find(name)?;
        let mut experiment = Experiment { recipe, preset: String::new(), config: recipe.defaults() };
        experiment.choose(preset, words, recipe.presets().first().map(|p| p.name))?;
        Ok(experiment)
    }

    /// From a TOML file with the key `recipe` and any of the recipe's keys; a run's `config.toml` is one.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or does not fit its recipe.
    pub fn from_file(path: &Path, preset: Option<&str>, words: &[String]) -> Result<Experiment> {
        let text = read_config(path)?;
        let mut file: Table = text.parse().map_err(|e| syntax_error(path, &text, &e))?;
        let in_file = |e: Error| Error::format(path, e.to_string());
        let name = file.remove("recipe").and_then(|v| v.as_str().map(str::to_string));
        let name = name
            .ok_or_else(|| Error::format(path, "there is no key recipe = \"...\" that says what to train"))?;
        let recipe = find(&name).map_err(in_file)?;
        let own = file.remove("preset").and_then(|v| v.as_str().map(str::to_string));
        let mut experiment = Experiment { recipe, preset: String::new(), config: recipe.defaults() };
        experiment
            .choose(preset.or(own.as_deref().filter(|&p| p != "custom")), &[], None)
            .map_err(in_file)?;
        config::merge(&mut experiment.config, &file).map_err(in_file)?;
        experiment.apply(words)?;
        Ok(experiment)
    }

    fn choose(&mut self, preset: Option<&str>, words: &[String], otherwise: Option<&str>) -> Result<()> {
        let (bare, words): (Vec<_>, Vec<_>) = words.iter().cloned().partition(|w| !w.contains('='));
        let (named, words): (Vec<_>, Vec<_>) = words.into_iter().partition(|w| w.starts_with("preset="));
        let asked: Vec<&str> = bare
            .iter()
            .map(String::as_str)
            .chain(named.iter().map(|w| &w["preset=".len()..]))
            .chain(preset)
            .collect();
        if let [first, second, ..] = asked[..] {
            return Err(Error::Config(format!("two presets are asked for: {first} and {second}")));
        }
        if let Some(name) = asked.first().copied().or(otherwise) {
            let presets = self.recipe.presets();
            let Some(preset) = presets.iter().find(|p| p.name == name) else {
                let names: Vec<&str> = presets.iter().map(|p| p.name).collect();
                let hint = config::did_you_mean(name, names.iter().copied());
                return Err(Error::Config(format!(
                    "{} has no preset `{name}`{hint}; the presets are: {}; settings are written key=value",
                    self.recipe.name(),
                    names.join(", ")
                )));
            };
            match preset.toml.parse::<Table>() {
                Ok(table) => config::merge(&mut self.config, &table)?,
                Err(error) => unreachable!("preset {name}: {error}"),
            }
        }
        self.preset = asked.first().copied().or(otherwise).unwrap_or("custom").to_string();
        self.apply(&words)
    }

    fn apply(&mut self, words: &[String]) -> Result<()> {
        words.iter().try_for_each(|word| config::apply_override(&mut self.config, word))
    }

    /// Model, optimiser and settings; checks the configuration.
    ///
    /// # Errors
    /// When a value is out of range.
    pub fn plan(&self) -> Result<Plan> {
        self.recipe.plan(&self.config)
    }

    /// The whole configuration as a file that trains the same again.
    pub fn to_toml(&self) -> String {
        let mut table = Table::new();
        table.insert("recipe".into(), self.recipe.name().into());
        table.insert("preset".into(), self.preset.clone().into());
        table.extend(self.config.clone());
        table.to_string()
    }
}

/// A file's text; no configuration is longer than a megabyte.
fn read_config(path: &Path) -> Result<String> {
    let about = std::fs::metadata(path).map_err(Error::io("read", path))?;
    if !about.is_file() || about.len() > 1 << 20 {
        return Err(Error::format(path, "is not a configuration: a TOML file of at most a megabyte is read"));
    }
    std::fs::read_to_string(path).map_err(Error::io("read", path))
}

/// `my.toml: line 2: what is wrong`.
fn syntax_error(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    Error::format(path, format!("line {line}: {}", error.message()))
}

/// The recipe of that name.
///
/// # Errors
/// When there is none; the message names the nearest.
pub fn find(name: &str) -> Result<&'static dyn Recipe> {
    recipes::ALL.iter().copied().find(|r| r.name() == name).ok_or_else(|| {
        let names: Vec<&str> = recipes::ALL.iter().map(|r| r.name()).collect();
        let hint = config::did_you_mean(name, names.iter().copied());
        Error::Config(format!("there is no recipe `{name}`{hint}; the recipes are: {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| w.to_string()).collect()
    }

    #[test]
    fn three_ways_to_a_preset() {
        for experiment in [
            Experiment::new("mnist-mlp", Some("adam"), &words(&["epochs=3"])),
            Experiment::new("mnist-mlp", None, &words(&["adam", "epochs=3"])),
            Experiment::new("mnist-mlp", None, &words(&["preset=adam", "epochs=3"])),
        ] {
            let experiment = experiment.unwrap();
            assert_eq!(experiment.preset, "adam");
            assert_eq!(experiment.config["optim"]["name"].as_str(), Some("adam"));
            assert_eq!(experiment.config["epochs"].as_integer(), Some(3));
        }
    }

    #[test]
    fn a_runs_own_file_gives_the_same_experiment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let first = Experiment::new("mnist-mlp", Some("momentum"), &words(&["hidden=[100]"])).unwrap();
        std::fs::write(&path, first.to_toml()).unwrap();
        let again = Experiment::from_file(&path, None, &[]).unwrap();
        assert_eq!((again.config, again.preset), (first.config, first.preset));
        std::fs::write(&path, "recipe = 'mnist-mlp'\nepoch = 3").unwrap();
        let error = Experiment::new(&path.display().to_string(), None, &[]).err().unwrap().to_string();
        assert!(error.contains("unknown key `epoch`; did you mean `epochs`?"), "{error}");
    }

    #[test]
    fn unknown_names_get_a_hint() {
        let error = |name, preset| Experiment::new(name, preset, &[]).err().unwrap().to_string();
        assert!(error("mnist-mpl", None).contains("did you mean `mnist-mlp`?"));
        assert!(error("mnist-mlp", Some("momentun")).contains("did you mean `momentum`?"));
        assert!(error("nowhere.toml", None).starts_with("cannot read nowhere.toml"));
    }
}
