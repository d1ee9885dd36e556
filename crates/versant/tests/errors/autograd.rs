//! Gradients.

use versant::autograd;
use versant::{Tensor, gradcheck, no_grad};

use super::{BIG, VAST, Wrong, f32s, f64s, naive, wrong};

/// A leaf.
fn leaf(len: usize) -> Tensor {
    f32s([len]).requires_grad()
}

/// A graph that an earlier backward has freed.
fn freed() -> Tensor {
    let y = leaf(1).exp();
    y.backward();
    y
}

/// An operation whose backward gives what it should not.
fn faulty(parents: &[&Tensor], gives: Tensor) -> Tensor {
    Tensor::from_op_many("faulty", f32s([3]).array().clone(), parents, move |back| {
        vec![back.want(0, || gives.clone())]
    })
}

pub(super) const CALLS: &[Wrong] = wrong! {
    "backward", "[1048576]" => leaf(BIG).backward();
    "backward", "[0]" => leaf(0).backward();
    "backward", "f32 []" => f32s(()).backward();
    "backward", "f32 [1]" => no_grad(|| leaf(1).exp()).backward();
    "backward", "f32 [1]" => leaf(1).detach().backward_retain_graph();
    "backward", "exp [1]" => freed().backward();
    "backward", "[1048576]" => leaf(BIG).backward_retain_graph();
    "backward", "[2]" => leaf(BIG).backward_from(&f32s([2]));
    "backward", "f64 [1048576]" => leaf(BIG).backward_from(&f64s([BIG]));
    "backward", "naive" => leaf(BIG).backward_from(&naive([BIG]));
    "backward", "[1]" => leaf(BIG).backward_from_retain_graph(&f32s([1]));
    "faulty", "1 gradients for 2 parents" => faulty(&[&leaf(3), &leaf(3)], f32s([3])).backward_from(&f32s([3]));
    "faulty", "f64 [3]" => faulty(&[&leaf(3)], f64s([3])).backward_from(&f32s([3]));
    "faulty", "[1048576, 3]" => faulty(&[&leaf(3)], f32s([BIG, 3])).backward_from(&f32s([3]));
    "grad", "[1048576]" => autograd::grad(&leaf(BIG), &[]);
    "grad", "xs[0] [1099511627776]" => autograd::grad(&leaf(1), &[&f32s([VAST])]);
    "grad", "xs[1] [1048576]" => { let x = leaf(1); autograd::grad(&x, &[&x, &leaf(BIG)]) };
    "grad", "f32 []" => autograd::grad(&f32s(()), &[&leaf(2)]);
    "grad", "[2]" => autograd::grad_with_graph(&leaf(2), &[]);
    "backward", "exp [1]" => { let x = leaf(1); let y = x.exp(); y.backward(); autograd::grad(&y, &[&x]) };
    "gradcheck", "f32" => gradcheck(|x| x[0].clone(), &[f32s([VAST])]);
};
