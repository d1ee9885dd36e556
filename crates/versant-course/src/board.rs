//! What TensorBoard gets of a run beside its curves: the settings, and each epoch's images.

use versant::Result;
use versant::data::{Dataset, ImageData, make_grid};
use versant::nn::Layer;
use versant::optim::State;
use versant::train::{Callback, EpochRecord, Flow, RunDir, Start, StepRecord, TensorBoard};

use crate::data::Samples;
use crate::recipe::Plan;

/// Images in the grid, and in a row of it.
const IMAGES: usize = 32;
const COLUMNS: usize = 8;

/// An event file with a grid of training images for each epoch, as augmentation made them then.
pub(crate) struct Board {
    tensorboard: TensorBoard,
    images: ImageData,
    count: usize,
    settings: String,
}

impl Board {
    /// Begins the file in the run's folder.
    pub(crate) fn new(run: &RunDir, settings: String, plan: &Plan, samples: &Samples) -> Result<Board> {
        let images = ImageData::new(samples.train.clone()).augment(plan.augmentation.of_images(), plan.seed);
        let tensorboard = TensorBoard::new(run.path())?;
        Ok(Board { tensorboard, images, count: samples.train.count().min(IMAGES), settings })
    }

    /// Says whether all was written.
    pub(crate) fn finish(self) -> Result<()> {
        self.tensorboard.finish()
    }
}

impl Callback for Board {
    fn on_start(&mut self, start: &Start, model: &dyn Layer) -> Flow {
        let flow = self.tensorboard.on_start(start, model);
        // Four spaces make a block of code of a line.
        let settings: String = self.settings.lines().map(|line| format!("    {line}\n")).collect();
        self.tensorboard.attempt(|writer| writer.text("settings", start.step, &settings));
        flow
    }

    fn on_step(&mut self, step: &StepRecord, steps: usize) -> Flow {
        self.tensorboard.on_step(step, steps)
    }

    fn on_epoch(&mut self, epoch: &EpochRecord, model: &dyn Layer) -> Flow {
        let indices: Vec<usize> = (0..self.count).collect();
        let grid = make_grid(&self.images.batch(&indices, epoch.epoch - 1).x, COLUMNS, (0.0, 1.0));
        self.tensorboard.attempt(|writer| writer.image("images/train", epoch.step, &grid));
        self.tensorboard.on_epoch(epoch, model)
    }

    fn state(&self) -> State {
        self.tensorboard.state()
    }
}
