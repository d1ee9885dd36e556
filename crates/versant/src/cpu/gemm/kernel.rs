//! The inner kernel: a tile of up to 8 rows and 2 vectors of columns of C, kept in registers over one block of k.

use super::vector::Vector;
use crate::cpu::real::Real;

/// The most rows of a tile.
pub(super) const MAX_ROWS: usize = 8;

/// Where the rows of A lie that a tile needs.
#[derive(Clone, Copy)]
pub(super) enum Rows<T> {
    /// Element (i, p) is at `base + i * stride + p`.
    Along(*const T, usize),
    /// Element (i, p) is at `base + i + p * stride`.
    Across(*const T, usize),
}

/// Everything a tile needs beside its shape. The pointers are into the blocks of one work item.
pub(super) struct Tile<T> {
    pub a: Rows<T>,
    /// The panel of B: element (p, j) at `b + p * b_stride + j`, with whole vectors readable in every row.
    pub b: *const T,
    pub b_stride: usize,
    pub depth: usize,
    pub c: *mut T,
    pub c_stride: usize,
    /// Columns of C to write; the panel of B may be wider.
    pub cols: usize,
    /// Add to what C holds.
    pub accumulate: bool,
    /// One number a column, or null.
    pub bias: *const T,
    pub relu: bool,
}

/// Computes one tile of `M` rows and `N` vectors.
///
/// # Safety
/// The machine has V's instructions; the pointers of `t` are valid for the elements that its documentation names.
#[inline(always)]
pub(super) unsafe fn tile<V: Vector, const M: usize, const N: usize>(t: &Tile<V::Elem>) {
    // SAFETY: the caller's promise covers A, B and C alike.
    unsafe {
        let acc = match t.a {
            Rows::Along(base, stride) => {
                let rows: [*const V::Elem; M] = std::array::from_fn(|i| base.add(i * stride));
                product::<V, M, N>(t, |i, p| *rows[i].add(p))
            }
            Rows::Across(base, stride) => product::<V, M, N>(t, |i, p| *base.add(p * stride + i)),
        };
        finish::<V, M, N>(t, acc);
    }
}

#[inline(always)]
unsafe fn product<V: Vector, const M: usize, const N: usize>(
    t: &Tile<V::Elem>,
    a: impl Fn(usize, usize) -> V::Elem,
) -> [[V; N]; M] {
    // SAFETY: row p < depth of the panel holds N vectors.
    unsafe {
        let mut acc = [[V::splat(V::Elem::ZERO); N]; M];
        let mut b = t.b;
        for p in 0..t.depth {
            let row: [V; N] = std::array::from_fn(|j| V::load(b.add(j * V::LANES)));
            for (i, sums) in acc.iter_mut().enumerate() {
                let x = V::splat(a(i, p));
                for (sum, &b) in sums.iter_mut().zip(&row) {
                    *sum = x.mul_add(b, *sum);
                }
            }
            b = b.wrapping_add(t.b_stride);
        }
        acc
    }
}

#[inline(always)]
unsafe fn finish<V: Vector, const M: usize, const N: usize>(t: &Tile<V::Elem>, acc: [[V; N]; M]) {
    // SAFETY: only the first `cols` columns of C and of the bias are touched.
    unsafe {
        for j in 0..N {
            let first = j * V::LANES;
            let n = (t.cols - first).min(V::LANES);
            let load = |p: *const V::Elem| if n == V::LANES { V::load(p) } else { V::load_first(p, n) };
            let bias = if t.bias.is_null() { None } else { Some(load(t.bias.add(first))) };
            for (i, row) in acc.iter().enumerate() {
                let c = t.c.add(i * t.c_stride + first);
                let mut value = row[j];
                if t.accumulate {
                    value = load(c).add(value);
                }
                if let Some(bias) = bias {
                    value = value.add(bias);
                }
                if t.relu {
                    value = value.relu();
                }
                if n == V::LANES { value.store(c) } else { value.store_first(c, n) }
            }
        }
    }
}
