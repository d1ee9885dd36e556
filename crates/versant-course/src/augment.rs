//! The section of settings that says what is done to training images [course: F6].

use serde::{Deserialize, Serialize};
use versant::data::{Augment, Mix};

use crate::config::Check;

/// How strong RandAugment's operations are, of 30: torchvision's default.
const MAGNITUDE: f64 = 9.0;

/// `[augment]`; all off unless said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Crop anywhere from the image padded by so many pixels; 0: off.
    pub crop: usize,
    /// Mirror every second image.
    pub flip: bool,
    /// How far brightness, contrast and saturation move, 0 to 1.
    pub jitter: f64,
    /// Share of images in which a rectangle is erased.
    pub erase: f64,
    /// RandAugment: operations an image; 0: off.
    pub rand_augment: usize,
    /// Alpha of mixup; 0: off.
    pub mixup: f64,
    /// Alpha of CutMix; 0: off.
    pub cutmix: f64,
}

impl Augmentation {
    /// Notes what is out of range.
    pub fn check(&self, check: &mut Check) {
        check
            .within("augment.crop", self.crop as f64, 0.0, 64.0)
            .within("augment.jitter", self.jitter, 0.0, 1.0)
            .within("augment.erase", self.erase, 0.0, 1.0)
            .within("augment.rand_augment", self.rand_augment as f64, 0.0, 10.0)
            .within("augment.mixup", self.mixup, 0.0, 100.0)
            .within("augment.cutmix", self.cutmix, 0.0, 100.0);
    }

    /// What is done to each image.
    pub fn of_images(&self) -> Augment {
        let mut augment = Augment::new();
        if self.crop > 0 {
            augment = augment.crop(self.crop);
        }
        if self.flip {
            augment = augment.flip(0.5);
        }
        if self.jitter > 0.0 {
            augment = augment.jitter(self.jitter, self.jitter, self.jitter, 0.0);
        }
        if self.rand_augment > 0 {
            augment = augment.rand_augment(self.rand_augment, MAGNITUDE);
        }
        if self.erase > 0.0 {
            augment = augment.erase(self.erase);
        }
        augment
    }

    /// What is done to each batch, if anything.
    pub fn of_batches(&self, classes: usize, seed: u64) -> Option<Mix> {
        let mut mix = Mix::new(classes, seed);
        if self.mixup > 0.0 {
            mix = mix.mixup(self.mixup);
        }
        if self.cutmix > 0.0 {
            mix = mix.cutmix(self.cutmix);
        }
        (self.mixup > 0.0 || self.cutmix > 0.0).then_some(mix)
    }
}
