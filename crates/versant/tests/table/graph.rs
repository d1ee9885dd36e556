//! Operations that change the graph rather than the values.

use versant::autograd::checkpoint;

use super::{Case, any, case};

pub fn cases() -> Vec<Case> {
    let pair = || [any([4, 3]).large([300, 401]), any([4, 3]).large([300, 401])];
    vec![
        case("on_grad", [any([4, 3]).large([300, 401])], |x| x[0].on_grad(|_| {}).sigmoid()),
        case("checkpoint", pair(), |x| {
            let (a, b) = (x[0].clone(), x[1].clone());
            checkpoint(move || (&a * &b).tanh() * &a)
        }),
    ]
}
