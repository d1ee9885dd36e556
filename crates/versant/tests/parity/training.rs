//! Initialisers; optimisers and schedules over fifty steps.

use serde::Deserialize;
use versant::Array;
use versant::nn::init::{self, Fan, Kaiming, Nonlinearity};
use versant::optim::schedule::{
    Constant, Cosine, Exponential, LinearRamp, MultiStep, OneCycle, Plateau, Polynomial, Schedule, StepDecay,
    WarmRestarts,
};
use versant::optim::{Adagrad, Group, Lion, RmsProp};
use versant::prelude::*;
use versant::train::Metric;

use super::difference;
use super::fixture::load;

#[derive(Deserialize)]
struct Spread {
    name: String,
    shape: Vec<usize>,
    largest: f64,
    std: f64,
}

#[test]
fn initialisers() {
    let mut rng = Rng::new(7);
    let leaky = Kaiming { nonlinearity: Nonlinearity::LeakyRelu(0.3), ..Kaiming::default() };
    let fan_out = Kaiming { fan: Fan::Out, ..Kaiming::default() };
    let plain = Kaiming { nonlinearity: Nonlinearity::Linear, ..Kaiming::default() };
    let wanted = load("training")["initialisers"].to_vec::<u8>();
    for Spread { name, shape, largest, std } in
        serde_json::from_slice::<Vec<Spread>>(&wanted).expect("a list")
    {
        let linear = Linear::new(200, 3000, &mut rng);
        let shape = Shape::from(shape);
        let weight = match name.as_str() {
            "xavier_uniform" => init::xavier_uniform(shape, &mut rng),
            "xavier_normal" => init::xavier_normal(shape, &mut rng),
            "kaiming_uniform" => init::kaiming_uniform(shape, &mut rng),
            "kaiming_normal" => init::kaiming_normal(shape, &mut rng),
            "xavier_uniform_tanh" => init::xavier_uniform_gain(shape, Nonlinearity::Tanh.gain(), &mut rng),
            "xavier_normal_gain" => init::xavier_normal_gain(shape, 0.5, &mut rng),
            "kaiming_uniform_leaky" => init::kaiming_uniform_with(shape, &leaky, &mut rng),
            "kaiming_normal_fan_out" => init::kaiming_normal_with(shape, &fan_out, &mut rng),
            "kaiming_uniform_linear" => init::kaiming_uniform_with(shape, &plain, &mut rng),
            "trunc_normal" => init::trunc_normal(shape, 0.0, 0.02, -2.0, 2.0, &mut rng),
            "trunc_normal_narrow" => init::trunc_normal(shape, 0.5, 1.0, 0.4, 1.5, &mut rng),
            "trunc_normal_one_side" => init::trunc_normal(shape, 0.0, 1.0, 0.0, 4.0, &mut rng),
            "orthogonal" => init::orthogonal(shape, 2.0, &mut rng),
            "linear_weight" => linear.weight().clone(),
            "linear_bias" => linear.bias().expect("a bias").clone(),
            _ => panic!("the fixture has an initialiser {name}, the test does not"),
        };
        assert_eq!(weight.shape(), shape, "{name}");
        let found_largest = weight.abs().max().item::<f32>() as f64;
        let found_std = (weight.square().mean().item::<f32>() as f64).sqrt();
        // The largest of thousands of uniform numbers is their bound; of normal ones it is left to chance.
        let chance = name.contains("normal") || name == "orthogonal";
        let reach = if chance { 0.25 } else { 2e-3 };
        for (got, wanted, bound) in [(found_largest, largest, reach), (found_std, std, 0.04)] {
            assert!((got / wanted - 1.0).abs() < bound, "{name} {shape}: {got}, PyTorch's {wanted}");
        }
    }
}

