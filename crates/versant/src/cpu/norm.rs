//! Means and variances, normalisation by them, and its gradients: one family of kernels for the norms of batches,
//! layers, groups and instances, which differ in the numbers of a [`Norm`].
//!
//! Sums are taken in f64. With the first element of a group as the origin, a single pass gives the mean and the
//! variance of f32 with all their digits: the distance of one of n elements from their mean is at most sqrt(n) standard
//! deviations, so that the difference of squares loses at most a factor of n, of the 10^16 that f64 has.
//!
//! x - mean is taken as (x - near) - rest, `near` being the mean as the element type holds it: the first difference is
//! exact where x lies near the mean, and `rest` joins the constants of the run.

use super::isa::{Isa, isa, multiversion};
use super::real::Real;
use super::threads::for_each_piece;
use crate::device::Norm;

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Running sums of one piece.
const LANES: usize = 16;

/// A piece of rows has at least as many, so that its sums over rows are few beside the rows themselves.
const ROWS: usize = 16;

/// What a normalisation computes from; see [`NormInput`](crate::device::NormInput).
#[derive(Clone, Copy)]
pub struct Input<'a, T> {
    /// How x is cut into groups and channels.
    pub norm: Norm,
    /// The elements.
    pub x: &'a [T],
    /// The mean of each group.
    pub mean: &'a [f64],
    /// The variance of each group.
    pub var: &'a [f64],
    /// The factor of each channel.
    pub weight: Option<&'a [T]>,
    /// The statistics are those of x.
    pub own: bool,
}

/// Where gradients go, those that are wanted.
pub struct Grads<'a, T> {
    /// Of x.
    pub x: Option<&'a mut [T]>,
    /// Of the weight.
    pub weight: Option<&'a mut [T]>,
    /// Of the bias.
    pub bias: Option<&'a mut [T]>,
}

/// How a group's elements are normalised: x^ = ((x - near) - rest) rstd.
#[derive(Clone, Copy)]
struct Statistic<T> {
    near: T,
    rest: f64,
    rstd: f64,
}

impl<T: Real> Input<'_, T> {
    fn statistics(&self) -> Vec<Statistic<T>> {
        let of = |(&mean, &var): (&f64, &f64)| {
            let near = T::from_f64(mean);
            Statistic { near, rest: mean - near.to_f64(), rstd: 1.0 / (var + self.norm.eps).sqrt() }
        };
        self.mean.iter().zip(self.var).map(of).collect()
    }

    fn weight_of(&self, channel: usize) -> f64 {
        self.weight.map_or(1.0, |weight| weight[channel].to_f64())
    }

    fn check(&self, len: usize) {
        let (Norm { groups, inner, channels, span, .. }, weights) = (self.norm, self.weight.map(<[T]>::len));
        assert_eq!((self.mean.len(), self.var.len()), (groups, groups), "one statistic for each group");
        assert_eq!((self.x.len(), weights.unwrap_or(channels)), (len, channels), "lengths do not fit");
        assert!(span > 1 || len == groups * inner, "channels of one element each need groups in one piece");
    }
}

#[inline(always)]
fn fold_lanes(mut lanes: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

multiversion! {
    /// The sums of x - origin and of its square.
    fn power_sums[T: Real](x: &[T], origin: f64) -> [f64; 2] {
        let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
        let (blocks, rest) = x.as_chunks::<LANES>();
        for block in blocks {
            for i in 0..LANES {
                let d = block[i].to_f64() - origin;
                first[i] += d;
                second[i] += d * d;
            }
        }
        for (i, x) in rest.iter().enumerate() {
            let d = x.to_f64() - origin;
            first[i] += d;
            second[i] += d * d;
        }
        [fold_lanes(first), fold_lanes(second)]
    }
}

multiversion! {
    /// The sums of g and of g (x - origin).
    fn gradient_sums[T: Real](g: &[T], x: &[T], origin: T) -> [f64; 2] {
        let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
        let ((gs, g_rest), (xs, x_rest)) = (g.as_chunks::<LANES>(), x.as_chunks::<LANES>());
        for (g, x) in gs.iter().zip(xs) {
            for i in 0..LANES {
                first[i] += g[i].to_f64();
                second[i] += (g[i] * (x[i] - origin)).to_f64();
            }
        }
        for (i, (&g, &x)) in g_rest.iter().zip(x_rest).enumerate() {
            first[i] += g.to_f64();
            second[i] += (g * (x - origin)).to_f64();
        }
        [fold_lanes(first), fold_lanes(second)]
    }
}

multiversion! {
    /// out = (x - origin) scale + offset.
    fn scaled[T: Real](x: &[T], origin: T, scale: T, offset: T, out: &mut [T]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = (x - origin) * scale + offset;
        }
    }
}

