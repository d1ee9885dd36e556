//! A recipe with its settings: from names, files and `key=value` words.

use std::path::Path;

use toml::Table;
use versant::{Error, Result};

use crate::config;
use crate::recipe::{Plan, Recipe};
use crate::recipes;

/// What marks the short form of a preset.
const QUICK: &str = "-quick";
/// The preset of a file that names none.
const CUSTOM: &str = "custom";

/// What is asked for beside a recipe.
#[derive(Clone, Copy, Default)]
pub struct Asked<'a> {
    /// A preset's name.
    pub preset: Option<&'a str>,
    /// The short form of the preset.
    pub quick: bool,
    /// `key=value`; a word without `=` is a preset's name: `mnist-mlp adam epochs=3`.
    pub words: &'a [String],
}

impl Asked<'_> {
    /// The preset's name, wherever it was given, and the settings.
    fn split(&self) -> Result<(Option<&str>, Vec<String>)> {
        let (bare, words): (Vec<_>, Vec<_>) = self.words.iter().partition(|w| !w.contains('='));
        let (named, words): (Vec<_>, Vec<_>) = words.into_iter().partition(|w| w.starts_with("preset="));
        let bare = bare.into_iter().map(String::as_str);
        let presets: Vec<&str> =
            bare.chain(named.into_iter().map(|w| &w["preset=".len()..])).chain(self.preset).collect();
        match presets[..] {
            [first, second, ..] => {
                Err(Error::Config(format!("two presets are asked for: {first} and {second}")))
            }
            _ => Ok((presets.first().copied(), words.into_iter().cloned().collect())),
        }
    }
}

/// A recipe with its resolved configuration.
#[derive(Clone)]
pub struct Experiment {
    /// The recipe.
    pub recipe: &'static dyn Recipe,
    /// The preset's name, "custom" for a configuration from a file; "plain-quick" is the short form of "plain".
    pub preset: String,
    /// Every key with its value.
    pub config: Table,
}

impl Experiment {
    /// From a recipe's name or the path of a TOML file, and what is asked for beside.
    ///
    /// # Errors
    /// On an unknown recipe, preset or key, and on values of the wrong type; each with the nearest known name.
    pub fn new(name: &str, asked: &Asked) -> Result<Experiment> {
        if name.ends_with(".toml") {
            return Experiment::from_file(Path::new(name), asked);
        }
        let recipe = find(name)?;
        let mut experiment = Experiment { recipe, preset: String::new(), config: recipe.defaults() };
        let (preset, words) = asked.split()?;
        experiment.choose(preset.or(recipe.presets().first().map(|p| p.name)), asked.quick)?;
        experiment.apply(&words)?;
        Ok(experiment)
    }

    /// From a TOML file with the key `recipe` and any of the recipe's keys; a run's `config.toml` is one.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or does not fit its recipe.
    pub fn from_file(path: &Path, asked: &Asked) -> Result<Experiment> {
        let text = read_config(path)?;
        let mut file: Table = text.parse().map_err(|e| syntax_error(path, &text, &e))?;
        let in_file = |e: Error| Error::format(path, e.to_string());
        let name = file.remove("recipe").and_then(|v| v.as_str().map(str::to_string));
        let name = name
            .ok_or_else(|| Error::format(path, "there is no key recipe = \"...\" that says what to train"))?;
        let recipe = find(&name).map_err(in_file)?;
        let own = file.remove("preset").and_then(|v| v.as_str().map(str::to_string));
        let mut experiment = Experiment { recipe, preset: String::new(), config: recipe.defaults() };
        let (preset, words) = asked.split()?;
        let preset = preset.or(own.as_deref().filter(|&p| p != CUSTOM));
        experiment.choose(preset, asked.quick).map_err(in_file)?;
        config::merge(&mut experiment.config, &file).map_err(in_file)?;
        experiment.apply(&words)?;
        Ok(experiment)
    }

