//! The training loop: steps, epochs, evaluation, checkpoints, the log. A user who wants his own loop writes one in
//! ten lines (see the example `04_mnist`) and needs nothing from here.

mod state;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::average::WeightAverage;
use super::callback::{Callback, Flow, Outcome, Start};
use super::checkpoint::{Checkpoint, Progress, Running, save_best};
use super::finite::parameters_are_finite;
use super::metrics_log::MetricsLog;
use super::objective::{Objective, evaluate};
use super::record::{EpochRecord, Record, StepRecord, epochs_of};
use super::run::RunDir;
use super::step::gradients;
use crate::autograd::Gradients;
use crate::data::{Batch, Loader};
use crate::error::{Error, Result};
use crate::nn::Layer;
use crate::optim::schedule::Schedule;
use crate::optim::{Optimizer, State};

/// A long epoch is saved about this often, so that little is lost to a crash.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// What a schedule counts.
#[derive(Clone, Copy)]
enum Per {
    Step,
    Epoch,
}

/// A schedule, what it counts, and the learning rate that the optimiser came with.
struct Rates {
    schedule: Box<dyn Schedule>,
    per: Per,
    base: f64,
}

/// An average of weights, when it is updated, and whether it is in the model now.
struct Average {
    weights: WeightAverage,
    /// At the end of each epoch once so many are done; `None` after each step.
    from_epoch: Option<u32>,
    in_model: bool,
}

/// Trains a model.
///
/// ```
/// use versant::prelude::*;
/// use versant::data::{Loader, ImageData, Part, digits};
/// use versant::optim::schedule::OneCycle;
/// use versant::train::{EarlyStopping, Objective, Trainer};
/// let data = |part, n| ImageData::new(digits(n, part)).normalize(0.13, 0.31);
/// let (train, test) = (Loader::new(data(Part::Train, 640), 64).shuffle(1), Loader::new(data(Part::Test, 100), 100));
/// let mut rng = Rng::new(1);
/// let mut model = Sequential::new().push(nn::Flatten).push(Linear::new(784, 10, &mut rng));
/// let (mut optimizer, mut stopping) = (Sgd::new(0.05).momentum(0.9), EarlyStopping::new(5));
/// let mut trainer = Trainer::new(&mut model, &mut optimizer, Objective::classification(0.0))
///     .epochs(2)
///     .seed(1)
///     .schedule(OneCycle::new(0.1))
///     .clip_norm(1.0)
///     .ema(0.5)
///     .callback(&mut stopping);
/// trainer.fit(&train, &test)?;
/// assert!(trainer.history()[1].train_loss < trainer.history()[0].train_loss);
/// # Ok::<(), versant::Error>(())
/// ```
pub struct Trainer<'a> {
    model: &'a mut dyn Layer,
    optimizer: &'a mut dyn Optimizer,
    objective: Objective,
    epochs: u32,
    parts: usize,
    rates: Option<Rates>,
    clip_norm: Option<f64>,
    clip_value: Option<f64>,
    average: Option<Average>,
    run: Option<(&'a RunDir, Option<MetricsLog>)>,
    callbacks: Vec<&'a mut dyn Callback>,
    progress: Progress,
    /// What a checkpoint held for schedule, average and callbacks, until `fit` hands it to them.
    resumed: Option<State>,
    history: Vec<EpochRecord>,
    last_save: Instant,
}

