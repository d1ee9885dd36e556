//! Weights averaged over the steps of a training [course: F6].

use std::collections::BTreeMap;

use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::Module;
use crate::optim::{State, Step, Update, step_all};

/// A mean of a model's weights on the way: PyTorch's `AveragedModel`. Floating tensors, the running statistics of norms
/// too, are averaged; whole numbers, as a count of batches, are those of the model.
///
/// The [`Trainer`](super::Trainer) has one by [`ema`](super::Trainer::ema) or [`swa`](super::Trainer::swa). In a loop of
/// one's own:
///
/// ```
/// use versant::prelude::*;
/// use versant::train::WeightAverage;
/// let mut model = Linear::from_parts(Tensor::zeros([1, 1]).requires_grad(), None);
/// let mut sgd = Sgd::new(1.0);
/// let mut average = WeightAverage::ema(0.75);
/// for step in 0..3 {
///     let loss = -model.forward(&Tensor::ones([1, 1]), &mut Context::train(0, step)).sum();
///     sgd.step(&mut model, &loss.backward());
///     average.update(&model);
/// }
/// assert_eq!(model.weight().item::<f32>(), 3.0);
/// average.swap(&mut model);
/// assert_eq!(model.weight().item::<f32>(), 0.75 * (0.75 * 1.0 + 0.25 * 2.0) + 0.25 * 3.0);
/// average.swap(&mut model);
/// ```
pub struct WeightAverage {
    decay: Option<f64>,
    count: u64,
    values: BTreeMap<String, Array>,
}

impl WeightAverage {
    /// The exponential moving average: mean = decay mean + (1 - decay) weights, after the first update the weights. A
    /// decay of 0.999 looks back about a thousand updates; for a short training choose a smaller one.
    ///
    /// # Panics
    /// Unless the decay is from 0 to below 1.
    #[track_caller]
    pub fn ema(decay: f64) -> WeightAverage {
        assert!((0.0..1.0).contains(&decay), "ema: the decay is {decay}; it must be from 0 to below 1");
        WeightAverage { decay: Some(decay), count: 0, values: BTreeMap::new() }
    }

    /// The plain mean of all updates (stochastic weight averaging, Izmailov et al. 2018).
    pub fn swa() -> WeightAverage {
        WeightAverage { decay: None, count: 0, values: BTreeMap::new() }
    }

    /// Updates so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes the model's weights into the mean.
    pub fn update(&mut self, model: &dyn Module) {
        let weight = self.decay.map_or(1.0 / (self.count + 1) as f64, |decay| 1.0 - decay);
        let mut means: BTreeMap<&str, &mut Array> =
            self.values.iter_mut().map(|(n, v)| (n.as_str(), v)).collect();
        let (mut steps, mut new) = (Vec::new(), Vec::new());
        model.for_each(&mut |name, tensor| {
            let array = tensor.array();
            match means.remove(name) {
                Some(param) if array.dtype().is_float() => {
                    let (update, grad) = (Update::Lerp { weight }, array.contiguous());
                    steps.push(Step { update, param, grad, kept: &mut [] });
                }
                Some(mean) => *mean = array.clone(),
                None => new.push((name.to_string(), array.clone())),
            }
        });
        step_all(steps);
        self.values.extend(new);
        self.count += 1;
    }

    /// Exchanges the mean and the model's weights, to evaluate and to save it; the same call again takes it back. Before
    /// the first update nothing happens.
    pub fn swap(&mut self, model: &mut dyn Module) {
        model.for_each_mut(&mut |name, tensor| {
            if let Some(value) = self.values.get_mut(name) {
                std::mem::swap(value, tensor.array_mut());
            }
        });
    }

    /// The number of updates and the weights that are not in the model: the mean, or after a swap those being trained.
    pub fn state(&self) -> State {
        let values = self.values.iter().map(|(name, array)| (format!("values.{name}"), array.clone()));
        values.chain([("count".to_string(), Array::from_slice(&[self.count as i64], ()))]).collect()
    }

    /// Takes back what [`state`](WeightAverage::state) gave.
    ///
    /// # Errors
    /// When it belongs to another model.
    pub fn load_state(&mut self, state: &State, model: &dyn Module) -> Result<()> {
        let count = state.get("count").filter(|a| a.numel() == 1 && a.dtype() == DType::I64);
        let Some(count) = count.and_then(|a| u64::try_from(a.item::<i64>()).ok()) else {
            return Err(Error::Checkpoint(
                "the checkpoint has no average of weights: resume with the settings of the run".into(),
            ));
        };
        let values = match count {
            0 => BTreeMap::new(),
            _ => fitting(state, "values.", model, "the average of weights")?,
        };
        (self.count, self.values) = (count, values);
        Ok(())
    }
}

/// One array for each of a model's tensors, from those of a state whose names begin so.
pub(super) fn fitting(
    state: &State,
    prefix: &str,
    model: &dyn Module,
    what: &str,
) -> Result<BTreeMap<String, Array>> {
    let mut values = model.state_dict();
    for (name, value) in &mut values {
        let fits = |a: &&Array| a.shape() == value.shape() && a.dtype() == value.dtype();
        let Some(found) = state.get(&format!("{prefix}{name}")).filter(fits) else {
            let (dtype, shape) = (value.dtype(), value.shape());
            return Err(Error::Checkpoint(format!(
                "{what} of the checkpoint: there is no {name} of {dtype} {shape}; it belongs to another model"
            )));
        };
        *value = found.to(value.device());
    }
    Ok(values)
}
