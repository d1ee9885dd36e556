//! Gradients against finite differences.

use crate::array::Array;
use crate::autograd;
use crate::dtype::DType;
use crate::rng::{Purpose, Rng};
use crate::tensor::Tensor;

/// Step of the differences. The error of the five-point formula is of order h^4 (1e-16 times the fifth
/// derivative), that of rounding of order 1e-16 / h = 1e-12.
const STEP: f64 = 1e-4;

/// The largest relative error between the gradients that `backward` gives and central differences in f64, over
/// all inputs: max |analytic - numeric| / max(|analytic|, |numeric|), both maxima over one input's elements. A
/// result of more than one element is weighted with fixed random numbers. Right gradients of smooth functions
/// give about 1e-10; more than 1e-7 is wrong.
///
/// ```
/// use versant::{Tensor, gradcheck};
/// let x = Tensor::from_slice(&[0.3f64, -1.2, 2.0], [3]);
/// assert!(gradcheck(|x| x[0].tanh().square(), &[x]) < 1e-7);
/// ```
///
/// # Panics
/// When an input is not f64.
#[track_caller]
pub fn gradcheck(f: impl Fn(&[Tensor]) -> Tensor, inputs: &[Tensor]) -> f64 {
    for (i, x) in inputs.iter().enumerate() {
        assert!(
            x.dtype() == DType::F64,
            "gradcheck: input {i} is {}; finite differences need f64",
            x.dtype()
        );
    }
    let leaves: Vec<Tensor> = inputs.iter().map(Tensor::requires_grad).collect();
    let y = f(&leaves);
    let weights = weights_for(&y, 0);
    // A result without a graph claims that its gradients are 0, which the differences will tell.
    let grads = if y.tracks_grad() { (&y * &weights).sum().backward() } else { Default::default() };
    let value = |inputs: &[Tensor]| autograd::no_grad(|| (f(inputs) * &weights).sum().item::<f64>());

    let mut worst = 0.0f64;
    for (i, leaf) in leaves.iter().enumerate() {
        let analytic = grads.get(leaf).map_or_else(|| vec![0.0; leaf.numel()], Tensor::to_vec::<f64>);
        let numeric: Vec<f64> = (0..leaf.numel()).map(|j| central_difference(&value, inputs, i, j)).collect();
        worst = worst.max(relative_error(&analytic, &numeric));
    }
    worst
}

/// [`gradcheck`] of the gradient itself: whether it can be differentiated a second time, and rightly.
#[track_caller]
pub fn gradgradcheck(f: impl Fn(&[Tensor]) -> Tensor, inputs: &[Tensor]) -> f64 {
    gradcheck(gradient_of(f), inputs)
}

/// A number made of the gradients of f, from which they can be differentiated again.
fn gradient_of(f: impl Fn(&[Tensor]) -> Tensor) -> impl Fn(&[Tensor]) -> Tensor {
    move |xs: &[Tensor]| {
        // Under no_grad, where the differences are taken, the inner gradient still needs its graph.
        autograd::with_grad(|| {
            let leaves: Vec<Tensor> =
                xs.iter().map(|x| if x.tracks_grad() { x.clone() } else { x.requires_grad() }).collect();
            let y = f(&leaves);
            // A function linear in its inputs has constant gradients; the square makes them depend on the inputs.
            let z = (y.square() * weights_for(&y, 0)).sum();
            let grads = autograd::grad_with_graph(&z, &leaves.iter().collect::<Vec<_>>());
            // Each gradient has weights of its own: those of a - b would cancel.
            let weighted = (1..).zip(&grads).map(|(i, g)| (g * weights_for(g, i)).sum());
            weighted.reduce(|a, b| a + b).unwrap_or(z)
        })
    }
}

fn weights_for(y: &Tensor, number: u32) -> Tensor {
    let mut rng = Rng::keyed(y.numel() as u64, Purpose::User, 0, number);
    let weights = Array::rand(y.shape(), 0.5, 1.5, DType::F64, &mut rng);
    Tensor::from(weights.to(y.device()))
}

/// (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h for element `j` of input `i`.
fn central_difference(value: &dyn Fn(&[Tensor]) -> f64, inputs: &[Tensor], i: usize, j: usize) -> f64 {
    let at = |delta: f64| {
        let mut moved = inputs.to_vec();
        let mut values = inputs[i].to_vec::<f64>();
        values[j] += delta;
        moved[i] = Tensor::from_slice(&values, inputs[i].shape()).to(inputs[i].device());
        value(&moved)
    };
    let (near, far) = (at(STEP) - at(-STEP), at(2.0 * STEP) - at(-2.0 * STEP));
    (8.0 * near - far) / (12.0 * STEP)
}

fn relative_error(analytic: &[f64], numeric: &[f64]) -> f64 {
    let largest = |values: &mut dyn Iterator<Item = f64>| {
        values.fold(0.0, |a: f64, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b.abs()) })
    };
    let difference = largest(&mut analytic.iter().zip(numeric).map(|(a, b)| a - b));
    let size = largest(&mut analytic.iter().chain(numeric).copied());
    if difference == 0.0 {
        0.0
    } else if size.is_nan() || difference.is_nan() {
        f64::INFINITY
    } else {
        // Below 1e-3 the rounding of the differences, not the gradient, would be measured.
        difference / size.max(1e-3)
    }
}

#[cfg(test)]
mod planted;
#[cfg(test)]
#[path = "../tests/table/mod.rs"]
mod table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_gradient_is_found() {
        let x = Tensor::from_slice(&[0.5f64, 1.5], [2]);
        let wrong = |x: &[Tensor]| {
            let value = x[0].array().unary(crate::ops::Unary::Square);
            let saved = x[0].clone();
            Tensor::from_op("wrong_square", value, [&x[0]], move |back| {
                [back.want(0, || back.grad() * &saved * 2.000001)]
            })
        };
        assert!(gradcheck(wrong, std::slice::from_ref(&x)) > 1e-7);
        assert!(gradcheck(|x| x[0].square(), &[x]) < 1e-10);
    }

    #[test]
    fn a_missing_gradient_is_found() {
        let x = Tensor::from_slice(&[0.5f64], [1]);
        assert!(gradcheck(|x| &x[0] * &x[0].detach(), &[x]) > 0.1);
    }
}
