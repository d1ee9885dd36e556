//! Convolutions of 3x3 with a stride of 1 by Winograd's algorithm F(4x4, 3x3): 36 multiplications for 16 results of a
//! channel instead of 144.
//!
//! Tiles of 4x4 results see 6x6 places. Each is transformed to 36 values (`transform`), in which a convolution is a
//! product for each value: V, a row for each tile, times U, the transformed kernels; and what comes out is transformed
//! back. The vectors of the transforms are channels (`layout`). A work item takes some strips of tiles through all three
//! steps, so that only the kernels are ever stored transformed as a whole; V and the products stay in the second-level
//! cache.
//!
//! The gradient in the image is the same convolution with the kernels turned around and the channels exchanged. The
//! gradient in the kernel (`weight`) is the adjoint: the transform of the results, backwards, times V, summed over tiles.
//!
//! # Errors
//! Relative to the root mean square of the results, for normal x and w, f32: 0.4e-6 with 16 channels, 0.7e-6 with 64,
//! 1.4e-6 with 256, which is 1.6 to 2.1 times the error of the direct sum (and at most 2.5 times in the worst element).

mod layout;
#[cfg(test)]
mod tests;
mod transform;
mod weight;

use std::any::TypeId;
use std::cell::Cell;
use std::ops::Range;

use super::{Finish, for_each_item};
use crate::cpu::gemm::{DEPTH, ENOUGH_ITEMS, InPlace, Job, Rows, Vector};
use crate::cpu::isa::{Isa, isa};
use crate::cpu::real::Real;
use crate::cpu::scratch::{Line, with_scratch};
use crate::cpu::threads::{Shared, parallel_for};
use crate::device::ConvShape;

use layout::{Grid, Window, lay_out, put_back};
use transform::{OfImage, OfKernel, SEEN, TILE, ToResult, Transform, VALUES, both_axes};

pub use weight::weight;

thread_local! {
    /// Whatever is kept transformed as a whole: kernels, or a chunk of tiles and their sums.
    static WHOLE: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static ITEM: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Numbers of V in a work item: with the products, they stay in the second-level cache.
const MAX_ITEM: usize = 150 * 1024;

/// Tiles of a work item, if it can be chosen: more use a transformed kernel more often.
const MAX_TILES: usize = 64;

/// Multiply-adds in whose time a tile's channel is transformed, and a kernel.
const TILE_COST: usize = 350;
const KERNEL_COST: usize = 700;

/// Multiply-adds of the direct sum for a result and a channel: nine, at four fifths of the speed.
const DIRECT_COST: usize = 11;

/// Whether this algorithm is for the shape, and cheaper than the direct sum: it does 36 multiply-adds for a tile and a pair
/// of channels, but has to transform tiles and kernels. Channels come in whole vectors. So many channels and many tiles
/// make it pay; a single small image does not, because all kernels have to be transformed for it. In f64 accuracy counts
/// more than time, and the algorithm is compiled for f32 alone; so it does where multiplication and addition are not fused.
pub fn is_for<T: Real>(s: &ConvShape, [inputs, outputs]: [usize; 2], result: [usize; 2]) -> bool {
    let fits = s.kernel == [3, 3] && s.stride == [1, 1] && s.dilation == [1, 1] && s.groups == 1;
    // Rounding products of their own, transforms would lose 2.8 times what the direct sum does.
    let is_fused = isa() != Isa::SCALAR;
    if !fits
        || !is_fused
        || TypeId::of::<T>() != TypeId::of::<f32>()
        || s.before.iter().any(|&b| b > 2)
        || inputs == 0
    {
        return false;
    }
    let lanes = T::tile_shape(isa()).cols / 2;
    let [inputs_wide, outputs_wide] = [inputs, outputs].map(|n| n.next_multiple_of(lanes));
    let [places, tiles] = [result, Grid::new(result).tiles].map(|[h, w]| s.batch * h * w);
    let of_tile = VALUES * inputs * outputs_wide + TILE_COST * (inputs_wide + outputs_wide);
    let pairs = inputs * outputs;
    tiles * of_tile + KERNEL_COST * pairs < DIRECT_COST * places * pairs
}

/// y = w * x, finished. All are contiguous.
pub fn forward(s: &ConvShape, x: &[f32], w: &[f32], finish: Finish<f32>, y: &mut [f32]) {
    let kernels = Kernels { w, steps: [s.inputs * 9, 9], turned: false };
    let convolution = Convolution {
        s,
        inputs: s.inputs,
        outputs: s.outputs,
        image: s.image,
        grid: Grid::new(s.output),
        before: s.before,
    };
    convolution.run(x, &kernels, finish, y);
}

/// x = sum of w y, finished. All are contiguous.
pub fn input(s: &ConvShape, y: &[f32], w: &[f32], finish: Finish<f32>, x: &mut [f32]) {
    let kernels = Kernels { w, steps: [9, s.inputs * 9], turned: true };
    let convolution = Convolution {
        s,
        inputs: s.outputs,
        outputs: s.inputs,
        image: s.output,
        grid: Grid::new(s.image),
        before: s.before.map(|b| 2 - b),
    };
    convolution.run(y, &kernels, finish, x);
}

/// Where the 3x3 kernels of an output and an input lie: `steps` apart. Turned ones are read backwards.
struct Kernels<'a, T> {
    w: &'a [T],
    steps: [usize; 2],
    turned: bool,
}