impl<'a> Trainer<'a> {
    /// One epoch, seed 0, no files.
    pub fn new(
        model: &'a mut dyn Layer,
        optimizer: &'a mut dyn Optimizer,
        objective: Objective,
    ) -> Trainer<'a> {
        Trainer {
            model,
            optimizer,
            objective,
            epochs: 1,
            parts: 1,
            rates: None,
            clip_norm: None,
            clip_value: None,
            average: None,
            run: None,
            callbacks: Vec::new(),
            progress: Progress::default(),
            resumed: None,
            history: Vec::new(),
            last_save: Instant::now(),
        }
    }

    /// How many epochs to train in all, those before a resume included.
    pub fn epochs(mut self, epochs: u32) -> Self {
        self.epochs = epochs;
        self
    }

    /// The seed of what is random within a step.
    pub fn seed(mut self, seed: u64) -> Self {
        self.progress.seed = seed;
        self
    }

    /// Sets the learning rate before each step, by the number of steps done of all that there will be.
    ///
    /// # Panics
    /// If the schedule cycles the momentum and the optimiser has none.
    #[track_caller]
    pub fn schedule(self, schedule: impl Schedule + 'static) -> Self {
        self.rates(schedule, Per::Step)
    }

    /// The same by the number of epochs: the rate is constant within each.
    ///
    /// # Panics
    /// As [`schedule`](Trainer::schedule).
    #[track_caller]
    pub fn schedule_per_epoch(self, schedule: impl Schedule + 'static) -> Self {
        self.rates(schedule, Per::Epoch)
    }

    #[track_caller]
    fn rates(mut self, schedule: impl Schedule + 'static, per: Per) -> Self {
        assert!(
            schedule.momentum(0, 1).is_none() || self.optimizer.momentum_mut().is_some(),
            "schedule: it cycles the momentum, and the optimizer has none; give it one, or leave it out of the schedule"
        );
        self.rates = Some(Rates { schedule: Box::new(schedule), per, base: self.optimizer.lr() });
        self
    }

    /// Limits the norm of all gradients together, before each step: [`Gradients::clip_norm`].
    ///
    /// # Panics
    /// Unless it is above 0.
    #[track_caller]
    pub fn clip_norm(mut self, max_norm: f64) -> Self {
        assert!(max_norm > 0.0, "clip_norm: the norm cannot be at most {max_norm}; it must be above 0");
        self.clip_norm = Some(max_norm);
        self
    }

    /// Limits each element of the gradients, before each step: [`Gradients::clip_value`].
    ///
    /// # Panics
    /// Unless it is above 0.
    #[track_caller]
    pub fn clip_value(mut self, max: f64) -> Self {
        assert!(max > 0.0, "clip_value: no value is at most {max} in magnitude; it must be above 0");
        self.clip_value = Some(max);
        self
    }

    /// Takes so many batches for one step: the gradient is that of one large batch (for a loss that is a mean over
    /// samples), the memory that of a small one. The last step of an epoch takes what is left.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn accumulate(mut self, batches: usize) -> Self {
        assert!(batches > 0, "accumulate: a step of 0 batches has no gradient");
        self.parts = batches;
        self
    }

    /// Averages the weights exponentially, after each step: [`WeightAverage::ema`]. The mean is what is evaluated, saved
    /// as weights, shown to callbacks, and in the model at the end.
    ///
    /// # Panics
    /// Unless the decay is from 0 to below 1.
    #[track_caller]
    pub fn ema(self, decay: f64) -> Self {
        self.averaging(WeightAverage::ema(decay), None)
    }

    /// Averages the weights at the ends of the epochs once so many are done: [`WeightAverage::swa`]. The mean is used
    /// as that of [`ema`](Trainer::ema).
    pub fn swa(self, from_epoch: u32) -> Self {
        self.averaging(WeightAverage::swa(), Some(from_epoch))
    }

    fn averaging(mut self, weights: WeightAverage, from_epoch: Option<u32>) -> Self {
        self.average = Some(Average { weights, from_epoch, in_model: false });
        self
    }

    /// Keeps log and checkpoints in a run directory.
    pub fn record_in(mut self, run: &'a RunDir) -> Self {
        self.run = Some((run, None));
        self
    }

    /// Tells `callback` what happens.
    pub fn callback(mut self, callback: &'a mut dyn Callback) -> Self {
        self.callbacks.push(callback);
        self
    }

    /// Goes on from a checkpoint, as if it had never stopped.
    ///
    /// # Errors
    /// When the checkpoint belongs to another model, optimiser or seed. What belongs to schedule, average and callbacks
    /// is looked at by [`fit`](Trainer::fit).
    pub fn resume(mut self, checkpoint: Checkpoint) -> Result<Self> {
        if checkpoint.progress.seed != self.progress.seed {
            return Err(Error::Checkpoint(format!(
                "the checkpoint was trained with seed {}, not {}",
                checkpoint.progress.seed, self.progress.seed
            )));
        }
        self.model.load_state_dict(&checkpoint.weights)?;
        self.optimizer.load_state(checkpoint.optimizer, self.model)?;
        self.progress = checkpoint.progress;
        self.resumed = Some(checkpoint.extra);
        Ok(self)
    }

    /// The epochs done.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// Trains until all epochs are done or a callback ends it.
    ///
    /// # Errors
    /// When a loss is not finite (the message names the step and the first tensor at fault), a file cannot be
    /// written, or a checkpoint was made with other settings. The last good checkpoint stays.
    pub fn fit(&mut self, train: &Loader, test: &Loader) -> Result<Outcome> {
        self.last_save = Instant::now();
        self.restore()?;
        if let Some((run, log)) = &mut self.run {
            *log = Some(run.metrics(&self.progress)?);
            self.history = epochs_of(run.path())?;
        }
        self.exchange(false);
        let flow = self.run_epochs(train, test)?;
        let outcome = if flow == Flow::Stop { Outcome::Stopped } else { Outcome::Finished };
        self.exchange(true);
        for callback in &mut self.callbacks {
            callback.on_end(outcome, self.model);
        }
        // Callbacks may have put other weights into the model.
        if outcome == Outcome::Finished && self.progress.step > 0 {
            self.save_last()?;
        }
        Ok(outcome)
    }

    fn run_epochs(&mut self, train: &Loader, test: &Loader) -> Result<Flow> {
        let (epochs, steps) = (self.epochs, train.batches().div_ceil(self.parts));
        let Progress { step, epoch, .. } = self.progress;
        let start = Start { run: self.run.as_ref().map(|(run, _)| run.path()), step, epoch, epochs, steps };
        let mut flow = Flow::Continue;
        for callback in &mut self.callbacks {
            flow = flow.max(callback.on_start(&start, self.model));
        }
        while flow == Flow::Continue && self.progress.epoch < epochs {
            let start = Instant::now();
            flow = self.train_epoch(train, steps)?;
            if flow != Flow::Continue {
                self.save_last()?;
                return Ok(flow);
            }
            self.exchange(true);
            let record = self.finish_epoch(test, start)?;
            flow = self.tell(|c, model| c.on_epoch(&record, model));
            self.save_last()?;
            self.exchange(false);
        }
        // Whoever stops after the last epoch stops nothing.
        Ok(if self.progress.epoch < epochs { flow } else { Flow::Finish })
    }

    /// The steps that this epoch still lacks.
    fn train_epoch(&mut self, train: &Loader, steps: usize) -> Result<Flow> {
        // A resumed epoch may lack no step but its record, in which the rate of the last one stands.
        if self.progress.batch > 0 {
            self.set_rates(self.progress.step - 1, steps);
        }
        let mut batches = train.epoch_from(self.progress.epoch, self.progress.batch as usize);
        loop {
            let some: Vec<Batch> = batches.by_ref().take(self.parts).collect();
            if some.is_empty() {
                break;
            }
            self.set_rates(self.progress.step, steps);
            let record = self.step(&some)?;
            self.log(Record::Step(record.clone()))?;
            let flow = self.tell(|c, _| c.on_step(&record, steps));
            if flow != Flow::Continue {
                return Ok(flow);
            }
            if self.last_save.elapsed() > SAVE_EVERY {
                self.save_last()?;
            }
        }
        if let Some(Average { weights, from_epoch: Some(first), .. }) = &mut self.average
            && self.progress.epoch >= *first
        {
            weights.update(self.model);
        }
        Ok(Flow::Continue)
    }

    /// Learning rate and momentum of a step of this epoch.
    fn set_rates(&mut self, step: u64, steps: usize) {
        let Some(Rates { schedule, per, base }) = &self.rates else { return };
        let epochs = self.epochs as u64;
        let (t, total) = match per {
            Per::Step => (step, epochs * steps as u64),
            Per::Epoch => (self.progress.epoch as u64, epochs),
        };
        self.optimizer.set_lr(schedule.lr(*base, t, total));
        if let (Some(momentum), Some(slot)) = (schedule.momentum(t, total), self.optimizer.momentum_mut()) {
            *slot = momentum;
        }
    }

    fn step(&mut self, batches: &[Batch]) -> Result<StepRecord> {
        let Progress { seed, step, .. } = self.progress;
        let sums = &mut self.progress.running;
        let (mut grads, loss) =
            gradients(self.model, &self.objective, batches, (seed, step), self.parts as u64, sums)?;
        self.clip(&mut grads)?;
        self.optimizer.step(self.model, &grads);
        if let Some(Average { weights, from_epoch: None, .. }) = &mut self.average {
            weights.update(self.model);
        }
        self.progress.step += 1;
        self.progress.batch += batches.len() as u32;
        let lr = self.optimizer.lr();
        Ok(StepRecord { step: self.progress.step, epoch: self.progress.epoch + 1, lr, loss })
    }

    fn clip(&self, grads: &mut Gradients) -> Result<()> {
        if let Some(max) = self.clip_value {
            grads.clip_value(max);
        }
        let norm = self.clip_norm.map(|max| grads.clip_norm(max));
        match norm.filter(|norm| !norm.is_finite()) {
            None => Ok(()),
            Some(norm) => Err(Error::NotFinite(format!(
                "step {}: the norm of the gradients is {norm}, though the loss is finite. A smaller learning rate \
                 often helps; what was saved before is kept",
                self.progress.step + 1
            ))),
        }
    }

    /// Evaluates and logs the epoch whose steps are all done, and saves it if it is the best.
    fn finish_epoch(&mut self, test: &Loader, start: Instant) -> Result<EpochRecord> {
        parameters_are_finite(self.model, self.progress.step)?;
        let trained = std::mem::take(&mut self.progress.running);
        let tested = evaluate(self.model, test, &self.objective);
        let loss = |sums: &Running| sums.mean("loss").unwrap_or(f64::NAN);
        let record = EpochRecord {
            step: self.progress.step,
            epoch: self.progress.epoch + 1,
            lr: self.optimizer.lr(),
            train_loss: loss(&trained),
            train_accuracy: trained.mean("correct"),
            test_loss: loss(&tested),
            test_accuracy: tested.mean("correct"),
            seconds: start.elapsed().as_secs_f64(),
        };
        // Greater is better: accuracy, or for a model without one the loss, negated.
        let score = record.test_accuracy.unwrap_or(-record.test_loss);
        let is_best = self.progress.best.is_none_or(|best| score > best);
        self.progress.epoch += 1;
        self.progress.batch = 0;
        self.log(Record::Epoch(record.clone()))?;
        if let Some(rates) = &mut self.rates {
            rates.schedule.observe(&record);
        }
        if is_best {
            self.progress.best = Some(score);
            if let Some((run, _)) = &self.run {
                let metadata = BTreeMap::from([("epoch".into(), record.epoch.to_string())]);
                save_best(run.checkpoints(), &self.model.state_dict(), &metadata)?;
            }
        }
        self.history.push(record.clone());
        Ok(record)
    }

    fn log(&mut self, record: Record) -> Result<()> {
        match &mut self.run {
            Some((_, Some(log))) => log.append(&record),
            _ => Ok(()),
        }
    }

    fn tell(&mut self, mut event: impl FnMut(&mut dyn Callback, &dyn Layer) -> Flow) -> Flow {
        let model = &*self.model;
        let flows = self.callbacks.iter_mut().map(|c| event(*c, model));
        flows.fold(Flow::Continue, Flow::max)
    }
}

#[cfg(test)]
mod tests;
