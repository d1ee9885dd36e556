//! Changes of shape, joining, parts. A square makes each gradient depend on the values, so that a misplaced one shows.

use versant::{Pad, Tensor, Window, cat, stack};

use super::{Case, any, case};

type One = fn(&Tensor) -> Tensor;

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let functions: [(&str, One); 34] = [
        ("reshape", |x| x.reshape([x.shape()[0] * 2, x.numel() / x.shape()[0] / 2])),
        ("reshape of a transpose", |x| x.transpose(0, 2).reshape([x.numel()])),
        ("view", |x| x.add_scalar(0.0).view(&[-1, 2])),
        ("expand", |x| x.unsqueeze(0).expand(&[2, -1, -1, -1])),
        ("unflatten", |x| x.unflatten(2, [2, x.shape()[2] / 2])),
        ("flatten_axes", |x| x.flatten_axes(0, 1)),
        ("split", |x| cat(&x.split(2, 1).iter().rev().collect::<Vec<_>>(), 1)),
        ("split_sizes", |x| x.split_sizes(&[1, x.shape()[1] - 1], 1).remove(1)),
        ("chunk", |x| x.chunk(2, 2).remove(0)),
        ("flip", |x| x.flip(&[0, -1])),
        ("roll", |x| x.roll(-1, 2)),
        ("repeat", |x| x.repeat(&[2, 1, 2, 1])),
        ("tile", |x| x.tile(&[2, 3])),
        ("repeat_interleave", |x| x.repeat_interleave(3, 1)),
        ("pad", |x| x.pad(&[(0, 1), (2, 0)], Pad::Constant(0.5))),
        ("pad, reflect", |x| x.pad(&[(1, 2), (3, 1)], Pad::Reflect)),
        ("pad, replicate", |x| x.pad(&[(1, 2), (0, 1)], Pad::Replicate)),
        ("pad, circular", |x| x.pad(&[(3, 2), (0, 4)], Pad::Circular)),
        ("unfold", |x| x.unfold(2, 3, 1)),
        ("unfold by steps", |x| x.unfold(1, 2, 1)),
        ("fold", |x| x.unfold(2, 2, 1).square().fold(2, x.shape()[2], 1)),
        ("fold of the axis before", |x| x.fold(1, x.shape()[1] - 1 + x.shape()[2], 1)),
        ("unfold2d", |x| {
            let window = Window::new([2, 2]).stride([1, 2]).padding([1, 0]).dilation([1, 2]);
            x.unsqueeze(0).unfold2d(&window)
        }),
        ("fold2d", |x| {
            let [_, h, w] = x.dims();
            let window = Window::new([2, 2]).stride([2, 1]).padding([0, 1]);
            x.unsqueeze(1).unfold2d(&window).square().fold2d([h, w], &window)
        }),
        ("masked_select", |x| x.masked_select(&x.detach().gt(0.0).logical_or(&x.detach().lt(-1.0)))),
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
