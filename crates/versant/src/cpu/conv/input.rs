//! The gradient of a convolution in its image, which is also the transposed convolution.
//!
//! Place a of x is seen through tap u from place i of y where a + before = i s + u d: only taps with u d of the same
//! residue as a + before modulo the stride s count. So the places of x of one residue are a convolution of y with a
//! stride of 1 and with these taps, and each residue has its own weights.

use std::cell::Cell;
use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};

use super::forward::with_planes;
use super::patches::Patches;
use super::plane::{Axis, Plane};
use super::slide::Slide;
use super::weave::Weave;
use super::{Cut, Finish, Way, channels, for_each_item, winograd};
use crate::cpu::gemm::TileShape;
use crate::cpu::isa::{Isa, isa};
use crate::cpu::real::Real;
use crate::cpu::scratch::{Line, with_scratch};
use crate::cpu::threads::{Shared, for_each_piece};
use crate::device::ConvShape;

thread_local! {
    static WEIGHTS: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static ARRANGED: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static PLACES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// The places of one axis of x that have one residue: residue + m s - before for m in a range.
struct Residue {
    residue: usize,
    m: Range<usize>,
    /// The taps u that see them, and from which place of y: m - e.
    taps: Vec<(usize, usize)>,
}

/// The residues of an axis that have places, and the range of m of all.
fn residues(s: &ConvShape, axis: usize) -> (Vec<Residue>, Range<usize>) {
    let (len, stride, before) = (s.image[axis], s.stride[axis], s.before[axis]);
    let all = (before..before + len.min(stride)).map(|place| {
        let residue = place % stride;
        let m = before.saturating_sub(residue).div_ceil(stride)..(before + len - residue).div_ceil(stride);
        let taps = (0..s.kernel[axis]).map(|u| (u, u * s.dilation[axis]));
        let taps = taps.filter(|(_, at)| at % stride == residue).map(|(u, at)| (u, at / stride)).collect();
        Residue { residue, m, taps }
    });
    (all.collect(), before / stride..(before + len).div_ceil(stride).max(before / stride))
}

/// The part of the work that has one residue along each axis.
struct Part<'a> {
    rows: &'a Residue,
    columns: &'a Residue,
    /// Where each element of a patch begins, at the first m of all.
    starts: Vec<usize>,
    /// Weights of the parts before it, in a row of all.
    weights: usize,
}

/// Weights in rows as the parts need them: for each group, part and channel of x a row of the channels of y with their
/// taps.
fn in_rows<T: Real>(s: &ConvShape, parts: &[Part], w: &[T], arranged: &mut [T]) {
    let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
    let [kh, kw] = s.kernel;
    for group in 0..s.groups {
        for part in parts {
            let k = part.starts.len();
            let at = in_group * (group * out_group * kh * kw + part.weights);
            for_each_piece(&mut arranged[at..][..in_group * k], (8 * k).max(1), |piece, rows| {
                for (row, to) in rows.chunks_exact_mut(k).enumerate() {
                    let c = piece * 8 + row;
                    let mut to = to.iter_mut();
                    for o in 0..out_group {
                        let kernel = &w[((group * out_group + o) * in_group + c) * kh * kw..][..kh * kw];
                        for &(u, _) in &part.rows.taps {
                            for (&(v, _), to) in part.columns.taps.iter().zip(to.by_ref()) {
                                *to = kernel[u * kw + v];
                            }
                        }
                    }
                }
            });
        }
    }
}

/// The rows of each group and part as vectors of channels.
fn in_vectors<T: Real>(s: &ConvShape, parts: &[Part], rows: &[T], stored: usize, arranged: &mut [T]) {
    let (in_group, row) = (s.inputs / s.groups, s.outputs / s.groups * s.kernel[0] * s.kernel[1]);
    for group in 0..s.groups {
        for part in parts {
            let (at, k) = (group * row + part.weights, part.starts.len());
            channels::arrange(
                isa(),
                in_group,
                &rows[at * in_group..][..in_group * k],
                &mut arranged[at * stored..][..stored * k],
            );
        }
    }
}

