//! Matrix products.
//!
//! C is cut into rectangles by the size of the problem alone; each is computed by one work item, which copies the
//! pieces of B (and of A, where their layout is bad) into the order in which the innermost kernel reads them.
//! Every element of C is a sum over k in fixed blocks, so its bits depend neither on the number of threads nor
//! on how C was cut. Where a few rows meet columns that are contiguous, nothing is copied (`dot`).

mod dot;
mod engine;
mod kernel;
mod operand;
mod pack;
mod split;
#[cfg(test)]
mod tests;
mod vector;

pub use engine::Engines;
pub(super) use engine::{Area, InPlace, Job, Product, TileShape};
pub(super) use kernel::{Rows, Run};
pub(super) use operand::{DEPTH, Left, Right, SLACK};
pub(super) use pack::pack_b;
pub(super) use vector::Vector;

use super::isa::{Isa, isa};
use super::real::Real;
use super::threads::{Shared, parallel_for};

/// Below this many operations, some ten microseconds, a product stays on the calling thread: another would first have to
/// fetch its part of the operands from this one's cache, and the next product to fetch the results.
pub(super) const PARALLEL_FLOPS: usize = 3_000_000;

/// Work items are not made smaller than this.
pub(super) const ITEM_FLOPS: usize = 400_000;

/// Work items are not made narrower than this where there are a few.
const MIN_AREA_COLS: usize = 128;
const FEW_ITEMS: usize = 8;

/// Work items are not made smaller where there are this many.
pub(super) const ENOUGH_ITEMS: usize = 16;

/// A work item's area is at most this wide: its block of B stays in the second-level cache.
pub(super) const MAX_AREA: usize = 256;

/// A work item's area is at most this high: the more rows, the less often B is copied.
const MAX_AREA_ROWS: usize = 512;

/// A work item has at least this many rows if C has: the copy of B is paid once for all of them.
const MIN_AREA_ROWS: usize = 64;

/// A matrix in memory: element (i, j) is `data[i * row_stride + j * col_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> MatRef<'a, T> {
    /// A view of `data`. Strides may be anything, 0 (a repeated row or column) included.
    ///
    /// # Panics
    /// If an element would lie outside `data`.
    pub fn new(
        data: &'a [T],
        [rows, cols]: [usize; 2],
        [row_stride, col_stride]: [usize; 2],
    ) -> MatRef<'a, T> {
        let inside = rows == 0
            || cols == 0
            || ((rows - 1).checked_mul(row_stride))
                .zip((cols - 1).checked_mul(col_stride))
                .and_then(|(r, c)| r.checked_add(c))
                .is_some_and(|last| last < data.len());
        assert!(
            inside,
            "a {rows} x {cols} matrix with strides {row_stride}, {col_stride} does not fit in {} elements",
            data.len()
        );
        MatRef { data, rows, cols, row_stride, col_stride }
    }

    /// A matrix stored row after row.
    ///
    /// # Panics
    /// If an element would lie outside `data`.
    pub fn row_major(data: &'a [T], rows: usize, cols: usize) -> MatRef<'a, T> {
        MatRef::new(data, [rows, cols], [cols, 1])
    }

    /// The columns from `first` up to `end`.
    fn columns(self, first: usize, end: usize) -> MatRef<'a, T> {
        MatRef { data: &self.data[first * self.col_stride..], cols: end - first, ..self }
    }

    /// The transpose, without a copy.
    #[must_use]
    pub fn t(self) -> MatRef<'a, T> {
        MatRef {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

/// What happens to a product on its way into C: C = relu(A B + C + bias), each part optional.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a, T> {
    /// Add to what C holds. Otherwise C is never read.
    pub accumulate: bool,
    /// One number for each column, added to every row.
    pub bias: Option<&'a [T]>,
    /// max(x, 0) at the end; NaN stays NaN.
    pub relu: bool,
}

impl<T> Default for Epilogue<'_, T> {
    fn default() -> Self {
        Epilogue { accumulate: false, bias: None, relu: false }
    }
}

/// C = A B with an epilogue. C has rows of contiguous elements, `c_stride` apart.
///
/// ```
/// use versant::cpu::gemm::{Epilogue, MatRef, gemm};
/// let a = [1.0f32, 2.0, 3.0, 4.0];
/// let mut c = [0.0; 4];
/// let a = MatRef::row_major(&a, 2, 2);
/// gemm(a, a.t(), &mut c, 2, Epilogue { bias: Some(&[0.5, 0.0]), ..Epilogue::default() });
/// assert_eq!(c, [5.5, 11.0, 11.5, 25.0]);
/// ```
///
/// # Panics
/// If A's columns and B's rows differ, if C is too short or its rows overlap, or if the bias does not have one
/// number for each column.
pub fn gemm<T: Real>(a: MatRef<T>, b: MatRef<T>, c: &mut [T], c_stride: usize, epilogue: Epilogue<T>) {
    gemm_with(isa(), a, b, c, c_stride, epilogue);
}

