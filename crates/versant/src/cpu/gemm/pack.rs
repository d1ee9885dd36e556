//! Copies of pieces of A and B in the order in which the tile kernel reads them.

use super::MatRef;
use super::kernel::MAX_ROWS;
use super::vector::Vector;
use crate::cpu::real::Real;

/// Copies rows `p0..p0 + depth` and columns `j0..j0 + cols` of `b` to `to`, rows `width` elements apart. `width` is
/// `cols` rounded up to whole vectors; what the columns from `cols` on hold is arbitrary but initialised.
///
/// # Safety
/// The machine has V's instructions.
#[inline(always)]
pub(in crate::cpu) unsafe fn pack_b<V: Vector>(
    b: &MatRef<V::Elem>,
    (p0, depth): (usize, usize),
    (j0, cols): (usize, usize),
    to: &mut [V::Elem],
    width: usize,
) {
    let (row, col) = (b.row_stride, b.col_stride);
    let to = &mut to[..depth * width];
    // A block without rows has no elements, and its place may lie outside an empty matrix.
    if depth == 0 {
        return;
    }
    let from = &b.data[p0 * row + j0 * col..];
    if row == 1 && col > 1 && depth >= V::LANES {
        // SAFETY: the caller promises the instructions.
        return unsafe { transpose::<V>(&from[..(cols - 1) * col + depth], col, (depth, cols), to, width) };
    }
    for (p, line) in to.chunks_exact_mut(width).enumerate() {
        if col == 1 {
            // SAFETY: the caller promises the instructions; `line` has whole vectors.
            unsafe { copy_row::<V>(&from[p * row..p * row + cols], line) };
        } else {
            for (j, v) in line[..cols].iter_mut().enumerate() {
                *v = from[p * row + j * col];
            }
        }
    }
}

/// Copies a row of some vectors, for which a call of the general copy would take longer than the copy; zeros fill the
/// last vector.
///
/// # Safety
/// The machine has V's instructions, and `to` has room for whole vectors.
#[inline(always)]
unsafe fn copy_row<V: Vector>(from: &[V::Elem], to: &mut [V::Elem]) {
    let whole = from.len() / V::LANES * V::LANES;
    // SAFETY: the vectors read lie in `from`, the last of them by its first elements, and the caller promises the room.
    unsafe {
        for j in (0..whole).step_by(V::LANES) {
            V::load(from.as_ptr().add(j)).store(to.as_mut_ptr().add(j));
        }
        if whole < from.len() {
            V::load_first(from.as_ptr().add(whole), from.len() - whole).store(to.as_mut_ptr().add(whole));
        }
    }
}

/// Packs columns that are contiguous, block by block. The last block of a column overlaps the one before; columns
/// beyond the last one repeat it.
///
/// # Safety
/// The machine has V's instructions.
#[inline(always)]
unsafe fn transpose<V: Vector>(
    from: &[V::Elem],
    col: usize,
    (depth, cols): (usize, usize),
    to: &mut [V::Elem],
    width: usize,
) {
    assert!(depth >= V::LANES && from.len() == (cols - 1) * col + depth, "a block must fit");
    assert!(
        to.len() == depth * width && width == cols.next_multiple_of(V::LANES),
        "the panel is whole vectors"
    );
    for j in (0..width).step_by(V::LANES) {
        for p in (0..depth).step_by(V::LANES) {
            let p = p.min(depth - V::LANES);
            // SAFETY: columns stop at `cols - 1` and rows at `depth`, which `from` and `to` hold as asserted.
            unsafe {
                let column = |i: usize| from.as_ptr().add((j + i).min(cols - 1) * col + p);
                V::transpose(column, to.as_mut_ptr().add(p * width + j), width);
            }
        }
    }
}

/// Copies rows `i0..i0 + rows` and columns `p0..p0 + depth` of `a` to `to`, rows `stride` elements apart.
#[inline(always)]
pub(super) fn pack_a<T: Real>(
    a: &MatRef<T>,
    (i0, rows): (usize, usize),
    (p0, depth): (usize, usize),
    to: &mut [T],
    stride: usize,
) {
    for i in 0..rows {
        let from = &a.data[(i0 + i) * a.row_stride + p0 * a.col_stride..];
        let line = &mut to[i * stride..i * stride + depth];
        if a.col_stride == 1 {
            line.copy_from_slice(&from[..depth]);
        } else {
            for (p, v) in line.iter_mut().enumerate() {
                *v = from[p * a.col_stride];
            }
        }
    }
}

/// Copies `rows` rows that lie side by side, their terms `stride` elements apart, to `to`, terms `MAX_ROWS` apart.
#[inline(always)]
pub(super) fn pack_across<T: Real>(from: &[T], stride: usize, rows: usize, to: &mut [T]) {
    for (from, to) in from.chunks(stride).zip(to.chunks_exact_mut(MAX_ROWS)) {
        match from.first_chunk::<MAX_ROWS>() {
            Some(from) if rows == MAX_ROWS => to.copy_from_slice(from),
            _ => to[..rows].copy_from_slice(&from[..rows]),
        }
    }
}
