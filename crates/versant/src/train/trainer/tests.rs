use std::fs;
use std::time::SystemTime;

use super::state::{AVERAGE, part};
use super::*;
use crate::array::Array;
use crate::data::Dataset;
use crate::nn::{Context, Dropout, Linear, Module, Sequential, Tanh};
use crate::optim::schedule::{Cosine, MultiStep, OneCycle, Plateau};
use crate::optim::{Adam, Sgd};
use crate::rng::Rng;
use crate::tensor::Tensor;
use crate::train::checkpoint::load_last;
use crate::train::{EarlyStopping, LrFinder, Metric};

/// Three clouds of points in five dimensions.
struct Clouds(usize);

impl Dataset for Clouds {
    fn len(&self) -> usize {
        self.0
    }
    fn batch(&self, indices: &[usize], _epoch: u32) -> Batch {
        let labels: Vec<i64> = indices.iter().map(|&i| i as i64 % 3).collect();
        let points: Vec<f32> = indices.iter().flat_map(|&i| point(i)).collect();
        let x = Tensor::from_slice(&points, [indices.len(), 5]);
        Batch { x, y: Tensor::from_slice(&labels, [indices.len()]) }
    }
}

fn point(i: usize) -> Vec<f32> {
    let mut rng = Rng::new(i as u64);
    (0..5).map(|axis| rng.normal() as f32 + if axis == i % 3 { 1.5 } else { 0.0 }).collect()
}

fn loaders(batch: usize) -> (Loader, Loader) {
    (Loader::new(Clouds(50), batch).shuffle(3), Loader::new(Clouds(30), 30))
}

fn model(dropout: f64) -> Sequential {
    let mut rng = Rng::new(1);
    let net = Sequential::new().push(Linear::new(5, 8, &mut rng)).push(Tanh).push(Dropout(dropout));
    net.push(Linear::new(8, 3, &mut rng))
}

fn bits(arrays: impl IntoIterator<Item = Array>) -> Vec<Vec<u8>> {
    arrays.into_iter().map(|array| array.to_bytes()).collect()
}

fn classification() -> Objective {
    Objective::classification(0.0)
}

/// Stops after a step.
struct StopAt(u64);

impl Callback for StopAt {
    fn on_step(&mut self, step: &StepRecord, _: usize) -> Flow {
        if step.step == self.0 { Flow::Stop } else { Flow::Continue }
    }
}

/// Everything that has a state, in one training. 50 samples in batches of 8, two a step: four steps an epoch, the last
/// of one batch of 2.
fn train_with_everything(run: &RunDir, stop_at: u64, swa: bool) -> (Outcome, Vec<Vec<u8>>) {
    let (train, test) = loaders(8);
    let mut model = model(0.3);
    let mut optimizer = Adam::adamw(0.05).amsgrad();
    let (mut stop, mut stopping) = (StopAt(stop_at), EarlyStopping::new(3).min_delta(0.02).restore_best());
    let mut trainer = Trainer::new(&mut model, &mut optimizer, classification())
        .epochs(6)
        .seed(5)
        .schedule(Cosine::new().warmup(0.2).times(Plateau::new(0.5, 0)))
        .clip_norm(0.5)
        .clip_value(0.3)
        .accumulate(2)
        .record_in(run)
        .callback(&mut stopping)
        .callback(&mut stop);
    trainer = if swa { trainer.swa(2) } else { trainer.ema(0.8) };
    if let Some(checkpoint) = load_last(run.checkpoints()).unwrap() {
        trainer = trainer.resume(checkpoint).unwrap();
    }
    let outcome = trainer.fit(&train, &test).unwrap();
    drop(trainer);
    (outcome, bits(model.state_dict().into_values()))
}

