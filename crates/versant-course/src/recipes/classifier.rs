//! What the recipes that classify images have in common: their settings, and how they become a plan.

use serde::{Deserialize, Serialize};
use toml::Table;
use versant::nn::Sequential;
use versant::rng::{Purpose, Rng};
use versant::train::Objective;
use versant::{Result, Shape};

use crate::augment::Augmentation;
use crate::config::{self, Check};
use crate::data::{Family, Source};
use crate::optim::{OptimConfig, ScheduleConfig};
use crate::recipe::{Plan, Preset, Quick, Recipe};

/// A slip of the keyboard must not fill the memory.
const MOST_WEIGHTS: usize = 100_000_000;

/// A recipe for a classifier of images.
pub struct Classifier {
    /// As on the command line.
    pub name: &'static str,
    /// One line, with the row of the course.
    pub about: &'static str,
    /// Named variants.
    pub presets: &'static [Preset],
    /// The short form.
    pub quick: &'static Quick,
    /// The images.
    pub family: Family,
    /// The settings of the first preset, before its own keys.
    pub defaults: fn() -> Settings,
    /// The model for one image [c, h, w] and a number of classes.
    pub model: fn(&Settings, &mut Rng) -> Sequential,
}

/// Every key with its meaning.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// auto: the real data if it can be had, else the built-in; a name or a folder of images forces one.
    pub data: String,
    /// Train on at most so many samples; 0: all.
    pub train_samples: usize,
    /// Test on at most so many samples; 0: all.
    pub test_samples: usize,
    /// Passes over the training data.
    pub epochs: u32,
    /// Samples in a batch.
    pub batch: usize,
    /// Leave out a last batch that is not full: 937 batches of 64 instead of 938.
    pub drop_last: bool,
    /// Widths of the hidden layers, where the model lets them be chosen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hidden: Option<Vec<usize>>,
    /// Of the cross-entropy.
    pub label_smoothing: f64,
    /// Of everything random.
    pub seed: u64,
    /// What is done to the training images.
    pub augment: Augmentation,
    /// How the parameters move.
    pub optim: OptimConfig,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
}

impl Settings {
    /// For so many epochs of plain SGD in batches of 64.
    pub fn sgd(lr: f64, epochs: u32) -> Settings {
        Settings {
            data: "auto".into(),
            train_samples: 0,
            test_samples: 0,
            epochs,
            batch: 64,
            drop_last: false,
            hidden: None,
            label_smoothing: 0.0,
            seed: 1,
            augment: Augmentation::default(),
            optim: OptimConfig::sgd(lr),
            schedule: ScheduleConfig::default(),
        }
    }

    fn check(&self, inputs: usize) -> Result<()> {
        let mut check = Check::default();
        let samples = 1e9;
        check
            .within("epochs", self.epochs as f64, 1.0, 100_000.0)
            .within("batch", self.batch as f64, 1.0, 60_000.0)
            .within("train_samples", self.train_samples as f64, 0.0, samples)
            .within("test_samples", self.test_samples as f64, 0.0, samples)
            .within("label_smoothing", self.label_smoothing, 0.0, 1.0);
        if let Some(hidden) = &self.hidden {
            let weights = weights(inputs, hidden);
            check
                .that(hidden.iter().all(|w| (1..=16_384).contains(w)) && hidden.len() <= 32, || {
                    format!("hidden is {hidden:?}; it must be up to 32 widths between 1 and 16384")
                })
                .that(weights <= MOST_WEIGHTS, || {
                    format!("hidden is {hidden:?}: {weights} weights, at most {MOST_WEIGHTS} are allowed")
                });
        }
        self.augment.check(&mut check);
        self.optim.check(&mut check);
        self.schedule.check(&mut check);
        check.done()
    }
}

/// Weights of an MLP with ten outputs.
fn weights(inputs: usize, hidden: &[usize]) -> usize {
    let widths = [&[inputs], hidden, &[10]].concat();
    widths.windows(2).fold(0, |sum, pair| pair[0].saturating_mul(pair[1]).saturating_add(sum))
}

impl Recipe for Classifier {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn presets(&self) -> &'static [Preset] {
        self.presets
    }

    fn quick(&self) -> &'static Quick {
        self.quick
    }

    fn defaults(&self) -> Table {
        config::table(&(self.defaults)())
    }

    fn plan(&self, config: &Table) -> Result<Plan> {
        let settings: Settings = config::typed(config)?;
        let [channels, height, width] = self.family.shape();
        settings.check(channels * height * width)?;
        let mut rng = Rng::keyed(settings.seed, Purpose::Init, 0, 0);
        Ok(Plan {
            model: Box::new((self.model)(&settings, &mut rng)),
            optimizer: settings.optim.build(),
            optim: settings.optim,
            schedule: settings.schedule,
            objective: Objective::classification(settings.label_smoothing),
            source: Source::new(self.family, &settings.data)?,
            train_samples: settings.train_samples,
            test_samples: settings.test_samples,
            augmentation: settings.augment,
            batch: settings.batch,
            drop_last: settings.drop_last,
            epochs: settings.epochs,
            seed: settings.seed,
            input: Shape::from([1, channels, height, width]),
        })
    }
}
