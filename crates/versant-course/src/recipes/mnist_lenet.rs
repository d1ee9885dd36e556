//! LeNet on MNIST: the course's model 2 for grey images of 28x28 [B12].

use super::classifier::{Classifier, Settings};
use super::lenet;
use crate::data::Family;
use crate::optim::OptimConfig;
use crate::recipe::{Preset, Quick};

/// `mnist-lenet`
pub static RECIPE: Classifier = Classifier {
    name: "mnist-lenet",
    about: "Handwritten digits with LeNet: two convolutions, three linear layers [B12]",
    presets: &[Preset {
        name: "plain",
        about: "SGD 0.01 with momentum 0.9, batch 64",
        toml: "",
        expected: "98 to 99 % after 5 epochs of MNIST",
    }],
    quick: &Quick { toml: "epochs = 1\ntrain_samples = 20000", expected: "92 to 95 % of MNIST" },
    family: Family::Mnist,
    defaults: || Settings {
        optim: OptimConfig { momentum: 0.9, ..OptimConfig::sgd(0.01) },
        ..Settings::sgd(0.01, 5)
    },
    model: |_, rng| lenet(1, 16 * 4 * 4, rng),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

    #[test]
    fn grey_images_of_28_pixels_leave_44426_parameters() {
        let plan = RECIPE.plan(&RECIPE.defaults()).unwrap();
        assert_eq!(plan.model.parameter_count(), 44_426);
    }
}
