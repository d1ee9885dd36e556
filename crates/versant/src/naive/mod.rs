//! The backend in plain loops: every floating-point value is computed in f64 and rounded once. It is the oracle
//! of the fast kernels' tests and shows how little a backend has to know.

use crate::array::Array;
use crate::device::{AdamStep, Backend, Epilogue, SgdStep};
use crate::dtype::{Element, with_element};
use crate::layout::Layout;
use crate::ops::{Binary, Compare, Reduce, Unary};

/// The backend of [`Device::Naive`](crate::Device::Naive).
pub struct Naive;

/// Any element as f64 and back, converting as `as` does.
trait Number: Element {
    fn get(repr: Self::Repr) -> f64;
    fn put(value: f64) -> Self::Repr;
    fn to_i64(repr: Self::Repr) -> i64;
    fn from_i64(value: i64) -> Self::Repr;
}

macro_rules! number {
    ($($t:ty)*) => {$(
        impl Number for $t {
            fn get(repr: $t) -> f64 {
                repr as f64
            }
            fn put(value: f64) -> $t {
                value as $t
            }
            fn to_i64(repr: $t) -> i64 {
                repr as i64
            }
            fn from_i64(value: i64) -> $t {
                value as $t
            }
        }
    )*};
}
number!(f32 f64 i64 u8);

impl Number for bool {
    fn get(repr: u8) -> f64 {
        repr as f64
    }
    fn put(value: f64) -> u8 {
        (value != 0.0) as u8
    }
    fn to_i64(repr: u8) -> i64 {
        repr as i64
    }
    fn from_i64(value: i64) -> u8 {
        (value != 0) as u8
    }
}

/// The elements in row-major order, as f64.
fn read(x: &Array) -> Vec<f64> {
    with_element!(x.dtype(), T => {
        let all = x.storage::<T>();
        x.layout().positions().map(|p| T::get(all[p])).collect()
    })
}

/// The elements of an integer array, exactly.
fn read_i64(x: &Array) -> Vec<i64> {
    with_element!(x.dtype(), T => {
        let all = x.storage::<T>();
        x.layout().positions().map(|p| T::to_i64(all[p])).collect()
    })
}

fn write(out: &mut Array, values: impl IntoIterator<Item = f64>) {
    with_element!(out.dtype(), T => {
        for (to, value) in out.as_mut_slice::<T>().iter_mut().zip(values) {
            *to = T::put(value);
        }
    })
}

fn write_i64(out: &mut Array, values: impl IntoIterator<Item = i64>) {
    with_element!(out.dtype(), T => {
        for (to, value) in out.as_mut_slice::<T>().iter_mut().zip(values) {
            *to = T::from_i64(value);
        }
    })
}

pub(crate) fn unary(op: Unary, x: f64) -> f64 {
    match op {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sign if x == 0.0 || x.is_nan() => x,
        Unary::Sign => x.signum(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Square => x * x,
        Unary::Reciprocal => 1.0 / x,
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::Relu if x.is_nan() => x,
        Unary::Relu => x.max(0.0),
        Unary::LeakyRelu(a) => {
            if x > 0.0 {
                x
            } else {
                a * x
            }
        }
        Unary::Elu(a) => {
            if x > 0.0 {
                x
            } else {
                a * x.exp_m1()
            }
        }
        Unary::Silu if x == f64::NEG_INFINITY => 0.0,
        Unary::Silu => x / (1.0 + (-x).exp()),
        Unary::Gelu if x == f64::NEG_INFINITY => 0.0,
        Unary::Gelu => x * 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
        Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Unary::Erf => libm::erf(x),
        Unary::AddScalar(c) => x + c,
        Unary::MulScalar(c) => x * c,
        Unary::PowScalar(c) => x.powf(c),
    }
}

pub(crate) fn binary(op: Binary, a: f64, b: f64) -> f64 {
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Maximum | Binary::Minimum if a.is_nan() || b.is_nan() => f64::NAN,
        Binary::Maximum => a.max(b),
        Binary::Minimum => a.min(b),
        Binary::Pow => a.powf(b),
        Binary::MaskPositive => {
            if b <= 0.0 {
                0.0
            } else {
                a
            }
        }
    }
}

