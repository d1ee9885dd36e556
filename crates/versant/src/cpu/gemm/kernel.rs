//! The inner kernel: a tile of up to 8 rows and 2 vectors of columns of C, kept in registers over one block of k.

use super::vector::Vector;
use crate::cpu::real::Real;

/// The most rows of a tile.
pub(super) const MAX_ROWS: usize = 8;

/// So many terms pass between two requests for memory ahead.
const STEP: usize = 32;

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
    Along(*const T, Steps),
    /// Element (i, p) is at `base + i + p * stride`.
    Across(*const T, usize),
    /// Run after run, `runs` of them: element (i, p) of run r is at `base + starts[i] + runs[r].at + p`.
    InRuns { base: *const T, starts: *const usize, runs: *const Run, count: usize },
}

/// Multiples of the distance of two rows, in bytes. The kernel reads them from memory, so that the compiler takes them
/// for four numbers and keeps them in registers.
#[derive(Clone, Copy)]
pub struct Steps {
    one: usize,
    three: usize,
    five: usize,
    seven: usize,
}

impl<T> Rows<T> {
    /// Rows of contiguous elements, `stride` elements apart.
    #[inline(always)]
    pub(in crate::cpu) fn along(base: *const T, stride: usize) -> Rows<T> {
        let one = stride * size_of::<T>();
        Rows::Along(base, Steps { one, three: 3 * one, five: 5 * one, seven: 7 * one })
    }

    /// The rows from `first` on.
    pub(super) fn from(&self, first: usize) -> Rows<T> {
        match *self {
            Rows::Along(base, steps) => Rows::Along(base.wrapping_byte_add(first * steps.one), steps),
            Rows::Across(base, stride) => Rows::Across(base.wrapping_add(first), stride),
            Rows::InRuns { base, starts, runs, count } => {
                Rows::InRuns { base, starts: starts.wrapping_add(first), runs, count }
            }
        }
    }
}

/// Memory that will be needed next: `rows` rows, `stride` elements apart, of `lines` cache lines each.
#[derive(Clone, Copy)]
pub struct Ahead<T> {
    pub at: *const T,
    pub stride: usize,
    pub rows: usize,
    pub lines: usize,
}

impl<T> Ahead<T> {
    pub const NOTHING: Ahead<T> = Ahead { at: std::ptr::null(), stride: 0, rows: 0, lines: 0 };

    /// Asks for the first row.
    #[inline(always)]
    fn fetch_row<V: Vector<Elem = T>>(&mut self) {
        for line in 0..self.lines {
            V::prefetch(self.at.wrapping_add(line * (64 / size_of::<T>())));
        }
        self.at = self.at.wrapping_add(self.stride);
    }
}

/// Everything a tile needs beside its shape. The pointers are into the blocks of one work item.
pub struct Tile<T> {
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
    /// Fetched into the cache while the terms are added.
    pub ahead: Ahead<T>,
}

/// The numbers of A that belong to one term.
trait Terms<T>: Copy {
    /// # Safety
    /// Row `i` has this term.
    unsafe fn of_row(&self, i: usize) -> T;
    fn next(&mut self);
}

/// Rows at equal distances: one pointer moves, and the rows lie at multiples of a few distances that an address can
/// hold. A pointer for each row would not stay in registers, and loading pointers takes the time of loading numbers.
#[derive(Clone, Copy)]
struct Along<T> {
    at: *const T,
    steps: Steps,
}

impl<T: Copy> Terms<T> for Along<T> {
    #[inline(always)]
    unsafe fn of_row(&self, i: usize) -> T {
        let Steps { one, three, five, seven } = self.steps;
        let bytes = match i {
            0 => 0,
            1 => one,
            2 => 2 * one,
            3 => three,
            4 => 4 * one,
            5 => five,
            6 => 2 * three,
            _ => seven,
        };
        // SAFETY: the caller's promise.
        unsafe { *self.at.byte_add(bytes) }
    }
    #[inline(always)]
    fn next(&mut self) {
        self.at = self.at.wrapping_add(1);
    }
}

/// Rows side by side.
#[derive(Clone, Copy)]
struct Across<T> {
    at: *const T,
    stride: usize,
}

impl<T: Copy> Terms<T> for Across<T> {
    #[inline(always)]
    unsafe fn of_row(&self, i: usize) -> T {
        // SAFETY: the caller's promise.
        unsafe { *self.at.add(i) }
    }
    #[inline(always)]
    fn next(&mut self) {
        self.at = self.at.wrapping_add(self.stride);
    }
}

/// Rows anywhere.
#[derive(Clone, Copy)]
struct Apart<T, const M: usize> {
    rows: [*const T; M],
    at: usize,
}

impl<T: Copy, const M: usize> Terms<T> for Apart<T, M> {
    #[inline(always)]
    unsafe fn of_row(&self, i: usize) -> T {
        // SAFETY: the caller's promise.
        unsafe { *self.rows[i].add(self.at) }
    }
    #[inline(always)]
    fn next(&mut self) {
        self.at += 1;
    }
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
            Rows::Along(at, steps) => {
                add_terms(t, &mut acc, t.b, t.depth, Along { at, steps });
            }
            Rows::Across(at, stride) => {
                add_terms(t, &mut acc, t.b, t.depth, Across { at, stride });
            }
            Rows::InRuns { base, starts, runs, count } => {
                let rows: [*const V::Elem; M] = std::array::from_fn(|i| base.add(*starts.add(i)));
                let mut b = t.b;
                for r in 0..count {
                    let Run { at, len } = *runs.add(r);
                    b = add_terms(t, &mut acc, b, len, Apart { rows, at });
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
    mut a: impl Terms<V::Elem>,
) -> *const V::Elem {
    // SAFETY: row p < depth of the panel holds N vectors, and so many terms have the rows of A.
    unsafe {
        let mut ahead = t.ahead;
        let at_once = (ahead.rows * STEP).div_ceil(depth.max(1));
        let mut left = depth;
        while left > 0 {
            if ahead.rows > 0 {
                (0..at_once).for_each(|_| ahead.fetch_row::<V>());
            }
            let terms = if ahead.rows > 0 { left.min(STEP) } else { left };
            for _ in 0..terms {
                let row: [V; N] = std::array::from_fn(|j| V::load(b.add(j * V::LANES)));
                for (i, sums) in acc.iter_mut().enumerate() {
                    let x = V::splat(a.of_row(i));
                    for (sum, &b) in sums.iter_mut().zip(&row) {
                        *sum = x.mul_add(b, *sum);
                    }
                }
                b = b.wrapping_add(t.b_stride);
                a.next();
            }
            left -= terms;
        }
    }
    b
}

#[inline(always)]
unsafe fn finish<V: Vector, const M: usize, const N: usize>(t: &Tile<V::Elem>, acc: [[V; N]; M]) {
    // SAFETY: only the first `cols` columns of C and of the bias are touched.
    unsafe {
        if t.cols == N * V::LANES && t.bias.is_null() && t.row_bias.is_null() && !t.relu {
            for (i, row) in acc.iter().enumerate() {
                for (j, &value) in row.iter().enumerate() {
                    let c = t.c.add(i * t.c_stride + j * V::LANES);
                    let value = if t.accumulate { V::load(c).add(value) } else { value };
                    value.store(c);
                }
            }
            return;
        }
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
