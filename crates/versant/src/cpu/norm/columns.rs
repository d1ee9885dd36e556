//! Normalisation where few elements of a channel follow one another: a matrix with a period in each row, whose columns
//! have each their own group and channel. The loops are along rows.

use super::{Input, Line, PIECE, Slope, finite_or_zero, moved, plus, positive};
use crate::cpu::isa::{Isa, multiversion};
use crate::cpu::real::Real;
use crate::cpu::threads::for_each_piece;
use crate::device::Norm;

/// Rows whose sum is taken in the elements' own type, before it joins one in f64.
const ROWS: usize = 32;

/// Two sums for each column, and memory for as many numbers.
struct Sums<T> {
    near: Vec<T>,
    first: Vec<T>,
    second: Vec<T>,
}

impl<T: Real> Sums<T> {
    fn new(width: usize) -> Sums<T> {
        let zeros = || vec![T::ZERO; width];
        Sums { near: zeros(), first: zeros(), second: zeros() }
    }
}

/// The lines of all columns: each of their numbers in a row of its own, as vectors read them.
struct Lines<T>([Vec<T>; 3]);

impl<T: Real> Lines<T> {
    fn of(lines: &[Line<T>]) -> Lines<T> {
        let numbers: [fn(&Line<T>) -> T; 3] = [|line| line.near, |line| line.scale, |line| line.offset];
        Lines(numbers.map(|number| lines.iter().map(number).collect()))
    }

    fn width(&self) -> usize {
        self.0[0].len()
    }

    /// The line of each column, as a function that needs no check of its argument below `width`.
    #[inline(always)]
    fn get(&self, width: usize) -> impl Fn(usize) -> Line<T> {
        let [near, scale, offset] = self.0.each_ref().map(|numbers| &numbers[..width]);
        move |i| Line { near: near[i], scale: scale[i], offset: offset[i] }
    }
}

/// The slopes of all columns, as [`Lines`].
struct Slopes<T>([Vec<T>; 5]);

impl<T: Real> Slopes<T> {
    fn of(slopes: &[Slope<T>]) -> Slopes<T> {
        let numbers: [fn(&Slope<T>) -> T; 5] = [|s| s.near, |s| s.a, |s| s.b, |s| s.c, |s| s.r];
        Slopes(numbers.map(|number| slopes.iter().map(number).collect()))
    }

    #[inline(always)]
    fn get(&self, width: usize) -> impl Fn(usize) -> Slope<T> {
        let [near, a, b, c, r] = self.0.each_ref().map(|numbers| &numbers[..width]);
        move |i| Slope { near: near[i], a: a[i], b: b[i], c: c[i], r: r[i] }
    }
}

multiversion! {
    /// `near` is the mean of each column, 0 where that is not finite; `first` and `second` are the sums of the
    /// distances from it and of their squares.
    fn sums_about_means[T: Real](x: &[T], sums: &mut Sums<T>) {
        let (width, Sums { near, first, second }) = (sums.near.len(), sums);
        let (near, first, second) = (&mut near[..width], &mut first[..width], &mut second[..width]);
        let count = T::from_f64(x.len() as f64 / width as f64);
        near.iter_mut().zip(x).for_each(|(near, &x)| *near = finite_or_zero(x));
        first.fill(T::ZERO);
        second.fill(T::ZERO);
        for row in x.chunks_exact(width) {
            for i in 0..width {
                first[i] += row[i] - near[i];
            }
        }
        for i in 0..width {
            near[i] = finite_or_zero(near[i] + first[i] / count);
            first[i] = T::ZERO;
        }
        for row in x.chunks_exact(width) {
            for i in 0..width {
                let d = row[i] - near[i];
                first[i] += d;
                second[i] += d * d;
            }
        }
    }
}

multiversion! {
    /// The sums of g and of g (x - near), g as it was before the ReLU if there was one.
    fn gradient_sums_of_rows[T: Real](g: &[T], x: &[T], lines: &Lines<T>, relu: bool, sums: &mut Sums<T>) {
        let (width, line) = (lines.width(), lines.get(lines.width()));
        let (first, second) = (&mut sums.first[..width], &mut sums.second[..width]);
        first.fill(T::ZERO);
        second.fill(T::ZERO);
        for (g, x) in g.chunks_exact(width).zip(x.chunks_exact(width)) {
            for i in 0..width {
                let line = line(i);
                let h = if relu { line.gated(x[i], g[i]) } else { g[i] };
                first[i] += h;
                second[i] += h * (x[i] - line.near);
            }
        }
    }
}

multiversion! {
    fn normalize_rows[T: Real](x: &[T], lines: &Lines<T>, relu: bool, out: &mut [T]) {
        let (width, line) = (lines.width(), lines.get(lines.width()));
        for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            for i in 0..width {
                let y = line(i).at(x[i]);
                out[i] = if relu { positive(y) } else { y };
            }
        }
    }
}

