//! Mixup and CutMix: images of a batch are mixed, and so are their targets.

use super::{Box2d, checked};
use crate::array::Array;
use crate::data::Batch;
use crate::device::Device;
use crate::dtype::DType;
use crate::rng::{Purpose, Rng};
use crate::tensor::Tensor;

/// Mixes each image of a batch with another one; the targets become class probabilities [n, classes] (f32), which
/// [`cross_entropy`](Tensor::cross_entropy) takes. With both kinds on, a coin decides for each batch.
///
/// The share lambda of an image that stays is Beta(alpha, alpha), one number a batch; its partner is random.
/// A pure function of (seed, epoch, number of the batch). [course: F6]
///
/// ```
/// use versant::data::{ImageData, Loader, Mix, Part, shapes};
/// let train = ImageData::new(shapes(64, Part::Train)).normalize(0.5, 0.25);
/// let loader = Loader::new(train, 32).shuffle(1).mix(Mix::new(10, 1).mixup(0.2).cutmix(1.0));
/// let batch = loader.epoch(0).next().unwrap();
/// assert_eq!(batch.y.shape(), [32, 10].into());
/// let loss = batch.y.cross_entropy(&batch.y);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    classes: usize,
    seed: u64,
    probability: f64,
    kinds: Vec<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Mixup(f64),
    CutMix(f64),
}

impl Mix {
    /// Targets of so many classes; nothing is mixed yet.
    pub fn new(classes: usize, seed: u64) -> Mix {
        Mix { classes, seed, probability: 1.0, kinds: Vec::new() }
    }

    /// lambda a + (1 - lambda) b. (Zhang et al. 2018, *mixup: Beyond Empirical Risk Minimization*; alpha 0.2 to 1)
    ///
    /// # Panics
    /// When alpha is not above 0.
    #[track_caller]
    pub fn mixup(self, alpha: f64) -> Mix {
        self.with(Kind::Mixup(above_zero("mixup", alpha)))
    }

    /// A rectangle of b, of the share 1 - lambda of the area, in a. What the edge cuts off counts for a. (Yun et al. 2019,
    /// *CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features*; alpha 1)
    ///
    /// # Panics
    /// When alpha is not above 0.
    #[track_caller]
    pub fn cutmix(self, alpha: f64) -> Mix {
        self.with(Kind::CutMix(above_zero("cutmix", alpha)))
    }

    /// The share of batches that are mixed: 1 unless changed. The others get class probabilities of 0 and 1.
    ///
    /// # Panics
    /// When it is not between 0 and 1.
    #[track_caller]
    pub fn probability(self, probability: f64) -> Mix {
        Mix { probability: checked("Mix", "probability", probability, 1.0), ..self }
    }

    fn with(mut self, kind: Kind) -> Mix {
        self.kinds.push(kind);
        self
    }

    /// The batch of x `[n, ...]` f32 (for CutMix [n, channels, height, width]) and labels `[n]`, mixed.
    ///
    /// # Panics
    /// When the batch has another form or a label is not a class.
    pub fn apply(&self, batch: &Batch, epoch: u32, number: u32) -> Batch {
        let mut rng = Rng::keyed(self.seed, Purpose::Mix, epoch, number);
        let targets = self.one_hot(&batch.y);
        if self.kinds.is_empty() || rng.uniform() >= self.probability {
            return Batch { x: batch.x.clone(), y: targets };
        }
        let kind = self.kinds[rng.below(self.kinds.len() as u64) as usize];
        let partners = rng.permutation(batch.x.shape()[0]);
        let mut x = Rows::of(&batch.x);
        let stays = match kind {
            Kind::Mixup(alpha) => {
                let lambda = rng.beta(alpha, alpha) as f32;
                x.blend(&partners, lambda);
                lambda
            }
            Kind::CutMix(alpha) => {
                let [_, _, height, width] = batch.x.dims();
                let cut = rectangle(height, width, rng.beta(alpha, alpha), &mut rng);
                x.paste(&partners, cut, [height, width]);
                1.0 - (cut.height * cut.width) as f32 / (height * width) as f32
            }
        };
        let mut y = Rows::of(&targets);
        y.blend(&partners, stays);
        Batch { x: x.mixed.into(), y: y.mixed.into() }
    }

    fn one_hot(&self, labels: &Tensor) -> Tensor {
        let labels = labels.to_vec::<i64>();
        let mut rows = vec![0.0f32; labels.len() * self.classes];
        for (row, &label) in rows.chunks_exact_mut(self.classes.max(1)).zip(&labels) {
            let classes = self.classes;
            assert!(
                (0..classes as i64).contains(&label),
                "Mix: label {label} is not one of the {classes} classes"
            );
            row[label as usize] = 1.0;
        }
        Tensor::from_slice(&rows, [labels.len(), self.classes])
    }
}

#[track_caller]
fn above_zero(operation: &str, alpha: f64) -> f64 {
    assert!(alpha > 0.0 && alpha.is_finite(), "{operation}: alpha is {alpha}; it must be above 0");
    alpha
}

