//! Optimisers, their schedules, clipping, and the settings of a training.

use versant::Gradients;
use versant::nn::Linear;
use versant::optim::schedule::{
    Constant, Cosine, LinearRamp, MultiStep, OneCycle, Plateau, Polynomial, Schedule, StepDecay, WarmRestarts,
};
use versant::optim::{Adagrad, Adam, Group, Lion, Optimizer, RmsProp, Sgd};
use versant::rng::Rng;
use versant::train::{EarlyStopping, LrFinder, Metric, Objective, Trainer, WeightAverage};

use super::{Wrong, wrong};

fn step(mut optimizer: impl Optimizer) -> Linear {
    let mut layer = Linear::new(2, 4, &mut Rng::new(0));
    optimizer.step(&mut layer, &Gradients::default());
    layer
}

/// Hands a trainer of a small model to `set`.
macro_rules! trainer {
    ($optimizer:expr, $($set:tt)*) => {{
        let (mut layer, mut optimizer) = (Linear::new(2, 4, &mut Rng::new(0)), $optimizer);
        let trainer = Trainer::new(&mut layer, &mut optimizer, Objective::classification(0.0));
        trainer.$($set)*;
    }};
}

pub(super) const CALLS: &[Wrong] = wrong! {
    "Sgd", "0.5" => step(Sgd::new(0.1).momentum(0.9).dampening(0.5).nesterov(true));
    "Sgd", "0" => step(Sgd::new(0.1).nesterov(true));
    "Sgd", "-0.1" => Sgd::new(-0.1);
    "Sgd", "inf" => Sgd::new(f64::INFINITY);
    "Sgd", "NaN" => Sgd::new(0.1).momentum(f64::NAN);
    "Sgd", "-1" => Sgd::new(0.1).weight_decay(-1.0);
    "Adam", "-1" => Adam::new(-1.0);
    "Adam", "-1" => Adam::adamw(-1.0);
    "Adam", "-1" => Adam::nadam(-1.0);
    "Adam", "-1" => Adam::radam(-1.0);
    "Adam", "beta1 is 1;" => Adam::new(0.1).betas(1.0, 0.9);
    "Adam", "beta2 is -0.5;" => Adam::new(0.1).betas(0.9, -0.5);
    "Adam", "eps is NaN" => Adam::new(0.1).eps(f64::NAN);
    "Adam", "-2" => Adam::adamw(0.1).weight_decay(-2.0);
    "Adam", "Rectified" => Adam::radam(0.1).amsgrad();
    "Adam", "Plain" => Adam::adamw(0.1).momentum_decay(0.1);
    "Adam", "momentum_decay is -1" => Adam::nadam(0.1).momentum_decay(-1.0);
    "RmsProp", "lr is NaN" => RmsProp::new(f64::NAN);
    "RmsProp", "alpha is 1;" => RmsProp::new(0.1).alpha(1.0);
    "RmsProp", "eps is -1" => RmsProp::new(0.1).eps(-1.0);
    "RmsProp", "momentum is -1" => RmsProp::new(0.1).momentum(-1.0);
    "RmsProp", "weight_decay is -1" => RmsProp::new(0.1).weight_decay(-1.0);
    "Adagrad", "lr is -1" => Adagrad::new(-1.0);
    "Adagrad", "lr_decay is -1" => Adagrad::new(0.1).lr_decay(-1.0);
    "Adagrad", "eps is -1" => Adagrad::new(0.1).eps(-1.0);
    "Adagrad", "weight_decay is -1" => Adagrad::new(0.1).weight_decay(-1.0);
    "Lion", "lr is -1" => Lion::new(-1.0);
    "Lion", "beta2 is 1;" => Lion::new(0.1).betas(0.9, 1.0);
    "Lion", "weight_decay is -1" => Lion::new(0.1).weight_decay(-1.0);
    "Group", "lr_factor is -1" => Group::vectors().lr_factor(-1.0);
    "Group", "weight_decay is NaN" => Group::vectors().weight_decay(f64::NAN);
    "optimizer", "\"*.bais\"" => step(Adam::new(0.1).group(Group::named("*.bais")));
    "optimizer", "weight, bias" => step(Sgd::new(0.1).group(Group::when(|name, _| name == "fc")));
    "clip_norm", "-1" => Gradients::default().clip_norm(-1.0);
    "clip_value", "NaN" => Gradients::default().clip_value(f64::NAN);
    "Span", "-5" => Cosine::new().warmup(-5);
    "Span", "1.5" => Cosine::new().over(1.5);
    "Span", "NaN" => Constant::new(0.1, f64::NAN);
    "Span", "-1" => LinearRamp::new(0.0, 1.0, -1);
    "Span", "2.5" => Cosine::new().then(2.5, MultiStep::new([], 0.1));
    "Span", "-1" => Polynomial::new(1.0).over(-1);
    "StepDecay", "0" => StepDecay::new(0, 0.1);
    "Polynomial", "-1" => Polynomial::new(-1.0);
    "WarmRestarts", "0" => WarmRestarts::new(0);
    "WarmRestarts", "0" => WarmRestarts::new(1).growth(0);
    "OneCycle", "30" => OneCycle::new(0.1).pct_start(30.0);
    "Plateau", "1;" => Plateau::new(1.0, 3);
    "TestAccuracy", "watch a loss" => Metric::TestAccuracy.value(&serde_json::from_str(EPOCH).expect("an epoch"));
    "EarlyStopping", "0" => EarlyStopping::new(0);
    "EarlyStopping", "-1" => EarlyStopping::new(3).min_delta(-1.0);
    "ema", "1;" => WeightAverage::ema(1.0);
    "LrFinder", "1" => LrFinder::new().steps(1);
    "LrFinder", "0" => LrFinder::new().range(0.0, 1.0);
    "LrFinder", "1" => LrFinder::new().smoothing(1.0);
    "schedule", "momentum" => trainer!(Sgd::new(0.1), schedule(OneCycle::new(0.1).cycle_momentum(0.8, 0.9)));
    "schedule", "momentum" => trainer!(Adagrad::new(0.1), schedule_per_epoch(OneCycle::new(0.1).cycle_momentum(0.8, 0.9)));
    "clip_norm", "0" => trainer!(Sgd::new(0.1), clip_norm(0.0));
    "clip_value", "NaN" => trainer!(Sgd::new(0.1), clip_value(f64::NAN));
    "accumulate", "0" => trainer!(Sgd::new(0.1), accumulate(0));
    "ema", "-1" => trainer!(Sgd::new(0.1), ema(-1.0));
};

/// An epoch of a model whose answers are not right or wrong.
const EPOCH: &str =
    r#"{ "step": 1, "epoch": 1, "lr": 0.1, "train_loss": 0.5, "test_loss": 0.5, "seconds": 1.0 }"#;
