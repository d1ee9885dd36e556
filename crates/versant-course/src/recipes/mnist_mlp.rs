//! The course's first model, from A to Z: an MLP 784-64-32-10 on MNIST [A19].

use super::classifier::{Classifier, Settings};
use super::mlp;
use crate::data::Family;
use crate::recipe::{Preset, Quick};

/// `mnist-mlp`
pub static RECIPE: Classifier = Classifier {
    name: "mnist-mlp",
    about: "Handwritten digits with a multi-layer perceptron 784-64-32-10 [A19]",
    presets: &[
        Preset {
            name: "plain",
            about: "the slide's SGD, lr 0.01",
            toml: "",
            expected: "94 to 97 % after 12 epochs of MNIST",
        },
        Preset {
            name: "momentum",
            about: "SGD with momentum 0.5",
            toml: "optim.momentum = 0.5",
            expected: "96 to 97.5 % after 12 epochs of MNIST",
        },
        Preset {
            name: "adam",
            about: "Adam, lr 0.001",
            toml: "optim = { name = 'adam', lr = 0.001 }",
            expected: "97 to 97.8 % after 12 epochs of MNIST",
        },
    ],
    quick: &Quick { toml: "epochs = 2", expected: "" },
    family: Family::Mnist,
    defaults: || Settings { hidden: Some(vec![64, 32]), ..Settings::sgd(0.01, 12) },
    model: |settings, rng| mlp(784, settings, rng),
};
use serde::{Deserialize, Serialize};
use toml::Table;
use versant::nn::{Flatten, Linear, Relu, Sequential};
use versant::rng::{Purpose, Rng};
use versant::train::Objective;
use versant::{Result, Shape};

use crate::config::{self, Check};
use crate::data::{Choice, Source};
use crate::optim::{OptimConfig, ScheduleConfig};
use crate::recipe::{Plan, Preset, Recipe};

/// `mnist-mlp`
pub struct MnistMlp;

/// A slip of the keyboard must not fill the memory.
const MOST_WEIGHTS: usize = 100_000_000;

/// Every key with its meaning.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// auto: MNIST if it can be had, else the built-in digits; mnist or digits forces one.
    data: Choice,
    /// Passes over the training data.
    epochs: u32,
    /// Samples in a batch.
    batch: usize,
    /// Leave out a last batch that is not full: 937 batches of 64 instead of 938.
    drop_last: bool,
    /// Widths of the hidden layers.
    hidden: Vec<usize>,
    /// Of the cross-entropy.
    label_smoothing: f64,
    /// Of everything random.
    seed: u64,
    optim: OptimConfig,
    schedule: ScheduleConfig,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: Choice::Auto,
            epochs: 12,
            batch: 64,
            drop_last: false,
            hidden: vec![64, 32],
            label_smoothing: 0.0,
            seed: 1,
            optim: OptimConfig::sgd(0.01),
            schedule: ScheduleConfig::default(),
        }
    }
}

impl Config {
    fn check(&self) -> Result<()> {
        let mut check = Check::default();
        check
            .within("epochs", self.epochs as f64, 1.0, 100_000.0)
            .within("batch", self.batch as f64, 1.0, 60_000.0)
            .within("label_smoothing", self.label_smoothing, 0.0, 1.0)
            .that(self.hidden.iter().all(|&w| (1..=16_384).contains(&w)) && self.hidden.len() <= 32, || {
                format!("hidden is {:?}; it must be up to 32 widths between 1 and 16384", self.hidden)
            })
            .that(self.weights() <= MOST_WEIGHTS, || {
                format!(
                    "hidden is {:?}: {} weights, at most {MOST_WEIGHTS} are allowed",
                    self.hidden,
                    self.weights()
                )
            });
        self.optim.check(&mut check);
        self.schedule.check(&mut check);
        check.done()
    }

    fn widths(&self) -> Vec<usize> {
        [&[784], &self.hidden[..], &[10]].concat()
    }

    fn weights(&self) -> usize {
        self.widths().windows(2).fold(0, |sum, pair| pair[0].saturating_mul(pair[1]).saturating_add(sum))
    }

