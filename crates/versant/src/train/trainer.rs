//! The training loop: steps, epochs, evaluation, checkpoints, the log. A user who wants his own loop writes one in
//! ten lines (see the example `04_mnist`) and needs nothing from here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::checkpoint::{Checkpoint, Progress, Running, save_best, save_last};
use super::finite::{first_not_finite, parameters_are_finite};
use super::metrics_log::MetricsLog;
use super::objective::{Objective, evaluate, loss_value, note};
use super::record::{EpochRecord, Record, StepRecord, epochs_of};
use super::run::RunDir;
use crate::data::{Batch, Loader};
use crate::error::{Error, Result};
use crate::nn::{Context, Layer};
use crate::optim::Optimizer;

/// A long epoch is saved about this often, so that little is lost to a crash.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Finish this step, save, and stop.
    Stop,
}

/// Is told what happens: draws a progress bar, stops early, listens for Ctrl-C.
pub trait Callback {
    /// After each step. `batches` is the number of steps in an epoch.
    fn on_step(&mut self, _step: &StepRecord, _batches: usize) -> Flow {
        Flow::Continue
    }

    /// After each epoch, with the model as it is then.
    fn on_epoch(&mut self, _epoch: &EpochRecord, _model: &dyn Layer) -> Flow {
        Flow::Continue
    }
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// A callback stopped it; what is done is saved.
    Stopped,
}

/// Trains a model.
///
/// ```
/// use versant::prelude::*;
/// use versant::data::{Loader, ImageData, Part, digits};
/// use versant::train::{Objective, Trainer};
/// let data = |part, n| ImageData::new(digits(n, part)).normalize(0.13, 0.31);
/// let (train, test) = (Loader::new(data(Part::Train, 640), 64).shuffle(1), Loader::new(data(Part::Test, 100), 100));
/// let mut rng = Rng::new(1);
/// let mut model = Sequential::new().push(nn::Flatten).push(Linear::new(784, 10, &mut rng));
/// let mut optimizer = Sgd::new(0.05);
/// let mut trainer = Trainer::new(&mut model, &mut optimizer, Objective::classification(0.0)).epochs(2).seed(1);
/// trainer.fit(&train, &test)?;
/// assert!(trainer.history()[1].train_loss < trainer.history()[0].train_loss);
/// # Ok::<(), versant::Error>(())
/// ```
pub struct Trainer<'a> {
    model: &'a mut dyn Layer,
    optimizer: &'a mut dyn Optimizer,
    objective: Objective,
    epochs: u32,
    run: Option<(&'a RunDir, Option<MetricsLog>)>,
    callbacks: Vec<&'a mut dyn Callback>,
    progress: Progress,
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
            run: None,
            callbacks: Vec::new(),
            progress: Progress::default(),
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
    /// When the checkpoint belongs to another model, optimiser or seed.
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
        Ok(self)
    }

    /// The epochs done.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// Trains until all epochs are done or a callback says stop.
    ///
    /// # Errors
    /// When a loss is not finite (the message names the step and the first tensor at fault), or a file cannot be
    /// written. The last good checkpoint stays.
    pub fn fit(&mut self, train: &Loader, test: &Loader) -> Result<Outcome> {
        self.last_save = Instant::now();
        if let Some((run, log)) = &mut self.run {
            *log = Some(run.metrics(&self.progress)?);
            self.history = epochs_of(run.path())?;
        }
        while self.progress.epoch < self.epochs {
            let start = Instant::now();
            if self.train_epoch(train)? == Flow::Stop {
                self.save_last()?;
                return Ok(Outcome::Stopped);
            }
            let record = self.finish_epoch(test, start)?;
            if self.tell(|c, model| c.on_epoch(&record, model)) == Flow::Stop {
                return Ok(if self.progress.epoch < self.epochs {
                    Outcome::Stopped
                } else {
                    Outcome::Finished
                });
            }
        }
        Ok(Outcome::Finished)
    }

    /// The steps that this epoch still lacks.
    fn train_epoch(&mut self, train: &Loader) -> Result<Flow> {
        for batch in train.epoch_from(self.progress.epoch, self.progress.batch as usize) {
            let record = self.step(&batch)?;
            self.log(Record::Step(record.clone()))?;
            if self.tell(|c, _| c.on_step(&record, train.batches())) == Flow::Stop {
                return Ok(Flow::Stop);
            }
            if self.last_save.elapsed() > SAVE_EVERY {
                self.save_last()?;
            }
        }
        Ok(Flow::Continue)
    }

    fn step(&mut self, batch: &Batch) -> Result<StepRecord> {
        let (seed, step) = (self.progress.seed, self.progress.step);
        let output = self.model.forward(&batch.x, &mut Context::train(seed, step));
        let loss = self.objective.loss(&output, &batch.y);
        let value = loss_value(&loss);
        if !value.is_finite() {
            let culprit = first_not_finite(self.model, &batch.x, Context::train(seed, step));
            return Err(Error::NotFinite(format!(
                "step {}: the loss is {value}; the first tensor that is not finite is {culprit}. A smaller learning \
                 rate often helps; what was saved before is kept",
                step + 1
            )));
        }
        let correct = self.objective.correct(&output, &batch.y);
        let grads = loss.backward();
        drop((output, loss));
        self.optimizer.step(self.model, &grads);
        let lr = self.optimizer.lr();
        note(&mut self.progress.running, value, correct, batch.x.shape()[0]);
        self.progress.step += 1;
        self.progress.batch += 1;
        Ok(StepRecord { step: self.progress.step, epoch: self.progress.epoch + 1, lr, loss: value })
    }

    /// Evaluates, logs and saves the epoch whose steps are all done.
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
        if is_best {
            self.progress.best = Some(score);
            if let Some((run, _)) = &self.run {
                let metadata = BTreeMap::from([("epoch".into(), record.epoch.to_string())]);
                save_best(run.checkpoints(), &self.model.state_dict(), &metadata)?;
            }
        }
        self.save_last()?;
        self.history.push(record.clone());
        Ok(record)
    }

    fn log(&mut self, record: Record) -> Result<()> {
        match &mut self.run {
            Some((_, Some(log))) => log.append(&record),
            _ => Ok(()),
        }
    }

    fn save_last(&mut self) -> Result<()> {
        let Some((run, _)) = &self.run else { return Ok(()) };
        parameters_are_finite(self.model, self.progress.step)?;
        let checkpoint = Checkpoint {
            weights: self.model.state_dict(),
            optimizer: self.optimizer.state(),
            progress: self.progress.clone(),
        };
        self.last_save = Instant::now();
        save_last(run.checkpoints(), &checkpoint)
    }

    fn tell(&mut self, mut event: impl FnMut(&mut dyn Callback, &dyn Layer) -> Flow) -> Flow {
        let model = &*self.model;
        let flows: Vec<Flow> = self.callbacks.iter_mut().map(|c| event(*c, model)).collect();
        if flows.contains(&Flow::Stop) { Flow::Stop } else { Flow::Continue }
    }
}
