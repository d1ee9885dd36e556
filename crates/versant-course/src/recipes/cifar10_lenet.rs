//! The course's model 2 on CIFAR-10: LeNet's form [B12].

use super::classifier::{Classifier, Settings};
use super::lenet;
use crate::data::Family;
use crate::optim::OptimConfig;
use crate::recipe::{Preset, Quick};

/// `cifar10-lenet`
pub static RECIPE: Classifier = Classifier {
    name: "cifar10-lenet",
    about: "CIFAR-10 with two convolutions and three linear layers, model 2 [B12]",
    presets: &[Preset {
        name: "plain",
        about: "SGD 0.01 with momentum 0.9, batch 64",
        toml: "",
        expected: "61 to 65 % after 8 epochs of CIFAR-10",
    }],
    quick: &Quick {
        toml: "epochs = 2\ntrain_samples = 10000\ntest_samples = 2000",
        expected: "36 to 42 % of CIFAR-10",
    },
    family: Family::Cifar10,
    defaults: || Settings {
        optim: OptimConfig { momentum: 0.9, ..OptimConfig::sgd(0.01) },
        ..Settings::sgd(0.01, 8)
    },
    model: |_, rng| lenet(3, 16 * 5 * 5, rng),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

    #[test]
    fn model_2_has_62006_parameters() {
        let plan = RECIPE.plan(&RECIPE.defaults()).unwrap();
        assert_eq!(plan.model.parameter_count(), 62_006);
    }
}
