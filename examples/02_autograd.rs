//! Gradients: how a number depends on the numbers it was computed from.
//!
//! `cargo run --release --example 02_autograd`

use versant::prelude::*;
use versant::{Array, autograd, gradcheck};

fn main() {
    gradients();
    stopping();
    checking();
    second_derivatives();
    an_operation_of_ones_own();
}

/// Ask for gradients with `requires_grad`, compute as usual, and walk back from one number.
fn gradients() {
    let w = Tensor::from_slice(&[2.0f64, -1.0], [2]).requires_grad();
    let x = Tensor::from_slice(&[3.0f64, 5.0], [2]);

    // loss = (w . x - 4)^2, so d loss / dw = 2 (w . x - 4) x = 2 (1 - 4) x = -6 x.
    let loss = ((&w * &x).sum() - 4.0).square();
    let grads = loss.backward();

    // Gradients are returned, not stored in the tensors: there is nothing to reset before the next step.
    let dw = grads.get(&w).expect("the loss depends on w");
    println!("loss {loss:.1}, d loss / dw = {dw:.1}");
    assert_eq!(dw.to_vec::<f64>(), [-18.0, -30.0]);

    // x did not ask for a gradient, so none was computed.
    assert!(grads.get(&x).is_none());
}

/// Two ways to say "no gradient from here on", both explicit.
fn stopping() {
    let w = Tensor::scalar(3.0f64).requires_grad();

    // `no_grad` records nothing inside: for evaluation, where the graph would only cost memory.
    let y = no_grad(|| w.square());
    assert!(!y.tracks_grad());

    // `detach` turns one value into a constant: w * c with c = w has the gradient c, not 2 w.
    let grads = (&w * w.detach()).backward();
    println!("d (w * detached w) / dw = {:.1}", grads.get(&w).expect("w is a leaf"));
    assert_eq!(grads.get(&w).map(Tensor::item::<f64>), Some(3.0));
}

/// Never trust a gradient: compare it with finite differences.
fn checking() {
    let mut rng = Rng::new(1);
    let x = Tensor::randn([4, 3], &mut rng).cast(DType::F64);
    let w = Tensor::randn([2, 3], &mut rng).cast(DType::F64);
    let labels = Tensor::from_slice(&[0i64, 1, 1, 0], [4]);
    let error = gradcheck(|t| t[0].linear(&t[1], None).tanh().cross_entropy(&labels), &[x, w]);
    println!("backward against finite differences: relative error {error:.1e}");
    assert!(error < 1e-7);
}

/// `grad_with_graph` records the gradient itself, so that it can be differentiated again.
fn second_derivatives() {
    let x = Tensor::scalar(0.5f64).requires_grad();
    let y = x.tanh();
    let first = autograd::grad_with_graph(&y, &[&x]).remove(0);
    let second = autograd::grad(&first, &[&x]).remove(0);
    println!("tanh at 0.5: {y:.4}, tanh' = {first:.4}, tanh'' = {second:.4}");

    // tanh'' = -2 tanh (1 - tanh^2)
    let t = 0.5f64.tanh();
    assert!((second.item::<f64>() - -2.0 * t * (1.0 - t * t)).abs() < 1e-14);
}

/// log(cosh x), a smooth |x|. Its gradient is tanh x; written as tensor operations, it has a gradient in turn.
fn log_cosh(x: &Tensor) -> Tensor {
    let values: Vec<f64> = x.to_vec::<f64>().iter().map(|v| v.cosh().ln()).collect();
    let saved = x.clone();
    // One gradient for each parent, checked by the compiler; `want` computes it only if anybody asks.
    Tensor::from_op("log_cosh", Array::from_slice(&values, x.shape()), [x], move |back| {
        [back.want(0, || back.grad() * saved.tanh())]
    })
}

/// An operation that the library lacks: its values, and how a gradient comes back through it.
fn an_operation_of_ones_own() {
    let x = Tensor::from_slice(&[-1.0f64, 0.0, 2.0], [3]).requires_grad();
    let grads = log_cosh(&x).sum().backward();
    println!("log cosh x = {:.4}, its gradient {:.4}", log_cosh(&x), grads.get(&x).expect("x is a leaf"));
    assert!(gradcheck(|t| log_cosh(&t[0]), &[x.detach()]) < 1e-7);
    assert!(versant::gradgradcheck(|t| log_cosh(&t[0]), &[x.detach()]) < 1e-7);
}
