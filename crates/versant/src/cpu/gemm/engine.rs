//! A work item, a rectangle of C, computed with the vectors of one instruction set.

use std::cell::Cell;

use super::kernel::{Ahead, MAX_ROWS, Rows, Tile, tile};
use super::operand::{A_STRIDE, Left, Right, SLACK};
use super::vector::{Portable, Vector};
use super::{Epilogue, MatRef, dot};
use crate::cpu::isa::{Isa, Kind};
use crate::cpu::scratch::{Line, with_scratch};

/// A product and where it goes: what all work items share.
pub struct Product<'a, T, L, R> {
    pub a: L,
    pub b: R,
    /// The terms of each sum.
    pub k: usize,
    pub c: *mut T,
    pub c_stride: usize,
    pub epilogue: Epilogue<'a, T>,
    /// One number for each row, added to every column.
    pub row_bias: Option<&'a [T]>,
}

/// A rectangle of C.
#[derive(Clone, Copy)]
pub struct Area {
    pub row: usize,
    pub rows: usize,
    pub col: usize,
    pub cols: usize,
}

/// The shape of the registers' tile.
#[derive(Clone, Copy)]
pub struct TileShape {
    pub rows: usize,
    pub cols: usize,
}

/// The kernels of one element type, one for each instruction set.
pub trait Engines: Sized {
    /// The shape of the tile that `isa` computes at once.
    #[doc(hidden)]
    fn tile_shape(isa: Isa) -> TileShape;

    /// Runs the task with the engine of the instruction set.
    #[doc(hidden)]
    fn with_engine<K: Task<Self>>(isa: Isa, task: K);

    /// Runs the job compiled for the instruction set.
    #[doc(hidden)]
    fn run<J: Job<Self>>(isa: Isa, job: J) {
        Self::with_engine(isa, WithVectors(job));
    }

    /// Computes one rectangle of a product.
    ///
    /// # Safety
    /// `area` lies inside C, which is valid for writing there, and no other thread touches it. Both operands have its
    /// rows and columns and k terms.
    #[doc(hidden)]
    unsafe fn compute<L: Left<Self>, R: Right<Self>>(isa: Isa, product: &Product<Self, L, R>, area: Area) {
        Self::with_engine(isa, Packed { product, area });
    }

    /// The same where A's rows and B's columns are contiguous, without copying them.
    ///
    /// # Safety
    /// As for [`compute`](Engines::compute), and A's rows and B's columns are contiguous.
    #[doc(hidden)]
    unsafe fn dots(isa: Isa, product: &Product<Self, MatRef<Self>, MatRef<Self>>, area: Area) {
        Self::with_engine(isa, Dots { product, area });
    }

    /// Computes a product without copies.
    ///
    /// # Safety
    /// The operands can be read as their documentation says, C can be written, and no other thread touches it.
    #[doc(hidden)]
    unsafe fn in_place(isa: Isa, product: &InPlace<Self>) {
        Self::with_engine(isa, Unpacked(product));
    }
}

/// A product of which both sides are read in place: C = A B, or C += A B.
pub struct InPlace<T> {
    pub a: Rows<T>,
    /// Element (p, j) at `b + p * b_stride + j`, with whole vectors readable in every row.
    pub b: *const T,
    pub b_stride: usize,
    /// The terms of each sum, one block.
    pub depth: usize,
    pub c: *mut T,
    pub c_stride: usize,
    pub rows: usize,
    pub cols: usize,
    pub accumulate: bool,
}

/// Work that is done with the vectors of an instruction set.
pub trait Job<T> {
    /// To be inlined.
    ///
    /// # Safety
    /// The machine has V's instructions.
    unsafe fn run<V: Vector<Elem = T>>(self);
}

/// Work that is done with an engine.
pub trait Task<T> {
    /// To be inlined.
    ///
    /// # Safety
    /// The machine has E's instructions; the rest is promised by whoever makes the task.
    unsafe fn run<E: Engine<V: Vector<Elem = T>>>(self);
}

struct WithVectors<J>(J);

impl<T, J: Job<T>> Task<T> for WithVectors<J> {
    #[inline(always)]
    unsafe fn run<E: Engine<V: Vector<Elem = T>>>(self) {
        // SAFETY: the caller's promise.
        unsafe { self.0.run::<E::V>() }
    }
}

