//! What PyTorch gives, as `scripts/parity.py` has written it down: every operation with its gradients, at kinks and
//! beyond the finite numbers too; initialisers; optimisers over twenty steps.
//!
//! Bounds: f64 within 1e-10; f32 within 1e-5 + 1.3e-6 |value|, PyTorch's own for comparing in f32.

use serde_json::Value;
use versant::nn::init;
use versant::prelude::*;
use versant::{Array, CrossEntropy, Reduction};

fn fixture() -> Value {
    let text = include_str!("fixtures/parity.json");
    serde_json::from_str(text).expect("the fixture is JSON")
}

fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

fn text(v: &Value) -> &str {
    v.as_str().expect("a text")
}

fn number(v: &Value) -> f64 {
    match v.as_str() {
        Some(name) => name.parse().expect("nan or inf"),
        None => v.as_f64().expect("a number"),
    }
}

fn numbers(v: &Value) -> Vec<f64> {
    list(v).iter().map(number).collect()
}

fn integers(v: &Value) -> Vec<i64> {
    list(v).iter().filter_map(Value::as_i64).collect()
}

fn shape(v: &Value) -> Shape {
    list(v).iter().map(|d| d.as_u64().expect("a length") as usize).collect::<Vec<_>>().into()
}

fn array(v: &Value) -> Array {
    Array::from_slice(&numbers(&v["values"]), shape(&v["shape"]))
}

#[track_caller]
fn close(what: &str, got: &Array, wanted: &Value) {
    assert_eq!(got.shape(), shape(&wanted["shape"]), "{what}");
    let (absolute, relative) = if got.dtype() == DType::F32 { (1e-5, 1.3e-6) } else { (1e-10, 1e-10) };
    let got = got.cast(DType::F64).to_vec::<f64>();
    for (i, (g, w)) in got.into_iter().zip(numbers(&wanted["values"])).enumerate() {
        let same = g == w || (g.is_nan() && w.is_nan());
        assert!(
            same || (g - w).abs() <= absolute + relative * w.abs(),
            "{what}, element {i}: {g:e}, not {w:e}"
        );
    }
}

const REDUCTIONS: [Reduction; 3] = [Reduction::None, Reduction::Mean, Reduction::Sum];

/// The operation of a case.
fn run(name: &str, x: &[Tensor], p: &[f64], labels: &Tensor) -> Tensor {
    let axes = || p.iter().map(|&axis| axis as isize).collect::<Vec<_>>();
    let reduction = || REDUCTIONS[p[0] as usize];
    let options = || CrossEntropy { reduction: reduction(), label_smoothing: p[1] };
    match name {
        "neg" => x[0].neg(),
        "abs" => x[0].abs(),
        "exp" => x[0].exp(),
        "square" => x[0].square(),
        "reciprocal" => x[0].reciprocal(),
        "tanh" => x[0].tanh(),
        "sigmoid" => x[0].sigmoid(),
        "relu" => x[0].relu(),
        "erf" => x[0].erf(),
        "sign" => x[0].sign(),
        "softplus" => x[0].softplus(),
        "silu" => x[0].silu(),
        "gelu" => x[0].gelu(),
        "leaky_relu" => x[0].leaky_relu(p[0]),
        "elu" => x[0].elu(p[0]),
        "add_scalar" => &x[0] + p[0],
        "mul_scalar" => &x[0] * p[0],
        "log" => x[0].log(),
        "sqrt" => x[0].sqrt(),
        "powf" => x[0].powf(p[0]),
        "add" => &x[0] + &x[1],
        "sub" => &x[0] - &x[1],
        "mul" => &x[0] * &x[1],
        "div" => &x[0] / &x[1],
        "maximum" => x[0].maximum(&x[1]),
        "minimum" => x[0].minimum(&x[1]),
        "pow" => x[0].pow(&x[1]),
        "select" => x[0].gt(&x[1]).where_cond(&x[0], &(&x[1] * 2.0)),
        "sum" => x[0].sum_axes(&axes()[..]),
        "mean" => x[0].mean_axes(&axes()[..]),
        "max" => x[0].max_axes(&axes()[..]),
        "min" => x[0].min_axes(&axes()[..]),
        "matmul" => x[0].matmul(&x[1]),
        "linear" => x[0].linear(&x[1], Some(&x[2])),
        "softmax" => x[0].softmax(p[0] as isize),
        "log_softmax" => x[0].log_softmax(p[0] as isize),
        "cross_entropy" => x[0].cross_entropy_with(labels, &options()),
        "cross_entropy_soft" => x[0].cross_entropy_with(&x[1], &options()),
        "mse_loss" => x[0].mse_loss_with(&x[1], reduction()),
        "bce_with_logits" => x[0].bce_with_logits_with(&x[1], reduction()),
        "slice" => x[0].slice(2, 1, 4, 2),
        "transpose_reshape" => x[0].transpose(0, 2).reshape([6, 4]),
        "permute" => x[0].permute(&[2, 0, 1]),
        "broadcast_to" => x[0].broadcast_to([2, 2, 3, 4]),
        "cat" => cat(&[&x[0], &x[1], &x[0]], 1),
        "stack" => stack(&[&x[0], &x[1]], 1),
        _ => panic!("the fixture has a case of {name}, the test does not"),
    }
}

