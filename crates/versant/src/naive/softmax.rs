//! Softmax, cross-entropy and their gradients.

use super::elementwise::larger;
use super::last_axis;
use super::number::{read, read_i64, write};
use crate::array::Array;

/// x_i - log sum_j e^x_j.
fn log_softmax(row: &[f64]) -> Vec<f64> {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, larger);
    let log_sum = row.iter().map(|x| (x - top).exp()).sum::<f64>().ln();
    row.iter().map(|x| (x - top) - log_sum).collect()
}

pub(super) fn softmax(log: bool, x: &Array, out: &mut Array) {
    let all = read(x);
    let rows = all.chunks(last_axis(x)).flat_map(log_softmax);
    write(out, rows.map(|y| if log { y } else { y.exp() }));
}

pub(super) fn softmax_backward(log: bool, y: &Array, g: &Array, out: &mut Array) {
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

/// The logits of each sample, of [n, classes, places], and their places in memory.
fn samples(logits: &Array) -> Vec<(Vec<f64>, Vec<usize>)> {
    let (all, [n, classes, places]) = (read(logits), logits.dims());
    let of = |sample: usize| {
        let at = |class: usize| (sample / places * classes + class) * places + sample % places;
        ((0..classes).map(|class| all[at(class)]).collect(), (0..classes).map(at).collect())
    };
    (0..n * places).map(of).collect()
}

pub(super) fn cross_entropy(logits: &Array, labels: &Array, smoothing: f64, out: &mut Array) {
    let loss = |((x, _), label): ((Vec<f64>, Vec<usize>), i64)| {
        let log_p = log_softmax(&x);
        let mean = log_p.iter().sum::<f64>() / x.len() as f64;
        let mean = if smoothing == 0.0 { 0.0 } else { smoothing * mean };
        -((1.0 - smoothing) * log_p[label as usize] + mean)
    };
    write(out, samples(logits).into_iter().zip(read_i64(labels)).map(loss));
}

pub(super) fn cross_entropy_backward(
    logits: &Array,
    labels: &Array,
    smoothing: f64,
    g: &Array,
    out: &mut Array,
) {
    let mut all = vec![0.0; logits.numel()];
    for (((x, at), label), g) in samples(logits).into_iter().zip(read_i64(labels)).zip(read(g)) {
        let target = |i| smoothing / x.len() as f64 + if i == label as usize { 1.0 - smoothing } else { 0.0 };
        for (i, y) in log_softmax(&x).into_iter().enumerate() {
            all[at[i]] = g * (y.exp() - target(i));
        }
    }
    write(out, all);
}
