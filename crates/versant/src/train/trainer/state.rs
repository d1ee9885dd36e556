//! What a trainer saves and takes back.

use std::time::Instant;

use super::Trainer;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::optim::State;
use crate::train::checkpoint::{Checkpoint, save_last};
use crate::train::finite::parameters_are_finite;

/// Whose is what in a checkpoint's `extra`.
pub(super) const AVERAGE: &str = "average.";
const SCHEDULE: &str = "schedule";

/// The arrays whose names begin so, without that beginning.
pub(super) fn part(state: &State, prefix: &str) -> State {
    let own =
        |(name, array): (&String, &Array)| Some((name.strip_prefix(prefix)?.to_string(), array.clone()));
    state.iter().filter_map(own).collect()
}

impl Trainer<'_> {
    /// Hands out what a checkpoint held.
    pub(super) fn restore(&mut self) -> Result<()> {
        let Some(state) = self.resumed.take() else { return Ok(()) };
        let average = part(&state, AVERAGE);
        match &mut self.average {
            Some(own) => {
                own.weights.load_state(&average, self.model)?;
                own.in_model = own.weights.count() > 0;
            }
            None if !average.is_empty() => {
                return Err(Error::Checkpoint(
                    "the checkpoint holds an average of weights: resume with the settings of the run".into(),
                ));
            }
            None => {}
        }
        if let Some(rates) = &mut self.rates {
            let numbers = state.get(SCHEDULE).filter(|a| a.dtype() == DType::F64);
            rates.schedule.load_state(&numbers.map(Array::to_vec::<f64>).unwrap_or_default())?;
        }
        let model = &*self.model;
        self.callbacks.iter_mut().try_for_each(|callback| callback.load_state(&state, model))
    }

    /// Puts the average into the model, or the weights that are trained; nothing if they are there already.
    pub(super) fn exchange(&mut self, average: bool) {
        if let Some(own) = self.average.as_mut().filter(|own| own.in_model != average) {
            own.weights.swap(self.model);
            own.in_model = average;
        }
    }

    /// Saves the average where there is one as the weights, and beside it the weights that are trained.
    pub(super) fn save_last(&mut self) -> Result<()> {
        let Some(run) = self.run.as_ref().map(|(run, _)| *run) else { return Ok(()) };
        parameters_are_finite(self.model, self.progress.step)?;
        let was = self.average.as_ref().is_some_and(|average| average.in_model);
        self.exchange(true);
        let checkpoint = Checkpoint {
            weights: self.model.state_dict(),
            optimizer: self.optimizer.state(),
            extra: self.extra(),
            progress: self.progress.clone(),
        };
        self.exchange(was);
        self.last_save = Instant::now();
        save_last(run.checkpoints(), &checkpoint)
    }

    /// What average, schedule and callbacks remember.
    fn extra(&self) -> State {
        let mut extra: State = self.callbacks.iter().flat_map(|callback| callback.state()).collect();
        if let Some(average) = &self.average {
            let values = average.weights.state().into_iter();
            extra.extend(values.map(|(name, array)| (format!("{AVERAGE}{name}"), array)));
        }
        if let Some(rates) = &self.rates {
            let numbers = rates.schedule.state();
            if !numbers.is_empty() {
                extra.insert(SCHEDULE.into(), Array::from_slice(&numbers, [numbers.len()]));
            }
        }
        extra
    }
}