multiversion! {
    fn input_gradient_of_rows[T: Real](
        g: &[T],
        x: &[T],
        lines: &Lines<T>,
        slopes: &Slopes<T>,
        relu: bool,
        out: &mut [T],
    ) {
        let (width, line, slope) = (lines.width(), lines.get(lines.width()), slopes.get(lines.width()));
        for ((out, g), x) in out.chunks_exact_mut(width).zip(g.chunks_exact(width)).zip(x.chunks_exact(width)) {
            for i in 0..width {
                let h = if relu { line(i).gated(x[i], g[i]) } else { g[i] };
                out[i] = slope(i).at(x[i], h);
            }
        }
    }
}

multiversion! {
    /// The gradient of x where the statistics do not move with it.
    fn scaled_gradient_of_rows[T: Real](g: &[T], x: &[T], lines: &Lines<T>, relu: bool, out: &mut [T]) {
        let (width, line) = (lines.width(), lines.get(lines.width()));
        for ((out, g), x) in out.chunks_exact_mut(width).zip(g.chunks_exact(width)).zip(x.chunks_exact(width)) {
            for i in 0..width {
                let line = line(i);
                out[i] = if relu { line.gated(x[i], g[i]) } else { g[i] } * line.scale;
            }
        }
    }
}

/// For each of `width` columns what `add` leaves in `first` and `second`, summed over blocks of rows; `join` makes f64
/// of a column's two sums over so many rows, which began at `near`.
fn sums_of_columns<T: Real>(
    len: usize,
    width: usize,
    add: impl Fn(usize, usize, &mut Sums<T>) + Sync,
    join: impl Fn(usize, [f64; 2], f64, f64) -> [f64; 2] + Sync,
) -> Vec<[f64; 2]> {
    let step = ROWS * width;
    let blocks = PIECE.div_ceil(step);
    let mut all = vec![[0.0; 2]; len.div_ceil(step * blocks) * width];
    for_each_piece(&mut all, width, |piece, totals| {
        let mut sums = Sums::new(width);
        for block in piece * blocks..(piece + 1) * blocks {
            let (start, end) = (len.min(block * step), len.min((block + 1) * step));
            add(start, end, &mut sums);
            let rows = ((end - start) / width) as f64;
            for (column, total) in totals.iter_mut().enumerate() {
                let found = [sums.first[column], sums.second[column]].map(T::to_f64);
                *total = plus(*total, join(column, found, rows, sums.near[column].to_f64()));
            }
        }
    });
    let mut totals = vec![[0.0; 2]; width];
    for sums in all.chunks_exact(width) {
        totals.iter_mut().zip(sums).for_each(|(total, &sum)| *total = plus(*total, sum));
    }
    totals
}

/// Calls `f(start, part of out)` for pieces of whole rows.
fn each_row<T: Send>(out: &mut [T], width: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    let len = PIECE.div_ceil(width) * width;
    for_each_piece(out, len, |piece, out| f(piece * len, out));
}

/// The sums over each group of x less its origin, and of the squares of that.
pub(super) fn power_sums<T: Real>(isa: Isa, norm: &Norm, x: &[T], origins: &[f64]) -> Vec<[f64; 2]> {
    let &Norm { groups, inner, .. } = norm;
    let of_columns = sums_of_columns(
        x.len(),
        groups * inner,
        |start, end, sums| sums_about_means(isa, &x[start..end], sums),
        |column, found, rows, near| moved(found, rows, near, origins[column / inner]),
    );
    of_columns.chunks_exact(inner).map(|columns| columns.iter().copied().fold([0.0; 2], plus)).collect()
}

pub(super) fn normalize<T: Real>(isa: Isa, input: &Input<T>, out: &mut [T]) {
    let Norm { groups, inner, .. } = input.norm;
    let lines = Lines::of(&input.lines(1));
    each_row(out, groups * inner, |start, out| {
        normalize_rows(isa, &input.x[start..][..out.len()], &lines, input.relu, out);
    });
}

/// For each column the sums of g and of g (x - near).
pub(super) fn gradient_sums<T: Real>(
    isa: Isa,
    input: &Input<T>,
    g: &[T],
    lines: &[Line<T>],
) -> Vec<[f64; 2]> {
    let lines = Lines::of(lines);
    sums_of_columns(
        g.len(),
        lines.width(),
        |start, end, sums| {
            gradient_sums_of_rows(isa, &g[start..end], &input.x[start..end], &lines, input.relu, sums);
        },
        |_, found, _, _| found,
    )
}

/// The gradient of x; lines and slopes are those of the columns.
pub(super) fn input_gradient<T: Real>(
    isa: Isa,
    input: &Input<T>,
    g: &[T],
    (lines, slopes): (&[Line<T>], &[Slope<T>]),
    dx: &mut [T],
) {
    let (lines, slopes) = (Lines::of(lines), Slopes::of(slopes));
    each_row(dx, lines.width(), |start, dx| {
        let (g, x) = (&g[start..][..dx.len()], &input.x[start..][..dx.len()]);
        match input.own {
            true => input_gradient_of_rows(isa, g, x, &lines, &slopes, input.relu, dx),
            false => scaled_gradient_of_rows(isa, g, x, &lines, input.relu, dx),
        }
    });
}
