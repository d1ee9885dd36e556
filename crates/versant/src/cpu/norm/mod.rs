//! Means and variances, normalisation by them, and its gradients: one family of kernels for the norms of batches,
//! layers, groups and instances, which differ in the numbers of a [`Norm`].
//!
//! Elements lie in one of three ways. `runs`: a channel's elements follow one another, as in images. `columns`: so
//! few do that a loop over them would not pay; the loop is over neighbouring channels. `rows`: a group is a row in
//! which each element is a channel of its own, as in the norm of layers.
//!
//! A mean and a variance are accurate wherever they lie. A block of elements, which the nearest cache holds, gives its
//! mean and then the squares about that. Blocks are joined in f64, as distances from the first element of their group:
//! that lies at most sqrt(n) standard deviations from the mean of n, so that the difference of squares loses at most a
//! factor of n, of the 10^16 that f64 has.
//!
//! x - mean is taken as (x - near) - rest, `near` being the mean as the element type holds it: the first difference is
//! exact where x lies near the mean, and `rest` joins the constants of the run.

mod columns;
mod rows;
mod runs;
#[cfg(test)]
mod tests;

use super::isa::isa;
use super::real::Real;
use crate::device::Norm;

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Where fewer elements of a channel follow one another, and the batch has as many rows, the loop is over channels.
const SHORT: usize = 16;

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
    /// Added to each channel.
    pub bias: Option<&'a [T]>,
    /// max(y, 0), after the bias.
    pub relu: bool,
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

/// How the elements of a channel lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lies {
    Runs,
    Columns,
    Rows,
}

impl Lies {
    fn of(norm: &Norm, len: usize) -> Lies {
        let Norm { groups, inner, span, .. } = *norm;
        match () {
            () if span == 1 && inner > 1 => Lies::Rows,
            () if len > 0 && inner == span && inner < SHORT && len >= SHORT * groups * inner => Lies::Columns,
            () => Lies::Runs,
        }
    }
}

/// How a group's elements are normalised: x^ = ((x - near) - rest) rstd.
#[derive(Clone, Copy)]
struct Statistic<T> {
    near: T,
    rest: f64,
    rstd: f64,
}

/// The normalised elements of a channel in a group: (x - near) scale + offset.
#[derive(Clone, Copy)]
struct Line<T> {
    near: T,
    scale: T,
    offset: T,
}

impl<T: Real> Line<T> {
    #[inline(always)]
    fn at(&self, x: T) -> T {
        (x - self.near) * self.scale + self.offset
    }

    /// The gradient of what a ReLU was given, from that of its result.
    #[inline(always)]
    fn gated(&self, x: T, g: T) -> T {
        if self.at(x) <= T::ZERO { T::ZERO } else { g }
    }
}

/// max(x, 0); NaN stays.
#[inline(always)]
fn positive<T: Real>(x: T) -> T {
    if x > T::ZERO || x.is_nan() { x } else { T::ZERO }
}

/// The gradients of a channel's elements in a group: (a g + (b (x - near) + c)) r. The root of the variance, in r,
/// comes last: where the variance is 0, it would magnify the rounding of what ought to cancel.
#[derive(Clone, Copy)]
struct Slope<T> {
    near: T,
    a: T,
    b: T,
    c: T,
    r: T,
}

impl<T: Real> Slope<T> {
    #[inline(always)]
    fn at(&self, x: T, g: T) -> T {
        (self.a * g + (self.b * (x - self.near) + self.c)) * self.r
    }
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

    /// The group and the channel of each run of `len` elements in a period, a span or a part of one.
    fn places(&self, len: usize) -> Vec<(usize, usize)> {
        let Norm { groups, inner, channels, span, .. } = self.norm;
        let mut places = Vec::with_capacity(groups * inner / len.max(1));
        let mut channel = 0;
        for group in 0..groups {
            for _ in 0..inner.checked_div(span).unwrap_or(0) {
                places.extend((0..span / len).map(|_| (group, channel)));
                channel = if channel + 1 == channels { 0 } else { channel + 1 };
            }
        }
        places
    }

    fn weight_of(&self, channel: usize) -> f64 {
        self.weight.map_or(1.0, |weight| weight[channel].to_f64())
    }

    /// How each run of `len` elements in a period is normalised.
    fn lines(&self, len: usize) -> Vec<Line<T>> {
        let statistics = self.statistics();
        let line = |(group, channel): (usize, usize)| {
            let of: &Statistic<T> = &statistics[group];
            let scale = of.rstd * self.weight_of(channel);
            let offset = self.bias.map_or(0.0, |bias| bias[channel].to_f64()) - of.rest * scale;
            Line { near: of.near, scale: T::from_f64(scale), offset: T::from_f64(offset) }
        };
        self.places(len).into_iter().map(line).collect()
    }

