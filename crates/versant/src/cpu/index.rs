//! Elements by their indices: along the last axis one by one, along an inner axis in blocks.
//!
//! Indices have been checked. What goes to one place goes there in the order of the indices, on one thread.

use std::ops::AddAssign;

use super::threads::for_each_piece;

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

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
    each_row(out, to, |row, out| {
        let (x, index) = (&x[row * from..][..from], &index[row * to..][..to]);
        out.iter_mut().zip(index).for_each(|(y, &i)| *y = x[i as usize]);
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
    each_row(out, inner, |block, out| {
        let (outer, i) = (block / index.len(), block % index.len());
        out.copy_from_slice(&x[(outer * from + index[i] as usize) * inner..][..inner]);
    });
}

/// `out[o, index[i], ..] += src[o, i, ..]` in the order of i, for src [outer, len(index), inner] and out [outer, to, inner].
pub fn index_add<T: Copy + Send + Sync + AddAssign>(
    src: &[T],
    index: &[i64],
    out: &mut [T],
    to: usize,
    inner: usize,
) {
    each_row(out, to * inner, |outer, out| {
        for (i, &place) in index.iter().enumerate() {
            let (to, from) = (place as usize * inner, (outer * index.len() + i) * inner);
            out[to..to + inner].iter_mut().zip(&src[from..]).for_each(|(y, &v)| *y += v);
        }
    });
}