fn optimizers() -> Vec<(&'static str, Box<dyn Optimizer>)> {
    let groups = Adam::adamw(0.02)
        .weight_decay(0.2)
        .group(Group::vectors().weight_decay(0.0))
        .group(Group::named("2.*").lr_factor(0.5));
    let rmsprop = RmsProp::new(0.01).alpha(0.9);
    let both = RmsProp::new(0.01).alpha(0.9).eps(1e-3).momentum(0.8).centered(true);
    let nadam = Adam::nadam(0.02).betas(0.8, 0.95).momentum_decay(0.1).weight_decay(0.05);
    vec![
        ("sgd", Box::new(Sgd::new(0.3))),
        ("sgd_decay", Box::new(Sgd::new(0.3).weight_decay(0.05))),
        ("momentum", Box::new(Sgd::new(0.1).momentum(0.9).dampening(0.25).weight_decay(0.01))),
        ("nesterov", Box::new(Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(0.01))),
        ("adam", Box::new(Adam::new(0.02))),
        ("adam_decay", Box::new(Adam::new(0.02).betas(0.8, 0.95).eps(1e-6).weight_decay(0.05))),
        ("amsgrad", Box::new(Adam::new(0.05).betas(0.8, 0.7).amsgrad())),
        ("adamw", Box::new(Adam::adamw(0.02))),
        ("adamw_decay", Box::new(Adam::adamw(0.02).betas(0.8, 0.95).weight_decay(0.2))),
        ("adamw_groups", Box::new(groups)),
        ("nadam", Box::new(Adam::nadam(0.02))),
        ("nadam_decay", Box::new(nadam)),
        ("nadamw", Box::new(Adam::nadam(0.02).weight_decay(0.2).decoupled(true))),
        ("radam", Box::new(Adam::radam(0.05))),
        ("radam_decay", Box::new(Adam::radam(0.02).betas(0.8, 0.95).eps(1e-3).weight_decay(0.05))),
        ("rmsprop", Box::new(RmsProp::new(0.01))),
        ("rmsprop_momentum", Box::new(rmsprop.eps(1e-6).momentum(0.5).weight_decay(0.05))),
        ("rmsprop_centered", Box::new(RmsProp::new(0.01).alpha(0.9).eps(1e-3).centered(true))),
        ("rmsprop_both", Box::new(both)),
        ("adagrad", Box::new(Adagrad::new(0.2))),
        ("adagrad_decay", Box::new(Adagrad::new(0.2).lr_decay(0.05).weight_decay(0.05).eps(1e-6))),
        ("lion", Box::new(Lion::new(0.01))),
        ("lion_decay", Box::new(Lion::new(0.01).betas(0.8, 0.95).weight_decay(0.5))),
    ]
}

#[test]
fn trajectories() {
    let file = load("training");
    let runs = file.keys().filter(|name| name.ends_with(".losses")).count();
    assert_eq!(runs, optimizers().len(), "the fixture's optimisers");
    for device in [Device::Cpu, Device::Naive] {
        let get = |name: &str| Tensor::from(file[name].to(device));
        let leaf = |i: usize| get(&format!("start.{i}")).requires_grad();
        for (name, mut optimizer) in optimizers() {
            let mut model = Sequential::new()
                .push(Linear::from_parts(leaf(0), Some(leaf(1))))
                .push(nn::Tanh)
                .push(Linear::from_parts(leaf(2), Some(leaf(3))));
            for (step, wanted) in file[&format!("{name}.losses")].to_vec::<f64>().into_iter().enumerate() {
                let y = model.forward(&get("x"), &mut Context::train(0, step as u64));
                let loss = y.cross_entropy(&get("labels"));
                let got = loss.item::<f64>();
                assert!((got - wanted).abs() < 1e-10, "{name} on {device}, step {step}: {got}, not {wanted}");
                optimizer.step(&mut model, &loss.backward());
            }
            for (i, (parameter, tensor)) in model.named_parameters().iter().enumerate() {
                let wrong = difference(tensor.array(), &file[&format!("{name}.end.{i}")], 0.0);
                assert_eq!(wrong, None, "{name} on {device}, {parameter}");
            }
        }
    }
}

