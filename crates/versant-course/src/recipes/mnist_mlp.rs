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
    quick: &Quick { toml: "epochs = 2", expected: "91 to 93 % of MNIST, with adam 95 to 97 %" },
    family: Family::Mnist,
    defaults: || Settings { hidden: Some(vec![64, 32]), ..Settings::sgd(0.01, 12) },
    model: |settings, rng| mlp(784, settings, rng),
};

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
        let mut table = RECIPE.defaults();
        for word in ["optim.name=lion", "optim.momentum=0.9", "optim.swa=2", "optim.ema=0.9"] {
            config::apply_override(&mut table, word).unwrap();
        }
        let both = "optim.ema and optim.swa are two averages of the weights; choose one";
        assert_eq!(RECIPE.plan(&table).err().unwrap().to_string(), format!("{of_others}; {both}"));
        assert!(error("optim.accumulate=0").starts_with("optim.accumulate is 0"));
        assert!(error("schedule.name=multistep").contains("needs schedule.milestones, such as [30, 60, 80]"));
        assert!(error("schedule.milestones=[3]").contains("belongs to schedule.name = 'multistep'"));
        assert!(
            error("schedule.warmup=500").starts_with("schedule.warmup is 500; it must be a number between 0")
        );
        assert!(error("augment.mixup=-1").starts_with("augment.mixup is -1"));
        assert!(error("hidden=[0]").starts_with("hidden is [0]"));
        assert!(error("epochs=-1").contains("epochs"), "{}", error("epochs=-1"));
        assert!(error("data=nowhere").contains("nowhere"), "{}", error("data=nowhere"));
    }
}