/// An engine: the item's loops and the tile kernel compiled for one instruction set.
pub trait Engine {
    type V: Vector;
    /// Rows of a tile, at most `MAX_ROWS`: as many as the registers hold.
    const ROWS: usize;
    /// # Safety
    /// As for [`tile`].
    unsafe fn tile<const M: usize, const N: usize>(t: &Tile<Elem<Self>>);
    /// # Safety
    /// As for [`Engines::dots`], and the machine has the instructions.
    unsafe fn dots(product: &Product<Elem<Self>, MatRef<Elem<Self>>, MatRef<Elem<Self>>>, area: Area);
}

thread_local! {
    static PACKED: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

pub type Elem<E> = <<E as Engine>::V as Vector>::Elem;

/// At most so many panels of A use a panel of B in turn; with it they stay in the second-level cache.
const GROUP: usize = 8;

/// A rectangle of a product, its sides packed.
struct Packed<'a, T, L, R> {
    product: &'a Product<'a, T, L, R>,
    area: Area,
}

impl<T, L: Left<T>, R: Right<T>> Task<T> for Packed<'_, T, L, R> {
    #[inline(always)]
    unsafe fn run<E: Engine<V: Vector<Elem = T>>>(self) {
        // SAFETY: the promise of `Engines::compute`.
        unsafe { compute::<E, L, R>(self.product, self.area) }
    }
}

/// A rectangle of a product, as scalar products.
struct Dots<'a, T> {
    product: &'a Product<'a, T, MatRef<'a, T>, MatRef<'a, T>>,
    area: Area,
}

impl<T> Task<T> for Dots<'_, T> {
    #[inline(always)]
    unsafe fn run<E: Engine<V: Vector<Elem = T>>>(self) {
        // SAFETY: the promise of `Engines::dots`.
        unsafe { E::dots(self.product, self.area) }
    }
}

/// A product without copies.
struct Unpacked<'a, T>(&'a InPlace<T>);

impl<T> Task<T> for Unpacked<'_, T> {
    #[inline(always)]
    unsafe fn run<E: Engine<V: Vector<Elem = T>>>(self) {
        // SAFETY: the promise of `Engines::in_place`.
        unsafe { in_place::<E>(self.0) }
    }
}

/// # Safety
/// As for [`Engines::compute`], and the machine has E's instructions.
#[inline(always)]
unsafe fn compute<E: Engine, L: Left<Elem<E>>, R: Right<Elem<E>>>(
    product: &Product<Elem<E>, L, R>,
    area: Area,
) {
    let k = product.k;
    let b_len = product.a.deepest(k) * area.cols.next_multiple_of(E::V::LANES) + SLACK;
    let a_len = area.rows.div_ceil(E::ROWS).min(GROUP) * MAX_ROWS * A_STRIDE;
    with_scratch(&PACKED, a_len + b_len, |part| {
        let (a_part, b_part) = part.split_at_mut(a_len);
        let mut p0 = 0;
        loop {
            let depth = product.a.depth(k, p0);
            // SAFETY: the caller's promise.
            unsafe { compute_block::<E, L, R>(product, area, (p0, depth), a_part, b_part) };
            p0 += depth;
            if p0 >= k {
                break;
            }
        }
    });
}

