//! Linear recurrences along rows.

use super::threads::for_each_piece;

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Rows of `cols` elements: y_i = step(b_i, a_i, y_(i-1)), y_0 = b_0, from the other end if `reverse`. Each row is one
/// thread's; without `a` its elements are `one`.
///
/// # Panics
/// If the lengths differ.
pub fn scan<T: Copy + Send + Sync>(
    (a, one): (Option<&[T]>, T),
    b: &[T],
    (cols, reverse): (usize, bool),
    out: &mut [T],
    step: impl Fn(T, T, T) -> T + Sync,
) {
    assert!(b.len() == out.len() && a.is_none_or(|a| a.len() == b.len()), "scan: lengths differ");
    if out.is_empty() {
        return;
    }
    let rows = PIECE.div_ceil(cols);
    for_each_piece(out, rows * cols, |index, piece| {
        let start = index * rows * cols;
        for (i, y) in piece.chunks_exact_mut(cols).enumerate() {
            let row = start + i * cols..start + (i + 1) * cols;
            let (a, b) = (a.map(|a| &a[row.clone()]), &b[row]);
            let at = |k: usize| if reverse { cols - 1 - k } else { k };
            let mut last = b[at(0)];
            y[at(0)] = last;
            for k in (1..cols).map(at) {
                last = step(b[k], a.map_or(one, |a| a[k]), last);
                y[k] = last;
            }
        }
    });
}
