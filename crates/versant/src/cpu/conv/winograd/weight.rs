//! The gradient in the kernel: for each of the 36 values, what the results' tiles are transformed to, backwards, times V,
//! summed over tiles; then transformed back.
//!
//! The sum is cut into chunks of strips. First all tiles of a chunk are transformed, of both images; then each value's
//! product is added. Chunks follow one another, so that the order of additions is fixed.

use std::cell::Cell;
use std::ops::Range;

use super::layout::Grid;
use super::transform::{OfImage, OfResult, SEEN, TILE, ToKernel, VALUES, both_axes};
use super::{Image, WHOLE, transform_tiles};
use crate::cpu::gemm::{Engines, InPlace, Job, Rows, Vector};
use crate::cpu::isa::{Isa, isa};
use crate::cpu::real::Real;
use crate::cpu::scratch::{Line, with_scratch};
use crate::cpu::threads::{Shared, for_each_piece, parallel_for};
use crate::device::ConvShape;

thread_local! {
    static PLACES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Numbers of the transformed tiles of a chunk: they stay in the third-level cache.
const MAX_CHUNK: usize = 1 << 20;

/// Tiles that are transformed by one work item.
const ITEM_TILES: usize = 32;

/// Rows of a product that are one work item.
const ITEM_ROWS: usize = 64;

/// Terms of a block of the sum: the rows of both sides that a tile of the product needs stay in the first-level cache.
const DEPTH: usize = 128;

/// How the tiles of a chunk lie in memory.
#[derive(Clone, Copy)]
struct Side {
    /// Channels, rounded up to whole vectors.
    channels: usize,
    /// From one value to the next.
    step: usize,
}

/// w = sum over images and places of x y. All are contiguous.
pub fn weight(s: &ConvShape, x: &[f32], y: &[f32], w: &mut [f32]) {
    let isa = isa();
    let lanes = f32::tile_shape(isa).cols / 2;
    let grid = Grid::new(s.output);
    let image = Image { data: x, channels: s.inputs, size: s.image, before: s.before, grid };
    let result = Image { data: y, channels: s.outputs, size: s.output, before: [0, 0], grid };
    let [inputs, outputs] = [s.inputs, s.outputs].map(|n| n.next_multiple_of(lanes));
    let across = grid.tiles[1];
    let strips = s.batch * grid.tiles[0];
    let per_chunk = (MAX_CHUNK / (VALUES * (inputs + outputs) * across)).clamp(1, strips);
    let per_item = (ITEM_TILES / across).max(1);
    let side = |channels: usize| Side { channels, step: per_chunk * across * channels + lanes };
    let (x_side, y_side) = (side(inputs), side(outputs));
    let sum_step = s.outputs * inputs + lanes;
    let numbers = [x_side.step, y_side.step, sum_step].map(|step| VALUES * step);
    with_scratch(&WHOLE, numbers.iter().sum(), |memory| {
        let (v, rest) = memory.split_at_mut(numbers[0]);
        let (g, sums) = rest.split_at_mut(numbers[1]);
        for first in (0..strips).step_by(per_chunk) {
            let chunk = first..(first + per_chunk).min(strips);
            let items = chunk.len().div_ceil(per_item);
            let blocks = [inputs / lanes, outputs / lanes];
            let to = [Shared::new(v), Shared::new(g)];
            parallel_for(items * (blocks[0] + blocks[1]), &|item| {
                let (block, item) = (item / items, item % items);
                let start = chunk.start + item * per_item;
                let strips = start..(start + per_item).min(chunk.end);
                let tile = item * per_item * across;
                let is_result = block >= blocks[0];
                let (from, side, to) = match is_result {
                    false => (&image, x_side, to[0]),
                    true => (&result, y_side, to[1]),
                };
                let channel = (if is_result { block - blocks[0] } else { block }) * lanes;
                let numbers = (TILE * strips.len().min(grid.tiles[0]) + 2) * (TILE * across + 2) * lanes;
                with_scratch(&PLACES, numbers, |places| {
                    f32::run(
                        isa,
                        TransformTiles { from, is_result, side, channel, strips, tile, places, to },
                    );
                });
            });
            add_products(
                isa,
                (v, x_side),
                (g, y_side),
                (sums, sum_step),
                [s.inputs, s.outputs],
                (chunk.len() * across, first > 0),
            );
        }
        for_each_piece(&mut w[..s.outputs * s.inputs * 9], s.inputs * 9, |output, w| {
            f32::run(isa, TransformBack { sums: &sums[output * inputs..], sum_step, w });
        });
    });
}

/// The tiles of some strips and a block of channels.
struct TransformTiles<'a, T> {
    from: &'a Image<'a, T>,
    is_result: bool,
    side: Side,
    channel: usize,
    strips: Range<usize>,
    /// The first one's number in the chunk.
    tile: usize,
    places: &'a mut [T],
    to: Shared<T>,
}