/// Adds one block of k to the area. Each panel of B is copied just before it is first used, and the memory of the next is
/// asked for meanwhile: with few rows there is little else to hide its way behind. Few rows all use a panel of B in turn;
/// of many, those behind the first are done one panel of A after another, so that C is written row by row.
///
/// # Safety
/// As for [`compute`].
#[inline(always)]
unsafe fn compute_block<E: Engine, L: Left<Elem<E>>, R: Right<Elem<E>>>(
    product: &Product<Elem<E>, L, R>,
    area: Area,
    (p0, depth): (usize, usize),
    a_part: &mut [Elem<E>],
    b_part: &mut [Elem<E>],
) {
    let width = E::V::LANES * 2;
    let panels = area.rows.div_ceil(E::ROWS);
    // Panels of almost equal height: one of a single row would leave the registers idle.
    let rows_of = |panel: usize| {
        let first = area.rows * panel / panels;
        (area.row + first, area.rows * (panel + 1) / panels - first)
    };
    let columns = || (0..area.cols).step_by(width).map(|j| (j, (area.cols - j).min(width)));
    let first = if panels <= GROUP { panels } else { 1 };
    let mut a = [Rows::along(std::ptr::null(), 0); GROUP];
    for (panel, part) in (0..first).zip(a_part.chunks_exact_mut(MAX_ROWS * A_STRIDE)) {
        a[panel] = product.a.rows(rows_of(panel), (p0, depth), part);
    }
    for (j, cols) in columns() {
        let b = &mut b_part[j * depth..];
        // SAFETY: the caller promises the instructions, rows and columns.
        unsafe {
            product.b.pack::<E::V>((p0, depth), (area.col + j, cols), b, cols.next_multiple_of(E::V::LANES))
        };
        let left = (area.cols - j - cols).min(width);
        for (panel, &a) in a[..first].iter().enumerate() {
            let ahead = match left > 0 {
                true => product.b.ahead((p0, depth), (area.col + j + width, left), (panel, first)),
                false => Ahead::NOTHING,
            };
            let (row, rows) = rows_of(panel);
            let at = Area { row, rows, col: area.col + j, cols };
            // SAFETY: the caller's promise; A's rows were checked, B's panel was packed, C's area is the caller's.
            unsafe { compute_tile::<E, L, R>(product, at, (p0, depth), (a, b), ahead) };
        }
    }
    for panel in first..panels {
        let (row, rows) = rows_of(panel);
        let a = product.a.rows((row, rows), (p0, depth), a_part);
        for (j, cols) in columns() {
            let at = Area { row, rows, col: area.col + j, cols };
            // SAFETY: as above.
            unsafe {
                compute_tile::<E, L, R>(product, at, (p0, depth), (a, &b_part[j * depth..]), Ahead::NOTHING)
            };
        }
    }
}

/// Adds one block of k to one tile.
///
/// # Safety
/// As for [`compute`].
#[inline(always)]
unsafe fn compute_tile<E: Engine, L: Left<Elem<E>>, R: Right<Elem<E>>>(
    product: &Product<Elem<E>, L, R>,
    at: Area,
    (p0, depth): (usize, usize),
    (a, b): (Rows<Elem<E>>, &[Elem<E>]),
    ahead: Ahead<Elem<E>>,
) {
    let is_last = p0 + depth == product.k;
    let row_bias = product.row_bias.filter(|_| is_last).map_or(std::ptr::null(), |b| b[at.row..].as_ptr());
    let bias = product.epilogue.bias.filter(|_| is_last);
    let t = Tile {
        a,
        b: b.as_ptr(),
        b_stride: at.cols.next_multiple_of(E::V::LANES),
        depth,
        c: product.c.wrapping_add(at.row * product.c_stride + at.col),
        c_stride: product.c_stride,
        cols: at.cols,
        accumulate: p0 > 0 || product.epilogue.accumulate,
        bias: bias.map_or(std::ptr::null(), |bias| bias[at.col..].as_ptr()),
        row_bias,
        relu: is_last && product.epilogue.relu,
        ahead,
    };
    // SAFETY: the caller's promise.
    unsafe { tile_of::<E>(at.rows, at.cols <= E::V::LANES, &t) };
}

/// # Safety
/// As for [`Engines::in_place`], and the machine has E's instructions.
#[inline(always)]
unsafe fn in_place<E: Engine>(p: &InPlace<Elem<E>>) {
    let width = E::V::LANES * 2;
    let panels = p.rows.div_ceil(E::ROWS);
    for j in (0..p.cols).step_by(width) {
        let cols = (p.cols - j).min(width);
        for panel in 0..panels {
            let first = p.rows * panel / panels;
            let rows = p.rows * (panel + 1) / panels - first;
            let t = Tile {
                a: p.a.from(first),
                b: p.b.wrapping_add(j),
                b_stride: p.b_stride,
                depth: p.depth,
                c: p.c.wrapping_add(first * p.c_stride + j),
                c_stride: p.c_stride,
                cols,
                accumulate: p.accumulate,
                bias: std::ptr::null(),
                row_bias: std::ptr::null(),
                relu: false,
                ahead: Ahead::NOTHING,
            };
            // SAFETY: the caller's promise, for these rows and columns.
            unsafe { tile_of::<E>(rows, cols <= E::V::LANES, &t) };
        }
    }
}

/// # Safety
/// As for [`tile`], with `rows` from 1 to 8.
#[inline(always)]
unsafe fn tile_of<E: Engine>(rows: usize, is_narrow: bool, t: &Tile<Elem<E>>) {
    macro_rules! tiles {
        ($($m:literal),*) => {
            match (rows, is_narrow) {
                $(($m, false) => E::tile::<$m, 2>(t), ($m, true) => E::tile::<$m, 1>(t),)*
                _ => unreachable!("a tile has 1 to {MAX_ROWS} rows, not {rows}"),
            }
        };
    }
    // SAFETY: the caller's promise.
    unsafe { tiles!(1, 2, 3, 4, 5, 6, 7, 8) }
}