fn schedules() -> Vec<(&'static str, Box<dyn Schedule>)> {
    let linear = OneCycle::new(0.8).pct_start(0.4).linear().div_factor(10.0).final_div_factor(100.0);
    vec![
        ("constant", Box::new(Constant::new(0.2, 7))),
        ("step", Box::new(StepDecay::new(8, 0.5))),
        ("multi_step", Box::new(MultiStep::new([3, 17, 18, 40], 0.3))),
        ("exponential", Box::new(Exponential::new(0.93))),
        ("linear", Box::new(LinearRamp::new(0.1, 0.8, 20))),
        ("polynomial", Box::new(Polynomial::new(1.0))),
        ("polynomial_power", Box::new(Polynomial::new(0.9).over(0.6))),
        ("cosine", Box::new(Cosine::new())),
        ("cosine_min", Box::new(Cosine::new().min(0.02))),
        ("restarts", Box::new(WarmRestarts::new(12).min(0.01))),
        ("restarts_longer", Box::new(WarmRestarts::new(6).growth(2))),
        ("one_cycle", Box::new(OneCycle::new(0.8).cycle_momentum(0.85, 0.95))),
        ("one_cycle_linear", Box::new(linear.cycle_momentum(0.85, 0.95))),
        ("one_cycle_three", Box::new(OneCycle::new(0.8).three_phase().cycle_momentum(0.8, 0.97))),
        ("warmup_cosine", Box::new(Cosine::new().warmup(0.1))),
        ("then", Box::new(Constant::new(0.1, 100).then(20, StepDecay::new(7, 0.5)))),
        ("product", Box::new(Constant::new(0.1, 20).times(Exponential::new(0.9)))),
    ]
}

fn plateaus() -> Vec<(&'static str, Plateau)> {
    let absolute = Plateau::new(0.8, 0).metric(Metric::TestAccuracy).absolute_threshold(0.05);
    vec![
        ("plateau", Plateau::new(0.1, 2)),
        ("plateau_cooldown", Plateau::new(0.5, 1).cooldown(2).min_lr(0.02)),
        ("plateau_absolute", absolute),
    ]
}

#[track_caller]
fn near(what: &str, got: f64, wanted: f64) {
    assert!((got - wanted).abs() < 1e-12, "{what}: {got}, not {wanted}");
}

#[test]
fn rates_and_momenta() {
    let file = load("training");
    let numbers = |name: String| file.get(&name).map(|array| array.to_vec::<f64>());
    let count = |prefix: &str| file.keys().filter(|name| name.starts_with(prefix)).count();
    assert_eq!(count("schedule."), schedules().len() + plateaus().len(), "the fixture's schedules");
    assert_eq!(count("momentum."), 3 + 5, "the cycles, and losses and end of the optimiser of that name");
    for (name, schedule) in schedules() {
        let rates = numbers(format!("schedule.{name}")).expect("rates");
        let momenta = numbers(format!("momentum.{name}"));
        for (t, wanted) in rates.iter().enumerate() {
            let what = format!("{name} at {t}");
            near(&what, schedule.lr(0.3, t as u64, rates.len() as u64), *wanted);
            let momentum = schedule.momentum(t as u64, rates.len() as u64);
            assert_eq!(momentum.is_some(), momenta.is_some(), "{what}");
            if let (Some(got), Some(wanted)) = (momentum, &momenta) {
                near(&what, got, wanted[t]);
            }
        }
    }
    let metric = numbers("metric".into()).expect("a metric");
    for (name, mut plateau) in plateaus() {
        let rates = numbers(format!("schedule.{name}")).expect("rates");
        assert!(rates.last() < rates.first(), "{name} does something");
        for (t, wanted) in rates.into_iter().enumerate() {
            near(&format!("{name} at {t}"), plateau.lr(0.3, 0, 0), wanted);
            plateau.update(metric[t]);
        }
    }
}

/// The sum of all parameters, each times a gradient, has those gradients.
#[test]
fn clipping() {
    let file = load("training");
    let wanted: Vec<Array> = (0..4).map(|i| file[&format!("grad.{i}")].clone()).collect();
    let leaves: Vec<Tensor> =
        wanted.iter().map(|g| Tensor::from(Array::zeros(g.shape(), DType::F64)).requires_grad()).collect();
    for name in ["norm", "norm_large", "value"] {
        let products = leaves.iter().zip(&wanted).map(|(x, g)| (x * &Tensor::from(g.clone())).sum());
        let mut grads = products.reduce(|a, b| a + b).expect("four").backward();
        match name {
            "norm" => near(name, grads.clip_norm(0.7), file["clip_norm"].item()),
            "norm_large" => near(name, grads.clip_norm(100.0), file["clip_norm_large"].item()),
            _ => grads.clip_value(0.3),
        }
        for (i, x) in leaves.iter().enumerate() {
            let got = grads.get(x).expect("a gradient");
            let wrong = difference(got.array(), &file[&format!("clip_{name}.{i}")], 0.0);
            assert_eq!(wrong, None, "{name}, gradient {i}");
        }
    }
}