/// x = sum of w y, finished. All are contiguous.
///
/// # Panics
/// When a slice is shorter than its shape.
pub fn input<T: Real>(s: &ConvShape, y: &[T], w: &[T], finish: Finish<T>, x: &mut [T]) {
    if winograd::is_for::<T>(s, [s.outputs, s.inputs], s.image) {
        let (y, w, x) = (cast_slice(y), cast_slice(w), cast_slice_mut(x));
        return winograd::input(s, y, w, finish.cast(), x);
    }
    let x = &mut x[..s.x().numel()];
    if x.is_empty() {
        return;
    }
    let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
    let ((rows, row_range), (columns, column_range)) = (residues(s, 0), residues(s, 1));
    let reach = |axis: usize| (s.kernel[axis] - 1) * s.dilation[axis] / s.stride[axis];
    let plane = |count: usize| {
        let first = |range: &Range<usize>, axis: usize| range.start as isize - reach(axis) as isize;
        let along = |axis: usize, range: &Range<usize>, count: usize| {
            Axis::new(s.output[axis], first(range, axis), 1, (1, 1), count + reach(axis)).0
        };
        Plane { rows: along(0, &row_range, count), columns: along(1, &column_range, column_range.len()) }
    };
    let cut =
        Cut::new(s, [in_group, row_range.len(), column_range.len()], |rows| out_group * plane(rows).len());
    let plane = plane(cut.rows);
    let mut parts: Vec<Part> = Vec::new();
    let mut weights = 0;
    for rows in &rows {
        for columns in &columns {
            let mut starts = Vec::new();
            for o in 0..out_group {
                for (_, eh) in &rows.taps {
                    let at = |ew: usize| plane.start([0, reach(0) - eh], [0, reach(1) - ew]);
                    starts.extend(columns.taps.iter().map(|&(_, ew)| o * plane.len() + at(ew)));
                }
            }
            let count = starts.len();
            parts.push(Part { rows, columns, starts, weights });
            weights += count;
        }
    }
    let tile = T::tile_shape(isa());
    let way = Way::of(tile, s.batch, in_group, weights / parts.len(), [row_range.len(), column_range.len()]);
    let stored = way.padded(tile, in_group);
    with_scratch(&WEIGHTS, s.weight().numel(), |in_order| {
        in_rows(s, &parts, w, in_order);
        let (row_range, column_range, columns) = (row_range.clone(), column_range.clone(), columns.len());
        let run = |weights: &[T]| {
            let work = Work {
                s,
                way,
                tile,
                cut,
                plane,
                parts: &parts,
                columns,
                row_range,
                column_range,
                weights,
                finish,
            };
            work.run(y, x);
        };
        if way == Way::Channels {
            with_scratch(&ARRANGED, stored * s.outputs * s.kernel[0] * s.kernel[1], |arranged| {
                in_vectors(s, &parts, in_order, stored, arranged);
                run(arranged);
            });
        } else {
            run(in_order);
        }
    });
}

/// What all items share.
struct Work<'a, T> {
    s: &'a ConvShape,
    way: Way,
    tile: TileShape,
    cut: Cut,
    plane: Plane,
    parts: &'a [Part<'a>],
    /// The parts of one residue of rows.
    columns: usize,
    row_range: Range<usize>,
    column_range: Range<usize>,
    weights: &'a [T],
    finish: Finish<'a, T>,
}

/// What an item computes: some channels of x from row `m` of all residues on.
struct Item {
    group: usize,
    /// The first of them within the group, and how many.
    channels: (usize, usize),
    m: Range<usize>,
}

