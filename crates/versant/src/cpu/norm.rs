//! Means and variances, normalisation by them, and its gradients: one family of kernels for the norms of batches,
//! layers, groups and instances, which differ in the numbers of a [`Norm`].
//!
//! A mean and a variance are accurate wherever they lie. A block of elements, which the nearest cache holds, gives its
//! mean and then the squares about that. Blocks are joined in f64, as distances from the first element of their group:
//! that lies at most sqrt(n) standard deviations from the mean of n, so that the difference of squares loses at most a
//! factor of n, of the 10^16 that f64 has.
//!
//! x - mean is taken as (x - near) - rest, `near` being the mean as the element type holds it: the first difference is
//! exact where x lies near the mean, and `rest` joins the constants of the run.

use super::isa::{Isa, isa, multiversion};
use super::real::Real;
use super::threads::for_each_piece;
use crate::device::Norm;

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Elements whose sum is taken in their own type, before it joins one in f64.
const BLOCK: usize = 1024;

/// The rows of a piece: so many that its sums over rows are few beside the rows themselves, and so few that these sums
/// can be taken in the rows' own type.
const ROWS: [usize; 2] = [16, 128];

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
    fn statistic(&self, group: usize) -> Statistic<T> {
        let (mean, near) = (self.mean[group], T::from_f64(self.mean[group]));
        let rstd = 1.0 / (self.var[group] + self.norm.eps).sqrt();
        Statistic { near, rest: mean - near.to_f64(), rstd }
    }

    fn statistics(&self) -> Vec<Statistic<T>> {
        (0..self.norm.groups).map(|group| self.statistic(group)).collect()
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
fn fold_lanes<T: Real, const N: usize>(mut lanes: [T; N]) -> f64 {
    let mut width = N / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0].to_f64()
}

/// The mean of a block, as T holds it; 0 if it is not finite, for infinity less itself would be NaN. The mean of the
/// distances from the first element, as a mean of numbers far from 0 would be rounded by more than they differ.
#[inline(always)]
fn mean_of_block<T: Real>(x: &[T]) -> T {
    let (first, mut lanes) = (finite_or_zero(x[0]), [T::ZERO; 16]);
    let (blocks, rest) = x.as_chunks::<16>();
    for block in blocks {
        for i in 0..16 {
            lanes[i] += block[i] - first;
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += x - first;
    }
    finite_or_zero(T::from_f64(first.to_f64() + fold_lanes(lanes) / x.len() as f64))
}

#[inline(always)]
fn finite_or_zero<T: Real>(x: T) -> T {
    if x.to_f64().is_finite() { x } else { T::ZERO }
}

multiversion! {
    /// The sums of x - origin and of its square: for each block from the distances d to about its own mean.
    fn power_sums[T: Real](x: &[T], origin: f64) -> [f64; 2] {
        let mut sums = [0.0; 2];
        for x in x.chunks(BLOCK) {
            let near = mean_of_block(x);
            let (mut first, mut second) = ([T::ZERO; 32], [T::ZERO; 32]);
            let (blocks, rest) = x.as_chunks::<32>();
            for block in blocks {
                for i in 0..32 {
                    let d = block[i] - near;
                    first[i] += d;
                    second[i] += d * d;
                }
            }
            for (i, &x) in rest.iter().enumerate() {
                first[i] += x - near;
                second[i] += (x - near) * (x - near);
            }
            let (d, n, away) = (fold_lanes(first), x.len() as f64, near.to_f64() - origin);
            sums = plus(sums, [d + n * away, fold_lanes(second) + away * (2.0 * d + n * away)]);
        }
        sums
    }
}

/// The sums of g and of g (x - origin).
#[inline(always)]
fn pair_sums<T: Real>(g: &[T], x: &[T], origin: T) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for (g, x) in g.chunks(BLOCK).zip(x.chunks(BLOCK)) {
        let (mut first, mut second) = ([T::ZERO; 32], [T::ZERO; 32]);
        let ((gs, g_rest), (xs, x_rest)) = (g.as_chunks::<32>(), x.as_chunks::<32>());
        for (g, x) in gs.iter().zip(xs) {
            for i in 0..32 {
                first[i] += g[i];
                second[i] += g[i] * (x[i] - origin);
            }
        }
        for (i, (&g, &x)) in g_rest.iter().zip(x_rest).enumerate() {
            first[i] += g;
            second[i] += g * (x - origin);
        }
        sums = plus(sums, [fold_lanes(first), fold_lanes(second)]);
    }
    sums
}

