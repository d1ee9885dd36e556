//! A work item, a rectangle of C, computed with the vectors of one instruction set.

use std::cell::Cell;

use super::Epilogue;
use super::kernel::{MAX_ROWS, Rows, Tile, tile};
use super::operand::{A_STRIDE, Left, Right, SLACK};
use super::vector::{Portable, Vector};
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

    /// Computes one rectangle of a product.
    ///
    /// # Safety
    /// `area` lies inside C, which is valid for writing there, and no other thread touches it. Both operands have its
    /// rows and columns and k terms.
    #[doc(hidden)]
    unsafe fn compute<L: Left<Self>, R: Right<Self>>(isa: Isa, product: &Product<Self, L, R>, area: Area);

    /// Computes a product without copies.
    ///
    /// # Safety
    /// The operands can be read as their documentation says, C can be written, and no other thread touches it.
    #[doc(hidden)]
    unsafe fn in_place(isa: Isa, product: &InPlace<Self>);

    /// Runs the job compiled for the instruction set.
    #[doc(hidden)]
    fn run<J: Job<Self>>(isa: Isa, job: J);
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

/// An engine: the item's loops and the tile kernel compiled for one instruction set.
trait Engine {
    type V: Vector;
    /// Rows of a tile, at most `MAX_ROWS`: as many as the registers hold.
    const ROWS: usize;
    /// # Safety
    /// As for [`tile`].
    unsafe fn tile<const M: usize, const N: usize>(t: &Tile<<Self::V as Vector>::Elem>);
}

