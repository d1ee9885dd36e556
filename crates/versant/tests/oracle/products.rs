//! Matrix products of operands in any layout.

use proptest::prelude::*;
use versant::ops::Unary;
use versant::rng::Rng;
use versant::{Array, DType, Device, Tensor};

use crate::compare::{eps, naive, wide, within};
use crate::views::{Values, dim, draw, values};

/// A matrix (with axes of a batch before) whose elements lie in memory in one of six ways.
fn laid_out(dims: &[usize], layout: u8, dtype: DType, values: Values, rng: &mut Rng) -> Array {
    let rank = dims.len();
    let (row, column) = (rank - 2, rank - 1);
    let with = |changes: &[(usize, usize)]| {
        let mut dims = dims.to_vec();
        changes.iter().for_each(|&(axis, len)| dims[axis] = len);
        dims
    };
    let mut draw = |dims: Vec<usize>| draw(&dims, dtype, values, rng);
    match layout {
        0 => draw(dims.to_vec()),
        1 => draw(with(&[(row, dims[column]), (column, dims[row])])).transpose(-1, -2),
        2 => draw(with(&[(column, dims[column] + 3)])).slice(-1, 2, dims[column] + 2, 1),
        3 => draw(with(&[(column, 2 * dims[column] + 1)])).slice(-1, 1, 2 * dims[column] + 1, 2),
        4 if dims[row] > 0 => draw(with(&[(row, 1)])).broadcast_to(dims),
        5 if dims[column] > 0 => draw(with(&[(column, 1)])).broadcast_to(dims),
        _ => draw(dims.to_vec()).transpose(0, -1).contiguous().transpose(0, -1),
    }
}

/// 8 sqrt(k) eps sum |a| |b|; more terms than k come from nowhere.
#[track_caller]
fn check(got: &Array, wanted: &Array, size: &Array, k: usize) {
    let size = wide(size);
    let error = 8.0 * (k.max(1) as f64).sqrt() * eps(got.dtype());
    within(got, wanted, |i, _| error * size[i]);
}

fn magnitudes(x: &Array) -> Array {
    naive(x).cast(DType::F64).unary(Unary::Abs)
}

oracle! {
    #[test]
    fn matmul(
        (m, k, n) in (dim(), dim(), dim()),
        batch in prop::collection::vec(prop::sample::select(vec![0usize, 1, 2, 3]), 0..=2),
        (stretch_a, stretch_b, drop_b) in (0u8..4, 0u8..4, 0usize..3),
        (layout_a, layout_b) in (0u8..7, 0u8..7),
        (double, values, seed) in (any::<bool>(), values(), any::<u64>()),
    ) {
        let dtype = if double { DType::F64 } else { DType::F32 };
        let values = if values == Values::All { Values::Ordinary } else { values };
        let mut rng = Rng::new(seed);
        let shrink = |stretch: u8| -> Vec<usize> {
            batch.iter().enumerate().map(|(i, &d)| if stretch >> i & 1 == 1 { 1 } else { d }).collect()
        };
        let batch_b = shrink(stretch_b);
        let batch_b = &batch_b[drop_b.min(batch_b.len())..];
        let a = laid_out(&[&shrink(stretch_a)[..], &[m, k]].concat(), layout_a, dtype, values, &mut rng);
        let b = laid_out(&[batch_b, &[k, n]].concat(), layout_b, dtype, values, &mut rng);
        check(&a.matmul(&b), &naive(&a).matmul(&naive(&b)), &magnitudes(&a).matmul(&magnitudes(&b)), k);
    }

    #[test]
    fn linear(
        (m, k, n) in (dim(), dim(), dim()),
        (layout_x, layout_w, layout_b) in (0u8..7, 0u8..7, 0u8..7),
        (double, values, seed) in (any::<bool>(), values(), any::<u64>()),
    ) {
        let dtype = if double { DType::F64 } else { DType::F32 };
        let values = if values == Values::All { Values::Ordinary } else { values };
        let mut rng = Rng::new(seed);
        let x = laid_out(&[m, k], layout_x, dtype, values, &mut rng);
        let w = laid_out(&[n, k], layout_w, dtype, values, &mut rng);
        let b = laid_out(&[1, n], layout_b, dtype, values, &mut rng).reshape([n]);
        let linear = |[x, w, b]: [Array; 3]| {
            let [x, w, b] = [x, w, b].map(Tensor::from);
            x.linear(&w, Some(&b)).array().clone()
        };
        let all = [x, w, b];
        let wanted = linear(all.clone().map(|t| t.to(Device::Naive)));
        let size = linear(all.clone().map(|t| magnitudes(&t)));
        check(&linear(all), &wanted, &size, k + 1);
    }
}