/// What a run leaves, without the times.
fn left(run: &RunDir) -> (String, Vec<Vec<u8>>) {
    let log = fs::read_to_string(run.path().join("metrics.jsonl")).unwrap();
    let lines = log.lines().map(|line| line.split("\"seconds\"").next().unwrap());
    let files = ["last.safetensors", "last.state.safetensors", "best.safetensors"];
    let files = files.map(|name| fs::read(run.checkpoints().join(name)).unwrap());
    (lines.collect::<Vec<_>>().join("\n"), files.into())
}

#[test]
fn a_run_that_was_stopped_anywhere_ends_as_one_that_was_not() {
    let runs = tempfile::tempdir().unwrap();
    for swa in [false, true] {
        let run = |name: &str| RunDir::create(runs.path(), "clouds", name, SystemTime::now()).unwrap();
        let whole = run("whole");
        let (outcome, weights) = train_with_everything(&whole, u64::MAX, swa);
        assert_eq!(outcome, Outcome::Finished);
        for stop_at in [1, 4, 6, 12, 15, 17] {
            let parts = run("parts");
            assert_eq!(train_with_everything(&parts, stop_at, swa).0, Outcome::Stopped, "{stop_at}");
            let (outcome, again) = train_with_everything(&parts, u64::MAX, swa);
            assert_eq!((outcome, &again), (Outcome::Finished, &weights), "stopped at {stop_at}");
            assert!(left(&parts) == left(&whole), "stopped at {stop_at}");
        }
    }
}

/// A mean over 48 samples is the mean of six means over 8, and the last step has what is left.
#[test]
fn accumulated_batches_are_one_large_batch() {
    let after = |batch, parts| {
        let (train, test) = loaders(batch);
        let mut model = model(0.0);
        let mut sgd = Sgd::new(0.1).momentum(0.9);
        let mut trainer = Trainer::new(&mut model, &mut sgd, classification()).epochs(2).accumulate(parts);
        trainer.fit(&train, &test).unwrap();
        let history = trainer.history().to_vec();
        (history, model.named_parameters())
    };
    for parts in [2, 3, 7] {
        let ((records, small), (wanted, large)) = (after(8, parts), after(8 * parts, 1));
        for (a, b) in records.iter().zip(&wanted) {
            assert_eq!((a.step, a.train_accuracy), (b.step, b.train_accuracy));
            assert!((a.train_loss - b.train_loss).abs() < 1e-6);
        }
        for ((name, a), (_, b)) in small.iter().zip(&large) {
            let error = (a - b).abs().max().item::<f32>();
            assert!(error < 1e-6, "{parts} batches, {name}: {error:e}");
        }
    }
}

/// Notes the learning rates of the steps, and what else is told.
#[derive(Default)]
struct Notes {
    rates: Vec<f64>,
    weights: Vec<Vec<Vec<u8>>>,
    told: Vec<String>,
}

impl Callback for Notes {
    fn on_start(&mut self, start: &Start, _: &dyn Layer) -> Flow {
        let Start { step, epoch, epochs, steps, .. } = start;
        self.told.push(format!("start {step} {epoch} {epochs} {steps}"));
        Flow::Continue
    }
    fn on_step(&mut self, step: &StepRecord, _: usize) -> Flow {
        self.rates.push(step.lr);
        Flow::Continue
    }
    fn on_epoch(&mut self, epoch: &EpochRecord, model: &dyn Layer) -> Flow {
        assert_eq!(Some(&epoch.lr), self.rates.last());
        self.weights.push(bits(model.state_dict().into_values()));
        Flow::Continue
    }
    fn on_end(&mut self, outcome: Outcome, _: &mut dyn Layer) {
        self.told.push(format!("{outcome:?}"));
    }
}

