//! The order of rows.

use std::cmp::Ordering;

use super::threads::for_each_piece;

/// Elements of one piece of work.
const PIECE: usize = 4 * 1024;

/// NaN is the greatest and equal to itself; zeros of either sign are equal.
fn order<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| {
        let is_nan = |v: &T| v.partial_cmp(v).is_none();
        is_nan(a).cmp(&is_nan(b))
    })
}

/// The places of each row's elements in stable order, for rows of `cols` elements.
///
/// ```
/// let mut places = [0; 3];
/// versant::cpu::sort::argsort(&[2.0f32, 1.0, 2.0], 3, true, &mut places);
/// assert_eq!(places, [0, 2, 1]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn argsort<T: PartialOrd + Sync>(x: &[T], cols: usize, descending: bool, out: &mut [i64]) {
    assert_eq!(x.len(), out.len(), "argsort: {} elements into {}", x.len(), out.len());
    if out.is_empty() {
        return;
    }
    let rows = PIECE.div_ceil(cols);
    for_each_piece(out, rows * cols, |index, piece| {
        let rows = x[index * rows * cols..].chunks_exact(cols);
        for (row, places) in rows.zip(piece.chunks_exact_mut(cols)) {
            (0..).zip(places.iter_mut()).for_each(|(i, place)| *place = i);
            let at = |i: &i64| &row[*i as usize];
            match descending {
                false => places.sort_by(|a, b| order(at(a), at(b))),
                true => places.sort_by(|a, b| order(at(b), at(a))),
            }
        }
    });
}