struct Convolution<'a> {
    s: &'a ConvShape,
    inputs: usize,
    outputs: usize,
    image: [usize; 2],
    /// Of the result.
    grid: Grid,
    before: [usize; 2],
}

/// The numbers of one item's memory, and where its parts begin.
struct Plan {
    lanes: usize,
    /// Channels of the inputs, rounded up to whole vectors.
    inputs: usize,
    /// Strips of an item.
    strips: usize,
    /// From one value of V to the next: the tiles of an item, and a line more, lest all fall into one set of the cache.
    v_step: usize,
    /// The same of a panel of products.
    m_step: usize,
    /// The same of the kernels for a panel of outputs.
    u_step: usize,
    /// Places that are laid out at once, of the image or of the result.
    places: usize,
}

impl Plan {
    fn new<T: Real>(c: &Convolution, isa: Isa) -> Plan {
        let lanes = T::tile_shape(isa).cols / 2;
        let inputs = c.inputs.next_multiple_of(lanes);
        let [down, across] = c.grid.tiles;
        let all = c.s.batch * down;
        let tiles = (MAX_ITEM / (VALUES * inputs)).clamp(16, MAX_TILES);
        let strips = (tiles / across).min(all.div_ceil(ENOUGH_ITEMS)).max(1);
        let places = (TILE * strips.min(down) + 2) * (TILE * across + 2);
        let step = |width: usize| strips * across * width + lanes;
        let (v_step, m_step) = (step(inputs), step(2 * lanes));
        Plan { lanes, inputs, strips, v_step, m_step, u_step: c.inputs * 2 * lanes + lanes, places }
    }

    fn numbers(&self) -> [usize; 3] {
        [VALUES * self.v_step, VALUES * self.m_step, self.places * self.lanes]
    }
}

impl Convolution<'_> {
    fn run<T: Real>(&self, x: &[T], kernels: &Kernels<T>, finish: Finish<T>, y: &mut [T]) {
        let isa = isa();
        let plan = Plan::new::<T>(self, isa);
        let panels = self.outputs.div_ceil(2 * plan.lanes);
        let strips = self.s.batch * self.grid.tiles[0];
        let y = Shared::new(&mut y[..self.s.batch * self.outputs * self.grid.size[0] * self.grid.size[1]]);
        with_scratch(&WHOLE, panels * VALUES * plan.u_step, |u: &mut [T]| {
            let to = Shared::new(u);
            parallel_for(panels, &|panel| {
                let len = VALUES * plan.u_step;
                // SAFETY: each panel has its own part.
                let to = unsafe { std::slice::from_raw_parts_mut(to.get().add(panel * len), len) };
                T::run(isa, TransformKernels { c: self, plan: &plan, kernels, panel, to });
            });
            for_each_item(self.s, strips.div_ceil(plan.strips), &|item| {
                let first = item * plan.strips;
                let strips = first..(first + plan.strips).min(strips);
                with_scratch(&ITEM, plan.numbers().iter().sum(), |memory| {
                    T::run(isa, Item { c: self, plan: &plan, isa, x, u, finish, strips, memory, y });
                });
            });
        });
    }
}

