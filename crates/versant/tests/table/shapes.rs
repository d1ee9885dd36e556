//! Changes of shape, joining, parts. A square makes each gradient depend on the values, so that a misplaced one shows.

use versant::{Tensor, cat, stack};

use super::{Case, any, case};

type One = fn(&Tensor) -> Tensor;

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let functions: [(&str, One); 11] = [
        ("reshape", |x| x.reshape([x.shape()[0] * 2, x.numel() / x.shape()[0] / 2])),
        ("reshape of a transpose", |x| x.transpose(0, 2).reshape([x.numel()])),
        ("flatten", |x| x.flatten(1)),
        ("squeeze", |x| x.unsqueeze(1).squeeze(1)),
        ("unsqueeze", |x| x.unsqueeze(-1)),
        ("transpose", |x| x.transpose(0, 1)),
        ("permute", |x| x.permute(&[2, 0, 1])),
        ("broadcast_to", |x| x.broadcast_to([&[2], &x.shape()[..]].concat())),
        ("slice", |x| x.slice(2, 1, x.shape()[2], 2)),
        ("narrow", |x| x.narrow(1, 1, 1)),
        ("empty slice", |x| cat(&[&x.narrow(1, 2, 0), x], 1)),
    ];
    for (name, f) in functions {
        all.push(case(name, [any([2, 3, 4]).large([30, 40, 100])], move |x| f(&x[0]).square()));
    }
    all.push(case("cat", [any([2, 3]).large([300, 401]), any([2, 1]).large([300, 7])], |x| {
        cat(&[&x[0], &x[1], &x[0]], 1).square()
    }));
    all.push(case("stack", [any([2, 3]).large([300, 401]), any([2, 3]).large([300, 401])], |x| {
        stack(&[&x[0], &x[1]], 1).square()
    }));
    all
}
