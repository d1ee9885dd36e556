//! Linear recurrences along rows.

use super::real::Real;
use super::threads::for_each_piece;

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Rows of `cols` elements: y_i = b_i + a_i y_(i-1), y_0 = b_0, from the other end if `reverse`; without `a` its
/// elements are 1. Each row is one thread's. What runs on is f64, as in PyTorch: a long running sum in f32 would lose
/// its digits.
///
/// ```
/// let mut y = [0.0f32; 3];
/// versant::cpu::scan::scan(Some(&[9.0, 2.0, 3.0]), &[1.0, 1.0, 1.0], 3, false, &mut y);
/// assert_eq!(y, [1.0, 3.0, 10.0]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn scan<T: Real>(a: Option<&[T]>, b: &[T], cols: usize, reverse: bool, out: &mut [T]) {
    match a {
        None => each_row(b, cols, reverse, out, |i, last| b[i].to_f64() + last),
        Some(a) => {
            assert_eq!(a.len(), b.len(), "scan: lengths differ");
            each_row(b, cols, reverse, out, |i, last| b[i].to_f64() + a[i].to_f64() * last)
        }
    }
}

/// y_i = step(i, y_(i-1)) in each row, i counted over all of them.
fn each_row<T: Real>(
    b: &[T],
    cols: usize,
    reverse: bool,
    out: &mut [T],
    step: impl Fn(usize, f64) -> f64 + Sync,
) {
    assert_eq!(b.len(), out.len(), "scan: lengths differ");
    if out.is_empty() {
        return;
    }
    let rows = PIECE.div_ceil(cols);
    for_each_piece(out, rows * cols, |index, piece| {
        for (row, y) in piece.chunks_exact_mut(cols).enumerate() {
            let start = (index * rows + row) * cols;
            let at = |k: usize| if reverse { cols - 1 - k } else { k };
            let mut last = b[start + at(0)].to_f64();
            y[at(0)] = b[start + at(0)];
            for k in (1..cols).map(at) {
                last = step(start + k, last);
                y[k] = T::from_f64(last);
            }
        }
    });
}