impl<T: Real> Work<'_, T> {
    fn run(&self, y: &[T], x: &mut [T]) {
        let (s, isa) = (self.s, isa());
        let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
        let places = s.output[0] * s.output[1];
        let (bands, blocks) =
            (self.row_range.len().div_ceil(self.cut.rows), in_group.div_ceil(self.cut.channels));
        let pixels = s.image[0] * s.image[1];
        let out = Shared::new(x);
        for_each_item(s, s.batch * s.groups * bands * blocks, &|item| {
            let (rest, block) = (item / blocks, item % blocks);
            let (rest, band) = (rest / bands, rest % bands);
            let (n, group) = (rest / s.groups, rest % s.groups);
            let m = self.row_range.start + band * self.cut.rows;
            let first = block * self.cut.channels;
            let item = Item {
                group,
                channels: (first, self.cut.channels.min(in_group - first)),
                m: m..(m + self.cut.rows).min(self.row_range.end),
            };
            let y = &y[(n * s.outputs + group * out_group) * places..][..out_group * places];
            with_planes(&self.plane, band * self.cut.rows, y, out_group, |data| {
                // SAFETY: each item has its own image and channels of x, and of these its own rows.
                let x = unsafe { out.get().add((n * s.inputs + group * in_group + first) * pixels) };
                for parts in self.parts.chunks(self.columns) {
                    // SAFETY: as above.
                    unsafe { self.rows(isa, &item, parts, data, x) };
                }
            });
        });
    }

    /// The rows of one residue, of which each part has some columns.
    ///
    /// # Safety
    /// From `x` on lie the item's channels of an image, whose rows of the item nobody else touches.
    unsafe fn rows(&self, isa: Isa, item: &Item, parts: &[Part], data: &[T], x: *mut T) {
        let (s, channels, residue) = (self.s, item.channels.1, parts[0].rows);
        let rows = residue.m.start.max(item.m.start)..residue.m.end.min(item.m.end);
        if rows.is_empty() {
            return;
        }
        let [height, width] = s.image;
        let top = residue.residue + rows.start * s.stride[0] - s.before[0];
        if s.stride == [1, 1] {
            let slide = self.slide(item, &parts[0], &rows, data);
            // SAFETY: without a stride the rows of the result are the item's rows of x, one after another.
            return unsafe { slide.run(isa, x.add(top * width), height * width) };
        }
        let longest = parts[0].columns.m.len();
        with_scratch(&PLACES, parts.len() * channels * rows.len() * longest, |results: &mut [T]| {
            let parts_of_results = results.chunks_exact_mut(channels * rows.len() * longest);
            for (part, result) in parts.iter().zip(parts_of_results) {
                let slide = self.slide(item, part, &rows, data);
                // SAFETY: the scratch memory has a row of places for each channel.
                unsafe { slide.run(isa, result.as_mut_ptr(), slide.places) };
            }
            let lens = parts.iter().map(|part| part.columns.m.len());
            let parts: Vec<_> = results.chunks_exact(channels * rows.len() * longest).zip(lens).collect();
            let (to, steps) = (x.wrapping_add(top * width), [height * width, s.stride[0] * width]);
            // SAFETY: these are the item's rows, as the caller promises.
            T::run(isa, unsafe { Weave::new(&parts, s.stride[1], [channels, rows.len()], to, steps) });
        });
    }

    /// The part's convolution of y.
    fn slide<'b>(&'b self, item: &Item, part: &'b Part, rows: &Range<usize>, data: &'b [T]) -> Slide<'b, T> {
        let (s, columns) = (self.s, &part.columns.m);
        let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
        let ((first, channels), k) = (item.channels, part.starts.len());
        let of_group = out_group * s.kernel[0] * s.kernel[1];
        let stored = self.way.padded(self.tile, in_group);
        let weights = stored * (item.group * of_group + part.weights) + first * k;
        let skipped =
            (rows.start - item.m.start) * self.plane.row_step() + columns.start - self.column_range.start;
        let at = item.group * in_group + first;
        let size = [rows.len(), columns.len()];
        Slide {
            way: self.way,
            rows: channels,
            weights: &self.weights[weights..][..self.way.padded(self.tile, channels) * k],
            finish: self.finish.of(at, channels),
            patches: Patches::new(&data[skipped..], &part.starts, size, [self.plane.row_step(), 1]),
            places: size[0] * size[1],
        }
    }
}
