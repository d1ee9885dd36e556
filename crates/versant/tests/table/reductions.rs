//! Reductions along axes.

use versant::keepdim;

use super::{Case, any, case, distinct};

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for axes in [&[][..], &[0], &[1], &[-1], &[0, 2], &[0, 1, 2]] {
        let x = || [any([2, 4, 3]).large([70, 50, 60])];
        let d = || [distinct([2, 4, 3]).large([70, 50, 60])];
        all.push(case(format!("sum {axes:?}"), x(), move |x| x[0].sum_axes(axes)));
        all.push(case(format!("sum {axes:?} kept"), x(), move |x| x[0].sum_axes(keepdim(axes))));
        all.push(case(format!("mean {axes:?}"), x(), move |x| x[0].mean_axes(axes)));
        all.push(case(format!("max {axes:?}"), d(), move |x| x[0].max_axes(axes)));
        all.push(case(format!("min {axes:?} kept"), d(), move |x| x[0].min_axes(keepdim(axes))));
    }
    all.push(case("a long sum", [any([5]).large([1_000_003])], |x| x[0].sum()));
    all
}
