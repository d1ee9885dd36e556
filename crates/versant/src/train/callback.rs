//! Who listens to a training, and may end it.

use std::path::Path;

use super::record::{EpochRecord, StepRecord};
use crate::error::Result;
use crate::nn::Layer;
use crate::optim::State;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// Go on.
    Continue,
    /// It is enough: save, and end as if all epochs were done.
    Finish,
    /// Finish this step, save, and stop; to be resumed.
    Stop,
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done, or a callback said that it is enough.
    Finished,
    /// A callback stopped it; what is done is saved.
    Stopped,
}

/// What is known when training begins, or goes on.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The run's folder, where there is one.
    pub run: Option<&'a Path>,
    /// Steps done before: 0 unless the run is resumed.
    pub step: u64,
    /// Epochs done before.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Steps of an epoch.
    pub steps: usize,
}

/// Is told what happens: draws a progress bar, writes a log, stops early, listens for Ctrl-C.
///
/// ```
/// use versant::prelude::*;
/// use versant::train::{Callback, EpochRecord, Flow};
/// /// Ends the training once a tenth is the loss.
/// struct GoodEnough;
/// impl Callback for GoodEnough {
///     fn on_epoch(&mut self, epoch: &EpochRecord, _: &dyn Layer) -> Flow {
///         if epoch.test_loss < 0.1 { Flow::Finish } else { Flow::Continue }
///     }
/// }
/// ```
pub trait Callback {
    /// Before the first step, when states are loaded.
    fn on_start(&mut self, _start: &Start, _model: &dyn Layer) -> Flow {
        Flow::Continue
    }

    /// After each step. `steps` is the number of steps in an epoch.
    fn on_step(&mut self, _step: &StepRecord, _steps: usize) -> Flow {
        Flow::Continue
    }

    /// After each epoch, with the model that was evaluated: where weights are averaged, their mean.
    fn on_epoch(&mut self, _epoch: &EpochRecord, _model: &dyn Layer) -> Flow {
        Flow::Continue
    }

    /// At the end, with the model that training hands over; it may still be changed. Not called after an error.
    fn on_end(&mut self, _outcome: Outcome, _model: &mut dyn Layer) {}

    /// What it remembers, for checkpoints; names begin with one's own: `early_stopping.best`.
    fn state(&self) -> State {
        State::new()
    }

    /// Before [`on_start`](Callback::on_start) of a resumed run: what all callbacks remembered; each takes its own.
    ///
    /// # Errors
    /// When its own is missing, or does not fit it or the model.
    fn load_state(&mut self, _state: &State, _model: &dyn Layer) -> Result<()> {
        Ok(())
    }
}
