//! Sums, products, extremes, running sums and orders, along any axes.

use proptest::prelude::*;
use versant::ops::{Reduce, Unary};
use versant::{Array, DType, Tensor};

use crate::compare::{eps, exact, magnitude, naive, within};
use crate::views::view;

oracle! {
    #[test]
    fn reduce(view in view(), chosen in any::<u8>(), kind in 0usize..4) {
        let x = view.array([DType::F32, DType::F64, DType::I64, DType::U8][kind]);
        let axes: Vec<isize> = (0..x.rank()).filter(|i| chosen >> i & 1 == 1).map(|i| i as isize).collect();
        let reduced = |i: usize| axes.is_empty() || axes.contains(&(i as isize));
        let terms: usize = (0..x.rank()).filter(|&i| reduced(i)).map(|i| x.shape()[i]).product();
        let (got, wanted) = (x.reduce(Reduce::Sum, &axes[..]), naive(&x).reduce(Reduce::Sum, &axes[..]));
        if x.dtype().is_float() {
            let (size, error) = (magnitude(&x, &axes[..]), 8.0 * (terms as f64).sqrt() * eps(x.dtype()));
            within(&got, &wanted, |i, _| error * size[i]);
        } else {
            exact(&got, &wanted);
        }
        if terms > 0 {
            for op in [Reduce::Max, Reduce::Min] {
                exact(&x.reduce(op, &axes[..]), &naive(&x).reduce(op, &axes[..]));
            }
        }
    }

    #[test]
    fn argmax(view in view(), axis in 0usize..6, kind in 0usize..5) {
        let x = view.array([DType::F32, DType::F64, DType::I64, DType::U8, DType::Bool][kind]);
        if axis < x.rank() && x.shape()[axis] > 0 {
            exact(&x.argmax(axis as isize), &naive(&x).argmax(axis as isize));
        }
    }

    #[test]
    fn argmin(view in view(), axis in 0usize..6, kind in 0usize..5) {
        let x = view.array([DType::F32, DType::F64, DType::I64, DType::U8, DType::Bool][kind]);
        if axis < x.rank() && x.shape()[axis] > 0 {
            exact(&x.argmin(axis as isize), &naive(&x).argmin(axis as isize));
        }
    }

    #[test]
    fn products(view in view(), chosen in any::<u8>(), kind in 0usize..4) {
        let x = view.array([DType::F32, DType::F64, DType::I64, DType::U8][kind]);
        let axes: Vec<isize> = (0..x.rank()).filter(|i| chosen >> i & 1 == 1).map(|i| i as isize).collect();
        // Products of many numbers of any size would be 0 or infinite; of ten thousand within 0.4 % of 1 none is.
        let x = match x.dtype().is_float() {
            true => x.unary(Unary::Tanh).unary(Unary::MulScalar(0.004)).unary(Unary::AddScalar(1.0)),
            false => x,
        };
        let terms = x.numel().max(1) as f64;
        let (got, wanted) = (x.reduce(Reduce::Prod, &axes[..]), naive(&x).reduce(Reduce::Prod, &axes[..]));
        if x.dtype().is_float() {
            // Each factor rounds once.
            within(&got, &wanted, |_, w| terms * eps(x.dtype()) * w.abs());
        } else {
            exact(&got, &wanted);
        }
    }

    #[test]
    fn running_sums_and_products(view in view(), axis in 0usize..6, kind in 0usize..5) {
        let x = Tensor::from(view.array([DType::F32, DType::F64, DType::I64, DType::U8, DType::Bool][kind]));
        if axis < x.rank() {
            // Both backends add and multiply in f64, one element after the other.
            for f in [Tensor::cumsum, Tensor::cumprod] {
                exact(f(&x, axis as isize).array(), f(&naive(x.array()).into(), axis as isize).array());
            }
        }
    }

    #[test]
    fn gradients_of_running_products(view in view(), axis in 0usize..6, double in any::<bool>()) {
        let x = view.array(if double { DType::F64 } else { DType::F32 });
        if axis < x.rank() {
            let gradient = |x: Array| {
                let (g, x) = (Tensor::from(x.clone()), Tensor::from(x).requires_grad());
                let grads = x.cumprod(axis as isize).backward_from(&g);
                grads.get(&x).map_or_else(|| g.array().clone(), |g| g.array().contiguous())
            };
            exact(&gradient(x.clone()), &gradient(naive(&x)));
        }
    }

    #[test]
    fn order(view in view(), axis in 0usize..6, descending in any::<bool>(), kind in 0usize..5) {
        let x = Tensor::from(view.array([DType::F32, DType::F64, DType::I64, DType::U8, DType::Bool][kind]));
        if axis < x.rank() {
            let y = |x: &Tensor| x.argsort(axis as isize, descending).array().clone();
            exact(&y(&x), &y(&naive(x.array()).into()));
        }
    }

    #[test]
    fn the_most_extreme(view in view(), axis in 0usize..6, largest in any::<bool>(), kind in 0usize..5, k in 0usize..70) {
        let x = Tensor::from(view.array([DType::F32, DType::F64, DType::I64, DType::U8, DType::Bool][kind]));
        if axis < x.rank() {
            let k = k.min(x.shape()[axis]);
            let (values, places) = x.topk(k, axis as isize, largest);
            let (wanted, order) = Tensor::from(naive(x.array())).topk(k, axis as isize, largest);
            exact(places.array(), order.array());
            exact(values.array(), wanted.array());
        }
    }
}