impl<T: Real> Job<T> for TransformTiles<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let TransformTiles { from, is_result, side, channel, strips, tile, places, to } = self;
        let to = to.get().wrapping_add(tile * side.channels + channel);
        let steps = (side.step, side.channels);
        // SAFETY: the caller's promise; each item has its own tiles and channels.
        unsafe {
            if is_result {
                transform_tiles::<V, OfResult, TILE>(from, channel, strips, places, to, steps);
            } else {
                transform_tiles::<V, OfImage, SEEN>(from, channel, strips, places, to, steps);
            }
        }
    }
}

/// Adds a chunk's products, for each value of the tiles one: rows are outputs, columns inputs.
fn add_products<T: Real>(
    isa: Isa,
    (v, v_side): (&[T], Side),
    (g, g_side): (&[T], Side),
    (sums, sum_step): (&mut [T], usize),
    [inputs, outputs]: [usize; 2],
    (tiles, accumulate): (usize, bool),
) {
    let blocks = outputs.div_ceil(ITEM_ROWS);
    let sums = Shared::new(sums);
    parallel_for(VALUES * blocks, &|item| {
        let (value, row) = (item / blocks, item % blocks * ITEM_ROWS);
        let [v, g] = [&v[value * v_side.step..], &g[value * g_side.step..]];
        for p0 in (0..tiles).step_by(DEPTH) {
            let product = InPlace {
                a: Rows::Across(g[p0 * g_side.channels + row..].as_ptr(), g_side.channels),
                b: v[p0 * v_side.channels..].as_ptr(),
                b_stride: v_side.channels,
                depth: DEPTH.min(tiles - p0),
                c: sums.get().wrapping_add(value * sum_step + row * v_side.channels),
                c_stride: v_side.channels,
                rows: ITEM_ROWS.min(outputs - row),
                cols: inputs,
                accumulate: accumulate || p0 > 0,
            };
            // SAFETY: both sides have a row of whole vectors of channels for each tile; each item has its own rows of
            // the sums.
            unsafe { T::in_place(isa, &product) };
        }
    });
}

/// The kernels of one output from the sums.
struct TransformBack<'a, T> {
    /// From the output's row of the first value on.
    sums: &'a [T],
    sum_step: usize,
    w: &'a mut [T],
}

impl<T: Real> Job<T> for TransformBack<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let lanes = V::LANES;
        for (block, w) in self.w.chunks_mut(9 * lanes).enumerate() {
            let from = &self.sums[block * lanes..][..(VALUES - 1) * self.sum_step + lanes];
            let mut taps = [T::ZERO; 9 * 16];
            let from = (from.as_ptr(), [SEEN * self.sum_step, self.sum_step]);
            // SAFETY: the caller's promise; the slice ends with the last value, and the taps are nine vectors.
            unsafe { both_axes::<V, ToKernel, SEEN, 3>(from, (taps.as_mut_ptr(), [3 * lanes, lanes]), None) };
            for (lane, kernel) in w.chunks_exact_mut(9).enumerate() {
                for (t, tap) in kernel.iter_mut().enumerate() {
                    *tap = taps[t * lanes + lane];
                }
            }
        }
    }
}
