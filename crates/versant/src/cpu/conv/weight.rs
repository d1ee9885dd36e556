//! The gradient of a convolution in its kernel: the patches, a row for each element of a patch, times the channels of
//! y, the sum running over places and images. What comes out is the transpose of W's gradient.

use std::cell::Cell;

use bytemuck::{cast_slice, cast_slice_mut};

use super::forward::{layout, starts};
use super::patches::{Channels, PatchRows};
use super::plane::Plane;
use super::{MAX_PLANES, Way, dots, flops, for_each_item, winograd};
use crate::cpu::gemm::{Area, DEPTH, ENOUGH_ITEMS, Epilogue, ITEM_FLOPS, MAX_AREA, Product, Run, SLACK};
use crate::cpu::isa::{Isa, isa, multiversion};
use crate::cpu::real::Real;
use crate::cpu::scratch::{Line, with_scratch};
use crate::cpu::threads::{Shared, for_each_piece};
use crate::device::ConvShape;

thread_local! {
    static PARTIAL: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static PLANES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Numbers of the result that an item adds to: they stay in the second-level cache.
const MAX_RESULT: usize = 64 * 1024;

/// All partial results have at most so many numbers.
pub(super) const MAX_PARTIAL: usize = 1024 * 1024;

/// Places of an image in a chunk.
pub(super) const MAX_PLACES: usize = 4096;

/// How the work is cut: the sum into chunks, of which slabs have several, the rows of the result into blocks.
struct Plan {
    /// Images of a chunk: several of small ones.
    images: usize,
    /// Rows of y in a chunk: part of a large image.
    rows: usize,
    bands: usize,
    chunks: usize,
    slabs: usize,
    /// Channels of x in a block, and the number of blocks.
    channels: usize,
    blocks: usize,
}

impl Plan {
    fn new(s: &ConvShape) -> Plan {
        let ([height, width], [kh, kw]) = (s.output, s.kernel);
        let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
        let images = (DEPTH / (height * width)).clamp(1, s.batch);
        let rows = (MAX_PLACES / width).clamp(1, height);
        let bands = height.div_ceil(rows);
        let chunks = s.batch.div_ceil(images) * bands;
        let wanted = (flops(s) / ITEM_FLOPS).clamp(1, ENOUGH_ITEMS);
        let plane = images * layout(s, rows).0.len();
        let most = (MAX_RESULT / (kh * kw * out_group)).min(MAX_PLANES / plane).clamp(1, in_group);
        let fewest = |blocks: usize| in_group.div_ceil(in_group.div_ceil(blocks));
        let mut blocks = fewest(in_group.div_ceil(most));
        let room = (MAX_PARTIAL / s.weight().numel()).max(1);
        let slabs = |blocks: usize| wanted.div_ceil(blocks * s.groups).min(room).min(chunks);
        while slabs(blocks) * blocks * s.groups < wanted && blocks < in_group {
            blocks = fewest((2 * blocks).min(in_group));
        }
        let channels = in_group.div_ceil(blocks);
        Plan { images, rows, bands, chunks, slabs: slabs(blocks), channels, blocks }
    }
}

/// w = sum over images and places of x y. All are contiguous.
///
/// # Panics
/// When a slice is shorter than its shape.
pub fn weight<T: Real>(s: &ConvShape, x: &[T], y: &[T], w: &mut [T]) {
    let total = s.weight().numel();
    let w = &mut w[..total];
    if w.is_empty() || s.batch == 0 {
        return w.fill(T::ZERO);
    }
    if winograd::is_for::<T>(s, [s.inputs, s.outputs], s.output) {
        return winograd::weight(s, cast_slice(x), cast_slice(y), cast_slice_mut(w));
    }
    let isa = isa();
    let (in_group, out_group, kernel) =
        (s.inputs / s.groups, s.outputs / s.groups, s.kernel[0] * s.kernel[1]);
    if Way::is_dots(T::tile_shape(isa), out_group, in_group * kernel, s.output) {
        return dots::weight(s, x, y, w);
    }
    let plan = Plan::new(s);
    let (plane, taps) = layout(s, plan.rows);
    let work = Work { s, plan: &plan, starts: starts(plan.channels, &plane, &taps), plane };
    with_scratch(&PARTIAL, plan.slabs * total, |partial: &mut [T]| {
        let out = Shared::new(partial);
        for_each_item(s, plan.slabs * s.groups * plan.blocks, &|item| {
            let (rest, block) = (item / plan.blocks, item % plan.blocks);
            let (slab, group) = (rest / s.groups, rest % s.groups);
            let first = block * plan.channels;
            let channels = plan.channels.min(in_group - first);
            let chunks = plan.chunks * slab / plan.slabs..plan.chunks * (slab + 1) / plan.slabs;
            let at = slab * total + (group * in_group + first) * kernel * out_group;
            for chunk in chunks.clone() {
                // SAFETY: each item has its own slab, group and channels of x, and so its own rows of a partial result.
                let c = unsafe { out.get().add(at) };
                // SAFETY: as above.
                unsafe { work.chunk(isa, (x, y), chunk, (group, first, channels), c, chunk > chunks.start) };
            }
        });
        let (sum, rest) = partial.split_at_mut(total);
        rest.chunks_exact(total).for_each(|part| add(isa, sum, part));
        let terms = in_group * kernel;
        let rows = if out_group.is_multiple_of(16) { 16 } else { out_group };
        for_each_piece(w, rows * terms, |piece, w| {
            let (group, first) = (piece * rows / out_group, piece * rows % out_group);
            let sum = &sum[group * terms * out_group + first..];
            for (p, sum) in sum.chunks(out_group).take(terms).enumerate() {
                for (o, &v) in sum[..rows].iter().enumerate() {
                    w[o * terms + p] = v;
                }
            }
        });
    });
}

struct Work<'a> {
    s: &'a ConvShape,
    plan: &'a Plan,
    plane: Plane,
    /// Of the patches of a block's channels.
    starts: Vec<usize>,
}

