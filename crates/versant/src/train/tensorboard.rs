//! A run as [TensorBoard](https://www.tensorflow.org/tensorboard) shows it: `tensorboard --logdir runs`.

mod events;
mod histogram;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use events::EventWriter;

use super::callback::{Callback, Flow, Start};
use super::objective::LossFn;
use super::record::{EpochRecord, StepRecord};
use crate::data::Batch;
use crate::error::{Error, Result};
use crate::nn::{Context, Layer};
use crate::tensor::Tensor;

/// A point of a curve every so many steps: a picture's width of points, and no cost that shows.
const EVERY: u64 = 10;

/// Writes what a [`Trainer`](super::Trainer) tells into an event file of TensorBoard:
///
/// - every tenth step `loss/step` and `lr`;
/// - every epoch `loss/train`, `loss/test`, `accuracy/train`, `accuracy/test`, a histogram of each parameter
///   (`parameters/fc1.weight`) and, after [`gradients_of`](TensorBoard::gradients_of), of its gradient
///   (`gradients/fc1.weight`).
///
/// All of it stands at the number of steps done. Images and texts go to the [`writer`](TensorBoard::writer). A run that
/// is resumed gets a file of its own; what older files hold of its first step and later ones is then void.
///
/// The times of the events are the only thing in the file that two equal runs do not have in common.
///
/// ```
/// # use versant::prelude::*;
/// # use versant::data::{Loader, ImageData, Part, digits};
/// # use versant::train::{Objective, TensorBoard, Trainer};
/// # let folder = tempfile::tempdir().unwrap();
/// # let data = |part| ImageData::new(digits(128, part)).normalize(0.13, 0.31);
/// # let (train, test) = (Loader::new(data(Part::Train), 64), Loader::new(data(Part::Test), 128));
/// # let mut model = Sequential::new().push(nn::Flatten).push(Linear::new(784, 10, &mut Rng::new(1)));
/// # let mut optimizer = Sgd::new(0.05);
/// let mut tensorboard = TensorBoard::new(folder.path())?;
/// let mut trainer =
///     Trainer::new(&mut model, &mut optimizer, Objective::classification(0.0)).callback(&mut tensorboard);
/// trainer.fit(&train, &test)?;
/// drop(trainer);
/// tensorboard.finish()?;
/// # Ok::<(), versant::Error>(())
/// ```
pub struct TensorBoard {
    writer: EventWriter,
    every: u64,
    probe: Option<Probe>,
    error: Option<Error>,
}

/// A batch whose loss is differentiated once an epoch.
struct Probe {
    batch: Batch,
    loss: LossFn,
}

impl TensorBoard {
    /// Begins an event file in a run's folder.
    ///
    /// # Errors
    /// When the folder is missing or cannot be written.
    pub fn new(run: impl AsRef<Path>) -> Result<TensorBoard> {
        let writer = EventWriter::create(run)?;
        Ok(TensorBoard { writer, every: EVERY, probe: None, error: None })
    }

    /// Notes each step whose number `steps` divides, instead of every tenth.
    ///
    /// # Panics
    /// When `steps` is 0.
    #[track_caller]
    pub fn every(mut self, steps: u64) -> TensorBoard {
        assert!(steps > 0, "TensorBoard: every 0 steps is never; 1 is every step");
        self.every = steps;
        self
    }

    /// Notes once an epoch the gradients of this batch's loss, with the model in evaluation.
    pub fn gradients_of(
        mut self,
        batch: Batch,
        loss: impl Fn(&Tensor, &Tensor) -> Tensor + 'static,
    ) -> TensorBoard {
        self.probe = Some(Probe { batch, loss: Box::new(loss) });
        self
    }

    /// For images, texts, and whatever else belongs into the file.
    pub fn writer(&mut self) -> &mut EventWriter {
        &mut self.writer
    }

    /// Writes something more, unless writing has failed before; [`finish`](TensorBoard::finish) tells an error.
    pub fn attempt(&mut self, write: impl FnOnce(&mut EventWriter) -> Result<()>) {
        self.keep(|board| write(&mut board.writer));
    }

    /// Says whether all was written. A file that cannot be written does not stop the training: nothing more is then
    /// written, and the error is kept for here.
    ///
    /// # Errors
    /// The first that occurred.
    pub fn finish(self) -> Result<()> {
        self.error.map_or(Ok(()), Err)
    }

    /// Does something with the file, unless that has failed before.
    fn keep(&mut self, write: impl FnOnce(&mut TensorBoard) -> Result<()>) -> Flow {
        if self.error.is_none() {
            self.error = write(self).err();
        }
        Flow::Continue
    }

    fn step(&mut self, step: &StepRecord) -> Result<()> {
        if step.step.is_multiple_of(self.every) {
            self.writer.scalars(step.step, &[("loss/step", step.loss), ("lr", step.lr)])?;
        }
        Ok(())
    }

    fn epoch(&mut self, epoch: &EpochRecord, model: &dyn Layer) -> Result<()> {
        let mut scalars = vec![("loss/train", epoch.train_loss), ("loss/test", epoch.test_loss)];
        scalars.extend(epoch.train_accuracy.map(|accuracy| ("accuracy/train", accuracy)));
        scalars.extend(epoch.test_accuracy.map(|accuracy| ("accuracy/test", accuracy)));
        self.writer.scalars(epoch.step, &scalars)?;
        self.tensors(epoch.step, "parameters", model.named_parameters())?;
        if let Some(Probe { batch, loss }) = &self.probe {
            let output = model.forward(&batch.x, &mut Context::eval());
            let gradients = loss(&output, &batch.y).backward().of(model);
            self.tensors(epoch.step, "gradients", gradients)?;
        }
        Ok(())
    }

    fn tensors(&mut self, step: u64, what: &str, tensors: Vec<(String, Tensor)>) -> Result<()> {
        let tagged = tensors.iter().map(|(name, tensor)| (format!("{what}/{name}"), tensor.array()));
        self.writer.histograms(step, tagged)
    }
}

impl Callback for TensorBoard {
    fn on_start(&mut self, start: &Start, _model: &dyn Layer) -> Flow {
        self.keep(|board| board.writer.restart(start.step + 1))
    }

    fn on_step(&mut self, step: &StepRecord, _steps: usize) -> Flow {
        self.keep(|board| board.step(step))
    }

    fn on_epoch(&mut self, epoch: &EpochRecord, model: &dyn Layer) -> Flow {
        self.keep(|board| board.epoch(epoch, model))
    }
}
