//! Normalisation by mean and variance, and its gradients.

use super::number::{read, write};
use super::unary;
use crate::array::Array;
use crate::device::{Norm, NormGrads, NormInput};
use crate::ops::Unary;

/// The group and the channel of an element.
fn place(norm: &Norm, e: usize) -> (usize, usize) {
    ((e / norm.inner) % norm.groups, (e / norm.span) % norm.channels)
}

/// For each group the mean of `value`, a function of an element's number.
fn mean_of_groups(norm: &Norm, len: usize, value: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; norm.groups];
    (0..len).for_each(|e| sums[place(norm, e).0] += value(e));
    sums.iter().map(|sum| sum / (len as f64 / norm.groups as f64)).collect()
}

pub(super) fn moments(norm: &Norm, x: &Array, mean: &mut Array, var: &mut Array) {
    let x = read(x);
    let means = mean_of_groups(norm, x.len(), |e| x[e]);
    let vars = mean_of_groups(norm, x.len(), |e| (x[e] - means[place(norm, e).0]).powi(2));
    write(mean, means);
    write(var, vars);
}

/// (x - mean) / sqrt(var + eps) of each element, and 1 / sqrt(var + eps) of each group.
fn standardized(input: &NormInput) -> (Vec<f64>, Vec<f64>) {
    let mean = read(input.mean);
    let rstd: Vec<f64> = read(input.var).iter().map(|var| 1.0 / (var + input.norm.eps).sqrt()).collect();
    let of = |(e, x): (usize, f64)| {
        let group = place(&input.norm, e).0;
        (x - mean[group]) * rstd[group]
    };
    (read(input.x).into_iter().enumerate().map(of).collect(), rstd)
}

pub(super) fn normalize(input: &NormInput, out: &mut Array) {
    let weight = input.weight.map_or(vec![1.0; input.norm.channels], read);
    let bias = input.bias.map_or(vec![0.0; input.norm.channels], read);
    let scaled = |(e, x): (usize, f64)| {
        let channel = place(&input.norm, e).1;
        let y = x * weight[channel] + bias[channel];
        if input.relu { unary(Unary::Relu, y) } else { y }
    };
    write(out, standardized(input).0.into_iter().enumerate().map(scaled));
}

pub(super) fn normalize_backward(input: &NormInput, g: &Array, grads: NormGrads) {
    let norm = &input.norm;
    let ((x, rstd), mut g) = (standardized(input), read(g));
    if input.relu {
        let mut y = Array::recycled(input.x.shape(), input.x.dtype(), input.x.device());
        normalize(input, &mut y);
        g.iter_mut().zip(read(&y)).for_each(|(g, y)| *g = if y <= 0.0 { 0.0 } else { *g });
    }
    if let Some(dx) = grads.x {
        let weight = input.weight.map_or(vec![1.0; norm.channels], read);
        let h: Vec<f64> = g.iter().enumerate().map(|(e, g)| g * weight[place(norm, e).1]).collect();
        let of_h = mean_of_groups(norm, x.len(), |e| h[e]);
        let of_hx = mean_of_groups(norm, x.len(), |e| h[e] * x[e]);
        let value = |e: usize| {
            let group = place(norm, e).0;
            rstd[group] * if input.own { h[e] - of_h[group] - x[e] * of_hx[group] } else { h[e] }
        };
        write(dx, (0..x.len()).map(value).collect::<Vec<_>>());
    }
    let sum_of_channels = |value: &dyn Fn(usize) -> f64| {
        let mut sums = vec![0.0; norm.channels];
        (0..x.len()).for_each(|e| sums[place(norm, e).1] += value(e));
        sums
    };
    if let Some(dw) = grads.weight {
        write(dw, sum_of_channels(&|e| g[e] * x[e]));
    }
    if let Some(db) = grads.bias {
        write(db, sum_of_channels(&|e| g[e]));
    }
}
