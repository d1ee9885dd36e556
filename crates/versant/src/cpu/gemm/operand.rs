//! What stands on the two sides of a product: matrices, or what can be read like one.

use super::MatRef;
use super::kernel::{Ahead, MAX_ROWS, Rows};
use super::pack::{pack_a, pack_across, pack_b};
use super::vector::Vector;
use crate::cpu::real::Real;

/// k is cut into blocks of at most this many terms, so that a block of B stays in the second-level cache. Fixed: it
/// decides the order of additions.
pub(in crate::cpu) const DEPTH: usize = 256;

/// Rows of a packed piece of A are this far apart: not a power of two, which would send them to one cache set.
pub(super) const A_STRIDE: usize = DEPTH + 16;

/// So many elements behind a panel of B may be written, so that packing can copy whole vectors.
pub(in crate::cpu) const SLACK: usize = 64;

/// Terms that lie so many bytes apart or more would meet in few sets of the first cache.
const FAR_APART: usize = 4096;

/// Larger operands, in bytes, lie beyond the second-level cache.
const FAR: usize = 256 * 1024;

/// The left side, whose rows the tile kernel reads one number at a time.
///
/// # Safety
/// What [`rows`](Left::rows) gives can be read for the rows and terms asked for, as long as the operand lives.
pub unsafe trait Left<T>: Copy {
    /// The most terms of a block of a product with `k`.
    fn deepest(&self, k: usize) -> usize {
        k.min(DEPTH)
    }

    /// The number of terms of the block that begins with term `p0`.
    fn depth(&self, k: usize, p0: usize) -> usize {
        let even = k.div_ceil(k.div_ceil(DEPTH).max(1));
        (k - p0).min(even)
    }

    /// Rows `i0..i0 + rows` of the terms `p0..p0 + depth`: in place where that is as good as a copy, else copied to
    /// `part`, which has room for a panel.
    fn rows(&self, i0_rows: (usize, usize), p0_depth: (usize, usize), part: &mut [T]) -> Rows<T>;
}

/// The right side, which is copied to panels as wide as a tile.
pub trait Right<T>: Copy {
    /// Copies terms `p0..p0 + depth` and columns `j0..j0 + cols` to `to`, terms `width` elements apart. `width` is
    /// `cols` rounded up to whole vectors; what the columns from `cols` on hold is arbitrary but initialised. Behind
    /// the panel, `SLACK` elements may be overwritten.
    ///
    /// # Safety
    /// The machine has V's instructions, and the operand has these terms and columns.
    unsafe fn pack<V: Vector<Elem = T>>(
        &self,
        p0_depth: (usize, usize),
        j0_cols: (usize, usize),
        to: &mut [T],
        width: usize,
    );

    /// The memory that [`pack`](Right::pack) is going to read for these terms and columns, or part `share.0` of
    /// `share.1` of it.
    #[inline(always)]
    fn ahead(&self, _p0_depth: (usize, usize), _j0_cols: (usize, usize), _share: (usize, usize)) -> Ahead<T> {
        Ahead::NOTHING
    }
}

// SAFETY: rows in place are taken from a slice that holds them all; copies lie in `part`.
unsafe impl<T: Real> Left<T> for MatRef<'_, T> {
    #[inline(always)]
    fn rows(&self, (i0, rows): (usize, usize), (p0, depth): (usize, usize), part: &mut [T]) -> Rows<T> {
        let here = i0 * self.row_stride + p0 * self.col_stride;
        if depth == 0 {
            return Rows::along(part.as_ptr(), A_STRIDE);
        }
        // The slice's end is the last element that the tile reads.
        let last = here + (rows - 1) * self.row_stride + (depth - 1) * self.col_stride;
        let elements = &self.data[here..=last];
        if self.row_stride == 1 && self.col_stride * size_of::<T>() < FAR_APART {
            return Rows::Across(elements.as_ptr(), self.col_stride);
        }
        if self.row_stride == 1 {
            pack_across(elements, self.col_stride, rows, part);
            return Rows::Across(part.as_ptr(), MAX_ROWS);
        }
        if self.col_stride == 1 {
            return Rows::along(elements.as_ptr(), self.row_stride);
        }
        pack_a(self, (i0, rows), (p0, depth), part, A_STRIDE);
        Rows::along(part.as_ptr(), A_STRIDE)
    }
}

impl<T: Real> Right<T> for MatRef<'_, T> {
    #[inline(always)]
    unsafe fn pack<V: Vector<Elem = T>>(
        &self,
        p0_depth: (usize, usize),
        j0_cols: (usize, usize),
        to: &mut [T],
        width: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe { pack_b::<V>(self, p0_depth, j0_cols, to, width) }
    }

    #[inline(always)]
    fn ahead(
        &self,
        (p0, depth): (usize, usize),
        (j0, cols): (usize, usize),
        (part, parts): (usize, usize),
    ) -> Ahead<T> {
        // A small operand is in the cache already.
        if size_of_val(self.data) <= FAR {
            return Ahead::NOTHING;
        }
        let in_line = 64 / size_of::<T>();
        let share = |total: usize| (total * part / parts, total * (part + 1) / parts - total * part / parts);
        let at = |p: usize, j: usize| {
            self.data.as_ptr().wrapping_add((p0 + p) * self.row_stride + (j0 + j) * self.col_stride)
        };
        if self.row_stride == 1 {
            let (first, lines) = share(depth.div_ceil(in_line));
            Ahead { at: at(first * in_line, 0), stride: self.col_stride, rows: cols, lines }
        } else {
            let (first, rows) = share(depth);
            Ahead { at: at(first, 0), stride: self.row_stride, rows, lines: cols.div_ceil(in_line) }
        }
    }
}
