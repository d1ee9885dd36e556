//! Sums, extremes and the place of the largest, along any axes.

use proptest::prelude::*;
use versant::DType;
use versant::ops::Reduce;

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
}
