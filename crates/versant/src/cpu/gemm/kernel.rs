//! The inner kernel: a tile of up to 8 rows and 2 vectors of columns of C, kept in registers over one block of k.

use super::vector::Vector;
use crate::cpu::real::Real;

/// The most rows of a tile.
pub(super) const MAX_ROWS: usize = 8;

/// Terms that follow one another in memory.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub at: usize,
    pub len: usize,
}

/// Where the rows of A lie that a tile needs.
#[derive(Clone, Copy)]
pub enum Rows<T> {
    /// Element (i, p) is at `base + i * stride + p`.
    Along(*const T, usize),
    /// Element (i, p) is at `base + i + p * stride`.
    Across(*const T, usize),
    /// Run after run, `runs` of them: element (i, p) of run r is at `base + starts[i] + runs[r].at + p`.
    InRuns { base: *const T, starts: *const usize, runs: *const Run, count: usize },
}

impl<T> Rows<T> {
    /// The rows from `first` on.
    pub(super) fn from(&self, first: usize) -> Rows<T> {
        match *self {
            Rows::Along(base, stride) => Rows::Along(base.wrapping_add(first * stride), stride),
            Rows::Across(base, stride) => Rows::Across(base.wrapping_add(first), stride),
            Rows::InRuns { base, starts, runs, count } => {
                Rows::InRuns { base, starts: starts.wrapping_add(first), runs, count }
            }
        }
    }
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
    /// One number a row, or null.
    pub row_bias: *const T,
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
        let mut acc = [[V::splat(V::Elem::ZERO); N]; M];
        match t.a {
            Rows::Along(base, stride) => {
                let rows: [*const V::Elem; M] = std::array::from_fn(|i| base.add(i * stride));
                add_terms(t, &mut acc, t.b, t.depth, |i, p| *rows[i].add(p));
            }
            Rows::Across(base, stride) => {
                add_terms(t, &mut acc, t.b, t.depth, |i, p| *base.add(p * stride + i));
            }
            Rows::InRuns { base, starts, runs, count } => {
                let rows: [*const V::Elem; M] = std::array::from_fn(|i| base.add(*starts.add(i)));
                let mut b = t.b;
                for r in 0..count {
                    let Run { at, len } = *runs.add(r);
                    b = add_terms(t, &mut acc, b, len, |i, p| *rows[i].add(at + p));
                }
            }
        }
        finish::<V, M, N>(t, acc);
    }
}

/// Adds `depth` terms, whose rows of the panel begin at `b`; gives the row behind them.
#[inline(always)]
unsafe fn add_terms<V: Vector, const M: usize, const N: usize>(
    t: &Tile<V::Elem>,
    acc: &mut [[V; N]; M],
    mut b: *const V::Elem,
    depth: usize,
    a: impl Fn(usize, usize) -> V::Elem,
) -> *const V::Elem {
    // SAFETY: row p < depth of the panel holds N vectors.
    unsafe {
        for p in 0..depth {
            let row: [V; N] = std::array::from_fn(|j| V::load(b.add(j * V::LANES)));
            for (i, sums) in acc.iter_mut().enumerate() {
                let x = V::splat(a(i, p));
                for (sum, &b) in sums.iter_mut().zip(&row) {
                    *sum = x.mul_add(b, *sum);
                }
            }
            b = b.wrapping_add(t.b_stride);
        }
    }
    b
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
                if !t.row_bias.is_null() {
                    value = value.add(V::splat(*t.row_bias.add(i)));
                }
                if t.relu {
                    value = value.relu();
                }
                if n == V::LANES { value.store(c) } else { value.store_first(c, n) }
            }
        }
    }
}
