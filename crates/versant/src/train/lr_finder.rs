//! Looking for a learning rate.

use super::checkpoint::Running;
use super::objective::Objective;
use super::step::gradients;
use crate::data::Loader;
use crate::error::{Error, Result};
use crate::nn::Layer;
use crate::optim::Optimizer;

/// The learning-rate range test (Smith 2017, *Cyclical Learning Rates*) [course: F6]: the rate grows from tiny to huge,
/// a step at a time, and the loss tells where it learns and where it breaks.
///
/// ```
/// use versant::prelude::*;
/// use versant::data::{Loader, ImageData, Part, digits};
/// use versant::train::{LrFinder, Objective};
/// let data = Loader::new(ImageData::new(digits(640, Part::Train)).normalize(0.13, 0.31), 64).shuffle(1);
/// let mut rng = Rng::new(1);
/// let mut model = Sequential::new().push(nn::Flatten).push(Linear::new(784, 10, &mut rng));
/// let mut sgd = Sgd::new(0.1);
/// let curve = LrFinder::new().steps(40).run(&mut model, &mut sgd, &Objective::classification(0.0), &data, &mut |_, _| {})?;
/// let lr = curve.steepest().expect("the loss sinks somewhere");
/// assert!((1e-4..10.0).contains(&lr), "{lr}");
/// # Ok::<(), versant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LrFinder {
    low: f64,
    high: f64,
    steps: usize,
    smoothing: f64,
    seed: u64,
}

/// A finder's measurements, up to where the loss broke: plain numbers, one a step.
#[derive(Clone, Debug, PartialEq)]
pub struct LrCurve {
    /// The learning rates.
    pub rates: Vec<f64>,
    /// The loss of each step, before its update.
    pub losses: Vec<f64>,
    /// The losses, smoothed.
    pub smoothed: Vec<f64>,
}

/// The loss broke when it is so many times the lowest.
const BROKEN: f64 = 4.0;

impl LrFinder {
    /// A hundred steps from 1e-7 to 10.
    pub fn new() -> LrFinder {
        LrFinder { low: 1e-7, high: 10.0, steps: 100, smoothing: 0.9, seed: 0 }
    }

    /// Other rates.
    ///
    /// # Panics
    /// Unless 0 < low < high, finite.
    #[track_caller]
    pub fn range(mut self, low: f64, high: f64) -> LrFinder {
        assert!(
            low > 0.0 && low < high && high.is_finite(),
            "LrFinder: the rates go from {low} to {high}; they must be above 0 and grow"
        );
        (self.low, self.high) = (low, high);
        self
    }

    /// More or fewer steps.
    ///
    /// # Panics
    /// If there are fewer than 2.
    #[track_caller]
    pub fn steps(mut self, steps: usize) -> LrFinder {
        assert!(steps >= 2, "LrFinder: {steps} steps make no curve; at least 2 do");
        self.steps = steps;
        self
    }

    /// The share of the past in the smoothed loss, 0.9 if nothing is said.
    ///
    /// # Panics
    /// Unless it is from 0 to below 1.
    #[track_caller]
    pub fn smoothing(mut self, share: f64) -> LrFinder {
        assert!((0.0..1.0).contains(&share), "LrFinder: smoothing is {share}; it must be from 0 to below 1");
        self.smoothing = share;
        self
    }

    /// Of what is random within a step.
    pub fn seed(mut self, seed: u64) -> LrFinder {
        self.seed = seed;
        self
    }

