//! Elements by their indices, along any axis of any view.

use proptest::prelude::*;
use versant::rng::Rng;
use versant::{Array, DType, Device, Tensor};

use crate::compare::{eps, exact, naive, wide, within};
use crate::views::view;

const TYPES: [DType; 5] = [DType::F32, DType::F64, DType::I64, DType::U8, DType::Bool];

fn indices(shape: impl Into<versant::Shape>, n: usize, seed: u64) -> Tensor {
    let (shape, mut rng) = (shape.into(), Rng::new(seed));
    let values: Vec<i64> = (0..shape.numel()).map(|_| rng.below(n.max(1) as u64) as i64).collect();
    Tensor::from_slice(&values, shape)
}

/// `f` on the fast device and on the oracle.
fn both(inputs: [&Tensor; 3], f: impl Fn([Tensor; 3]) -> Tensor) -> [Array; 2] {
    [Device::Cpu, Device::Naive].map(|device| f(inputs.map(|x| x.to(device))).array().clone())
}

oracle! {
    #[test]
    fn by_index(view in view(), axis in 0usize..6, count in 0usize..20, kind in 0usize..5, seed in any::<u64>()) {
        let x = Tensor::from(view.array(TYPES[kind]));
        if axis < x.rank() && x.shape()[axis] > 0 {
            let (n, at) = (x.shape()[axis], axis as isize);
            let list = indices([count], n, seed);
            let longer = x.shape().with_axis(axis, count);
            let many = indices(longer, n, seed);
            let src = Tensor::from(x.array().clone());
            let [got, wanted] = both([&x, &list, &src], |[x, list, _]| x.index_select(at, &list));
            exact(&got, &wanted);
            let [got, wanted] = both([&x, &many, &src], |[x, many, _]| x.gather(at, &many));
            exact(&got, &wanted);
            let (same, src) = (indices(x.shape(), n, seed), x.transpose(at, -1).transpose(at, -1));
            let [got, wanted] = both([&x, &same, &src], |[x, index, src]| x.scatter(at, &index, &src));
            exact(&got, &wanted);
        }
    }

    #[test]
    fn adding(view in view(), axis in 0usize..6, kind in 0usize..4, seed in any::<u64>()) {
        let x = Tensor::from(view.array(TYPES[kind]));
        if axis < x.rank() && x.shape()[axis] > 0 {
            let (n, at) = (x.shape()[axis], axis as isize);
            let (list, many) = (indices([n], n, seed), indices(x.shape(), n, seed));
            let size = Tensor::from(naive(x.array()).cast(DType::F64)).abs();
            // No more than n + 1 numbers come together at a place.
            let error = 8.0 * (n as f64 + 1.0).sqrt() * eps(x.dtype());
            let check = |[got, wanted]: [Array; 2], size: &Array| match x.dtype().is_float() {
                true => {
                    let size = wide(size);
                    within(&got, &wanted, |i, _| error * size[i]);
                }
                false => exact(&got, &wanted),
            };
            let on_naive = |index: &Tensor| index.to(Device::Naive);
            let sums = size.index_add(at, &on_naive(&list), &size);
            check(both([&x, &list, &x], |[x, list, src]| x.index_add(at, &list, &src)), sums.array());
            let sums = size.scatter_add(at, &on_naive(&many), &size);
            check(both([&x, &many, &x], |[x, index, src]| x.scatter_add(at, &index, &src)), sums.array());
        }
    }
}
