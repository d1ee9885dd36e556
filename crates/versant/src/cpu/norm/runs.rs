//! Normalisation where the elements of a channel follow one another: a run, with the same channel and group in each of
//! the periods of `groups` times `inner` elements.

use super::{Input, Line, PIECE, Slope, finite_or_zero, moved, plus, positive};
use crate::cpu::isa::{Isa, multiversion};
use crate::cpu::real::Real;
use crate::cpu::threads::for_each_piece;
use crate::device::Norm;

/// Elements whose sum is taken in their own type, before it joins one in f64.
const BLOCK: usize = 1024;

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
    let (first, mut lanes) = (finite_or_zero(x[0]), [T::ZERO; 32]);
    let (blocks, rest) = x.as_chunks::<32>();
    for block in blocks {
        for i in 0..32 {
            lanes[i] += block[i] - first;
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += x - first;
    }
    finite_or_zero(T::from_f64(first.to_f64() + fold_lanes(lanes) / x.len() as f64))
}

multiversion! {
    /// The sums of x - origin and of its square: for each block from the distances to about its own mean.
    fn sums_about[T: Real](x: &[T], origin: f64) -> [f64; 2] {
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
            let d = [fold_lanes(first), fold_lanes(second)];
            sums = plus(sums, moved(d, x.len() as f64, near.to_f64(), origin));
        }
        sums
    }
}

/// The sums of h and of h (x - near), h being `gated(x, g)`.
#[inline(always)]
pub(super) fn pair_sums<T: Real>(g: &[T], x: &[T], near: T, gated: impl Fn(T, T) -> T) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for (g, x) in g.chunks(BLOCK).zip(x.chunks(BLOCK)) {
        let (mut first, mut second) = ([T::ZERO; 32], [T::ZERO; 32]);
        let ((gs, g_rest), (xs, x_rest)) = (g.as_chunks::<32>(), x.as_chunks::<32>());
        for (g, x) in gs.iter().zip(xs) {
            for i in 0..32 {
                let h = gated(x[i], g[i]);
                first[i] += h;
                second[i] += h * (x[i] - near);
            }
        }
        for (i, (&g, &x)) in g_rest.iter().zip(x_rest).enumerate() {
            let h = gated(x, g);
            first[i] += h;
            second[i] += h * (x - near);
        }
        sums = plus(sums, [fold_lanes(first), fold_lanes(second)]);
    }
    sums
}

multiversion! {
    /// The sums of g and of g (x - near), g as it was before the ReLU if there was one.
    fn gradient_sums_of_run[T: Real](g: &[T], x: &[T], line: Line<T>, relu: bool) -> [f64; 2] {
        match relu {
            false => pair_sums(g, x, line.near, |_, g| g),
            true => pair_sums(g, x, line.near, |x, g| line.gated(x, g)),
        }
    }
}

multiversion! {
    fn normalize_run[T: Real](x: &[T], line: Line<T>, relu: bool, out: &mut [T]) {
        match relu {
            false => out.iter_mut().zip(x).for_each(|(out, &x)| *out = line.at(x)),
            true => out.iter_mut().zip(x).for_each(|(out, &x)| *out = positive(line.at(x))),
        }
    }
}

multiversion! {
    fn input_gradient_of_run[T: Real](g: &[T], x: &[T], line: Line<T>, slope: Slope<T>, relu: bool, out: &mut [T]) {
        let each = out.iter_mut().zip(g).zip(x);
        match relu {
            false => each.for_each(|((out, &g), &x)| *out = slope.at(x, g)),
            true => each.for_each(|((out, &g), &x)| *out = slope.at(x, line.gated(x, g))),
        }
    }
}

multiversion! {
    /// The gradient of x where the statistics do not move with it.
    fn scaled_gradient_of_run[T: Real](g: &[T], x: &[T], line: Line<T>, relu: bool, out: &mut [T]) {
        let each = out.iter_mut().zip(g).zip(x);
        match relu {
            false => each.for_each(|((out, &g), _)| *out = g * line.scale),
            true => each.for_each(|((out, &g), &x)| *out = line.gated(x, g) * line.scale),
        }
    }
}

/// A stretch of `len` elements, and the same one of the `count` - 1 periods that follow.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    len: usize,
    period: usize,
    count: usize,
}

impl Part {
    /// Its elements of x in one piece, gathered in `memory` if they do not lie so.
    fn of<'a, T: Copy>(&self, x: &'a [T], memory: &'a mut Vec<T>) -> &'a [T] {
        let stretch = |i: usize| &x[self.start + i * self.period..][..self.len];
        if self.count == 1 {
            return stretch(0);
        }
        memory.clear();
        (0..self.count).for_each(|i| memory.extend_from_slice(stretch(i)));
        memory
    }
}

