//! Elements by their indices: along the last axis one by one, along an inner axis in blocks.
//!
//! Indices have been checked. What goes to one place goes there in the order of the indices, on one thread.

use super::threads::for_each_piece;

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// The most pieces that go through the same indices to add what is theirs.
const SEARCHES: usize = 16;

/// Sums of any numbers; integers wrap around.
pub trait Sum: Copy + Send + Sync {
    /// self + other.
    fn plus(self, other: Self) -> Self;
}

macro_rules! sum {
    ($($t:ty: $plus:expr),*) => {$(
        impl Sum for $t {
            #[inline(always)]
            fn plus(self, other: $t) -> $t {
                $plus(self, other)
            }
        }
    )*};
}
sum!(f32: |a, b| a + b, f64: |a, b| a + b, i64: i64::wrapping_add, u8: u8::wrapping_add);

/// Rows of `cols` elements of `out` with their numbers, in pieces.
fn each_row<T: Send>(out: &mut [T], cols: usize, run: impl Fn(usize, &mut [T]) + Sync) {
    if out.is_empty() {
        return;
    }
    let rows = PIECE.div_ceil(cols);
    for_each_piece(out, rows * cols, |index, piece| {
        piece.chunks_exact_mut(cols).enumerate().for_each(|(i, row)| run(index * rows + i, row));
    });
}

/// `out[r, i] = x[r, index[r, i]]`, for x [rows, from] and out [rows, to].
///
/// ```
/// let mut out = [0.0f32; 4];
/// versant::cpu::index::gather(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, &[2, 0, 1, 1], &mut out, 2);
/// assert_eq!(out, [3.0, 1.0, 5.0, 5.0]);
/// ```
pub fn gather<T: Copy + Send + Sync>(x: &[T], from: usize, index: &[i64], out: &mut [T], to: usize) {
    for_each_piece(out, PIECE, |piece, out| {
        let start = piece * PIECE;
        for ((place, y), &i) in (start..).zip(out).zip(&index[start..]) {
            *y = x[place / to * from + i as usize];
        }
    });
}

/// `put(out[r, index[r, i]], src[r, i])` in the order of i, for src [rows, from] and out [rows, to].
pub fn scatter<T: Copy + Send + Sync>(
    (src, from): (&[T], usize),
    index: &[i64],
    (out, to): (&mut [T], usize),
    put: impl Fn(&mut T, T) + Sync,
) {
    each_row(out, to, |row, out| {
        let (src, index) = (&src[row * from..][..from], &index[row * from..][..from]);
        src.iter().zip(index).for_each(|(&v, &i)| put(&mut out[i as usize], v));
    });
}

/// `out[o, i, ..] = x[o, index[i], ..]`, for x [outer, from, inner] and out [outer, len(index), inner].
pub fn index_select<T: Copy + Send + Sync>(x: &[T], from: usize, index: &[i64], out: &mut [T], inner: usize) {
    let row = |block: usize| block / index.len() * from + index[block % index.len()] as usize;
    if inner == 1 {
        return for_each_piece(out, PIECE, |piece, out| {
            (piece * PIECE..).zip(out).for_each(|(block, y)| *y = x[row(block)]);
        });
    }
    each_row(out, inner, |block, out| out.copy_from_slice(&x[row(block) * inner..][..inner]));
}

/// `out[o, index[i], ..] += src[o, i, ..]` in the order of i, for src [outer, len(index), inner] and out [outer, to,
/// inner].
///
/// Rows of the result are cut into pieces; each looks for its own through the indices of the blocks that it touches.
pub fn index_add<T: Sum>(src: &[T], index: &[i64], out: &mut [T], to: usize, inner: usize) {
    if src.is_empty() {
        return;
    }
    let all = out.len() / inner;
    let pieces = (src.len() / PIECE).clamp(1, SEARCHES.min(all / to * inner));
    let rows = all.div_ceil(pieces);
    for_each_piece(out, rows * inner, |piece, out| {
        let first = piece * rows;
        let mine = first..first + out.len() / inner;
        for outer in first / to..mine.end.div_ceil(to) {
            for (i, &place) in index.iter().enumerate() {
                let row = outer * to + place as usize;
                if mine.contains(&row) {
                    let from = &src[(outer * index.len() + i) * inner..][..inner];
                    let sums = &mut out[(row - first) * inner..][..inner];
                    sums.iter_mut().zip(from).for_each(|(y, &v)| *y = y.plus(v));
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes that are cut into pieces within a block, within a row and across them.
    #[test]
    fn pieces_meet_at_their_edges() {
        for [outer, n, k, inner] in
            [[1, 50, 1000, 40], [3, 7, 1000, 33], [40, 11, 2000, 1], [1, 100_000, 70_000, 1]]
        {
            let index: Vec<i64> = (0..k).map(|i| (i * 7919 % n) as i64).collect();
            let place = |o: usize, i: usize| (o * n + index[i] as usize) * inner;
            let whole: Vec<i64> = (0..outer * n * inner).map(|v| v as i64).collect();
            let mut taken = vec![0; outer * k * inner];
            index_select(&whole, n, &index, &mut taken, inner);
            let mut sums = whole.clone();
            index_add(&taken, &index, &mut sums, n, inner);
            let mut wanted = whole.clone();
            for (o, i) in (0..outer).flat_map(|o| (0..k).map(move |i| (o, i))) {
                for c in 0..inner {
                    assert_eq!(taken[(o * k + i) * inner + c], whole[place(o, i) + c]);
                    wanted[place(o, i) + c] += whole[place(o, i) + c];
                }
            }
            assert!(sums == wanted, "[{outer}, {n}, {k}, {inner}]");
        }
    }

    #[test]
    fn gather_across_pieces() {
        for [rows, from, to] in [[1, 9, 50_000], [5000, 3, 7]] {
            let index: Vec<i64> = (0..rows * to).map(|i| (i * 31 % from) as i64).collect();
            let x: Vec<i64> = (0..rows * from).map(|v| v as i64).collect();
            let mut out = vec![0; rows * to];
            gather(&x, from, &index, &mut out, to);
            assert!((0..rows * to).all(|i| out[i] == (i / to * from) as i64 + index[i]));
        }
    }
}