thread_local! {
    static PACKED: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

type Elem<E> = <<E as Engine>::V as Vector>::Elem;

/// # Safety
/// As for [`Engines::compute`], and the machine has E's instructions.
#[inline(always)]
unsafe fn compute<E: Engine, L: Left<Elem<E>>, R: Right<Elem<E>>>(
    product: &Product<Elem<E>, L, R>,
    area: Area,
) {
    let width = E::V::LANES * 2;
    let k = product.k;
    let b_len = product.a.deepest(k) * area.cols.next_multiple_of(E::V::LANES) + SLACK;
    with_scratch(&PACKED, MAX_ROWS * A_STRIDE + b_len, |part| {
        let (a_part, b_part) = part.split_at_mut(MAX_ROWS * A_STRIDE);
        let mut p0 = 0;
        loop {
            let depth = product.a.depth(k, p0);
            for j in (0..area.cols).step_by(width) {
                let cols = (area.cols - j).min(width);
                let panel = &mut b_part[j * depth..];
                let padded = cols.next_multiple_of(E::V::LANES);
                // SAFETY: the caller promises the instructions, rows and columns.
                unsafe { product.b.pack::<E::V>((p0, depth), (area.col + j, cols), panel, padded) };
            }
            // SAFETY: the caller's promise; the blocks were packed above.
            unsafe { compute_block::<E, L, R>(product, area, (p0, depth), a_part, b_part) };
            p0 += depth;
            if p0 >= k {
                break;
            }
        }
    });
}

/// Adds one block of k to the area.
///
/// # Safety
/// As for [`compute`].
#[inline(always)]
unsafe fn compute_block<E: Engine, L: Left<Elem<E>>, R: Right<Elem<E>>>(
    product: &Product<Elem<E>, L, R>,
    area: Area,
    (p0, depth): (usize, usize),
    a_part: &mut [Elem<E>],
    b_part: &[Elem<E>],
) {
    let width = E::V::LANES * 2;
    let is_last = p0 + depth == product.k;
    let panels = area.rows.div_ceil(E::ROWS);
    for panel in 0..panels {
        // Panels of almost equal height: one of a single row would leave the registers idle.
        let first = area.rows * panel / panels;
        let rows = area.rows * (panel + 1) / panels - first;
        let i0 = area.row + first;
        let a = product.a.rows((i0, rows), (p0, depth), area.cols > width, a_part);
        let row_bias = product.row_bias.filter(|_| is_last).map_or(std::ptr::null(), |b| b[i0..].as_ptr());
        for j in (0..area.cols).step_by(width) {
            let cols = (area.cols - j).min(width);
            let col = area.col + j;
            let bias = product.epilogue.bias.filter(|_| is_last);
            let t = Tile {
                a,
                b: b_part[j * depth..].as_ptr(),
                b_stride: cols.next_multiple_of(E::V::LANES),
                depth,
                c: product.c.wrapping_add(i0 * product.c_stride + col),
                c_stride: product.c_stride,
                cols,
                accumulate: p0 > 0 || product.epilogue.accumulate,
                bias: bias.map_or(std::ptr::null(), |bias| bias[col..].as_ptr()),
                row_bias,
                relu: is_last && product.epilogue.relu,
            };
            // SAFETY: the caller's promise; A's rows were checked, B's panel was packed, C's area is the caller's.
            unsafe { tile_of::<E>(rows, cols <= E::V::LANES, &t) };
        }
    }
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

/// Defines an engine and the function that computes an area with it.
macro_rules! engine {
    ($engine:ident, $compute:ident $in_place:ident $run:ident, $vector:ty, $rows:literal $(, $features:literal)?) => {
        struct $engine;

        impl Engine for $engine {
            type V = $vector;
            const ROWS: usize = $rows;

            #[inline(always)]
            unsafe fn tile<const M: usize, const N: usize>(t: &Tile<<$vector as Vector>::Elem>) {
                #[inline(never)]
                $(#[target_feature(enable = $features)])?
                unsafe fn compiled<const M: usize, const N: usize>(t: &Tile<<$vector as Vector>::Elem>) {
                    // SAFETY: as the trait says.
                    unsafe { tile::<$vector, M, N>(t) }
                }
                // SAFETY: as the trait says.
                unsafe { compiled::<M, N>(t) }
            }
        }

        /// # Safety
        /// As for [`compute`].
        $(#[target_feature(enable = $features)])?
        unsafe fn $compute<L: Left<Elem<$engine>>, R: Right<Elem<$engine>>>(
            product: &Product<Elem<$engine>, L, R>,
            area: Area,
        ) {
            // SAFETY: the caller's promise.
            unsafe { compute::<$engine, L, R>(product, area) }
        }

        /// # Safety
        /// As for [`in_place`].
        $(#[target_feature(enable = $features)])?
        unsafe fn $in_place(product: &InPlace<Elem<$engine>>) {
            // SAFETY: the caller's promise.
            unsafe { in_place::<$engine>(product) }
        }

        /// # Safety
        /// The machine has the engine's instructions.
        $(#[target_feature(enable = $features)])?
        unsafe fn $run<J: Job<Elem<$engine>>>(job: J) {
            // SAFETY: the caller's promise.
            unsafe { job.run::<$vector>() }
        }
    };
}

engine!(PortableF32, portable_f32 portable_f32_in_place portable_f32_run, Portable<f32, 4, false>, 4);
engine!(PortableF64, portable_f64 portable_f64_in_place portable_f64_run, Portable<f64, 2, false>, 4);
engine!(NeonF32, neon_f32 neon_f32_in_place neon_f32_run, Portable<f32, 4, true>, 8);
engine!(NeonF64, neon_f64 neon_f64_in_place neon_f64_run, Portable<f64, 2, true>, 8);

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
#[cfg(target_arch = "x86_64")]
engine!(Avx2F32, avx2_f32 avx2_f32_in_place avx2_f32_run, __m256, 6, "avx2,fma");
#[cfg(target_arch = "x86_64")]
engine!(Avx2F64, avx2_f64 avx2_f64_in_place avx2_f64_run, __m256d, 6, "avx2,fma");
#[cfg(target_arch = "x86_64")]
engine!(Avx512F32, avx512_f32 avx512_f32_in_place avx512_f32_run, __m512, 8, "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl");
#[cfg(target_arch = "x86_64")]
engine!(Avx512F64, avx512_f64 avx512_f64_in_place avx512_f64_run, __m512d, 8, "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl");

fn shape_of<E: Engine>() -> TileShape {
    TileShape { rows: E::ROWS, cols: 2 * E::V::LANES }
}

macro_rules! engines {
    ($type:ty, $avx512:ident $avx512_fn:ident $avx512_in_place:ident $avx512_run:ident,
     $avx2:ident $avx2_fn:ident $avx2_in_place:ident $avx2_run:ident,
     $neon:ident $neon_fn:ident $neon_in_place:ident $neon_run:ident,
     $portable:ident $portable_fn:ident $portable_in_place:ident $portable_run:ident) => {
        impl Engines for $type {
            fn tile_shape(isa: Isa) -> TileShape {
                match isa.kind() {
                    #[cfg(target_arch = "x86_64")]
                    Kind::Avx512 => shape_of::<$avx512>(),
                    #[cfg(target_arch = "x86_64")]
                    Kind::Avx2 => shape_of::<$avx2>(),
                    Kind::Neon => shape_of::<$neon>(),
                    _ => shape_of::<$portable>(),
                }
            }

            unsafe fn compute<L: Left<$type>, R: Right<$type>>(
                isa: Isa,
                product: &Product<$type, L, R>,
                area: Area,
            ) {
                // SAFETY: an `Isa` exists only for instructions that this machine has; the rest is the caller's.
                unsafe {
                    match isa.kind() {
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx512 => $avx512_fn(product, area),
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx2 => $avx2_fn(product, area),
                        Kind::Neon => $neon_fn(product, area),
                        _ => $portable_fn(product, area),
                    }
                }
            }

            unsafe fn in_place(isa: Isa, product: &InPlace<$type>) {
                // SAFETY: as above.
                unsafe {
                    match isa.kind() {
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx512 => $avx512_in_place(product),
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx2 => $avx2_in_place(product),
                        Kind::Neon => $neon_in_place(product),
                        _ => $portable_in_place(product),
                    }
                }
            }

            fn run<J: Job<$type>>(isa: Isa, job: J) {
                // SAFETY: an `Isa` exists only for instructions that this machine has.
                unsafe {
                    match isa.kind() {
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx512 => $avx512_run(job),
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx2 => $avx2_run(job),
                        Kind::Neon => $neon_run(job),
                        _ => $portable_run(job),
                    }
                }
            }
        }
    };
}

engines!(f32, Avx512F32 avx512_f32 avx512_f32_in_place avx512_f32_run, Avx2F32 avx2_f32 avx2_f32_in_place avx2_f32_run,
    NeonF32 neon_f32 neon_f32_in_place neon_f32_run, PortableF32 portable_f32 portable_f32_in_place portable_f32_run);
engines!(f64, Avx512F64 avx512_f64 avx512_f64_in_place avx512_f64_run, Avx2F64 avx2_f64 avx2_f64_in_place avx2_f64_run,
    NeonF64 neon_f64 neon_f64_in_place neon_f64_run, PortableF64 portable_f64 portable_f64_in_place portable_f64_run);