#[test]
fn operations_and_gradients() {
    let fixture = fixture();
    let cases = list(&fixture["cases"]);
    assert!(cases.len() > 100);
    for (number, case) in cases.iter().enumerate() {
        let name = text(&case["name"]);
        for device in [Device::Cpu, Device::Naive] {
            for dtype in [DType::F64, DType::F32] {
                let tensor = |v: &Value| Tensor::from(array(v).cast(dtype).to(device));
                let inputs: Vec<Tensor> =
                    list(&case["inputs"]).iter().map(|v| tensor(v).requires_grad()).collect();
                let labels = integers(&case["labels"]);
                let labels = Tensor::from_slice(&labels, [labels.len()]).to(device);
                let y = run(name, &inputs, &numbers(&case["params"]), &labels);
                let what = format!("case {number}, {name} in {dtype} on {device}");
                close(&what, y.array(), &case["output"]);
                let grads = y.backward_from(&tensor(&case["seed"]));
                for (i, (x, wanted)) in inputs.iter().zip(list(&case["grads"])).enumerate() {
                    let got = grads.get(x).expect("every input has a gradient");
                    close(&format!("{what}, gradient {i}"), got.array(), wanted);
                }
            }
        }
    }
}

#[test]
fn initialisers() {
    let mut rng = Rng::new(7);
    for case in list(&fixture()["init"]) {
        let (name, shape) = (text(&case["name"]), shape(&case["shape"]));
        let linear = Linear::new(200, 3000, &mut rng);
        let weight = match name {
            "xavier_uniform" => init::xavier_uniform(shape, &mut rng),
            "xavier_normal" => init::xavier_normal(shape, &mut rng),
            "kaiming_uniform" => init::kaiming_uniform(shape, &mut rng),
            "kaiming_normal" => init::kaiming_normal(shape, &mut rng),
            "linear_weight" => linear.weight().clone(),
            "linear_bias" => linear.bias().expect("a bias").clone(),
            _ => panic!("the fixture has an initialiser {name}, the test does not"),
        };
        assert_eq!(weight.shape(), shape, "{name}");
        let largest = weight.abs().max().item::<f32>() as f64;
        let std = (weight.square().mean().item::<f32>() as f64).sqrt();
        // The largest of thousands of uniform numbers is their bound; of normal ones it is left to chance.
        let reach = if name.ends_with("normal") { 0.25 } else { 2e-3 };
        for (got, wanted, bound) in [(largest, &case["largest"], reach), (std, &case["std"], 0.04)] {
            let wanted = number(wanted);
            assert!((got / wanted - 1.0).abs() < bound, "{name} {shape}: {got}, PyTorch's {wanted}");
        }
    }
}

fn optimizer(name: &str) -> Box<dyn Optimizer> {
    match name {
        "sgd" => Box::new(Sgd::new(0.3)),
        "sgd_decay" => Box::new(Sgd::new(0.3).weight_decay(0.05)),
        "momentum" => Box::new(Sgd::new(0.1).momentum(0.9).dampening(0.25).weight_decay(0.01)),
        "nesterov" => Box::new(Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(0.01)),
        "adam" => Box::new(Adam::new(0.02)),
        "adam_decay" => Box::new(Adam::new(0.02).betas(0.8, 0.95).eps(1e-6).weight_decay(0.05)),
        "adamw" => Box::new(Adam::adamw(0.02)),
        "adamw_decay" => Box::new(Adam::adamw(0.02).betas(0.8, 0.95).weight_decay(0.2)),
        _ => panic!("the fixture has an optimiser {name}, the test does not"),
    }
}

#[test]
fn trainings() {
    let fixture = fixture();
    let training = &fixture["training"];
    let labels = integers(&training["labels"]);
    for device in [Device::Cpu, Device::Naive] {
        let (x, labels) = (
            Tensor::from(array(&training["x"])).to(device),
            Tensor::from_slice(&labels, [labels.len()]).to(device),
        );
        for run in list(&training["runs"]) {
            let name = text(&run["name"]);
            let leaf = |i: usize| Tensor::from(array(&training["start"][i]).to(device)).requires_grad();
            let mut model = Sequential::new()
                .push(Linear::from_parts(leaf(0), Some(leaf(1))))
                .push(nn::Tanh)
                .push(Linear::from_parts(leaf(2), Some(leaf(3))));
            let mut optimizer = optimizer(name);
            for (step, wanted) in numbers(&run["losses"]).into_iter().enumerate() {
                let loss = model.forward(&x, &mut Context::train(0, step as u64)).cross_entropy(&labels);
                let got = loss.item::<f64>();
                assert!((got - wanted).abs() < 1e-10, "{name} on {device}, step {step}: {got}, not {wanted}");
                optimizer.step(&mut model, &loss.backward());
            }
            for ((parameter, tensor), wanted) in model.named_parameters().iter().zip(list(&run["end"])) {
                close(&format!("{name} on {device}, {parameter}"), tensor.array(), wanted);
            }
        }
    }
}
