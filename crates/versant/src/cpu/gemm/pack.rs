//! Copies of pieces of A and B in the order in which the tile kernel reads them.

use super::MatRef;
use super::vector::Vector;
use crate::cpu::real::Real;

/// Copies rows `p0..p0 + depth` and columns `j0..j0 + cols` of `b` to `to`, rows `width` elements apart; columns
/// from `cols` to `width` become zero. `width` is a whole number of vectors.
///
/// # Safety
/// The machine has V's instructions.
#[inline(always)]
pub(super) unsafe fn pack_b<V: Vector>(
    b: &MatRef<V::Elem>,
    (p0, depth): (usize, usize),
    (j0, cols): (usize, usize),
    to: &mut [V::Elem],
    width: usize,
) {
    let (row, col) = (b.row_stride, b.col_stride);
    let from = &b.data[p0 * row + j0 * col..];
    if cols < width {
        to[..depth * width].chunks_exact_mut(width).for_each(|line| line[cols..].fill(V::Elem::ZERO));
    }
    if col == 1 {
        for (p, line) in to[..depth * width].chunks_exact_mut(width).enumerate() {
            line[..cols].copy_from_slice(&from[p * row..p * row + cols]);
        }
        return;
    }
    let mut whole = (0, 0);
    if row == 1 {
        whole = (depth / V::LANES * V::LANES, cols / V::LANES * V::LANES);
        for j in (0..whole.1).step_by(V::LANES) {
            for p in (0..whole.0).step_by(V::LANES) {
                let block = &from[j * col + p..][..(V::LANES - 1) * col + V::LANES];
                let goal = &mut to[p * width + j..][..(V::LANES - 1) * width + V::LANES];
                // SAFETY: the slices above hold the whole blocks; the caller promises the instructions.
                unsafe { V::transpose(block.as_ptr(), col, goal.as_mut_ptr(), width) };
            }
        }
    }
    for j in 0..cols {
        let first = if j < whole.1 { whole.0 } else { 0 };
        for p in first..depth {
            to[p * width + j] = from[p * row + j * col];
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