impl Work<'_> {
    /// Adds a chunk of the sum (or sets it) for the channels of x of a group from the first on.
    ///
    /// # Safety
    /// From `c` on lies a row of the group's channels of y for each element of a patch of these channels, which nobody
    /// else touches.
    unsafe fn chunk<T: Real>(
        &self,
        isa: Isa,
        (x, y): (&[T], &[T]),
        chunk: usize,
        (group, first, channels): (usize, usize, usize),
        c: *mut T,
        accumulate: bool,
    ) {
        let (s, plan) = (self.s, self.plan);
        let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
        let ([height, width], [pixels, places]) = (s.output, [s.image, s.output].map(|[h, w]| h * w));
        let (n, top) = (chunk / plan.bands * plan.images, chunk % plan.bands * plan.rows);
        let (images, rows) = (plan.images.min(s.batch - n), plan.rows.min(height - top));
        let (plane, below) = (&self.plane, top * s.stride[0]);
        let len = plane.len();
        let image_step = channels * len;
        with_scratch(&PLANES, images * image_step + SLACK, |planes| {
            for i in 0..images {
                let first = (n + i) * s.inputs + group * in_group + first;
                let image = &x[first * pixels..][..channels * pixels];
                plane.fill(below, image, &mut planes[i * image_step..]);
            }
            let (runs, ends) = runs(images, image_step, [rows, width], plane.row_step());
            let starts = &self.starts[..channels * s.kernel[0] * s.kernel[1]];
            let channels_of_y = Channels {
                data: &y[(n * s.outputs + group * out_group) * places..],
                channels: out_group,
                places,
                image_step: s.outputs * places,
                used: (top * width, rows * width),
            };
            let epilogue = Epilogue { accumulate, ..Epilogue::default() };
            let product = Product {
                a: PatchRows::new(planes, starts, &runs, &ends),
                b: channels_of_y,
                k: images * rows * width,
                c,
                c_stride: out_group,
                epilogue,
                row_bias: None,
            };
            for col in (0..out_group).step_by(MAX_AREA) {
                let area = Area { row: 0, rows: starts.len(), col, cols: MAX_AREA.min(out_group - col) };
                // SAFETY: the caller's promise; both operands have k terms.
                unsafe { T::compute(isa, &product, area) };
            }
        });
    }
}

/// The places of the images, a run for each row, and where the terms of each run end.
fn runs(
    images: usize,
    image_step: usize,
    [rows, width]: [usize; 2],
    row_step: usize,
) -> (Vec<Run>, Vec<usize>) {
    let pieces = width.div_ceil(DEPTH);
    let (mut runs, mut ends) = (Vec::new(), vec![0]);
    for image in 0..images {
        for row in 0..rows {
            for piece in 0..pieces {
                let (from, to) = (width * piece / pieces, width * (piece + 1) / pieces);
                runs.push(Run { at: image * image_step + row * row_step + from, len: to - from });
                ends.push(((image * rows) + row) * width + to);
            }
        }
    }
    (runs, ends)
}

multiversion! {
    pub(super) fn add[T: Real](sum: &mut [T], part: &[T]) {
        for (s, &v) in sum.iter_mut().zip(part) {
            *s += v;
        }
    }
}