#[test]
fn schedules_count_steps_or_epochs() {
    let rates = |set: fn(Trainer) -> Trainer| {
        let (train, test) = loaders(16);
        let (mut model, mut sgd, mut notes) = (model(0.0), Sgd::new(0.1).momentum(0.5), Notes::default());
        let trainer = Trainer::new(&mut model, &mut sgd, classification()).epochs(3).callback(&mut notes);
        set(trainer).fit(&train, &test).unwrap();
        assert_eq!(notes.told, ["start 0 0 3 4", "Finished"]);
        (notes.rates, sgd.momentum_mut().copied())
    };
    let (found, _) = rates(|t| t.schedule_per_epoch(MultiStep::new([1, 2], 0.5)));
    assert_eq!(found, [[0.1; 4], [0.05; 4], [0.025; 4]].concat());
    let schedule = OneCycle::new(0.2).cycle_momentum(0.8, 0.9);
    let (found, momentum) = rates(|t| t.schedule(OneCycle::new(0.2).cycle_momentum(0.8, 0.9)));
    assert_eq!(found, (0..12).map(|t| schedule.lr(0.1, t, 12)).collect::<Vec<_>>());
    assert_eq!(momentum, schedule.momentum(11, 12));
}

#[test]
fn the_mean_of_weights_is_what_callbacks_see_and_the_model_ends_with() {
    let run = |mode: u8| {
        let (train, test) = loaders(50);
        let (mut model, mut sgd, mut notes) = (model(0.0), Sgd::new(0.3), Notes::default());
        let trainer = Trainer::new(&mut model, &mut sgd, classification()).epochs(3).callback(&mut notes);
        let mut trainer = match mode {
            0 => trainer,
            1 => trainer.ema(0.75),
            _ => trainer.swa(1),
        };
        trainer.fit(&train, &test).unwrap();
        (notes, model.state_dict().into_values().nth(1).unwrap().to_vec::<f32>())
    };
    let (plain, last) = run(0);
    let first = |bytes: &[Vec<u8>]| bytemuck::pod_collect_to_vec::<u8, f32>(&bytes[1]);
    let w: Vec<Vec<f32>> = plain.weights.iter().map(|bytes| first(bytes)).collect();
    assert_eq!(w[2], last);
    let near = |got: &[f32], wanted: &dyn Fn(usize) -> f32| {
        got.iter().enumerate().for_each(|(i, g)| assert!((g - wanted(i)).abs() < 1e-6));
    };
    // One step an epoch: the mean starts as the first weights.
    let (notes, mean) = run(1);
    assert_eq!(first(&notes.weights[0]), w[0]);
    near(&mean, &|i| 0.75 * (0.75 * w[0][i] + 0.25 * w[1][i]) + 0.25 * w[2][i]);
    assert_eq!(first(&notes.weights[2]), mean);
    // Two epochs of three.
    let (notes, mean) = run(2);
    assert_eq!(first(&notes.weights[0]), w[0]);
    near(&mean, &|i| (w[1][i] + w[2][i]) / 2.0);
}

#[test]
fn early_stopping_ends_with_the_best_weights() {
    let (train, test) = loaders(10);
    let (mut model, mut sgd, mut notes) = (model(0.0), Sgd::new(1.5), Notes::default());
    let mut stopping = EarlyStopping::new(2).metric(Metric::TestAccuracy).restore_best();
    let mut trainer = Trainer::new(&mut model, &mut sgd, classification())
        .epochs(60)
        .callback(&mut stopping)
        .callback(&mut notes);
    assert_eq!(trainer.fit(&train, &test).unwrap(), Outcome::Finished);
    let history = trainer.history().to_vec();
    drop(trainer);
    let (best, accuracy) = stopping.best().unwrap();
    assert!(history.len() < 60 && history.len() == best as usize + 2, "{best} of {}", history.len());
    assert_eq!(history[best as usize - 1].test_accuracy, Some(accuracy));
    assert!(history.iter().all(|record| record.test_accuracy <= Some(accuracy)));
    assert_eq!(bits(model.state_dict().into_values()), notes.weights[best as usize - 1]);
}

