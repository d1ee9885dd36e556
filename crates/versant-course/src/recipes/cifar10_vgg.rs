//! The course's model 3 on CIFAR-10: six convolutions with batch normalisation, in VGG's manner [B13].

use versant::nn::{BatchNorm2d, Conv2d, Dropout, Dropout2d, Flatten, Linear, MaxPool2d, Relu, Sequential};
use versant::rng::Rng;

use super::classifier::{Classifier, Settings};
use crate::augment::Augmentation;
use crate::data::Family;
use crate::optim::OptimConfig;
use crate::recipe::{Preset, Quick};

/// `cifar10-vgg`
pub static RECIPE: Classifier = Classifier {
    name: "cifar10-vgg",
    about: "CIFAR-10 with six convolutions, batch normalisation and dropout, model 3 [B13]",
    presets: &[
        Preset {
            name: "best",
            about: "AdamW on a one-cycle schedule, crop and flip, label smoothing, 10 epochs",
            toml: "label_smoothing = 0.1\noptim = { name = 'adamw', lr = 0.002, weight_decay = 0.05 }\n\
                   schedule.name = 'onecycle'",
            expected: "84 to 87 % after 10 epochs of CIFAR-10",
        },
        Preset {
            name: "plain",
            about: "Adam 0.001, crop and flip, no schedule, 5 epochs: the course's training",
            toml: "epochs = 5",
            expected: "69 to 73 % after 5 epochs of CIFAR-10",
        },
    ],
    quick: &Quick {
        toml: "epochs = 3\ntrain_samples = 10000\ntest_samples = 2000",
        expected: "48 to 54 % of CIFAR-10 with the preset best",
    },
    family: Family::Cifar10,
    defaults: || Settings {
        optim: OptimConfig::adam(0.001),
        augment: Augmentation { crop: 4, flip: true, ..Augmentation::default() },
        ..Settings::sgd(0.001, 10)
    },
    model: |_, rng| vgg(256 * 4 * 4, rng),
};

/// Three blocks of two convolutions; the first of each is normalised. `tail` is what is left of an image, as a vector.
pub(crate) fn vgg(tail: usize, rng: &mut Rng) -> Sequential {
    let mut net = Sequential::new();
    let mut channels = 3;
    for (block, [first, second]) in [[32, 64], [128, 128], [256, 256]].into_iter().enumerate() {
        let (i, j) = (2 * block + 1, 2 * block + 2);
        net = net
            .add(&format!("conv{i}"), Conv2d::new(channels, first, 3, rng).padding(1))
            .add(&format!("bn{i}"), BatchNorm2d::new(first))
            .add(&format!("relu{i}"), Relu)
            .add(&format!("conv{j}"), Conv2d::new(first, second, 3, rng).padding(1))
            .add(&format!("relu{j}"), Relu)
            .add(&format!("pool{}", block + 1), MaxPool2d::new(2));
        channels = second;
    }
    net.add("dropout1", Dropout2d(0.05))
        .add("flatten", Flatten)
        .add("fc1", Linear::new(tail, 1024, rng))
        .add("relu7", Relu)
        .add("fc2", Linear::new(1024, 512, rng))
        .add("relu8", Relu)
        .add("dropout2", Dropout(0.05))
        .add("fc3", Linear::new(512, 10, rng))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

    #[test]
    fn model_3_has_5852170_parameters() {
        let plan = RECIPE.plan(&RECIPE.defaults()).unwrap();
        assert_eq!(plan.model.parameter_count(), 5_852_170);
    }
}