/// Integers wrap around, as tensors in every library do; a division by zero gives zero.
fn binary_i64(op: Binary, a: i64, b: i64) -> i64 {
    match op {
        Binary::Add => a.wrapping_add(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Mul => a.wrapping_mul(b),
        Binary::Div if b == 0 => 0,
        Binary::Div => a.wrapping_div(b),
        Binary::Maximum => a.max(b),
        Binary::Minimum => a.min(b),
        Binary::Pow => u32::try_from(b).map_or(0, |b| a.wrapping_pow(b)),
        Binary::MaskPositive => {
            if b > 0 {
                a
            } else {
                0
            }
        }
    }
}

fn compare<T: PartialOrd>(op: Compare, a: T, b: T) -> bool {
    match op {
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        Compare::Lt => a < b,
        Compare::Le => a <= b,
        Compare::Gt => a > b,
        Compare::Ge => a >= b,
    }
}

fn larger(a: f64, b: f64) -> f64 {
    binary(Binary::Maximum, a, b)
}

/// x_i - log sum_j e^x_j.
fn log_softmax(row: &[f64]) -> Vec<f64> {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, larger);
    let log_sum = row.iter().map(|x| (x - top).exp()).sum::<f64>().ln();
    row.iter().map(|x| (x - top) - log_sum).collect()
}