#[test]
fn settings_that_a_checkpoint_was_not_made_with_are_refused() {
    let runs = tempfile::tempdir().unwrap();
    let run = RunDir::create(runs.path(), "clouds", "x", SystemTime::now()).unwrap();
    train_with_everything(&run, 5, false);
    let error = |set: &dyn Fn(Trainer<'_>) -> Result<Outcome>| {
        let (mut model, mut adam) = (model(0.3), Adam::adamw(0.05).amsgrad());
        let trainer = Trainer::new(&mut model, &mut adam, classification()).seed(5).epochs(6);
        let checkpoint = load_last(run.checkpoints()).unwrap().unwrap();
        set(trainer.resume(checkpoint).unwrap()).unwrap_err().to_string()
    };
    let fit = |mut trainer: Trainer| {
        let (train, test) = loaders(8);
        trainer.fit(&train, &test)
    };
    let found = error(&|trainer| fit(trainer));
    assert!(found.contains("holds an average of weights"), "{found}");
    let found = error(&|trainer| fit(trainer.ema(0.8).schedule(Cosine::new())));
    assert!(found.contains("the state of a schedule has 4 numbers, this one's has 0"), "{found}");
    let checkpoint = load_last(run.checkpoints()).unwrap().unwrap();
    let mut wider = Linear::new(5, 3, &mut Rng::new(0));
    let error = WeightAverage::swa().load_state(&part(&checkpoint.extra, AVERAGE), &wider).unwrap_err();
    assert!(error.to_string().contains("there is no bias of f32 [3]"), "{error}");
    let error = EarlyStopping::new(1).restore_best().load_state(&checkpoint.extra, &wider).unwrap_err();
    assert!(error.to_string().contains("the best weights of the checkpoint: there is no bias"), "{error}");
    let error = EarlyStopping::new(1).load_state(&State::new(), &wider).unwrap_err().to_string();
    assert!(error.contains("no state of early stopping"), "{error}");
    // Loading failed: nothing is exchanged.
    WeightAverage::swa().swap(&mut wider);
}

#[test]
fn a_norm_that_is_not_finite_is_told() {
    // The derivative of the square root at 0 is infinite, its value is 0.
    let objective = Objective::new(|y, _| (y * 0.0).sqrt().sum());
    let (train, test) = loaders(10);
    let (mut model, mut sgd) = (model(0.0), Sgd::new(0.1));
    let mut trainer = Trainer::new(&mut model, &mut sgd, objective).clip_norm(1.0);
    let error = trainer.fit(&train, &test).unwrap_err().to_string();
    assert!(error.contains("step 1: the norm of the gradients is NaN"), "{error}");
}

#[test]
fn the_finder_leaves_everything_as_it_was() {
    let (train, _) = loaders(10);
    let (mut model, mut adam) = (model(0.3), Adam::new(0.1));
    let batch = train.epoch(0).next().unwrap();
    let grads = classification().loss(&model.forward(&batch.x, &mut Context::eval()), &batch.y).backward();
    adam.step(&mut model, &grads);
    let before = (bits(model.state_dict().into_values()), bits(adam.state().into_values()));
    let finder = LrFinder::new().steps(60).range(1e-5, 1e3).smoothing(0.5);
    let mut told = Vec::new();
    let mut tell = |done, steps| told.push((done, steps));
    let curve = finder.run(&mut model, &mut adam, &classification(), &train, &mut tell).unwrap();
    assert_eq!((told[0], told[told.len() - 1]), ((1, 60), (60, 60)));
    assert_eq!((bits(model.state_dict().into_values()), bits(adam.state().into_values())), before);
    assert_eq!(adam.lr(), 0.1);
    assert_eq!(curve, finder.run(&mut model, &mut adam, &classification(), &train, &mut |_, _| {}).unwrap());
    let n = curve.rates.len();
    assert!(n < 60 && n == curve.losses.len() && n == curve.smoothed.len(), "it broke before the end: {n}");
    assert!((curve.rates[1] / curve.rates[0] - 1e8f64.powf(1.0 / 59.0)).abs() < 1e-9);
    let (steepest, careful) = (curve.steepest().unwrap(), curve.tenth_of_lowest().unwrap());
    assert!((1e-4..10.0).contains(&steepest) && (1e-4..10.0).contains(&careful), "{steepest} {careful}");
}
