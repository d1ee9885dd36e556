//! Initialisers; optimisers and schedules over fifty steps.

use serde::Deserialize;
use versant::nn::init;
use versant::optim::{Adagrad, Group, Lion, RmsProp};
use versant::prelude::*;

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
            "linear_weight" => linear.weight().clone(),
            "linear_bias" => linear.bias().expect("a bias").clone(),
            _ => panic!("the fixture has an initialiser {name}, the test does not"),
        };
        assert_eq!(weight.shape(), shape, "{name}");
        let found_largest = weight.abs().max().item::<f32>() as f64;
        let found_std = (weight.square().mean().item::<f32>() as f64).sqrt();
        // The largest of thousands of uniform numbers is their bound; of normal ones it is left to chance.
        let reach = if name.ends_with("normal") { 0.25 } else { 2e-3 };
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