multiversion! {
    /// out = a g + (b (x - origin) + c).
    fn combined[T: Real](g: &[T], x: &[T], origin: T, abc: [T; 3], out: &mut [T]) {
        let [a, b, c] = abc;
        for ((out, &g), &x) in out.iter_mut().zip(g).zip(x) {
            *out = a * g + (b * (x - origin) + c);
        }
    }
}

multiversion! {
    /// h = a h + (b (x - origin) + c).
    fn combine_in_place[T: Real](h: &mut [T], x: &[T], origin: T, abc: [T; 3]) {
        let [a, b, c] = abc;
        for (h, &x) in h.iter_mut().zip(x) {
            *h = a * *h + (b * (x - origin) + c);
        }
    }
}

multiversion! {
    fn multiply[T: Real](x: &mut [T], by: &[T]) {
        for (x, &by) in x.iter_mut().zip(by) {
            *x = *x * by;
        }
    }
}

multiversion! {
    fn add[T: Real](x: &mut [T], y: &[T]) {
        for (x, &y) in x.iter_mut().zip(y) {
            *x += y;
        }
    }
}

multiversion! {
    /// Adds g ((x - origin) scale + offset) to `weight` and g to `bias`.
    fn add_products[T: Real](g: &[T], x: &[T], origin: T, by: [T; 2], weight: &mut [f64], bias: &mut [f64]) {
        let [scale, offset] = by;
        for (((weight, bias), &g), &x) in weight.iter_mut().zip(bias).zip(g).zip(x) {
            *weight += (g * ((x - origin) * scale + offset)).to_f64();
            *bias += g.to_f64();
        }
    }
}

