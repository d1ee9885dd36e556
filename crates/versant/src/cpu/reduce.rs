//! Sums and maxima of contiguous slices and of matrices' rows and columns.
//!
//! A sum has a fixed shape: 32 running sums over a piece, added up pairwise, then the pieces' sums one after the
//! other. It depends neither on the instruction set nor on the threads.

use super::isa::{Isa, isa, multiversion};
use super::real::Real;
use super::threads::for_each_piece;

/// Running sums of one piece.
const LANES: usize = 32;

/// Elements of one piece of a sum.
const PIECE: usize = 16 * 1024;

/// Rows whose sum is taken before it joins the total of a column.
const ROW_BLOCK: usize = 128;

/// Matrices with fewer elements stay on the calling thread.
const PARALLEL_LEN: usize = 64 * 1024;

/// Combines neighbours until one number is left.
#[inline(always)]
fn fold_lanes<T: Real>(mut lanes: [T; LANES], f: impl Fn(T, T) -> T) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = f(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn fold<T: Real>(x: &[T], start: T, f: impl Fn(T, T) -> T + Copy) -> T {
    let mut lanes = [start; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for i in 0..LANES {
            lanes[i] = f(lanes[i], block[i]);
        }
    }
    for (lane, &v) in lanes.iter_mut().zip(rest) {
        *lane = f(*lane, v);
    }
    fold_lanes(lanes, f)
}

/// The sum of one row as [`row_sums`] has it, for loops that are compiled for an instruction set themselves.
#[inline(always)]
pub(super) fn sum_lanes<T: Real>(x: &[T]) -> T {
    fold(x, T::ZERO, |a, b| a + b)
}

multiversion! {
    fn sum_piece[T: Real](x: &[T]) -> T {
        sum_lanes(x)
    }
}

multiversion! {
    fn max_piece[T: Real](x: &[T]) -> T {
        fold(x, T::NEG_INFINITY, larger)
    }
}

multiversion! {
    fn min_piece[T: Real](x: &[T]) -> T {
        fold(x, -T::NEG_INFINITY, |a, b| if a < b || a.is_nan() { a } else { b })
    }
}

multiversion! {
    fn product_piece[T: Real](x: &[T]) -> T {
        fold(x, T::ONE, |a, b| a * b)
    }
}

multiversion! {
    /// Adds the rows of a matrix to `out`.
    fn add_rows[T: Real](x: &[T], out: &mut [T]) {
        for row in x.chunks_exact(out.len()) {
            for (sum, &v) in out.iter_mut().zip(row) {
                *sum += v;
            }
        }
    }
}

/// The larger one; NaN if either is.
#[inline(always)]
fn larger<T: Real>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// The sum of all elements.
///
/// ```
/// assert_eq!(versant::cpu::reduce::sum(&[1.0f32, 2.0, 3.5]), 6.5);
/// ```
pub fn sum<T: Real>(x: &[T]) -> T {
    whole(x, sum_piece)
}

/// The largest of all elements, as [`row_maxima`].
pub fn max<T: Real>(x: &[T]) -> T {
    whole(x, max_piece)
}

/// The smallest of all elements, as [`row_minima`].
pub fn min<T: Real>(x: &[T]) -> T {
    whole(x, min_piece)
}

/// The pieces folded, then what they gave.
fn whole<T: Real>(x: &[T], fold: fn(Isa, &[T]) -> T) -> T {
    let isa = isa();
    if x.len() <= PIECE {
        return fold(isa, x);
    }
    let mut folded = vec![T::ZERO; x.len().div_ceil(PIECE)];
    let piece = |i: usize| &x[i * PIECE..x.len().min((i + 1) * PIECE)];
    if x.len() < PARALLEL_LEN {
        folded.iter_mut().enumerate().for_each(|(i, y)| *y = fold(isa, piece(i)));
    } else {
        for_each_piece(&mut folded, 1, |i, y| y[0] = fold(isa, piece(i)));
    }
    fold(isa, &folded)
}

/// Folds each row of `cols` elements into one element of `out`.
pub(super) fn each_row<T: Sync, R: Copy + Send>(
    x: &[T],
    cols: usize,
    out: &mut [R],
    f: impl Fn(&[T]) -> R + Sync,
) {
    assert_eq!(x.len(), out.len() * cols, "{} rows of {cols} need {} elements", out.len(), out.len() * cols);
    if cols == 0 {
        return out.fill(f(&[]));
    }
    let run = |first: usize, out: &mut [R]| {
        for (y, row) in out.iter_mut().zip(x[first * cols..].chunks_exact(cols)) {
            *y = f(row);
        }
    };
    if x.len() < PARALLEL_LEN {
        run(0, out);
    } else {
        let rows = PIECE.div_ceil(cols);
        for_each_piece(out, rows, |index, piece| run(index * rows, piece));
    }
}

/// The sum of each row of a row-major matrix with `cols` columns; `out` has one element a row.
///
/// # Panics
/// If the lengths do not fit.
pub fn row_sums<T: Real>(x: &[T], cols: usize, out: &mut [T]) {
    let isa = isa();
    each_row(x, cols, out, |row| sum_piece(isa, row));
}

/// The sum of one row, as [`row_sums`] has it.
pub(super) fn sum_of_row<T: Real>(isa: Isa, row: &[T]) -> T {
    sum_piece(isa, row)
}

/// The largest of one row, as [`row_maxima`] has it.
pub(super) fn max_of_row<T: Real>(isa: Isa, row: &[T]) -> T {
    max_piece(isa, row)
}

/// The maximum of each row of a row-major matrix with `cols` columns: NaN if the row has one, minus infinity if
/// the row is empty.
///
/// # Panics
/// If the lengths do not fit.
pub fn row_maxima<T: Real>(x: &[T], cols: usize, out: &mut [T]) {
    let isa = isa();
    each_row(x, cols, out, |row| max_piece(isa, row));
}

/// The minimum of each row, as [`row_maxima`].
///
/// # Panics
/// If the lengths do not fit.
pub fn row_minima<T: Real>(x: &[T], cols: usize, out: &mut [T]) {
    let isa = isa();
    each_row(x, cols, out, |row| min_piece(isa, row));
}

/// The product of each row; 1 if the row is empty.
///
/// # Panics
/// If the lengths do not fit.
pub fn row_products<T: Real>(x: &[T], cols: usize, out: &mut [T]) {
    let isa = isa();
    each_row(x, cols, out, |row| product_piece(isa, row));
}

/// Where in each row the first element stands that beats all others; NaN beats any.
///
/// # Panics
/// If the lengths do not fit.
pub fn row_arg_extremes<T: Real>(x: &[T], cols: usize, out: &mut [i64], beats: impl Fn(T, T) -> bool + Sync) {
    each_row(x, cols, out, |row| {
        let mut best = 0;
        for (i, &v) in row.iter().enumerate() {
            if beats(v, row[best]) || (v.is_nan() && !row[best].is_nan()) {
                best = i;
            }
        }
        best as i64
    });
}

/// The sum of each column of a row-major matrix, as many columns as `out` is long: the gradient of a bias.
///
/// # Panics
/// If `x` is not a whole number of rows.
pub fn column_sums<T: Real>(x: &[T], out: &mut [T]) {
    let cols = out.len();
    out.fill(T::ZERO);
    if cols == 0 || x.is_empty() {
        assert!(x.is_empty(), "a matrix without columns has {} elements", x.len());
        return;
    }
    assert!(x.len().is_multiple_of(cols), "{} elements are no whole rows of {cols}", x.len());
    let isa = isa();
    if x.len() <= ROW_BLOCK * cols {
        return add_rows(isa, x, out);
    }
    let blocks = x.len().div_ceil(ROW_BLOCK * cols);
    let mut sums = vec![T::ZERO; blocks * cols];
    let block = |i: usize, sum: &mut [T]| {
        let end = x.len().min((i + 1) * ROW_BLOCK * cols);
        add_rows(isa, &x[i * ROW_BLOCK * cols..end], sum);
    };
    if x.len() < PARALLEL_LEN {
        sums.chunks_exact_mut(cols).enumerate().for_each(|(i, sum)| block(i, sum));
    } else {
        for_each_piece(&mut sums, cols, block);
    }
    add_rows(isa, &sums, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::threads::tests::with_threads;
    use crate::rng::Rng;

    fn random(len: usize) -> Vec<f32> {
        let mut rng = Rng::new(len as u64);
        (0..len).map(|_| rng.uniform() as f32 - 0.5).collect()
    }

    fn close(got: f32, terms: impl Iterator<Item = f32> + Clone) -> bool {
        let truth: f64 = terms.clone().map(f64::from).sum();
        let size: f64 = terms.map(|v| f64::from(v).abs()).sum();
        (f64::from(got) - truth).abs() <= 1e-6 * size
    }

    #[test]
    fn sums_of_every_length() {
        for len in [0, 1, 31, 32, 33, 1000, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let x = random(len);
            assert!(close(sum(&x), x.iter().copied()), "{len}");
            for threads in [1, 2, 5] {
                assert_eq!(with_threads(threads, || sum(&x)).to_bits(), sum(&x).to_bits());
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let x = random(1013);
        for isa in Isa::supported() {
            assert_eq!(sum_piece(isa, &x).to_bits(), sum_piece(Isa::SCALAR, &x).to_bits());
            assert_eq!(max_piece(isa, &x), x.iter().copied().fold(f32::MIN, f32::max));
        }
    }

    #[test]
    fn rows_and_columns() {
        for [rows, cols] in [[0, 3], [3, 0], [1, 1], [5, 10], [64, 10], [129, 70], [3000, 27], [7, 40_000]] {
            let x = random(rows * cols);
            let (mut sums, mut maxima, mut columns) = (vec![9.0; rows], vec![9.0; rows], vec![9.0; cols]);
            row_sums(&x, cols, &mut sums);
            row_maxima(&x, cols, &mut maxima);
            column_sums(&x, &mut columns);
            for i in 0..rows {
                let row = &x[i * cols..(i + 1) * cols];
                assert!(close(sums[i], row.iter().copied()));
                assert_eq!(maxima[i], row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            }
            for j in 0..cols {
                assert!(close(columns[j], (0..rows).map(|i| x[i * cols + j])), "{rows} x {cols}, column {j}");
            }
            let mut again = vec![0.0; cols];
            with_threads(3, || column_sums(&x, &mut again));
            assert_eq!(again, columns);
        }
    }

    #[test]
    fn a_maximum_keeps_nan() {
        for len in [100, 5 * PIECE + 7] {
            let mut x = random(len);
            for at in [0, 40, len - 1] {
                x[at] = f32::NAN;
                let mut out = [0.0];
                row_maxima(&x, len, &mut out);
                assert!(out[0].is_nan() && max(&x).is_nan() && min(&x).is_nan());
                x[at] = 0.0;
            }
        }
    }

    #[test]
    fn extremes_wherever_they_stand() {
        let len = 5 * PIECE + 7;
        for at in [0, PIECE - 1, 2 * PIECE, len - 1] {
            let mut x = random(len);
            x[at] = 2.0;
            assert_eq!(max(&x), 2.0);
            x[at] = -2.0;
            assert_eq!(min(&x), -2.0);
        }
    }
}