/// The kernels of a panel of outputs, transformed: for each value a row of outputs for each input.
struct TransformKernels<'a, T> {
    c: &'a Convolution<'a>,
    plan: &'a Plan,
    kernels: &'a Kernels<'a, T>,
    panel: usize,
    to: &'a mut [T],
}

impl<T: Real> Job<T> for TransformKernels<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let (lanes, &Kernels { w, steps, turned }) = (V::LANES, self.kernels);
        let first = self.panel * 2 * lanes;
        for half in (0..2 * lanes).step_by(lanes).filter(|half| first + half < self.c.outputs) {
            for i in 0..self.c.inputs {
                let mut taps = [T::ZERO; 9 * 16];
                for lane in 0..lanes.min(self.c.outputs - first - half) {
                    let kernel = &w[(first + half + lane) * steps[0] + i * steps[1]..][..9];
                    for (t, &tap) in kernel.iter().enumerate() {
                        taps[if turned { 8 - t } else { t } * lanes + lane] = tap;
                    }
                }
                let to = &mut self.to[i * 2 * lanes + half..][..(VALUES - 1) * self.plan.u_step + lanes];
                let steps = [SEEN * self.plan.u_step, self.plan.u_step];
                // SAFETY: the caller's promise; the taps are nine vectors, and the slice ends with the last value.
                unsafe {
                    let taps = (taps.as_ptr(), [3 * lanes, lanes]);
                    both_axes::<V, OfKernel, 3, SEEN>(taps, (to.as_mut_ptr(), steps), None);
                }
            }
        }
    }
}

/// Some strips of tiles, from the image to the result.
struct Item<'a, T> {
    c: &'a Convolution<'a>,
    plan: &'a Plan,
    isa: Isa,
    x: &'a [T],
    u: &'a [T],
    finish: Finish<'a, T>,
    strips: Range<usize>,
    memory: &'a mut [T],
    y: Shared<T>,
}

impl<T: Real> Job<T> for Item<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Item { c, plan, isa, x, u, finish, strips, memory, y } = self;
        let [v_len, m_len, _] = plan.numbers();
        let (v, rest) = memory.split_at_mut(v_len);
        let (m, places) = rest.split_at_mut(m_len);
        let (lanes, tiles) = (V::LANES, strips.len() * c.grid.tiles[1]);
        let image = Image { data: x, channels: c.inputs, size: c.image, before: c.before, grid: c.grid };
        for first in (0..c.inputs).step_by(lanes) {
            // SAFETY: the caller's promise; V has a row of whole vectors of channels for each tile and value.
            unsafe {
                let (to, steps) = (v.as_mut_ptr().add(first), (plan.v_step, plan.inputs));
                transform_tiles::<V, OfImage, SEEN>(&image, first, strips.clone(), places, to, steps);
            }
        }
        for (panel, u) in u.chunks_exact(VALUES * plan.u_step).enumerate() {
            let outputs = panel * 2 * lanes..c.outputs.min((panel + 1) * 2 * lanes);
            for value in 0..VALUES {
                let [v, u] = [&v[value * plan.v_step..], &u[value * plan.u_step..]];
                let m = &mut m[value * plan.m_step..][..tiles * 2 * lanes];
                for p0 in (0..c.inputs).step_by(DEPTH) {
                    let product = InPlace {
                        a: Rows::along(v[p0..].as_ptr(), plan.inputs),
                        b: u[p0 * 2 * lanes..].as_ptr(),
                        b_stride: 2 * lanes,
                        depth: DEPTH.min(c.inputs - p0),
                        c: m.as_mut_ptr(),
                        c_stride: 2 * lanes,
                        rows: tiles,
                        cols: outputs.len(),
                        accumulate: p0 > 0,
                    };
                    // SAFETY: V has a row of inputs for each tile, U two vectors of outputs for each input, and M is this
                    // item's.
                    unsafe { T::in_place(isa, &product) };
                }
            }
            for first in outputs.clone().step_by(lanes) {
                let channels = lanes.min(outputs.end - first);
                let (m, finish) = ((&m[first - outputs.start..], plan.m_step), finish.of(first, channels));
                // SAFETY: the caller's promise; the strips of the result are this item's.
                unsafe { back::<V>(c, (first, channels), strips.clone(), m, finish, places, y) };
            }
        }
    }
}

