//! The same bits for any number of threads: every operation, forward and backward, at sizes that are cut into pieces,
//! and whole trainings.

mod table;

use std::sync::{Mutex, PoisonError};

use table::cases;
use versant::Array;
use versant::cpu::threads::{set_threads, threads};
use versant::optim::{Adagrad, Lion, RmsProp};
use versant::prelude::*;

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

/// The result and the gradients of the inputs, in both floating types.
#[test]
fn every_operation() {
    for case in cases() {
        for dtype in [DType::F32, DType::F64] {
            same_bits(&format!("{} in {dtype}", case.name), || {
                let inputs: Vec<Tensor> = (1..)
                    .zip(&case.inputs)
                    .map(|(seed, input)| Tensor::from(input.draw_large(dtype, seed)).requires_grad())
                    .collect();
                let y = (case.run)(&inputs);
                let weights = Array::rand(y.shape(), -1.0, 1.0, DType::F64, &mut Rng::new(42));
                let grads = y.backward_from(&weights.cast(y.dtype()).into());
                let of_inputs = inputs.iter().filter_map(|x| grads.get(x)).map(|g| g.array().clone());
                std::iter::once(y.array().clone()).chain(of_inputs).collect()
            });
        }
    }
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
    same_bits("AMSGrad", || train(Adam::new(1e-3).amsgrad()));
    same_bits("NAdam", || train(Adam::nadam(1e-3)));
    same_bits("RMSProp", || train(RmsProp::new(1e-3)));
    same_bits("RMSProp, centred", || train(RmsProp::new(1e-3).momentum(0.5).centered(true)));
    same_bits("Adagrad", || train(Adagrad::new(1e-2)));
    same_bits("Lion", || train(Lion::new(1e-4)));
}