    fn choose(&mut self, preset: Option<&str>, quick: bool) -> Result<()> {
        if let Some(name) = preset {
            let name = name.strip_suffix(QUICK).unwrap_or(name);
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
            self.set(preset.toml)?;
        }
        self.preset = preset.unwrap_or(CUSTOM).to_string();
        if quick && !self.is_quick() {
            self.preset += QUICK;
        }
        if self.is_quick() {
            self.set(self.recipe.quick().toml)?;
        }
        Ok(())
    }

    /// Sets keys that a recipe itself gives.
    fn set(&mut self, toml: &str) -> Result<()> {
        match toml.parse::<Table>() {
            Ok(table) => config::merge(&mut self.config, &table),
            Err(error) => unreachable!("{}, {toml}: {error}", self.recipe.name()),
        }
    }

    /// Whether this is the short form of a preset.
    pub fn is_quick(&self) -> bool {
        self.preset.ends_with(QUICK)
    }

    /// The test accuracy to expect, in words; nothing when settings were changed that it depends on.
    pub fn expected(&self) -> Option<&'static str> {
        let as_given =
            Experiment::new(self.recipe.name(), &Asked { preset: Some(&self.preset), ..Asked::default() })
                .ok()?;
        let same = |key: &String| {
            let free = ["data", "seed"].contains(&key.as_str());
            free || as_given.config.get(key) == self.config.get(key)
        };
        if !self.config.keys().all(same) {
            return None;
        }
        let quick = self.is_quick().then(|| self.recipe.quick().expected);
        let name = self.preset.strip_suffix(QUICK).unwrap_or(&self.preset);
        let preset = || self.recipe.presets().iter().find(|p| p.name == name).map(|p| p.expected);
        quick.or_else(preset).filter(|text| !text.is_empty())
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

    fn asked(name: &str, preset: Option<&str>, words: &[&str]) -> Result<Experiment> {
        let words: Vec<String> = words.iter().map(|w| w.to_string()).collect();
        Experiment::new(name, &Asked { preset, quick: false, words: &words })
    }

    #[test]
    fn three_ways_to_a_preset() {
        for experiment in [
            asked("mnist-mlp", Some("adam"), &["epochs=3"]),
            asked("mnist-mlp", None, &["adam", "epochs=3"]),
            asked("mnist-mlp", None, &["preset=adam", "epochs=3"]),
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
        let first = asked("mnist-mlp", Some("momentum"), &["hidden=[100]"]).unwrap();
        std::fs::write(&path, first.to_toml()).unwrap();
        let again = Experiment::from_file(&path, &Asked::default()).unwrap();
        assert_eq!((again.config, again.preset), (first.config, first.preset));
        std::fs::write(&path, "recipe = 'mnist-mlp'\nepoch = 3").unwrap();
        let error = asked(&path.display().to_string(), None, &[]).err().unwrap().to_string();
        assert!(error.contains("unknown key `epoch`; did you mean `epochs`?"), "{error}");
    }

    #[test]
    fn unknown_names_get_a_hint() {
        let error = |name, preset| asked(name, preset, &[]).err().unwrap().to_string();
        assert!(error("mnist-mpl", None).contains("did you mean `mnist-mlp`?"));
        assert!(error("mnist-mlp", Some("momentun")).contains("did you mean `momentum`?"));
        assert!(error("nowhere.toml", None).starts_with("cannot read nowhere.toml"));
    }

    #[test]
    fn the_short_form_and_what_to_expect() {
        let quick = Experiment::new("cifar10-lenet", &Asked { quick: true, ..Asked::default() }).unwrap();
        assert_eq!(quick.preset, "plain-quick");
        let named = asked("cifar10-lenet", Some("plain-quick"), &[]).unwrap();
        assert_eq!(named.config, quick.config);
        let full = asked("cifar10-lenet", None, &["seed=7", "data=shapes"]).unwrap();
        assert_ne!(full.config["epochs"], quick.config["epochs"]);
        assert_ne!(full.expected(), quick.expected());
        assert!(full.expected().is_some() && quick.expected().is_some());
        assert_eq!(asked("cifar10-lenet", None, &["epochs=1"]).unwrap().expected(), None);
    }
}