multiversion! {
    /// The sums of g and of g (x - origin).
    fn gradient_sums[T: Real](g: &[T], x: &[T], origin: T) -> [f64; 2] {
        pair_sums(g, x, origin)
    }
}

multiversion! {
    /// The sums of h = g w and of h (x - origin); h is also written.
    fn weighted_gradient_sums[T: Real](g: &[T], w: &[T], x: &[T], origin: T, h: &mut [T]) -> [f64; 2] {
        for ((h, &g), &w) in h.iter_mut().zip(g).zip(w) {
            *h = g * w;
        }
        pair_sums(h, x, origin)
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
    /// out = (a g + (b (x - origin) + c)) r.
    fn combined[T: Real](g: &[T], x: &[T], origin: T, abcr: [T; 4], out: &mut [T]) {
        let [a, b, c, r] = abcr;
        for ((out, &g), &x) in out.iter_mut().zip(g).zip(x) {
            *out = (a * g + (b * (x - origin) + c)) * r;
        }
    }
}

multiversion! {
    /// h = (h + (b (x - origin) + c)) r.
    fn combine_in_place[T: Real](h: &mut [T], x: &[T], origin: T, bcr: [T; 3]) {
        let [b, c, r] = bcr;
        for (h, &x) in h.iter_mut().zip(x) {
            *h = (*h + (b * (x - origin) + c)) * r;
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
    /// out = ((x - origin) scale + offset) weight + bias.
    fn scaled_twice[T: Real](x: &[T], origin: T, by: [T; 2], weight: &[T], bias: &[T], out: &mut [T]) {
        let [scale, offset] = by;
        for (((out, &x), &weight), &bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
            *out = ((x - origin) * scale + offset) * weight + bias;
        }
    }
}

multiversion! {
    /// Adds g ((x - origin) scale + offset) to `weight` and g to `bias`.
    fn add_products[T: Real](g: &[T], x: &[T], origin: T, by: [T; 2], weight: &mut [T], bias: &mut [T]) {
        let [scale, offset] = by;
        for (((weight, bias), &g), &x) in weight.iter_mut().zip(bias).zip(g).zip(x) {
            *weight += g * ((x - origin) * scale + offset);
            *bias += g;
        }
    }
}

#[inline(always)]
fn plus(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

/// What `sums(run, start, end)` gives for each run of `len` elements among `total`, long runs in parts.
fn sums_of_runs(
    total: usize,
    len: usize,
    sums: impl Fn(usize, usize, usize) -> [f64; 2] + Sync,
) -> Vec<[f64; 2]> {
    if total == 0 {
        return Vec::new();
    }
    let parts = len.div_ceil(PIECE);
    let together = PIECE.div_ceil(len);
    let mut all = vec![[0.0; 2]; total / len * parts];
    for_each_piece(&mut all, together, |piece, all| {
        let (mut run, mut part) = (piece * together / parts, piece * together % parts);
        for sum in all {
            let start = run * len + part * PIECE;
            *sum = sums(run, start, (start + PIECE).min((run + 1) * len));
            part += 1;
            if part == parts {
                (run, part) = (run + 1, 0);
            }
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
    let origin = |group: usize| x.get(group * inner).map_or(0.0, |&x| finite_or_zero(x).to_f64());
    let origins: Vec<f64> = (0..groups).map(origin).collect();
    let sums = sums_of_runs(x.len(), inner, |run, start, end| {
        power_sums(isa, &x[start..end], origins[run % groups])
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
    let isa = isa();
    let Norm { groups, inner, channels, span, .. } = input.norm;
    if span > 1 {
        let statistics = input.statistics();
        return each_run(out, span, |run, start, out| {
            let (of, channel) = (statistics[start / inner % groups], run % channels);
            let scale = of.rstd * input.weight_of(channel);
            let offset = bias.map_or(0.0, |bias| bias[channel].to_f64()) - of.rest * scale;
            let x = &input.x[start..][..out.len()];
            scaled(isa, x, of.near, T::from_f64(scale), T::from_f64(offset), out);
        });
    }
    let (ones, zeros) = (vec![T::ONE; channels], vec![T::ZERO; channels]);
    let (weight, bias) = (input.weight.unwrap_or(&ones), bias.unwrap_or(&zeros));
    each_run(out, inner, |run, start, out| {
        let (of, first, len) = (input.statistic(run), start % channels, out.len());
        let by = [of.rstd, -of.rest * of.rstd].map(T::from_f64);
        let (weight, bias) = (&weight[first..][..len], &bias[first..][..len]);
        scaled_twice(isa, &input.x[start..][..len], of.near, by, weight, bias, out);
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

/// b, c and r of dx = (h + (b (x - near) + c)) r, from the group's means of h and h x^. The root comes last: where a
/// variance is 0, it would magnify the rounding of what ought to cancel.
fn factors<T: Real>(of: &Statistic<T>, [mean_h, mean_hx]: [f64; 2]) -> [T; 3] {
    let b = -of.rstd * mean_hx;
    [b, -mean_h - b * of.rest, of.rstd].map(T::from_f64)
}

/// Where a channel is a run of elements: the sums of each run give everything.
fn backward_of_runs<T: Real>(input: &Input<T>, g: &[T], grads: Grads<T>) {
    let (isa, statistics) = (isa(), input.statistics());
    let Norm { groups, inner, channels, span, .. } = input.norm;
    let (mut of_groups, mut of_channels) = (vec![[0.0; 2]; groups], vec![[0.0; 2]; channels]);
    if input.own || grads.weight.is_some() || grads.bias.is_some() {
        let sums = sums_of_runs(g.len(), span, |_, start, end| {
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
                let [b, c, r] = factors(of, of_groups[group].map(|sum| sum * share));
                combined(isa, g, x, of.near, [T::from_f64(weight), b, c, r], dx);
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

/// Where neighbours in a row are of different channels. A piece of rows has sums of its own over its rows.
fn backward_of_rows<T: Real>(input: &Input<T>, g: &[T], grads: Grads<T>) {
    let isa = isa();
    let Norm { groups: rows, inner, channels, .. } = input.norm;
    let ones = vec![T::ONE; channels];
    let weight = input.weight.unwrap_or(&ones);
    let together = PIECE.div_ceil(inner.max(1)).clamp(ROWS[0], ROWS[1]);
    let pieces = rows.div_ceil(together);
    let summed = grads.weight.is_some() || grads.bias.is_some();
    let mut sums = vec![T::ZERO; if summed { pieces * 2 * channels } else { 0 }];
    let mut of_dx = grads.x.map(|dx| dx.chunks_mut((together * inner).max(1)));
    let mut of_sums = sums.chunks_mut((2 * channels).max(1));
    let mut next = || (of_dx.as_mut().and_then(Iterator::next), of_sums.next());
    let mut outputs: Vec<_> = (0..pieces).map(|_| next()).collect();
    for_each_piece(&mut outputs, 1, |piece, outputs| {
        let (dx, sums) = &mut outputs[0];
        for row in piece * together..rows.min((piece + 1) * together) {
            let (of, start, channel) = (input.statistic(row), row * inner, row * inner % channels.max(1));
            let (g, x) = (&g[start..][..inner], &input.x[start..][..inner]);
            if let Some(dx) = dx {
                let dx = &mut dx[start - piece * together * inner..][..inner];
                input_gradient_of_row(isa, [g, x, &weight[channel..][..inner]], &of, input.own, dx);
            }
            if let Some(sums) = sums {
                let (weight, bias) = sums.split_at_mut(channels);
                let by = [of.rstd, -of.rest * of.rstd].map(T::from_f64);
                let (weight, bias) = (&mut weight[channel..][..inner], &mut bias[channel..][..inner]);
                add_products(isa, g, x, of.near, by, weight, bias);
            }
        }
    });
    let mut totals = [vec![0.0; channels], vec![0.0; channels]];
    for (i, sums) in sums.chunks_exact(channels.max(1)).enumerate() {
        totals[i % 2].iter_mut().zip(sums).for_each(|(total, sum)| *total += sum.to_f64());
    }
    for (out, totals) in [grads.weight, grads.bias].into_iter().zip(totals) {
        let out = out.into_iter().flatten();
        out.zip(totals).for_each(|(out, total)| *out = T::from_f64(total));
    }
}

fn input_gradient_of_row<T: Real>(isa: Isa, gxw: [&[T]; 3], of: &Statistic<T>, own: bool, dx: &mut [T]) {
    let [g, x, weight] = gxw;
    if !own {
        scaled(isa, g, T::ZERO, T::from_f64(of.rstd), T::ZERO, dx);
        return multiply(isa, dx, weight);
    }
    let [sum, moved] = weighted_gradient_sums(isa, g, weight, x, of.near, dx);
    let means = [sum, (moved - of.rest * sum) * of.rstd].map(|sum| sum / x.len() as f64);
    combine_in_place(isa, dx, x, of.near, factors(of, means));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::threads::tests::with_threads;
    use crate::rng::Rng;

    fn normal(len: usize, mean: f64, std: f64) -> Vec<f32> {
        let mut rng = Rng::new(len as u64);
        (0..len).map(|_| (mean + std * rng.normal()) as f32).collect()
    }

    fn moments_of(norm: &Norm, x: &[f32]) -> [Vec<f64>; 2] {
        let mut found = [vec![0.0; norm.groups], vec![0.0; norm.groups]];
        let [mean, var] = &mut found;
        moments(norm, x, mean, var);
        found
    }

    fn batch(groups: usize, inner: usize) -> Norm {
        Norm { groups, inner, channels: groups, span: inner, eps: 0.0 }
    }

    /// Runs of every length, also such as are cut; at 0, far from it, and with a first element that misleads.
    #[test]
    fn moments_are_accurate_everywhere() {
        for (outer, groups, inner) in
            [(3, 2, 7), (5, 3, 64), (2, 2, 1025), (1, 2, 3 * PIECE + 5), (7, 1, 1), (40, 3, 16)]
        {
            for (mean, std, outlier) in
                [(0.0, 1.0, 0.0), (1e4, 1.0, 0.0), (-1e6, 0.25, 0.0), (1.0, 1e-3, 1e3)]
            {
                let mut x = normal(outer * groups * inner, mean, std);
                x[0] += outlier as f32;
                let norm = batch(groups, inner);
                let [means, vars] = moments_of(&norm, &x);
                for group in 0..groups {
                    let of_group =
                        (0..x.len()).filter(|e| e / inner % groups == group).map(|e| f64::from(x[e]));
                    let n = of_group.clone().count() as f64;
                    let mean = of_group.clone().sum::<f64>() / n;
                    let var = of_group.map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
                    let what = format!("{outer} {groups} {inner}: {mean} {var}");
                    assert!((means[group] - mean).abs() <= 1e-7 * var.sqrt(), "{what}, not {}", means[group]);
                    assert!((vars[group] - var).abs() <= 1e-6 * var, "{what}, not {}", vars[group]);
                }
            }
        }
    }

    #[test]
    fn equal_numbers_do_not_vary() {
        let x = vec![0.1f32; 3 * PIECE];
        assert_eq!(moments_of(&batch(2, 3 * PIECE / 4), &x), [vec![f64::from(0.1f32); 2], vec![0.0; 2]]);
    }

    #[test]
    fn an_infinite_mean_is_infinite() {
        let inf = f32::INFINITY;
        for x in [[inf, 1.0, 2.0, 3.0], [1.0, inf, 2.0, inf]] {
            let [mean, var] = moments_of(&batch(1, 4), &x);
            assert!(mean[0] == f64::INFINITY && var[0].is_nan(), "{x:?}: {mean:?} {var:?}");
        }
        let [mean, var] = moments_of(&batch(2, 0), &[]);
        assert!(mean.iter().chain(&var).all(|v| v.is_nan()));
    }

    #[test]
    fn threads_and_instruction_sets_give_the_same_bits() {
        let norm = batch(3, PIECE + 77);
        let x = normal(2 * 3 * norm.inner, 3.0, 2.0);
        let [mean, var] = moments_of(&norm, &x);
        let input = Input { norm, x: &x, mean: &mean, var: &var, weight: None, own: true };
        let run = || {
            let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            let mut sums = [[0.0f32; 3]; 2];
            normalize(&input, None, &mut y);
            let [weight, bias] = &mut sums;
            let grads = Grads { x: Some(&mut dx), weight: Some(weight), bias: Some(bias) };
            normalize_backward(&input, &y, grads);
            (moments_of(&norm, &x), y, dx, sums)
        };
        let one = with_threads(1, run);
        for isa in Isa::supported() {
            crate::cpu::isa::with_isa(isa, || assert!(with_threads(3, run) == one, "{isa}"));
        }
    }
}
