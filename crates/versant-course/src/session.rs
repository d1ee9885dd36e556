//! Running an experiment: data, run directory, training, report.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value, json};
use versant::cpu::isa::isa;
use versant::cpu::threads::threads;
use versant::data::{ImageData, ImageSet, Loader};
use versant::nn::{Layer, Summary};
use versant::train::checkpoint::load_last;
use versant::train::{
    Callback, EpochRecord, Flow, Outcome, RunDir, StepRecord, Trainer, environment_meta, meta_of,
};
use versant::{Error, Result};

use crate::board::Board;
use crate::data::{Samples, obtain};
use crate::experiment::{Asked, Experiment};
use crate::pictures::draw;
use crate::recipe::Plan;
use crate::report::{Numbers, Report, answers};
use crate::ui::{Start, Ui};

/// Samples evaluated at a time.
pub(crate) const TEST_BATCH: usize = 1000;

/// Where things are.
pub struct Places {
    /// Data sets.
    pub data: PathBuf,
    /// Runs.
    pub runs: PathBuf,
}

/// How a session ended.
pub enum End {
    /// All epochs are done.
    Finished(Box<Report>),
    /// It was stopped; what is done is saved in this run directory.
    Stopped(PathBuf),
}

/// Trains an experiment in a new run directory.
///
/// # Errors
/// When the configuration, the data or a file is wrong, or the loss stops being finite.
pub fn train(experiment: &Experiment, places: &Places, ui: &mut dyn Ui) -> Result<End> {
    let plan = experiment.plan()?;
    let samples = samples_of(&plan, places, ui)?;
    check_fit(&plan, &samples)?;
    let meta = meta(&plan, &samples);
    let run = RunDir::create(&places.runs, experiment.recipe.name(), &experiment.preset, SystemTime::now())?;
    run.write_meta(&meta)?;
    let mut experiment = experiment.clone();
    experiment.config.insert("data".into(), samples.source.to_string().into());
    // Last, for a run with a config.toml is one that can be resumed.
    run.write_config(&experiment.to_toml())?;
    execute(&experiment, plan, &samples, run, ui)
}

/// The data of a plan.
pub(crate) fn samples_of(plan: &Plan, places: &Places, ui: &mut dyn Ui) -> Result<Samples> {
    obtain(&plan.source, [plan.train_samples, plan.test_samples], &places.data, ui)
}

/// What `meta.json` says of a run.
fn meta(plan: &Plan, samples: &Samples) -> Map<String, Value> {
    let mut meta = environment_meta();
    meta.insert("seed".into(), json!(plan.seed));
    meta.insert("threads".into(), json!(threads()));
    meta.insert("simd".into(), json!(isa().name()));
    let part = |set: &ImageSet| json!({ "samples": set.count(), "crc32": set.checksum });
    let dataset = json!({ "name": samples.train.source, "classes": samples.classes, "train": part(&samples.train), "test": part(&samples.test) });
    meta.insert("dataset".into(), dataset);
    meta
}

/// Goes on with a run that was stopped or killed, from its last checkpoint.
///
/// # Errors
/// When there is no such run or checkpoint, or it does not fit.
pub fn resume(run: RunDir, places: &Places, ui: &mut dyn Ui) -> Result<End> {
    let file = run.path().join("config.toml");
    if !file.exists() {
        let reason = "is missing: the run ended before it began; start a new one";
        return Err(Error::format(file, reason));
    }
    let experiment = Experiment::from_file(&file, &Asked::default())?;
    let plan = experiment.plan()?;
    let samples = samples_of(&plan, places, ui)?;
    if let Some(difference) = other_data(run.path(), &samples)? {
        return Err(Error::Data(format!("{difference}; give the right --data-dir")));
    }
    execute(&experiment, plan, &samples, run, ui)
}

/// What tells samples from those that a run was trained with; nothing when they are the same.
///
/// # Errors
/// When the run's `meta.json` cannot be read.
pub(crate) fn other_data(run: &Path, samples: &Samples) -> Result<Option<String>> {
    let trained = &meta_of(run)?["dataset"];
    let differs =
        |(part, set): &(&str, &Arc<ImageSet>)| trained[*part]["crc32"].as_str() != Some(&set.checksum[..]);
    let found = [("train", &samples.train), ("test", &samples.test)].into_iter().find(differs);
    Ok(found.map(|(part, set)| {
        let name = trained["name"].as_str().unwrap_or("other data");
        let run = run.display();
        format!(
            "the run {run} was trained on {name}; in what is found now, {}, the {part} part differs",
            set.source
        )
    }))
}

/// A model must take images of the data's size and answer with its classes, and an epoch must have a step.
pub(crate) fn check_fit(plan: &Plan, samples: &Samples) -> Result<()> {
    let set = &samples.train;
    let found = [1, set.channels, set.height, set.width];
    if plan.input != found.into() {
        return Err(Error::Data(format!(
            "the model takes {}, the images of {} are {found:?}",
            plan.input, set.source
        )));
    }
    let answers = Summary::of(plan.model.as_ref(), plan.input).rows.last().map(|row| row.output.numel());
    if answers.is_some_and(|answers| answers != samples.classes.len()) {
        return Err(Error::Data(format!(
            "the model tells {} classes apart, {} has {}",
            answers.unwrap_or(0),
            set.source,
            samples.classes.len()
        )));
    }
    if plan.drop_last && plan.batch > set.count() {
        return Err(Error::Config(format!(
            "batch is {}, but {} has {} images to train: with drop_last no batch is left",
            plan.batch,
            set.source,
            set.count()
        )));
    }
    Ok(())
}