/// Images that are cut into tiles as their results are.
struct Image<'a, T> {
    data: &'a [T],
    channels: usize,
    size: [usize; 2],
    before: [usize; 2],
    grid: Grid,
}

/// Tiles of P x P places of the block of channels that begins with `first`, of some strips, transformed: for each of the
/// values, `v_step` apart, a vector for each tile, `tile_step` apart. `places` is memory for what is laid out.
///
/// # Safety
/// The machine has V's instructions, and nobody else touches these vectors from `to` on.
#[inline(always)]
unsafe fn transform_tiles<V: Vector, M: Transform<P, SEEN>, const P: usize>(
    image: &Image<V::Elem>,
    first: usize,
    strips: Range<usize>,
    places: &mut [V::Elem],
    to: *mut V::Elem,
    (v_step, tile_step): (usize, usize),
) {
    let (lanes, across, pixels) = (V::LANES, image.grid.tiles[1], image.size[0] * image.size[1]);
    let mut tile = 0;
    for run in image.grid.runs(strips) {
        let window = Window {
            top: (TILE * run.first) as isize - image.before[0] as isize,
            left: -(image.before[1] as isize),
            rows: TILE * (run.count - 1) + P,
            columns: TILE * (across - 1) + P,
        };
        let data = &image.data[(run.image * image.channels + first) * pixels..];
        // SAFETY: the caller's promise.
        unsafe { lay_out::<V>(data, lanes.min(image.channels - first), image.size, window, places) };
        for i in 0..run.count * across {
            let at = (TILE * (i / across) * window.columns + TILE * (i % across)) * lanes;
            let seen = &places[at..][..((P - 1) * window.columns + P) * lanes];
            // SAFETY: the slice ends with the last place; where to store is the caller's promise.
            unsafe {
                let to = to.add(tile * tile_step);
                let seen = (seen.as_ptr(), [window.columns * lanes, lanes]);
                both_axes::<V, M, P, SEEN>(seen, (to, [SEEN * v_step, v_step]), None);
            }
            tile += 1;
        }
    }
}

/// Transforms the products of a block of outputs back, finishes them and writes them to the result.
///
/// # Safety
/// The machine has V's instructions, and nobody else touches these strips and outputs of y.
#[inline(always)]
unsafe fn back<V: Vector>(
    c: &Convolution,
    (first, channels): (usize, usize),
    strips: Range<usize>,
    (m, m_step): (&[V::Elem], usize),
    finish: Finish<V::Elem>,
    places: &mut [V::Elem],
    y: Shared<V::Elem>,
) {
    let (lanes, across, [height, width]) = (V::LANES, c.grid.tiles[1], c.grid.size);
    let mut bias = [V::Elem::ZERO; 16];
    for (to, &b) in bias.iter_mut().zip(finish.bias.unwrap_or_default()) {
        *to = b;
    }
    let columns = TILE * across;
    let mut tile = 0;
    for run in c.grid.runs(strips) {
        for i in 0..run.count * across {
            let from = &m[tile * 2 * lanes..][..(VALUES - 1) * m_step + lanes];
            let at = (TILE * (i / across) * columns + TILE * (i % across)) * lanes;
            let to = &mut places[at..][..((TILE - 1) * columns + TILE) * lanes];
            // SAFETY: the slices end with the last value and the last place.
            unsafe {
                let finish = Some((V::load(bias.as_ptr()), finish.relu));
                let from = (from.as_ptr(), [SEEN * m_step, m_step]);
                both_axes::<V, ToResult, SEEN, TILE>(
                    from,
                    (to.as_mut_ptr(), [columns * lanes, lanes]),
                    finish,
                );
            }
            tile += 1;
        }
        let top = TILE * run.first;
        let rows = (TILE * run.count).min(height - top);
        let at = (run.image * c.outputs + first) * height * width;
        // SAFETY: the caller's promise.
        unsafe { put_back::<V>(places, columns, y.get().add(at), channels, c.grid.size, (top, rows)) };
    }
}