/// A rectangle of the share 1 - lambda around a random middle, as far as it lies inside.
fn rectangle(height: usize, width: usize, lambda: f64, rng: &mut Rng) -> Box2d {
    let side = (1.0 - lambda).sqrt();
    let mut span = |len: usize| {
        let middle = rng.below(len as u64) as usize;
        let half = (side * len as f64) as usize / 2;
        (middle.saturating_sub(half), (middle + half).min(len))
    };
    let ((top, bottom), (left, right)) = (span(height), span(width));
    Box2d { top, left, height: bottom - top, width: right - left }
}

/// Samples, and what becomes of them.
struct Rows<'a> {
    given: &'a [f32],
    mixed: Array,
    /// Elements of a sample.
    len: usize,
}

impl<'a> Rows<'a> {
    fn of(tensor: &'a Tensor) -> Rows<'a> {
        let given = tensor.array().contiguous_slice::<f32>();
        let Some(given) = given else { panic!("Mix: x is a view; a data set gives batches of their own") };
        let mixed = Array::recycled(tensor.shape(), DType::F32, Device::Cpu);
        Rows { given, mixed, len: given.len() / tensor.shape()[0].max(1) }
    }

    /// lambda of the sample itself, the rest of its partner.
    fn blend(&mut self, partners: &[usize], lambda: f32) {
        let samples = self.mixed.as_mut_slice::<f32>().chunks_exact_mut(self.len.max(1));
        for ((out, own), &partner) in samples.zip(self.given.chunks_exact(self.len.max(1))).zip(partners) {
            let other = &self.given[partner * self.len..][..self.len];
            for ((out, a), b) in out.iter_mut().zip(own).zip(other) {
                *out = lambda * a + (1.0 - lambda) * b;
            }
        }
    }

    /// The partner's pixels within the rectangle, in every channel.
    fn paste(&mut self, partners: &[usize], cut: Box2d, [height, width]: [usize; 2]) {
        let mixed = self.mixed.as_mut_slice::<f32>();
        mixed.copy_from_slice(self.given);
        for (out, &partner) in mixed.chunks_exact_mut(self.len.max(1)).zip(partners) {
            let other = &self.given[partner * self.len..][..self.len];
            let planes = out.chunks_exact_mut(height * width).zip(other.chunks_exact(height * width));
            for (out, other) in planes {
                cut.rows(width).for_each(|row| out[row.clone()].copy_from_slice(&other[row]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sample i is filled with i and has the label i.
    fn batch(n: usize) -> Batch {
        let values: Vec<f32> = (0..n * 2 * 6 * 5).map(|i| (i / 60) as f32).collect();
        let labels: Vec<i64> = (0..n as i64).collect();
        Batch { x: Tensor::from_slice(&values, [n, 2, 6, 5]), y: Tensor::from_slice(&labels, [n]) }
    }

    #[test]
    fn targets_have_the_shares_of_the_pixels() {
        for mix in [Mix::new(8, 3).mixup(0.4), Mix::new(8, 3).cutmix(1.0)] {
            for number in 0..50 {
                let mixed = mix.apply(&batch(8), 1, number);
                let (x, y) = (mixed.x.to_vec::<f32>(), mixed.y.to_vec::<f32>());
                for (pixels, shares) in x.chunks(60).zip(y.chunks(8)) {
                    let mean = pixels.iter().sum::<f32>() / 60.0;
                    let expected: f32 =
                        shares.iter().enumerate().map(|(class, share)| class as f32 * share).sum();
                    assert!((mean - expected).abs() < 1e-4, "{mean} {expected}");
                    assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn the_same_batch_is_mixed_the_same_way() {
        let mix = Mix::new(8, 3).mixup(0.4).cutmix(1.0);
        let bits = |epoch, number| mix.apply(&batch(8), epoch, number).x.to_vec::<f32>();
        assert_eq!(bits(1, 2), bits(1, 2));
        assert_ne!(bits(1, 2), bits(1, 3));
        assert_ne!(bits(1, 2), bits(2, 2));
        // CutMix moves pixels, mixup blends them: both occur.
        let whole = (0..40).filter(|&number| bits(0, number).iter().all(|v| v.fract() == 0.0)).count();
        assert!((8..=32).contains(&whole), "{whole} of 40");
    }

    #[test]
    fn some_batches_may_stay() {
        let mix = Mix::new(8, 3).mixup(0.4).probability(0.5);
        let stay =
            (0..100).filter(|&i| mix.apply(&batch(8), 0, i).x.to_vec::<f32>() == batch(8).x.to_vec::<f32>());
        assert!((30..=70).contains(&stay.count()));
        let alone = Mix::new(8, 3).cutmix(1.0).apply(&batch(1), 0, 0);
        assert_eq!(alone.y.to_vec::<f32>(), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(mix.apply(&batch(0), 0, 0).y.shape(), [0, 8].into());
    }

    #[test]
    fn rectangles_stay_inside() {
        let mut rng = Rng::new(2);
        for _ in 0..1000 {
            let lambda = rng.uniform();
            let cut = rectangle(7, 3, lambda, &mut rng);
            assert!(cut.top + cut.height <= 7 && cut.left + cut.width <= 3);
        }
        assert_eq!(rectangle(8, 8, 1.0, &mut rng).height, 0);
    }

    #[test]
    #[should_panic(expected = "Mix: label 3 is not one of the 3 classes")]
    fn labels_must_be_classes() {
        Mix::new(3, 0).apply(&batch(8), 0, 0);
    }
}