/// Defines an engine and the function that runs a task with it.
macro_rules! engine {
    ($engine:ident, $run:ident, $vector:ty, $rows:literal, [$dot_rows:literal, $dot_cols:literal]
     $(, $features:literal)?) => {
        struct $engine;

        impl Engine for $engine {
            type V = $vector;
            const ROWS: usize = $rows;

            #[inline(always)]
            unsafe fn tile<const M: usize, const N: usize>(t: &Tile<Elem<Self>>) {
                #[inline(never)]
                $(#[target_feature(enable = $features)])?
                unsafe fn compiled<const M: usize, const N: usize>(t: &Tile<Elem<$engine>>) {
                    // SAFETY: as the trait says.
                    unsafe { tile::<$vector, M, N>(t) }
                }
                // SAFETY: as the trait says.
                unsafe { compiled::<M, N>(t) }
            }

            #[inline(always)]
            unsafe fn dots(
                product: &Product<Elem<Self>, MatRef<Elem<Self>>, MatRef<Elem<Self>>>,
                area: Area,
            ) {
                // SAFETY: as the trait says.
                unsafe { dot::compute::<$vector, $dot_rows, $dot_cols>(product, area) }
            }
        }

        /// # Safety
        /// As for [`Task::run`].
        $(#[target_feature(enable = $features)])?
        unsafe fn $run<K: Task<Elem<$engine>>>(task: K) {
            // SAFETY: the caller's promise.
            unsafe { task.run::<$engine>() }
        }
    };
}

engine!(PortableF32, portable_f32, Portable<f32, 4, false>, 4, [2, 2]);
engine!(PortableF64, portable_f64, Portable<f64, 2, false>, 4, [2, 2]);
#[cfg(target_arch = "aarch64")]
engine!(NeonF32, neon_f32, Portable<f32, 4, true>, 8, [4, 5]);
#[cfg(target_arch = "aarch64")]
engine!(NeonF64, neon_f64, Portable<f64, 2, true>, 8, [4, 5]);

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
#[cfg(target_arch = "x86_64")]
engine!(Avx2F32, avx2_f32, __m256, 6, [2, 4], "avx2,fma");
#[cfg(target_arch = "x86_64")]
engine!(Avx2F64, avx2_f64, __m256d, 6, [2, 4], "avx2,fma");
#[cfg(target_arch = "x86_64")]
engine!(Avx512F32, avx512_f32, __m512, 8, [2, 6], "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl");
#[cfg(target_arch = "x86_64")]
engine!(Avx512F64, avx512_f64, __m512d, 8, [2, 6], "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl");

fn shape_of<E: Engine>() -> TileShape {
    TileShape { rows: E::ROWS, cols: 2 * E::V::LANES }
}

macro_rules! engines {
    ($type:ty, $avx512:ident $avx512_run:ident, $avx2:ident $avx2_run:ident, $neon:ident $neon_run:ident,
     $portable:ident $portable_run:ident) => {
        impl Engines for $type {
            fn tile_shape(isa: Isa) -> TileShape {
                match isa.kind() {
                    #[cfg(target_arch = "x86_64")]
                    Kind::Avx512 => shape_of::<$avx512>(),
                    #[cfg(target_arch = "x86_64")]
                    Kind::Avx2 => shape_of::<$avx2>(),
                    #[cfg(target_arch = "aarch64")]
                    Kind::Neon => shape_of::<$neon>(),
                    _ => shape_of::<$portable>(),
                }
            }

            fn with_engine<K: Task<$type>>(isa: Isa, task: K) {
                // SAFETY: an `Isa` exists only for instructions that this machine has; the rest was promised by whoever
                // made the task.
                unsafe {
                    match isa.kind() {
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx512 => $avx512_run(task),
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx2 => $avx2_run(task),
                        #[cfg(target_arch = "aarch64")]
                        Kind::Neon => $neon_run(task),
                        _ => $portable_run(task),
                    }
                }
            }
        }
    };
}

engines!(f32, Avx512F32 avx512_f32, Avx2F32 avx2_f32, NeonF32 neon_f32, PortableF32 portable_f32);
engines!(f64, Avx512F64 avx512_f64, Avx2F64 avx2_f64, NeonF64 neon_f64, PortableF64 portable_f64);
