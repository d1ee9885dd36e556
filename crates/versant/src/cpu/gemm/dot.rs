//! Few rows of A, both sides contiguous along k, as where a linear layer sees a single sample: every element of C is
//! the scalar product of two runs. A copy of B, which is read once or twice, would cost more than the product.

use super::engine::{Area, Product};
use super::vector::Vector;
use super::{Epilogue, MatRef};
use crate::cpu::real::Real;

/// A has fewer rows than this.
pub(super) const FEW_ROWS: usize = 8;

/// Shorter runs are not worth the addition of lanes at their end.
pub(super) const MIN_TERMS: usize = 32;

/// Where the runs of one tile lie.
struct Tile<T> {
    a: *const T,
    a_stride: usize,
    b: *const T,
    b_stride: usize,
    k: usize,
}

/// Computes an area of the product, `M` rows and `N` columns at a time.
///
/// Lane l of an element's vector sums the terms l, l + LANES, ...; at the end the lanes are added. So bits depend
/// neither on how C is cut nor on threads.
///
/// # Safety
/// The machine has V's instructions. `area` lies inside C, which is valid for writing there, and no other thread
/// touches it. A's rows and B's columns are contiguous.
#[inline(always)]
pub(super) unsafe fn compute<V: Vector, const M: usize, const N: usize>(
    product: &Product<V::Elem, MatRef<V::Elem>, MatRef<V::Elem>>,
    area: Area,
) {
    let (a, b, k) = (product.a, product.b, product.k);
    let (end_row, end_col) = (area.row + area.rows, area.col + area.cols);
    let mut j = area.col;
    while j < end_col {
        let cols = if end_col - j >= N { N } else { 1 };
        let mut i = area.row;
        while i < end_row {
            let rows = if end_row - i >= M { M } else { 1 };
            let t = Tile {
                a: a.data[i * a.row_stride..].as_ptr(),
                a_stride: a.row_stride,
                b: b.data[j * b.col_stride..].as_ptr(),
                b_stride: b.col_stride,
                k,
            };
            // SAFETY: the caller's promise, for rows and columns inside the area.
            unsafe {
                let sums = match (rows == M, cols == N) {
                    (true, true) => tile::<V, M, N, M, N>(&t),
                    (true, false) => tile::<V, M, 1, M, N>(&t),
                    (false, true) => tile::<V, 1, N, M, N>(&t),
                    (false, false) => tile::<V, 1, 1, M, N>(&t),
                };
                for (r, sums) in sums.iter().take(rows).enumerate() {
                    let c = product.c.add((i + r) * product.c_stride + j);
                    finish(std::slice::from_raw_parts_mut(c, cols), sums, j, product.epilogue);
                }
            }
            i += rows;
        }
        j += cols;
    }
}

/// The scalar products of `R` rows and `C` columns, in the corner of an M x N tile.
///
/// # Safety
/// The machine has V's instructions; the pointers of `t` are valid for the rows, columns and terms.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const C: usize, const M: usize, const N: usize>(
    t: &Tile<V::Elem>,
) -> [[V::Elem; N]; M] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut acc = [[V::splat(V::Elem::ZERO); C]; R];
        let whole = t.k / V::LANES * V::LANES;
        for p in (0..whole).step_by(V::LANES) {
            add_terms::<V, R, C, false>(t, &mut acc, p);
        }
        if whole < t.k {
            add_terms::<V, R, C, true>(t, &mut acc, whole);
        }
        let mut sums = [[V::Elem::ZERO; N]; M];
        for (sums, acc) in sums.iter_mut().zip(&acc) {
            for (sum, acc) in sums.iter_mut().zip(acc) {
                *sum = acc.sum();
            }
        }
        sums
    }
}

/// Adds a vector of terms, from term `p` on, to the sums; with `IS_LAST` only those that there are.
///
/// # Safety
/// As for [`tile`].
#[inline(always)]
unsafe fn add_terms<V: Vector, const R: usize, const C: usize, const IS_LAST: bool>(
    t: &Tile<V::Elem>,
    acc: &mut [[V; C]; R],
    p: usize,
) {
    // SAFETY: the caller's promise; behind the last term nothing is read.
    unsafe {
        let mut b = [V::splat(V::Elem::ZERO); C];
        for (j, b) in b.iter_mut().enumerate() {
            let at = t.b.add(j * t.b_stride + p);
            *b = if IS_LAST { V::load_first(at, t.k - p) } else { V::load(at) };
        }
        for (i, sums) in acc.iter_mut().enumerate() {
            let at = t.a.add(i * t.a_stride + p);
            let a = if IS_LAST { V::load_first(at, t.k - p) } else { V::load(at) };
            for (sum, &b) in sums.iter_mut().zip(&b) {
                *sum = a.mul_add(b, *sum);
            }
        }
    }
}

#[inline(always)]
fn finish<T: Real>(c: &mut [T], sums: &[T], first: usize, epilogue: Epilogue<T>) {
    for ((j, c), &sum) in c.iter_mut().enumerate().zip(sums) {
        let mut value = if epilogue.accumulate { *c + sum } else { sum };
        if let Some(bias) = epilogue.bias {
            value += bias[first + j];
        }
        *c = if epilogue.relu && T::ZERO > value { T::ZERO } else { value };
    }
}