/// Of `total` elements, more than none, the sum over periods of what `sums` gives for each run of `len` elements in a
/// period, parts of long runs and the short runs of several periods at a time. `sums` is given the run's number and
/// two lists that it may use.
fn sums_of_runs<T>(
    total: usize,
    (period, len): (usize, usize),
    sums: impl Fn(usize, Part, &mut [Vec<T>; 2]) -> [f64; 2] + Sync,
) -> Vec<[f64; 2]> {
    let (runs, periods) = (period / len, total / period);
    let (parts, together) = (len.div_ceil(PIECE), (BLOCK / len).clamp(1, periods));
    let part_of = |i: usize| {
        let (part, run, first) = (i % parts, i / parts % runs, i / parts / runs * together);
        let start = run * len + part * PIECE;
        let end = (start + PIECE).min((run + 1) * len);
        let count = together.min(periods - first);
        (run, Part { start: first * period + start, len: end - start, period, count })
    };
    let mut all = vec![[0.0; 2]; periods.div_ceil(together) * runs * parts];
    let in_piece = PIECE.div_ceil(len.min(PIECE) * together);
    for_each_piece(&mut all, in_piece, |piece, all| {
        let mut memory = [Vec::new(), Vec::new()];
        for (i, sum) in (piece * in_piece..).zip(all) {
            let (run, part) = part_of(i);
            *sum = sums(run, part, &mut memory);
        }
    });
    if all.len() == runs {
        return all;
    }
    let mut totals = vec![[0.0; 2]; runs];
    for of_runs in all.chunks_exact(runs * parts) {
        for (total, parts) in totals.iter_mut().zip(of_runs.chunks_exact(parts)) {
            *total = parts.iter().fold(*total, |total, &sum| plus(total, sum));
        }
    }
    totals
}

/// Calls `f(run, start, part of out)` for each run of `len` elements, or each part of one where the work is cut; of
/// `runs` runs in a period.
fn each_run<T: Send>(out: &mut [T], (runs, len): (usize, usize), f: impl Fn(usize, usize, &mut [T]) + Sync) {
    for_each_piece(out, PIECE, |piece, mut out| {
        let mut start = piece * PIECE;
        let (mut run, mut left) = (start / len % runs, len - start % len);
        while !out.is_empty() {
            let (part, rest) = out.split_at_mut(left.min(out.len()));
            f(run, start, part);
            start += part.len();
            (run, left, out) = (if run + 1 == runs { 0 } else { run + 1 }, len, rest);
        }
    });
}

/// The sums over each group of x less its origin, and of the squares of that.
pub(super) fn power_sums<T: Real>(isa: Isa, norm: &Norm, x: &[T], origins: &[f64]) -> Vec<[f64; 2]> {
    let &Norm { groups, inner, .. } = norm;
    if x.is_empty() {
        return vec![[0.0; 2]; groups];
    }
    sums_of_runs(x.len(), (groups * inner, inner), |run, part, [memory, _]| {
        sums_about(isa, part.of(x, memory), origins[run])
    })
}

pub(super) fn normalize<T: Real>(isa: Isa, input: &Input<T>, out: &mut [T]) {
    if out.is_empty() {
        return;
    }
    let span = input.norm.span;
    let lines = input.lines(span);
    each_run(out, (lines.len(), span), |run, start, out| {
        normalize_run(isa, &input.x[start..][..out.len()], lines[run], input.relu, out);
    });
}

/// For each run of a period, the sums of g and of g (x - near).
pub(super) fn gradient_sums<T: Real>(
    isa: Isa,
    input: &Input<T>,
    g: &[T],
    lines: &[Line<T>],
) -> Vec<[f64; 2]> {
    let Norm { groups, inner, span, .. } = input.norm;
    sums_of_runs(g.len(), (groups * inner, span), |run, part, [of_g, of_x]| {
        gradient_sums_of_run(isa, part.of(g, of_g), part.of(input.x, of_x), lines[run], input.relu)
    })
}

/// The gradient of x; lines and slopes are those of the runs of a period.
pub(super) fn input_gradient<T: Real>(
    isa: Isa,
    input: &Input<T>,
    g: &[T],
    (lines, slopes): (&[Line<T>], &[Slope<T>]),
    dx: &mut [T],
) {
    each_run(dx, (lines.len().max(1), input.norm.span), |run, start, dx| {
        let (g, x, line) = (&g[start..][..dx.len()], &input.x[start..][..dx.len()], lines[run]);
        match input.own {
            true => input_gradient_of_run(isa, g, x, line, slopes[run], input.relu, dx),
            false => scaled_gradient_of_run(isa, g, x, line, input.relu, dx),
        }
    });
}
