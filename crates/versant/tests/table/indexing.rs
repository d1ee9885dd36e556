//! Elements by their indices.

use versant::Tensor;

use super::{Case, any, case};

/// Every number below n, some twice, in no order.
fn indices(shape: impl Into<versant::Shape>, n: usize, like: &Tensor) -> Tensor {
    let shape = shape.into();
    let values: Vec<i64> = (0..shape.numel()).map(|i| (i * 5 % 7 * 3 % n) as i64).collect();
    Tensor::from_slice(&values, shape).to(like.device())
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let x = || any([2, 4, 3]).large([70, 50, 60]);
    for axis in [0isize, 1, -1] {
        let at = axis.rem_euclid(3) as usize;
        all.push(case(format!("index_select {axis}"), [x()], move |x| {
            x[0].index_select(axis, &indices([5], x[0].shape()[at], &x[0])).square()
        }));
        all.push(case(format!("gather {axis}"), [x()], move |x| {
            x[0].gather(axis, &indices(x[0].shape(), x[0].shape()[at], &x[0])).square()
        }));
        all.push(case(format!("index_add {axis}"), [x(), x()], move |x| {
            let list = indices([x[1].shape()[at]], x[0].shape()[at], &x[0]);
            x[0].index_add(axis, &list, &x[1]).square()
        }));
        all.push(case(format!("scatter_add {axis}"), [x(), x()], move |x| {
            let index = indices(x[1].shape(), x[0].shape()[at], &x[0]);
            x[0].scatter_add(axis, &index, &x[1]).square()
        }));
        all.push(case(format!("scatter {axis}"), [x(), x()], move |x| {
            let index = indices(x[1].shape(), x[0].shape()[at], &x[0]);
            x[0].scatter(axis, &index, &x[1]).square()
        }));
        all.push(case(format!("take_along {axis}"), [x()], move |x| {
            let mut shape = [1; 3];
            shape[at] = 2;
            x[0].take_along(&indices(shape, x[0].shape()[at], &x[0]), axis).square()
        }));
        all.push(case(format!("select {axis}"), [x()], move |x| x[0].select(axis, 1).square()));
        all.push(case(format!("select_scatter {axis}"), [x(), x()], move |x| {
            x[0].select_scatter(axis, 1, &x[1].select(axis, 0)).square()
        }));
        all.push(case(format!("slice_scatter {axis}"), [x(), x()], move |x| {
            let len = x[0].shape()[at];
            let part = x[1].slice(axis, 0, len - 1, 2);
            x[0].slice_scatter(axis, 1, len, 2, &part).square()
        }));
    }
    all.push(case("scatter_add of a part", [x(), any([1, 3, 2]).large([30, 40, 50])], |x| {
        let index = indices(x[1].shape(), x[0].shape()[1], &x[0]);
        x[0].scatter_add(1, &index, &x[1]).square()
    }));
    all.push(case("embedding", [any([5, 3]).large([1000, 120])], |x| {
        x[0].embedding(&indices([2, x[0].shape()[0] / 2], x[0].shape()[0], &x[0])).square()
    }));
    all
}
