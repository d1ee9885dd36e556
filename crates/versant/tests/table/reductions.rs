//! Reductions along axes.

use versant::{cat, keepdim};

use super::{Case, any, case, distinct, positive};

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
    for axes in [&[][..], &[1], &[0, 2]] {
        let x = || [any([2, 4, 3]).large([70, 50, 60])];
        let p = || [positive([2, 4, 3]).large([70, 50, 60])];
        all.push(case(format!("prod {axes:?}"), p(), move |x| (&x[0] * 0.9).prod_axes(axes)));
        all.push(case(format!("var {axes:?}"), x(), move |x| x[0].var_axes(axes, 1)));
        all.push(case(format!("std {axes:?} kept"), x(), move |x| x[0].std_axes(keepdim(axes), 0)));
        all.push(case(format!("logsumexp {axes:?}"), x(), move |x| x[0].logsumexp_axes(axes)));
        for p in [0.0, 1.0, 2.0, 3.0, 1.5, -1.0] {
            all.push(case(format!("norm {p} {axes:?}"), x(), move |x| x[0].norm_axes(p, axes)));
        }
        let d = || [distinct([2, 4, 3]).large([70, 50, 60])];
        for p in [f64::INFINITY, f64::NEG_INFINITY] {
            all.push(case(format!("norm {p} {axes:?}"), d(), move |x| x[0].norm_axes(p, keepdim(axes))));
        }
    }
    all.push(case("prod with zeros", [any([2, 4]).large([70, 500])], |x| {
        let hole = x[0].narrow(1, 0, 1) * 0.0;
        cat(&[&x[0], &hole], 1).prod_axes(1)
    }));
    for axis in [0, 1, -1] {
        let x = || [any([2, 4, 3]).large([70, 50, 60])];
        all.push(case(format!("cumsum {axis}"), x(), move |x| x[0].cumsum(axis).square()));
        all.push(case(format!("cumprod {axis}"), x(), move |x| x[0].cumprod(axis)));
        let d = || [distinct([2, 4, 3]).large([70, 50, 60])];
        all.push(case(format!("sort {axis}"), d(), move |x| x[0].sort(axis, false).0 * &x[0]));
        all.push(case(format!("topk {axis}"), d(), move |x| x[0].topk(2, axis, true).0.square()));
    }
    all.push(case("cumprod with a zero", [any([2, 4]).large([70, 500])], |x| {
        let hole = x[0].narrow(1, 0, 1) * 0.0;
        cat(&[&x[0].narrow(1, 0, 2), &hole, &x[0]], 1).cumprod(1)
    }));
    all.push(case("a long sum", [any([5]).large([1_000_003])], |x| x[0].sum()));
    all
}
