//! What a model is trained for, and how its success is counted.

use super::checkpoint::Running;
use super::metrics::count_correct;
use crate::autograd::no_grad;
use crate::data::Loader;
use crate::nn::{Context, Layer};
use crate::ops::CrossEntropy;
use crate::tensor::Tensor;

pub(super) type LossFn = Box<dyn Fn(&Tensor, &Tensor) -> Tensor>;
type CorrectFn = Box<dyn Fn(&Tensor, &Tensor) -> u64>;

/// A loss of (output, target), the mean over a batch, and for classifiers the number of right answers.
pub struct Objective {
    loss: LossFn,
    correct: Option<CorrectFn>,
}

impl Objective {
    /// Any loss.
    pub fn new(loss: impl Fn(&Tensor, &Tensor) -> Tensor + 'static) -> Objective {
        Objective { loss: Box::new(loss), correct: None }
    }

    /// Cross-entropy of logits [n, classes] against labels `[n]` or class probabilities [n, classes], with label
    /// smoothing, and accuracy.
    pub fn classification(label_smoothing: f64) -> Objective {
        let options = CrossEntropy { label_smoothing, ..Default::default() };
        let mut objective = Objective::new(move |logits, labels| logits.cross_entropy_with(labels, &options));
        objective.correct = Some(Box::new(count_correct));
        objective
    }

    /// The loss of one batch.
    #[track_caller]
    pub fn loss(&self, output: &Tensor, target: &Tensor) -> Tensor {
        (self.loss)(output, target)
    }

    /// How many answers of a batch are right, where that can be said.
    pub fn correct(&self, output: &Tensor, target: &Tensor) -> Option<u64> {
        self.correct.as_ref().map(|count| count(output, target))
    }
}

/// Adds a batch to the sums of an epoch: `loss` and, where they can be counted, `correct`.
pub(super) fn note(sums: &mut Running, mean_loss: f64, correct: Option<u64>, samples: usize) {
    sums.add_samples(samples);
    sums.add("loss", mean_loss * samples as f64);
    if let Some(correct) = correct {
        sums.add("correct", correct as f64);
    }
}

/// Sums of `loss` and `correct` over a whole data set, in evaluation mode and without a graph.
pub fn evaluate(model: &dyn Layer, loader: &Loader, objective: &Objective) -> Running {
    let mut sums = Running::default();
    no_grad(|| {
        for batch in loader.epoch(0) {
            let output = model.forward(&batch.x, &mut Context::eval());
            let loss = loss_value(&objective.loss(&output, &batch.y));
            note(&mut sums, loss, objective.correct(&output, &batch.y), batch.x.shape()[0]);
        }
    });
    sums
}

/// A loss as f64, whatever its type.
pub(super) fn loss_value(loss: &Tensor) -> f64 {
    loss.array().cast(crate::DType::F64).item()
}