    fn model(&self) -> Sequential {
        let mut rng = Rng::keyed(self.seed, Purpose::Init, 0, 0);
        let widths = self.widths();
        let mut net = Sequential::new().add("flatten", Flatten);
        for (i, pair) in widths.windows(2).enumerate() {
            if i > 0 {
                net = net.add(&format!("relu{i}"), Relu);
            }
            net = net.add(&format!("fc{}", i + 1), Linear::new(pair[0], pair[1], &mut rng));
        }
        net
    }
}

impl Recipe for MnistMlp {
    fn name(&self) -> &'static str {
        "mnist-mlp"
    }

    fn about(&self) -> &'static str {
        "Handwritten digits with a multi-layer perceptron 784-64-32-10 [A19]"
    }

    fn presets(&self) -> &'static [Preset] {
        &[
            Preset { name: "plain", about: "the slide's SGD, lr 0.01", toml: "" },
            Preset { name: "momentum", about: "SGD with momentum 0.5", toml: "optim.momentum = 0.5" },
            Preset { name: "adam", about: "Adam, lr 0.001", toml: "optim = { name = 'adam', lr = 0.001 }" },
        ]
    }

    fn defaults(&self) -> Table {
        config::defaults::<Config>()
    }

    fn plan(&self, config: &Table) -> Result<Plan> {
        let config: Config = config::typed(config)?;
        config.check()?;
        Ok(Plan {
            model: Box::new(config.model()),
            optimizer: config.optim.build(),
            optim: config.optim,
            schedule: config.schedule,
            objective: Objective::classification(config.label_smoothing),
            source: Source::Mnist(config.data),
            batch: config.batch,
            drop_last: config.drop_last,
            epochs: config.epochs,
            seed: config.seed,
            input: Shape::from([1, 1, 28, 28]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::recipe::Recipe;

    #[test]
    fn the_slides_model_has_52650_parameters() {
        let plan = RECIPE.plan(&RECIPE.defaults()).unwrap();
        assert_eq!(plan.model.parameter_count(), 52_650);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let error = |word: &str| {
            let mut table = RECIPE.defaults();
            config::apply_override(&mut table, word).unwrap();
            RECIPE.plan(&table).err().unwrap().to_string()
        };
        assert_eq!(error("optim.lr=nan"), "optim.lr is NaN; it must be a number between 0 and 1000");
        assert_eq!(error("batch=0"), "batch is 0; it must be a number between 1 and 60000");
        let huge = error(&format!("hidden=[{}16384]", "16384,".repeat(31)));
        assert!(huge.contains("at most 100000000 are allowed"), "{huge}");
        assert!(error("optim.name=adm").contains("unknown variant `adm`"), "{}", error("optim.name=adm"));
        let of_others = "optim.momentum belongs to sgd and rmsprop; the others have their own, or none";
        let mut table = MnistMlp.defaults();
        for word in ["optim.name=lion", "optim.momentum=0.9", "optim.swa=2", "optim.ema=0.9"] {
            config::apply_override(&mut table, word).unwrap();
        }
        let both = "optim.ema and optim.swa are two averages of the weights; choose one";
        assert_eq!(MnistMlp.plan(&table).err().unwrap().to_string(), format!("{of_others}; {both}"));
        assert!(error("optim.accumulate=0").starts_with("optim.accumulate is 0"));
        assert!(error("schedule.name=multistep").contains("needs schedule.milestones, such as [30, 60, 80]"));
        assert!(error("schedule.milestones=[3]").contains("belongs to schedule.name = 'multistep'"));
        assert!(
            error("schedule.warmup=500").starts_with("schedule.warmup is 500; it must be a number between 0")
        );
        assert!(error("hidden=[0]").starts_with("hidden is [0]"));
        assert!(error("epochs=-1").contains("epochs"), "{}", error("epochs=-1"));
        assert!(error("data=nowhere").contains("nowhere"), "{}", error("data=nowhere"));
    }
}
