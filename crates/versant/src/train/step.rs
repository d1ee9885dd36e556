//! The gradients of one step.

use super::checkpoint::Running;
use super::finite::first_not_finite;
use super::objective::{Objective, loss_value, note};
use crate::autograd::Gradients;
use crate::data::Batch;
use crate::error::{Error, Result};
use crate::nn::{Context, Layer};

/// Gradients and mean loss over some batches, as if they were one: the sum of each one's, times its share of the samples.
/// Batch i has the randomness of step `parts * step + i`, so that no two batches of a training share it.
///
/// # Errors
/// When a loss is not finite; the message names the first tensor at fault.
pub(super) fn gradients(
    model: &dyn Layer,
    objective: &Objective,
    batches: &[Batch],
    (seed, step): (u64, u64),
    parts: u64,
    sums: &mut Running,
) -> Result<(Gradients, f64)> {
    let samples = |batch: &Batch| batch.x.shape()[0];
    let total: usize = batches.iter().map(samples).sum();
    let (mut grads, mut mean) = (Gradients::default(), 0.0);
    for (i, batch) in batches.iter().enumerate() {
        let context = Context::train(seed, parts * step + i as u64);
        let output = model.forward(&batch.x, &mut context.clone());
        let loss = objective.loss(&output, &batch.y);
        let value = loss_value(&loss);
        if !value.is_finite() {
            let culprit = first_not_finite(model, &batch.x, context);
            return Err(Error::NotFinite(format!(
                "step {}: the loss is {value}; the first tensor that is not finite is {culprit}. A smaller learning \
                 rate often helps; what was saved before is kept",
                step + 1
            )));
        }
        note(sums, value, objective.correct(&output, &batch.y), samples(batch));
        drop(output);
        let share = samples(batch) as f64 / total as f64;
        mean += share * value;
        grads.accumulate(if batches.len() == 1 { loss } else { loss * share }.backward());
    }
    Ok((grads, mean))
}