    fn check(&self, len: usize) {
        let (Norm { groups, channels, .. }, lens) =
            (self.norm, [self.weight, self.bias].map(Option::unwrap_or_default));
        assert_eq!((self.mean.len(), self.var.len()), (groups, groups), "one statistic for each group");
        assert_eq!(self.x.len(), len, "lengths do not fit");
        assert!(
            lens.iter().all(|part| part.is_empty() || part.len() == channels),
            "one weight and bias for each channel"
        );
    }
}

#[inline(always)]
fn finite_or_zero<T: Real>(x: T) -> T {
    if x.to_f64().is_finite() { x } else { T::ZERO }
}

#[inline(always)]
fn plus(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

/// The sums of n elements' distances from `origin` and of their squares, from those about `near`, d and `squares`.
#[inline(always)]
fn moved([d, squares]: [f64; 2], n: f64, near: f64, origin: f64) -> [f64; 2] {
    let away = near - origin;
    [d + n * away, squares + away * (2.0 * d + n * away)]
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
    let totals = match Lies::of(norm, x.len()) {
        Lies::Columns => columns::power_sums(isa, norm, x, &origins),
        Lies::Runs | Lies::Rows => runs::power_sums(isa, norm, x, &origins),
    };
    let count = x.len() as f64 / groups as f64;
    for (i, [first, second]) in totals.into_iter().enumerate() {
        let of_squares = (second - first * first / count) / count;
        mean[i] = origins[i] + first / count;
        var[i] = if of_squares < 0.0 { 0.0 } else { of_squares };
    }
}

/// (x - mean) / sqrt(var + eps) weight + bias, and of that max(y, 0) with a ReLU.
///
/// # Panics
/// If the lengths do not fit.
pub fn normalize<T: Real>(input: &Input<T>, out: &mut [T]) {
    input.check(out.len());
    match Lies::of(&input.norm, out.len()) {
        Lies::Runs => runs::normalize(isa(), input, out),
        Lies::Columns => columns::normalize(isa(), input, out),
        Lies::Rows => rows::normalize(isa(), input, out),
    }
}

/// The gradients of [`normalize`], as [`Backend::normalize_backward`](crate::device::Backend::normalize_backward) has
/// them.
///
/// # Panics
/// If the lengths do not fit.
pub fn normalize_backward<T: Real>(input: &Input<T>, g: &[T], grads: Grads<T>) {
    input.check(g.len());
    match Lies::of(&input.norm, g.len()) {
        Lies::Rows => rows::backward(isa(), input, g, grads),
        lies => backward_of_channels(lies, input, g, grads),
    }
}

/// Where all elements of a run, or of a column, are of one channel: their sums give everything.
fn backward_of_channels<T: Real>(lies: Lies, input: &Input<T>, g: &[T], grads: Grads<T>) {
    let isa = isa();
    let Norm { groups, channels, span, .. } = input.norm;
    let len = if lies == Lies::Columns { 1 } else { span };
    let (statistics, places, lines) = (input.statistics(), input.places(len), input.lines(len));
    let (mut of_groups, mut of_channels) = (vec![[0.0; 2]; groups], vec![[0.0; 2]; channels]);
    // The sums of nothing are 0, though its mean is NaN.
    if !g.is_empty() && (input.own || grads.weight.is_some() || grads.bias.is_some()) {
        let sums = match lies {
            Lies::Columns => columns::gradient_sums(isa, input, g, &lines),
            Lies::Runs | Lies::Rows => runs::gradient_sums(isa, input, g, &lines),
        };
        for (&(group, channel), [sum, moved]) in places.iter().zip(sums) {
            let of = &statistics[group];
            let sums = [sum, (moved - of.rest * sum) * of.rstd];
            let weight = input.weight_of(channel);
            of_channels[channel] = plus(of_channels[channel], sums);
            of_groups[group] = plus(of_groups[group], sums.map(|sum| weight * sum));
        }
    }
    if let Some(dx) = grads.x {
        let share = groups as f64 / g.len() as f64;
        let slope = |(group, channel): (usize, usize)| {
            slope(&statistics[group], input.weight_of(channel), of_groups[group].map(|sum| sum * share))
        };
        let slopes: Vec<Slope<T>> = places.into_iter().map(slope).collect();
        match lies {
            Lies::Columns => columns::input_gradient(isa, input, g, (&lines, &slopes), dx),
            Lies::Runs | Lies::Rows => runs::input_gradient(isa, input, g, (&lines, &slopes), dx),
        }
    }
    let put = |out: Option<&mut [T]>, i: usize| {
        let out = out.into_iter().flatten();
        out.zip(&of_channels).for_each(|(out, sums)| *out = T::from_f64(sums[i]));
    };
    put(grads.bias, 0);
    put(grads.weight, 1);
}

/// The gradient of x, (weight g - mean(h) - x^ mean(h x^)) rstd, from the group's means of h = weight g and h x^.
fn slope<T: Real>(of: &Statistic<T>, weight: f64, [mean_h, mean_hx]: [f64; 2]) -> Slope<T> {
    let b = -of.rstd * mean_hx;
    let [a, b, c, r] = [weight, b, -mean_h - b * of.rest, of.rstd].map(T::from_f64);
    Slope { near: of.near, a, b, c, r }
}