/// The index of the first largest element; NaN is larger than any.
fn first_largest<T: PartialOrd>(row: &[T]) -> i64 {
    let is_nan = |v: &T| v.partial_cmp(v).is_none();
    let mut best = 0;
    for (i, v) in row.iter().enumerate() {
        if *v > row[best] || (is_nan(v) && !is_nan(&row[best])) {
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

    fn add_assign(&self, sum: &mut Array, x: &Array) {
        let total: Vec<f64> = read(sum).into_iter().zip(read(x)).map(|(a, b)| a + b).collect();
        write(sum, total);
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

    fn reduce(&self, op: Reduce, x: &Array, kept: usize, out: &mut Array) {
        let len: usize = x.shape()[kept..].iter().product();
        let rows = 0..out.numel();
        if x.dtype().is_float() {
            let all = read(x);
            let fold = |row: &[f64]| match op {
                Reduce::Sum => row.iter().sum(),
                Reduce::Max => row.iter().copied().fold(f64::NEG_INFINITY, larger),
                Reduce::Min => row.iter().copied().fold(f64::INFINITY, |a, b| binary(Binary::Minimum, a, b)),
            };
            write(out, rows.map(|r| fold(&all[r * len..][..len])).collect::<Vec<_>>());
        } else {
            let all = read_i64(x);
            let fold = |row: &[i64]| match op {
                Reduce::Sum => row.iter().fold(0, |a: i64, &b| a.wrapping_add(b)),
                Reduce::Max => row.iter().copied().max().unwrap_or(0),
                Reduce::Min => row.iter().copied().min().unwrap_or(0),
            };
            write_i64(out, rows.map(|r| fold(&all[r * len..][..len])).collect::<Vec<_>>());
        }
    }

    fn argmax(&self, x: &Array, out: &mut Array) {
        if x.dtype().is_float() {
            write_i64(out, read(x).chunks(last_axis(x)).map(first_largest));
        } else {
            write_i64(out, read_i64(x).chunks(last_axis(x)).map(first_largest));
        }
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

    fn softmax(&self, log: bool, x: &Array, out: &mut Array) {
        let all = read(x);
        let rows = all.chunks(last_axis(x)).flat_map(log_softmax);
        write(out, rows.map(|y| if log { y } else { y.exp() }));
    }

    fn softmax_backward(&self, log: bool, y: &Array, g: &Array, out: &mut Array) {
        let (y_all, g_all, len) = (read(y), read(g), last_axis(y));
        let row = |(y, g): (&[f64], &[f64])| -> Vec<f64> {
            if log {
                let total: f64 = g.iter().sum();
                y.iter().zip(g).map(|(y, g)| g - y.exp() * total).collect()
            } else {
                let total: f64 = y.iter().zip(g).map(|(y, g)| y * g).sum();
                y.iter().zip(g).map(|(y, g)| y * (g - total)).collect()
            }
        };
        write(out, y_all.chunks(len).zip(g_all.chunks(len)).flat_map(row));
    }

    fn cross_entropy(&self, logits: &Array, labels: &Array, smoothing: f64, out: &mut Array) {
        let (all, len) = (read(logits), last_axis(logits));
        let loss = |(row, label): (&[f64], i64)| {
            let log_p = log_softmax(row);
            let mean = log_p.iter().sum::<f64>() / len as f64;
            let mean = if smoothing == 0.0 { 0.0 } else { smoothing * mean };
            -((1.0 - smoothing) * log_p[label as usize] + mean)
        };
        write(out, all.chunks(len).zip(read_i64(labels)).map(loss));
    }

    fn cross_entropy_backward(
        &self,
        logits: &Array,
        labels: &Array,
        smoothing: f64,
        g: &Array,
        out: &mut Array,
    ) {
        let (all, len) = (read(logits), last_axis(logits));
        let row = |((row, label), g): ((&[f64], i64), f64)| -> Vec<f64> {
            let target = |i| smoothing / len as f64 + if i == label as usize { 1.0 - smoothing } else { 0.0 };
            log_softmax(row).iter().enumerate().map(|(i, y)| g * (y.exp() - target(i))).collect()
        };
        write(out, all.chunks(len).zip(read_i64(labels)).zip(read(g)).flat_map(row));
    }

    fn sgd(&self, step: &SgdStep, param: &mut Array, grad: &Array, momentum: Option<&mut Array>) {
        let (p, mut g) = (read(param), read(grad));
        for (g, p) in g.iter_mut().zip(&p) {
            *g += step.weight_decay * p;
        }
        if let Some(buffer) = momentum {
            let velocity: Vec<f64> = match step.first {
                true => g.clone(),
                false => {
                    let update = |(v, g): (f64, &f64)| step.momentum * v + (1.0 - step.dampening) * g;
                    read(buffer).into_iter().zip(&g).map(update).collect()
                }
            };
            for (g, v) in g.iter_mut().zip(&velocity) {
                *g = if step.nesterov { *g + step.momentum * v } else { *v };
            }
            write(buffer, velocity);
        }
        write(param, p.iter().zip(&g).map(|(p, g)| p - step.lr * g));
    }

    fn adam(&self, step: &AdamStep, param: &mut Array, grad: &Array, m: &mut Array, v: &mut Array) {
        let (mut p, mut vm, mut vv) = (read(param), read(m), read(v));
        for (i, mut g) in read(grad).into_iter().enumerate() {
            if step.decoupled {
                p[i] -= step.lr * step.weight_decay * p[i];
            } else {
                g += step.weight_decay * p[i];
            }
            vm[i] = step.beta1 * vm[i] + (1.0 - step.beta1) * g;
            vv[i] = step.beta2 * vv[i] + (1.0 - step.beta2) * g * g;
            let corrected = (vv[i] / (1.0 - step.beta2.powi(step.t))).sqrt();
            p[i] -= step.lr / (1.0 - step.beta1.powi(step.t)) * vm[i] / (corrected + step.eps);
        }
        write(param, p);
        write(m, vm);
        write(v, vv);
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
        assert_eq!(a.reduce(Reduce::Sum, &[]).item::<i64>(), big);
        let pair = Array::from_slice(&[big - 1, big], [2]);
        assert_eq!(pair.argmax(0).item::<i64>(), 1);
        assert_eq!(a.reshape([1, 1]).transpose(0, 1).contiguous().to_vec::<i64>(), [big]);
    }
}
