//! The course's model 1 on CIFAR-10: an MLP 3072-1024-256-64-10 [B11].

use super::classifier::{Classifier, Settings};
use super::mlp;
use crate::data::Family;
use crate::optim::OptimConfig;
use crate::recipe::{Preset, Quick};

/// `cifar10-mlp`
pub static RECIPE: Classifier = Classifier {
    name: "cifar10-mlp",
    about: "CIFAR-10 with a multi-layer perceptron 3072-1024-256-64-10, model 1 [B11]",
    presets: &[Preset {
        name: "plain",
        about: "SGD 0.01 with momentum 0.9, batch 64",
        toml: "",
        expected: "52 to 55 % after 6 epochs of CIFAR-10",
    }],
    quick: &Quick {
        toml: "epochs = 2\ntrain_samples = 10000\ntest_samples = 2000",
        expected: "40 to 45 % of CIFAR-10",
    },
    family: Family::Cifar10,
    defaults: || Settings {
        hidden: Some(vec![1024, 256, 64]),
        optim: OptimConfig { momentum: 0.9, ..OptimConfig::sgd(0.01) },
        ..Settings::sgd(0.01, 6)
    },
    model: |settings, rng| mlp(3072, settings, rng),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

    #[test]
    fn model_1_has_3426250_parameters() {
        let plan = RECIPE.plan(&RECIPE.defaults()).unwrap();
        assert_eq!(plan.model.parameter_count(), 3_426_250);
    }
}
