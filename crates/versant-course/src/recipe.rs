//! What a recipe is: a model, its data and its training, by name.

use toml::Table;
use versant::nn::Layer;
use versant::optim::Optimizer;
use versant::train::Objective;
use versant::{Result, Shape};

use crate::augment::Augmentation;
use crate::data::Source;
use crate::optim::{OptimConfig, ScheduleConfig};

/// One entry of the course that can be trained.
pub trait Recipe: Sync {
    /// As on the command line: "mnist-mlp".
    fn name(&self) -> &'static str;

    /// One line on what it is, with its row of the course.
    fn about(&self) -> &'static str;

    /// Named variants; the first is the default.
    fn presets(&self) -> &'static [Preset];

    /// The short form of every preset, for a look within a minute: `--quick`.
    fn quick(&self) -> &'static Quick;

    /// Every key with its default.
    fn defaults(&self) -> Table;

    /// The model and its training under a configuration.
    ///
    /// # Errors
    /// When a value is out of range.
    fn plan(&self, config: &Table) -> Result<Plan>;
}

/// A named variant of a recipe: some keys set.
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// One line on what it changes.
    pub about: &'static str,
    /// The keys, as TOML.
    pub toml: &'static str,
    /// The test accuracy to expect, in words, with data and epochs.
    pub expected: &'static str,
}

/// A shorter training of any preset: some keys set after the preset's own.
pub struct Quick {
    /// The keys, as TOML.
    pub toml: &'static str,
    /// The test accuracy to expect, in words.
    pub expected: &'static str,
}

/// All that training needs besides data.
pub struct Plan {
    /// The model with its initial parameters.
    pub model: Box<dyn Layer>,
    /// Its optimiser.
    pub optimizer: Box<dyn Optimizer>,
    /// What happens around the optimiser's steps.
    pub optim: OptimConfig,
    /// How its learning rate changes.
    pub schedule: ScheduleConfig,
    /// What is minimised.
    pub objective: Objective,
    /// Where the samples come from.
    pub source: Source,
    /// At most how many samples train; 0: all.
    pub train_samples: usize,
    /// At most how many samples test; 0: all.
    pub test_samples: usize,
    /// What is done to the training images.
    pub augmentation: Augmentation,
    /// Samples in a batch.
    pub batch: usize,
    /// Whether a last batch that is not full is left out.
    pub drop_last: bool,
    /// Passes over the data.
    pub epochs: u32,
    /// Of all that is random.
    pub seed: u64,
    /// The shape of one input, with a batch of 1.
    pub input: Shape,
}