fn plus(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

/// What `sums(start, end)` gives for each run of `len` elements among `total`, long runs in parts.
fn sums_of_runs(total: usize, len: usize, sums: impl Fn(usize, usize) -> [f64; 2] + Sync) -> Vec<[f64; 2]> {
    if total == 0 {
        return Vec::new();
    }
    let parts = len.div_ceil(PIECE);
    let together = PIECE.div_ceil(len);
    let mut all = vec![[0.0; 2]; total / len * parts];
    for_each_piece(&mut all, together, |piece, all| {
        for (i, sum) in all.iter_mut().enumerate() {
            let (run, part) = ((piece * together + i) / parts, (piece * together + i) % parts);
            let start = run * len + part * PIECE;
            *sum = sums(start, (start + PIECE).min((run + 1) * len));
        }
    });
    if parts == 1 {
        return all;
    }
    all.chunks_exact(parts).map(|parts| parts.iter().fold([0.0; 2], |sum, &part| plus(sum, part))).collect()
}

/// Calls `f(run, start, part of out)` for each run of `len` elements, or each part of one where the work is cut.
fn each_run<T: Send>(out: &mut [T], len: usize, f: impl Fn(usize, usize, &mut [T]) + Sync) {
    for_each_piece(out, PIECE, |piece, mut out| {
        let mut start = piece * PIECE;
        while !out.is_empty() {
            let (run, left) = (start / len, len - start % len);
            let (part, rest) = out.split_at_mut(left.min(out.len()));
            f(run, start, part);
            start += part.len();
            out = rest;
        }
    });
}

/// The mean and the biased variance of each group; NaN of an empty one.
///
/// # Panics
/// If the lengths do not fit.
pub fn moments<T: Real>(norm: &Norm, x: &[T], mean: &mut [f64], var: &mut [f64]) {
    let (isa, &Norm { groups, inner, .. }) = (isa(), norm);
    assert_eq!((mean.len(), var.len()), (groups, groups), "one statistic for each group");
    // Infinity less itself would be NaN.
    let origin = |group: usize| x.get(group * inner).map_or(0.0, |x| x.to_f64());
    let origins: Vec<f64> =
        (0..groups).map(origin).map(|origin| if origin.is_finite() { origin } else { 0.0 }).collect();
    let sums = sums_of_runs(x.len(), inner, |start, end| {
        power_sums(isa, &x[start..end], origins[start / inner % groups])
    });
    let mut totals = vec![[0.0; 2]; groups];
    for sums in sums.chunks_exact(groups.max(1)) {
        totals.iter_mut().zip(sums).for_each(|(total, &sum)| *total = plus(*total, sum));
    }
    let count = x.len() as f64 / groups as f64;
    for (i, [first, second]) in totals.into_iter().enumerate() {
        let of_squares = (second - first * first / count) / count;
        mean[i] = origins[i] + first / count;
        var[i] = if of_squares < 0.0 { 0.0 } else { of_squares };
    }
}

/// (x - mean) / sqrt(var + eps) weight + bias.
///
/// # Panics
/// If the lengths do not fit.
pub fn normalize<T: Real>(input: &Input<T>, bias: Option<&[T]>, out: &mut [T]) {
    input.check(out.len());
    let (isa, statistics) = (isa(), input.statistics());
    let Norm { groups, inner, channels, span, .. } = input.norm;
    if span > 1 {
        return each_run(out, span, |run, start, out| {
            let (of, channel) = (statistics[start / inner % groups], run % channels);
            let scale = of.rstd * input.weight_of(channel);
            let offset = bias.map_or(0.0, |bias| bias[channel].to_f64()) - of.rest * scale;
            let x = &input.x[start..][..out.len()];
            scaled(isa, x, of.near, T::from_f64(scale), T::from_f64(offset), out);
        });
    }
    each_run(out, inner, |run, start, out| {
        let of = statistics[run % groups];
        let (scale, offset) = (T::from_f64(of.rstd), T::from_f64(-of.rest * of.rstd));
        scaled(isa, &input.x[start..][..out.len()], of.near, scale, offset, out);
        let first = start % channels;
        if let Some(weight) = input.weight {
            multiply(isa, out, &weight[first..][..out.len()]);
        }
        if let Some(bias) = bias {
            add(isa, out, &bias[first..][..out.len()]);
        }
    });
}

/// The gradients of [`normalize`], as [`Backend::normalize_backward`](crate::device::Backend::normalize_backward) has
/// them.
///
/// # Panics
/// If the lengths do not fit.
pub fn normalize_backward<T: Real>(input: &Input<T>, g: &[T], grads: Grads<T>) {
    input.check(g.len());
    match input.norm.span {
        1 => backward_of_rows(input, g, grads),
        _ => backward_of_runs(input, g, grads),
    }
}

/// a, b and c of dx = a g + b (x - near) + c, from the factor of g before the normalisation and the group's means of
/// h and h x^.
fn factors<T: Real>(of: &Statistic<T>, weight: f64, [mean_h, mean_hx]: [f64; 2]) -> [T; 3] {
    let b = -of.rstd * of.rstd * mean_hx;
    [of.rstd * weight, b, -of.rstd * mean_h - b * of.rest].map(T::from_f64)
}

/// Where a channel is a run of elements: the sums of each run give everything.
fn backward_of_runs<T: Real>(input: &Input<T>, g: &[T], grads: Grads<T>) {
    let (isa, statistics) = (isa(), input.statistics());
    let Norm { groups, inner, channels, span, .. } = input.norm;
    let (mut of_groups, mut of_channels) = (vec![[0.0; 2]; groups], vec![[0.0; 2]; channels]);
    if input.own || grads.weight.is_some() || grads.bias.is_some() {
        let sums = sums_of_runs(g.len(), span, |start, end| {
            gradient_sums(isa, &g[start..end], &input.x[start..end], statistics[start / inner % groups].near)
        });
        let (mut channel, mut group) = (0, 0);
        for sums in sums.chunks_exact(inner.max(1) / span.max(1)) {
            let of = statistics[group];
            for &[sum, moved] in sums {
                let sums = [sum, (moved - of.rest * sum) * of.rstd];
                let weight = input.weight_of(channel);
                of_channels[channel] = plus(of_channels[channel], sums);
                of_groups[group] = plus(of_groups[group], sums.map(|sum| weight * sum));
                channel = (channel + 1) % channels;
            }
            group = (group + 1) % groups;
        }
    }
    if let Some(dx) = grads.x {
        let share = if input.own { groups as f64 / g.len() as f64 } else { 0.0 };
        each_run(dx, span, |run, start, dx| {
            let group = start / inner % groups;
            let (of, weight) = (&statistics[group], input.weight_of(run % channels));
            let (g, x) = (&g[start..][..dx.len()], &input.x[start..][..dx.len()]);
            if input.own {
                combined(
                    isa,
                    g,
                    x,
                    of.near,
                    factors(of, weight, of_groups[group].map(|sum| sum * share)),
                    dx,
                );
            } else {
                scaled(isa, g, T::ZERO, T::from_f64(of.rstd * weight), T::ZERO, dx);
            }
        });
    }
    let put = |out: Option<&mut [T]>, i: usize| {
        let out = out.into_iter().flatten();
        out.zip(&of_channels).for_each(|(out, sums)| *out = T::from_f64(sums[i]));
    };
    put(grads.bias, 0);
    put(grads.weight, 1);
}

/// Where neighbours in a row are of different channels.
fn backward_of_rows<T: Real>(input: &Input<T>, g: &[T], grads: Grads<T>) {
    let (isa, statistics) = (isa(), input.statistics());
    let Norm { groups, inner, channels, .. } = input.norm;
    let rows = g.len() / inner.max(1);
    let together = PIECE.div_ceil(inner.max(1)).max(ROWS);
    if grads.weight.is_some() || grads.bias.is_some() {
        let mut sums = vec![0.0; rows.div_ceil(together) * 2 * channels];
        for_each_piece(&mut sums, (2 * channels).max(1), |piece, sums| {
            let (weight, bias) = sums.split_at_mut(channels);
            for row in piece * together..rows.min((piece + 1) * together) {
                let (of, first) = (&statistics[row % groups], row * inner % channels);
                let (g, x) = (&g[row * inner..][..inner], &input.x[row * inner..][..inner]);
                let by = [of.rstd, -of.rest * of.rstd].map(T::from_f64);
                let (weight, bias) = (&mut weight[first..][..inner], &mut bias[first..][..inner]);
                add_products(isa, g, x, of.near, by, weight, bias);
            }
        });
        let mut totals = vec![0.0; 2 * channels];
        sums.chunks_exact((2 * channels).max(1)).for_each(|sums| add(isa, &mut totals, sums));
        for (out, totals) in [grads.weight, grads.bias].into_iter().zip(totals.chunks_exact(channels.max(1)))
        {
            let out = out.into_iter().flatten();
            out.zip(totals).for_each(|(out, &total)| *out = T::from_f64(total));
        }
    }
    if let Some(dx) = grads.x {
        for_each_piece(dx, (together * inner).max(1), |piece, dx| {
            let mut start = piece * together * inner;
            for dx in dx.chunks_exact_mut(inner) {
                input_gradient_of_row(isa, input, (g, start), &statistics[start / inner % groups], dx);
                start += inner;
            }
        });
    }
}

/// dx of the row that begins at `start`.
fn input_gradient_of_row<T: Real>(
    isa: Isa,
    input: &Input<T>,
    (g, start): (&[T], usize),
    of: &Statistic<T>,
    dx: &mut [T],
) {
    let len = dx.len();
    dx.copy_from_slice(&g[start..][..len]);
    if let Some(weight) = input.weight {
        multiply(isa, dx, &weight[start % input.norm.channels..][..len]);
    }
    if !input.own {
        return dx.iter_mut().for_each(|dx| *dx = *dx * T::from_f64(of.rstd));
    }
    let x = &input.x[start..][..len];
    let [sum, moved] = gradient_sums(isa, dx, x, of.near);
    let means = [sum, (moved - of.rest * sum) * of.rstd].map(|sum| sum / len as f64);
    combine_in_place(isa, dx, x, of.near, factors(of, 1.0, means));
}