    /// Trains for the curve, and tells `progress` how many steps of how many are done. Model and optimiser are afterwards as
    /// they were before.
    ///
    /// # Errors
    /// When the first loss is not finite already, or the loader has no batches.
    pub fn run(
        &self,
        model: &mut dyn Layer,
        optimizer: &mut dyn Optimizer,
        objective: &Objective,
        train: &Loader,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<LrCurve> {
        let (weights, state, lr) = (model.state_dict(), optimizer.state(), optimizer.lr());
        let curve = self.measure(model, optimizer, objective, train, progress);
        model.load_state_dict(&weights)?;
        optimizer.load_state(state, model)?;
        optimizer.set_lr(lr);
        curve
    }

    fn measure(
        &self,
        model: &mut dyn Layer,
        optimizer: &mut dyn Optimizer,
        objective: &Objective,
        train: &Loader,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<LrCurve> {
        if train.batches() == 0 {
            return Err(Error::Data("LrFinder: the loader has no batches".into()));
        }
        let mut curve = LrCurve { rates: Vec::new(), losses: Vec::new(), smoothed: Vec::new() };
        let (mut mean, mut lowest) = (0.0, f64::INFINITY);
        let batches = (0..).flat_map(|epoch| train.epoch(epoch));
        for (step, batch) in batches.take(self.steps).enumerate() {
            let lr = self.low * (self.high / self.low).powf(step as f64 / (self.steps - 1) as f64);
            let found =
                gradients(model, objective, &[batch], (self.seed, step as u64), 1, &mut Running::default());
            // The first loss has seen no update: it is the model's own fault. Later ones are the end of the curve.
            let (grads, loss) = match found {
                Err(_) if step > 0 => break,
                found => found?,
            };
            mean = self.smoothing * mean + (1.0 - self.smoothing) * loss;
            let smoothed = mean / (1.0 - self.smoothing.powi(step as i32 + 1));
            lowest = smoothed.min(lowest);
            curve.rates.push(lr);
            curve.losses.push(loss);
            curve.smoothed.push(smoothed);
            if smoothed > BROKEN * lowest.abs() {
                break;
            }
            optimizer.set_lr(lr);
            optimizer.step(model, &grads);
            progress(step + 1, self.steps);
        }
        // A curve that broke needs no further steps.
        progress(self.steps, self.steps);
        Ok(curve)
    }
}

impl Default for LrFinder {
    fn default() -> LrFinder {
        LrFinder::new()
    }
}

impl LrCurve {
    /// The rate at which the smoothed loss sinks fastest over the logarithm of the rate, before it is at its lowest: a good
    /// choice for most. (Behind the lowest it sinks only to recover from a jump.) None if it sinks nowhere.
    pub fn steepest(&self) -> Option<f64> {
        let slope = |i: usize| {
            let (before, after) = (i - 1, i + 1);
            let width = (self.rates[after] / self.rates[before]).ln();
            (self.smoothed[after] - self.smoothed[before]) / width
        };
        let inner = 1..(self.lowest()? + 1).min(self.rates.len() - 1);
        let steepest = inner.map(|i| (slope(i), self.rates[i])).min_by(|a, b| a.0.total_cmp(&b.0));
        steepest.filter(|&(slope, _)| slope < 0.0).map(|(_, lr)| lr)
    }

    /// A tenth of the rate with the lowest smoothed loss: a careful choice. None if the curve is empty.
    pub fn tenth_of_lowest(&self) -> Option<f64> {
        self.lowest().map(|i| self.rates[i] / 10.0)
    }

    /// Where the smoothed loss is lowest, first.
    fn lowest(&self) -> Option<usize> {
        (0..self.smoothed.len()).min_by(|&a, &b| self.smoothed[a].total_cmp(&self.smoothed[b]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(smoothed: &[f64]) -> LrCurve {
        let rates = (0..smoothed.len()).map(|i| 10f64.powi(i as i32 - 4)).collect();
        LrCurve { rates, losses: smoothed.to_vec(), smoothed: smoothed.to_vec() }
    }

    #[test]
    fn a_recovery_from_a_jump_is_no_good_rate() {
        let found = curve(&[2.3, 2.0, 1.7, 1.65, 9.0, 2.0, 9.0]);
        assert_eq!((found.steepest(), found.tenth_of_lowest()), (Some(1e-3), Some(1e-2)));
    }

    #[test]
    fn curves_that_sink_nowhere() {
        assert_eq!(curve(&[2.0, 2.1, 2.2]).steepest(), None);
        assert_eq!(curve(&[2.0]).steepest(), None);
        assert_eq!(curve(&[]).tenth_of_lowest(), None);
        assert_eq!(curve(&[3.0, 2.0, 1.0]).steepest(), Some(1e-3));
    }
}
