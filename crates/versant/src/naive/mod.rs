//! The backend in plain loops: every floating-point value is computed in f64 and rounded once. It is the oracle
//! of the fast kernels' tests and shows how little a backend has to know.

mod conv;
mod elementwise;
mod index;
mod norm;
mod number;
mod optim;
mod ordered;
mod pool;
mod softmax;

pub(crate) use elementwise::{binary, binary_i64, unary};

use crate::array::Array;
use crate::device::{Backend, ConvShape, Epilogue, Norm, NormGrads, NormInput};
use crate::dtype::with_element;
use crate::layout::Layout;
use crate::ops::{Bands, Binary, Compare, Reduce, Spans, Unary};
use crate::optim::Step;
use elementwise::{compare, larger};
use number::{Number, read, read_i64, write, write_i64};

/// The backend of [`Device::Naive`](crate::Device::Naive).
pub struct Naive;

/// The index of the first element that beats all others; NaN beats any.
fn first_extreme<T: PartialOrd>(row: &[T], beats: impl Fn(&T, &T) -> bool) -> i64 {
    let is_nan = |v: &T| v.partial_cmp(v).is_none();
    let mut best = 0;
    for (i, v) in row.iter().enumerate() {
        if beats(v, &row[best]) || (is_nan(v) && !is_nan(&row[best])) {
            best = i;
        }
    }
    best as i64
}

fn last_axis(x: &Array) -> usize {
    x.shape().last().copied().unwrap_or(1).max(1)
}

impl Backend for Naive {
    fn copy(&self, x: &Array, out: &mut Array, to: &Layout) {
        if x.dtype().is_float() {
            let values = read(x);
            with_element!(out.dtype(), T => {
                let out = out.as_mut_slice::<T>();
                to.positions().zip(values).for_each(|(p, v)| out[p] = T::put(v));
            })
        } else {
            let values = read_i64(x);
            with_element!(out.dtype(), T => {
                let out = out.as_mut_slice::<T>();
                to.positions().zip(values).for_each(|(p, v)| out[p] = T::from_i64(v));
            })
        }
    }

    fn unary(&self, op: Unary, x: &Array, out: &mut Array) {
        write(out, read(x).into_iter().map(|x| unary(op, x)));
    }

    fn binary(&self, op: Binary, a: &Array, b: &Array, out: &mut Array) {
        if a.dtype().is_float() {
            write(out, read(a).into_iter().zip(read(b)).map(|(a, b)| binary(op, a, b)));
        } else {
            write_i64(out, read_i64(a).into_iter().zip(read_i64(b)).map(|(a, b)| binary_i64(op, a, b)));
        }
    }

    fn unary_assign(&self, op: Unary, x: &mut Array) {
        self.unary(op, &x.clone(), x);
    }

    fn binary_assign(&self, op: Binary, a: &mut Array, b: &Array) {
        self.binary(op, &a.clone(), b, a);
    }

    fn add_into(&self, x: &Array, out: &mut Array, to: &Layout) {
        index::add(x, to.positions(), out);
    }

    fn compare(&self, op: Compare, a: &Array, b: &Array, out: &mut Array) {
        let bits: Vec<f64> = if a.dtype().is_float() {
            read(a).into_iter().zip(read(b)).map(|(a, b)| compare(op, a, b) as u8 as f64).collect()
        } else {
            read_i64(a).into_iter().zip(read_i64(b)).map(|(a, b)| compare(op, a, b) as u8 as f64).collect()
        };
        write(out, bits);
    }

    fn select(&self, mask: &Array, a: &Array, b: &Array, out: &mut Array) {
        let mask = read_i64(mask).into_iter();
        if a.dtype().is_float() {
            let pairs = read(a).into_iter().zip(read(b));
            write(out, mask.zip(pairs).map(|(m, (a, b))| if m != 0 { a } else { b }));
        } else {
            let pairs = read_i64(a).into_iter().zip(read_i64(b));
            write_i64(out, mask.zip(pairs).map(|(m, (a, b))| if m != 0 { a } else { b }));
        }
    }

