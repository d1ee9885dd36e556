//! The order of rows.

use super::threads::for_each_piece;

/// Elements of one piece of work.
const PIECE: usize = 4 * 1024;

/// An element as a whole number of the same order.
pub trait Key: Copy + Sync {
    /// NaN is the greatest and equal to itself; zeros of either sign are equal.
    fn key(self) -> u64;
}

const SIGN: u64 = 1 << 63;

impl Key for f64 {
    fn key(self) -> u64 {
        // The bits of floating-point numbers are in order but for the sign. A sum with 0 is never -0.
        match (self + 0.0).to_bits() {
            _ if self.is_nan() => u64::MAX,
            bits if bits & SIGN != 0 => !bits,
            bits => bits | SIGN,
        }
    }
}

impl Key for f32 {
    fn key(self) -> u64 {
        f64::from(self).key()
    }
}

impl Key for i64 {
    fn key(self) -> u64 {
        self as u64 ^ SIGN
    }
}

impl Key for u8 {
    fn key(self) -> u64 {
        self.into()
    }
}

/// The places of each row's elements in stable order, for rows of `cols` elements: the first `count` of them.
///
/// ```
/// let mut places = [0; 2];
/// versant::cpu::sort::argsort(&[2.0f32, 1.0, 2.0], 3, true, &mut places, 2);
/// assert_eq!(places, [0, 2]);
/// ```
///
/// # Panics
/// If the lengths do not fit.
pub fn argsort<T: Key>(x: &[T], cols: usize, descending: bool, out: &mut [i64], count: usize) {
    assert!(
        count <= cols && x.len() * count == out.len() * cols,
        "argsort: the first {count} of rows of {cols}, {} elements into {}",
        x.len(),
        out.len()
    );
    if out.is_empty() {
        return;
    }
    let rows = PIECE.div_ceil(cols);
    for_each_piece(out, rows * count, |index, piece| {
        let rows = x[index * rows * cols..].chunks_exact(cols);
        let mut order = Vec::with_capacity(cols);
        for (row, places) in rows.zip(piece.chunks_exact_mut(count)) {
            // With its place every entry is distinct, so that an unstable sort is stable, and a selection unique.
            order.clear();
            order.extend(
                row.iter().zip(0i64..).map(|(v, i)| (if descending { !v.key() } else { v.key() }, i)),
            );
            if count < cols {
                order.select_nth_unstable(count);
                order.truncate(count);
            }
            order.sort_unstable();
            places.iter_mut().zip(&order).for_each(|(place, &(_, i))| *place = i);
        }
    });
}