/// Images as a plan's model wants them.
pub(crate) fn images(samples: &Samples, set: &Arc<ImageSet>) -> ImageData {
    ImageData::new(set.clone()).normalize(samples.mean, samples.std)
}

/// A loader over the training part, with what the plan does to it.
pub(crate) fn train_loader(plan: &Plan, samples: &Samples) -> Loader {
    let augmented = images(samples, &samples.train).augment(plan.augmentation.of_images(), plan.seed);
    let loader = Loader::new(augmented, plan.batch).shuffle(plan.seed).drop_last(plan.drop_last);
    match plan.augmentation.of_batches(samples.classes.len(), plan.seed) {
        Some(mix) => loader.mix(mix),
        None => loader,
    }
}

/// A loader over the test part.
pub(crate) fn test_loader(samples: &Samples) -> Loader {
    Loader::new(images(samples, &samples.test), TEST_BATCH)
}

fn execute(
    experiment: &Experiment,
    mut plan: Plan,
    samples: &Samples,
    run: RunDir,
    ui: &mut dyn Ui,
) -> Result<End> {
    let folder = run.path().to_path_buf();
    let train = train_loader(&plan, samples);
    let test = test_loader(samples);
    let summary = Summary::of(plan.model.as_ref(), plan.input);
    let checkpoint = load_last(run.checkpoints())?;
    let data = format!(
        "{} ({} to train, {} to test)",
        samples.train.source,
        samples.train.count(),
        samples.test.count()
    );
    ui.start(
        &summary,
        &Start {
            data,
            run: &folder,
            done: checkpoint.as_ref().map_or(0, |c| c.progress.epoch),
            epochs: plan.epochs,
            batches: train.batches().div_ceil(plan.optim.accumulate),
            threads: threads(),
        },
    );
    let mut board = Board::new(&run, experiment.to_toml(), &plan, samples)?;
    let (mut relay, mut stopping) = (Relay(&mut *ui), plan.optim.early_stopping());
    let mut trainer = Trainer::new(plan.model.as_mut(), plan.optimizer.as_mut(), plan.objective)
        .epochs(plan.epochs)
        .seed(plan.seed)
        .record_in(&run)
        .callback(&mut relay)
        .callback(&mut board);
    if let Some(stopping) = &mut stopping {
        trainer = trainer.callback(stopping);
    }
    trainer = plan.schedule.apply(plan.optim.lr, plan.optim.apply(trainer));
    if let Some(checkpoint) = checkpoint {
        trainer = trainer.resume(checkpoint)?;
    }
    let outcome = trainer.fit(&train, &test)?;
    let history = trainer.history().to_vec();
    drop(trainer);
    if let Err(error) = board.finish() {
        ui.warn(&format!("TensorBoard's file is not whole: {error}"));
    }
    if outcome == Outcome::Stopped {
        return Ok(End::Stopped(folder));
    }

    let found = answers(plan.model.as_ref(), &test, samples.classes.len(), ui);
    let title = format!("{} ({})", experiment.recipe.name(), experiment.preset);
    let pictures = draw(&folder.join("media"), &title, &history, plan.model.as_ref(), samples, &found)?;
    let report = Report {
        expected: experiment.expected(),
        numbers: numbers(experiment, &plan.seed, &run, samples, &summary, &history),
        confusion: found.confusion,
        classes: samples.classes.clone(),
        folder,
        pictures,
    };
    run.write_summary(&json!(report.numbers))?;
    Ok(End::Finished(Box::new(report)))
}

fn numbers(
    experiment: &Experiment,
    seed: &u64,
    run: &RunDir,
    samples: &Samples,
    summary: &Summary,
    history: &[EpochRecord],
) -> Numbers {
    let accuracy = |r: &EpochRecord| r.test_accuracy.unwrap_or(0.0);
    let last = history.last();
    Numbers {
        recipe: experiment.recipe.name().into(),
        preset: experiment.preset.clone(),
        run: run.path().display().to_string(),
        dataset: samples.train.source.clone(),
        parameters: summary.parameters,
        multiply_adds: summary.multiply_adds(),
        epochs: history.len() as u32,
        test_accuracy: last.map_or(0.0, accuracy),
        best_test_accuracy: history.iter().map(accuracy).fold(0.0, f64::max),
        test_loss: last.map_or(f64::NAN, |r| r.test_loss),
        seconds: history.iter().map(|r| r.seconds).sum(),
        checkpoint: run.path().join("checkpoints/last.safetensors").display().to_string(),
        seed: *seed,
    }
}

/// Hands the trainer's events on.
struct Relay<'a>(&'a mut dyn Ui);

impl Callback for Relay<'_> {
    fn on_step(&mut self, step: &StepRecord, batches: usize) -> Flow {
        self.0.on_step(step, batches)
    }
    fn on_epoch(&mut self, epoch: &EpochRecord, model: &dyn Layer) -> Flow {
        self.0.on_epoch(epoch, model)
    }
}