    fn relu_backward(&self, y: &Array, g: &mut Array, sums: &mut Array) {
        self.binary(Binary::MaskPositive, &g.clone(), y, g);
        self.reduce(Reduce::Sum, g, g.rank() - 1, sums);
    }

    fn reduce(&self, op: Reduce, x: &Array, kept: usize, out: &mut Array) {
        let len: usize = x.shape()[kept..].iter().product();
        let rows = 0..out.numel();
        if x.dtype().is_float() {
            let all = read(x);
            let fold = |row: &[f64]| match op {
                Reduce::Sum => row.iter().sum(),
                Reduce::Prod => row.iter().product(),
                Reduce::Max => row.iter().copied().fold(f64::NEG_INFINITY, larger),
                Reduce::Min => row.iter().copied().fold(f64::INFINITY, |a, b| binary(Binary::Minimum, a, b)),
            };
            write(out, rows.map(|r| fold(&all[r * len..][..len])).collect::<Vec<_>>());
        } else {
            let all = read_i64(x);
            let fold = |row: &[i64]| match op {
                Reduce::Sum => row.iter().fold(0, |a: i64, &b| a.wrapping_add(b)),
                Reduce::Prod => row.iter().fold(1, |a: i64, &b| a.wrapping_mul(b)),
                Reduce::Max => row.iter().copied().max().unwrap_or(0),
                Reduce::Min => row.iter().copied().min().unwrap_or(0),
            };
            write_i64(out, rows.map(|r| fold(&all[r * len..][..len])).collect::<Vec<_>>());
        }
    }

    fn arg_extreme(&self, op: Reduce, x: &Array, out: &mut Array) {
        fn of<T: PartialOrd>(op: Reduce, row: &[T]) -> i64 {
            first_extreme(row, |a, b| if op == Reduce::Min { a < b } else { a > b })
        }
        if x.dtype().is_float() {
            write_i64(out, read(x).chunks(last_axis(x)).map(|row| of(op, row)));
        } else {
            write_i64(out, read_i64(x).chunks(last_axis(x)).map(|row| of(op, row)));
        }
    }

    fn scan(&self, a: Option<&Array>, b: &Array, reverse: bool, out: &mut Array) {
        ordered::scan(a, b, reverse, out);
    }

    fn gather(&self, x: &Array, index: &Array, out: &mut Array) {
        index::gather(x, index, out);
    }

    fn scatter(&self, src: &Array, index: &Array, out: &mut Array) {
        index::scatter(src, index, out);
    }

    fn scatter_add(&self, src: &Array, index: &Array, out: &mut Array) {
        index::scatter_add(src, index, out);
    }

    fn index_select(&self, x: &Array, index: &Array, out: &mut Array) {
        index::index_select(x, index, out);
    }

    fn index_add(&self, src: &Array, index: &Array, out: &mut Array) {
        index::index_add(src, index, out);
    }

    fn argsort(&self, descending: bool, x: &Array, out: &mut Array) {
        ordered::argsort(descending, x, out);
    }

    fn matmul(&self, a: &Array, b: &Array, epilogue: Epilogue, out: &mut Array) {
        let rank = a.rank();
        let (m, k, n) = (a.shape()[rank - 2], a.shape()[rank - 1], b.shape()[rank - 1]);
        let (va, vb) = (read(a), read(b));
        let bias = epilogue.bias.map_or(vec![0.0; n], read);
        let value = |i: usize| {
            let (batch, row, column) = (i / (m * n), i / n % m, i % n);
            let a = &va[(batch * m + row) * k..][..k];
            let b = vb.iter().skip(batch * k * n + column).step_by(n);
            let y = a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() + bias[column];
            if epilogue.relu { unary(Unary::Relu, y) } else { y }
        };
        let values: Vec<f64> = (0..out.numel()).map(value).collect();
        write(out, values);
    }

