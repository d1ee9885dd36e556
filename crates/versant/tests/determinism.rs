//! The same bits for any number of threads: every family of operations, forward and backward, at sizes that are
//! cut into pieces, and whole trainings.

use std::sync::{Mutex, PoisonError};

use versant::cpu::threads::{set_threads, threads};
use versant::prelude::*;
use versant::{Array, CrossEntropy, Reduction};

/// Runs `f` with several numbers of threads and compares the bytes of what it gives.
#[track_caller]
fn same_bits(name: &str, f: impl Fn() -> Vec<Array>) {
    // The number of threads is the process's own: tests take turns.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = threads();
    let bytes = |n| {
        set_threads(n);
        f().iter().map(Array::to_bytes).collect::<Vec<_>>()
    };
    let one = bytes(1);
    for n in [2, 3, 4, 8] {
        let several = bytes(n);
        assert_eq!(one.len(), several.len());
        for (i, (a, b)) in one.iter().zip(&several).enumerate() {
            assert!(a == b, "{name}: array {i} has other bits with {n} threads than with one");
        }
    }
    set_threads(before);
}

/// The result of `f` and the gradients of its inputs, in both floating types.
#[track_caller]
fn forward_and_backward(name: &str, shapes: &[&[usize]], f: impl Fn(&[Tensor]) -> Tensor) {
    for dtype in [DType::F32, DType::F64] {
        same_bits(&format!("{name} in {dtype}"), || {
            let mut rng = Rng::new(42);
            let inputs: Vec<Tensor> = shapes
                .iter()
                .map(|&s| Tensor::from(Array::rand(s, 0.1, 2.0, dtype, &mut rng)).requires_grad())
                .collect();
            let y = f(&inputs);
            let weights = Tensor::from(Array::rand(y.shape(), -1.0, 1.0, dtype, &mut rng));
            let grads = y.backward_from(&weights);
            let mut all = vec![y.array().clone()];
            all.extend(
                inputs.iter().map(|x| grads.get(x).expect("every input has a gradient").array().clone()),
            );
            all
        });
    }
}

type Function = fn(&Tensor) -> Tensor;

#[test]
fn elementwise() {
    let functions: [(&str, Function); 12] = [
        ("exp", Tensor::exp),
        ("log", Tensor::log),
        ("sqrt", Tensor::sqrt),
        ("tanh", Tensor::tanh),
        ("sigmoid", Tensor::sigmoid),
        ("relu", Tensor::relu),
        ("elu", |x| x.elu(1.0)),
        ("silu", Tensor::silu),
        ("gelu", Tensor::gelu),
        ("softplus", Tensor::softplus),
        ("powf", |x| x.powf(1.7)),
        ("dropout", |x| x.dropout(0.3, &mut Rng::new(1))),
    ];
    for (name, f) in functions {
        forward_and_backward(name, &[&[300, 401]], |x| f(&x[0]));
    }
    let shapes: [&[&[usize]]; 3] =
        [&[&[300, 401], &[300, 401]], &[&[300, 401], &[401]], &[&[300, 1], &[401]]];
    for shapes in shapes {
        forward_and_backward("add and mul", shapes, |x| (&x[0] + &x[1]) * &x[1]);
        forward_and_backward("div and maximum", shapes, |x| (&x[0] / &x[1]).maximum(&x[1]));
        forward_and_backward("pow", shapes, |x| x[0].pow(&x[1]));
    }
}

#[test]
fn reductions() {
    for axes in [&[][..], &[0], &[1], &[2], &[0, 2], &[0, 1]] {
        forward_and_backward(&format!("sum {axes:?}"), &[&[70, 50, 60]], |x| x[0].sum_axes(axes));
        forward_and_backward(&format!("mean {axes:?}"), &[&[70, 50, 60]], |x| {
            x[0].transpose(0, 2).mean_axes(axes)
        });
        forward_and_backward(&format!("max {axes:?}"), &[&[70, 50, 60]], |x| x[0].max_axes(axes));
    }
    forward_and_backward("a long sum", &[&[1_000_003]], |x| x[0].sum());
}

#[test]
fn products() {
    let shapes: [[&[usize]; 2]; 5] = [
        [&[257, 300], &[300, 190]],
        [&[16, 20_000], &[20_000, 16]],
        [&[1, 3000], &[3000, 700]],
        [&[5, 130, 70], &[70, 90]],
        [&[3, 1, 64, 65], &[2, 65, 66]],
    ];
    for pair in shapes {
        forward_and_backward(&format!("matmul {pair:?}"), &pair, |x| x[0].matmul(&x[1]));
    }
    forward_and_backward("transposed", &[&[300, 257], &[190, 300]], |x| {
        x[0].transpose(0, 1).matmul(&x[1].transpose(0, 1))
    });
    forward_and_backward("linear", &[&[333, 400], &[256, 400], &[256]], |x| x[0].linear(&x[1], Some(&x[2])));
}

#[test]
fn softmax_and_losses() {
    for axis in [0, 1] {
        forward_and_backward("softmax", &[&[700, 110]], |x| x[0].softmax(axis));
        forward_and_backward("log_softmax", &[&[700, 110]], |x| x[0].log_softmax(axis));
    }
    let labels = Tensor::from_slice(&(0..700).map(|i| i * 7 % 110).collect::<Vec<i64>>(), [700]);
    for label_smoothing in [0.0, 0.1] {
        let options = CrossEntropy { label_smoothing, reduction: Reduction::Mean };
        forward_and_backward("cross_entropy", &[&[700, 110]], |x| x[0].cross_entropy_with(&labels, &options));
    }
    forward_and_backward("mse_loss", &[&[700, 110], &[700, 110]], |x| x[0].mse_loss(&x[1]));
    forward_and_backward("bce_with_logits", &[&[700, 110], &[700, 110]], |x| x[0].bce_with_logits(&x[1]));
}

#[test]
fn shapes() {
    forward_and_backward("cat of slices", &[&[300, 401]], |x| {
        let strided = x[0].slice(1, 3, 400, 2);
        versant::cat(&[&strided, &x[0].narrow(1, 0, 100)], 1).transpose(0, 1).reshape([299 * 300]).square()
    });
}

/// Ten steps of a multi-layer perceptron with dropout; the second layer is long enough for its update to be cut.
fn train(mut optimizer: impl Optimizer) -> Vec<Array> {
    let mut rng = Rng::new(3);
    let mut model = Sequential::new()
        .push(Linear::new(200, 400, &mut rng))
        .push(nn::Relu)
        .push(Dropout(0.2))
        .push(Linear::new(400, 300, &mut rng))
        .push(nn::Tanh)
        .push(Linear::new(300, 10, &mut rng));
    let x = Tensor::randn([150, 200], &mut rng);
    let labels = Tensor::from_slice(&(0..150).map(|i| i % 10).collect::<Vec<i64>>(), [150]);
    let mut all = Vec::new();
    for step in 0..10 {
        let loss = model.forward(&x, &mut Context::train(9, step)).cross_entropy(&labels);
        optimizer.step(&mut model, &loss.backward());
        all.push(loss.array().clone());
    }
    all.extend(model.state_dict().into_values());
    all
}

#[test]
fn trainings() {
    same_bits("SGD with momentum", || train(Sgd::new(0.1).momentum(0.9).weight_decay(1e-4)));
    same_bits("Adam", || train(Adam::new(1e-3)));
    same_bits("AdamW", || train(Adam::adamw(1e-3)));
}