fn gemm_with<T: Real>(
    isa: Isa,
    a: MatRef<T>,
    b: MatRef<T>,
    c: &mut [T],
    c_stride: usize,
    epilogue: Epilogue<T>,
) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert_eq!(k, b.rows, "gemm: A is {m} x {k}, B is {} x {n}: the inner lengths differ", b.rows);
    if let Some(bias) = epilogue.bias {
        assert_eq!(bias.len(), n, "gemm: the bias has {} numbers, C has {n} columns", bias.len());
    }
    if m == 0 || n == 0 {
        return;
    }
    assert!(m == 1 || c_stride >= n, "gemm: rows of {n} elements overlap at stride {c_stride}");
    let fits =
        (m - 1).checked_mul(c_stride).and_then(|last| last.checked_add(n)).is_some_and(|end| end <= c.len());
    assert!(fits, "gemm: C is {m} x {n} with stride {c_stride}, its slice has {} elements", c.len());

    let flops = flops(m, k, n);
    let (rows, cols) = cut(m, n, flops, T::tile_shape(isa));
    let slabs = split::slabs(m, k, n, flops, m.div_ceil(rows) * n.div_ceil(cols));
    if slabs > 1 {
        split::split(isa, (a, b), (c, c_stride), epilogue, slabs);
    } else {
        whole(isa, (a, b), (c, c_stride), epilogue);
    }
}

pub(super) fn flops(m: usize, k: usize, n: usize) -> usize {
    m.saturating_mul(n).saturating_mul(k).saturating_mul(2)
}

/// The product without a cut through k; the operands have been checked.
fn whole<T: Real>(
    isa: Isa,
    (a, b): (MatRef<T>, MatRef<T>),
    (c, c_stride): (&mut [T], usize),
    epilogue: Epilogue<T>,
) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    let flops = flops(m, k, n);
    let (rows, cols) = cut(m, n, flops, T::tile_shape(isa));
    let items_across = n.div_ceil(cols);
    let items = m.div_ceil(rows) * items_across;
    let shared = Shared::new(c);
    let is_dots = m < dot::FEW_ROWS && a.col_stride == 1 && b.row_stride == 1 && k >= dot::MIN_TERMS;
    let compute = |item: usize| {
        let (row, col) = (item / items_across * rows, item % items_across * cols);
        let area = Area { row, rows: rows.min(m - row), col, cols: cols.min(n - col) };
        let product = Product { a, b, k, c: shared.get(), c_stride, epilogue, row_bias: None };
        // SAFETY: the areas of different items do not overlap and lie inside C, whose length was checked; for the
        // scalar products the rows and columns are contiguous.
        unsafe {
            match is_dots {
                true => T::dots(isa, &product, area),
                false => T::compute(isa, &product, area),
            }
        };
    };
    if flops < PARALLEL_FLOPS {
        (0..items).for_each(compute);
    } else {
        parallel_for(items, &compute);
    }
}

/// The height and width of a work item's area.
fn cut(m: usize, n: usize, flops: usize, tile: TileShape) -> (usize, usize) {
    let halves = |total: usize, now: usize, unit: usize| {
        total.div_ceil(2 * total.div_ceil(now)).next_multiple_of(unit)
    };
    let even =
        |total: usize, most: usize, unit: usize| total.div_ceil(total.div_ceil(most)).next_multiple_of(unit);
    let (mut rows, mut cols) = (even(m, MAX_AREA_ROWS, tile.rows), even(n, MAX_AREA, tile.cols));
    let wanted = (flops / ITEM_FLOPS).min(ENOUGH_ITEMS);
    loop {
        let items = m.div_ceil(rows) * n.div_ceil(cols);
        let min_cols = if items < FEW_ITEMS { tile.cols } else { MIN_AREA_COLS.max(tile.cols) };
        let (can_lower, can_narrow) = (rows > MIN_AREA_ROWS, cols > min_cols);
        if items >= wanted || !(can_lower || can_narrow) {
            return (rows, cols);
        }
        if can_lower && (rows >= cols || !can_narrow) {
            rows = halves(m, rows, tile.rows);
        } else {
            cols = halves(n, cols, tile.cols);
        }
    }
}