    fn conv2d(&self, s: &ConvShape, x: &Array, weight: &Array, epilogue: Epilogue, y: &mut Array) {
        conv::forward(s, x, weight, epilogue, y);
    }

    fn conv2d_input(&self, s: &ConvShape, y: &Array, weight: &Array, epilogue: Epilogue, x: &mut Array) {
        conv::input(s, y, weight, epilogue, x);
    }

    fn conv2d_weight(&self, s: &ConvShape, x: &Array, y: &Array, weight: &mut Array) {
        conv::weight(s, x, y, weight);
    }

    fn softmax(&self, log: bool, x: &Array, out: &mut Array) {
        softmax::softmax(log, x, out);
    }

    fn softmax_backward(&self, log: bool, y: &Array, g: &Array, out: &mut Array) {
        softmax::softmax_backward(log, y, g, out);
    }

    fn cross_entropy(&self, logits: &Array, labels: &Array, smoothing: f64, out: &mut Array) {
        softmax::cross_entropy(logits, labels, smoothing, out);
    }

    fn cross_entropy_backward(
        &self,
        logits: &Array,
        labels: &Array,
        smoothing: f64,
        g: &Array,
        out: &mut Array,
    ) {
        softmax::cross_entropy_backward(logits, labels, smoothing, g, out);
    }

    fn moments(&self, norm: &Norm, x: &Array, mean: &mut Array, var: &mut Array) {
        norm::moments(norm, x, mean, var);
    }

    fn normalize(&self, input: &NormInput, out: &mut Array) {
        norm::normalize(input, out);
    }

    fn normalize_backward(&self, input: &NormInput, g: &Array, grads: NormGrads) {
        norm::normalize_backward(input, g, grads);
    }

    fn max_pool(&self, rows: &Spans, columns: &Spans, x: &Array, out: &mut Array, places: &mut Array) {
        pool::max_pool(rows, columns, x, out, places);
    }

    fn max_pool_backward(&self, g: &Array, places: &Array, out: &mut Array) {
        pool::max_pool_backward(g, places, out);
    }

    fn resample(&self, rows: &Bands, columns: &Bands, x: &Array, out: &mut Array) {
        pool::resample(rows, columns, x, out);
    }

    fn update(&self, steps: &mut [Step]) {
        steps.iter_mut().for_each(optim::step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_beyond_two_to_the_53() {
        let big = (1i64 << 60) + 1;
        let a = Array::from_slice(&[big], [1]).to(crate::Device::Naive);
        assert_eq!(a.binary(Binary::Add, &a).to_vec::<i64>(), [2 * big]);
        assert_eq!(a.reduce(Reduce::Sum, ..).item::<i64>(), big);
        let pair = Array::from_slice(&[big - 1, big], [2]);
        assert_eq!(pair.argmax(0).item::<i64>(), 1);
        assert_eq!(a.reshape([1, 1]).transpose(0, 1).contiguous().to_vec::<i64>(), [big]);
    }

    /// As in PyTorch.
    #[test]
    fn powers_of_whole_numbers() {
        let bases = Array::from_slice(&[3i64, 2, 1, -1, -1, 2, 0, 3], [8]);
        let exponents = Array::from_slice(&[4i64, 64, -5, -3, i64::MIN, -1, -2, (1 << 40) + 1], [8]);
        let wanted = [81, 0, 1, -1, 1, 0, 0, 3i64.wrapping_mul(power_of_nine(39))];
        assert_eq!(bases.binary(Binary::Pow, &exponents).to_vec::<i64>(), wanted);
    }

    /// 9^(2^n), by n squares.
    fn power_of_nine(n: u32) -> i64 {
        (0..n).fold(9i64, |x, _| x.wrapping_mul(x))
    }
}
