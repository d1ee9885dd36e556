//! Softmax and its logarithm, row by row.

use super::isa::{Isa, isa, multiversion};
use super::real::Real;
use super::reduce::{max_of_row, sum_lanes};
use super::threads::for_each_piece;

/// So few numbers are no work for vectors.
pub(super) const FEW: usize = 24;

/// The sum of a row; of few numbers in order, which is also that of logits that lie in planes.
#[inline(always)]
fn total<T: Real>(x: &[T]) -> T {
    if x.len() <= FEW { x.iter().fold(T::ZERO, |sum, &x| sum + x) } else { sum_lanes(x) }
}

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Calls `run(row number, row)` for every row of `out`, in pieces of whole rows on several threads.
pub(super) fn each_row<T: Send>(out: &mut [T], cols: usize, run: impl Fn(usize, &mut [T]) + Sync) {
    if cols == 0 {
        return;
    }
    let rows = PIECE.div_ceil(cols);
    for_each_piece(out, rows * cols, |piece, out| {
        for (i, row) in out.chunks_exact_mut(cols).enumerate() {
            run(piece * rows + i, row);
        }
    });
}

multiversion! {
    /// e^(x - top) for each element, and the sum of them.
    pub(super) fn exponentials[T: Real](x: &[T], top: T, out: &mut [T]) -> T {
        for (y, &x) in out.iter_mut().zip(x) {
            *y = (x - top).exp();
        }
        total(out)
    }
}

multiversion! {
    pub(super) fn affine[T: Real](x: &mut [T], scale: T, shift: T) {
        for x in x.iter_mut() {
            *x = *x * scale + shift;
        }
    }
}

multiversion! {
    /// x - top - log_sum
    fn logarithms[T: Real](x: &[T], top: T, log_sum: T, out: &mut [T]) {
        for (y, &x) in out.iter_mut().zip(x) {
            *y = (x - top) - log_sum;
        }
    }
}

multiversion! {
    /// y (g - sum g y)
    fn slopes[T: Real](y: &[T], g: &[T], out: &mut [T]) {
        for ((out, &y), &g) in out.iter_mut().zip(y).zip(g) {
            *out = g * y;
        }
        let total = total(out);
        for ((out, &y), &g) in out.iter_mut().zip(y).zip(g) {
            *out = y * (g - total);
        }
    }
}

multiversion! {
    /// g - e^y sum g
    fn log_slopes[T: Real](y: &[T], g: &[T], out: &mut [T]) {
        let total = total(g);
        for ((out, &y), &g) in out.iter_mut().zip(y).zip(g) {
            *out = g - y.exp() * total;
        }
    }
}

/// The largest x and log sum_j e^(x_j - largest). They are kept apart: their sum would round away the small
/// differences between large logits. `scratch` is as long as `x`.
pub(super) fn log_sum_exp<T: Real>(isa: Isa, x: &[T], scratch: &mut [T]) -> (T, T) {
    let top = max_of_row(isa, x);
    (top, exponentials(isa, x, top, scratch).ln())
}

/// Softmax of each row, or its logarithm.
pub fn softmax<T: Real>(log: bool, x: &[T], cols: usize, out: &mut [T]) {
    let isa = isa();
    each_row(out, cols, |row, out| {
        let x = &x[row * cols..][..cols];
        if log {
            let (top, log_sum) = log_sum_exp(isa, x, out);
            logarithms(isa, x, top, log_sum, out);
        } else {
            let sum = exponentials(isa, x, max_of_row(isa, x), out);
            affine(isa, out, T::ONE / sum, T::ZERO);
        }
    });
}

/// From the output `y` of [`softmax`] and its gradient `g`: y (g - sum g y), or with the logarithm g - e^y sum g.
pub fn softmax_backward<T: Real>(log: bool, y: &[T], g: &[T], cols: usize, out: &mut [T]) {
    let isa = isa();
    each_row(out, cols, |row, out| {
        let (y, g) = (&y[row * cols..][..cols], &g[row * cols..][..cols]);
        if log { log_slopes(isa, y, g, out) } else { slopes(isa, y, g, out) }
    });
}
