//! The gradient of a convolution in its image, which is also the transposed convolution.
//!
//! Place a of x is seen through tap u from place i of y where a + before = i s + u d: only taps with u d of the same residue
//! as a + before modulo the stride s count. So the places of x of one residue are a convolution of y with a stride of 1
//! and with these taps, and each residue has its own weights.

use std::cell::Cell;
use std::ops::Range;

use super::forward::{Slide, with_planes};
use super::patches::Patches;
use super::plane::{Axis, Plane};
use super::{Cut, for_each_item};
use crate::cpu::isa::{Isa, isa};
use crate::cpu::real::Real;
use crate::cpu::scratch::{Line, with_scratch};
use crate::cpu::threads::{Shared, for_each_piece};
use crate::device::ConvShape;

thread_local! {
    static WEIGHTS: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
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
    /// Where its weights begin, within those of a group.
    weights: usize,
}

/// Weights in the order in which the parts need them: for each group, part and channel of x a row of the channels of y
/// with their taps.
fn arrange<T: Real>(s: &ConvShape, parts: &[Part], w: &[T], arranged: &mut [T]) {
    let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
    let [kh, kw] = s.kernel;
    for group in 0..s.groups {
        for part in parts {
            let k = part.starts.len();
            let at = group * in_group * out_group * kh * kw + part.weights;
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

/// x = sum of w y, plus a bias for each channel of x. All are contiguous.
///
/// # Panics
/// When a slice is shorter than its shape.
pub fn input<T: Real>(s: &ConvShape, y: &[T], w: &[T], bias: Option<&[T]>, x: &mut [T]) {
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
            weights += in_group * count;
        }
    }
    with_scratch(&WEIGHTS, s.weight().numel(), |arranged| {
        arrange(s, &parts, w, arranged);
        let work = Work { s, cut, plane, parts, row_range, column_range, weights: arranged, bias };
        work.run(y, x);
    });
}

/// What all items share.
struct Work<'a, T> {
    s: &'a ConvShape,
    cut: Cut,
    plane: Plane,
    parts: Vec<Part<'a>>,
    row_range: Range<usize>,
    column_range: Range<usize>,
    weights: &'a [T],
    bias: Option<&'a [T]>,
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
            let mut plane = self.plane.clone();
            plane.rows.first += (band * self.cut.rows) as isize;
            let y = &y[(n * s.outputs + group * out_group) * places..][..out_group * places];
            with_planes(&plane, y, out_group, |data| {
                // SAFETY: each item has its own image and channels of x, and of these its own rows.
                let x = unsafe { out.get().add((n * s.inputs + group * in_group + first) * pixels) };
                // SAFETY: as above.
                self.parts.iter().for_each(|part| unsafe { self.part(isa, &item, part, data, x) });
            });
        });
    }

    /// # Safety
    /// From `x` on lie the item's channels of an image, whose rows of the item nobody else touches.
    unsafe fn part(&self, isa: Isa, item: &Item, part: &Part, data: &[T], x: *mut T) {
        let s = self.s;
        let rows = part.rows.m.start.max(item.m.start)..part.rows.m.end.min(item.m.end);
        let columns = &part.columns.m;
        if rows.is_empty() {
            return;
        }
        let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
        let ((first, channels), k) = (item.channels, part.starts.len());
        let of_group = item.group * in_group * out_group * s.kernel[0] * s.kernel[1];
        let skipped =
            (rows.start - item.m.start) * self.plane.row_step() + columns.start - self.column_range.start;
        let at = item.group * in_group + first;
        let size = [rows.len(), columns.len()];
        let slide = Slide {
            rows: channels,
            weights: &self.weights[of_group + part.weights + first * k..][..channels * k],
            bias: self.bias.map(|bias| &bias[at..][..channels]),
            patches: Patches::new(&data[skipped..], &part.starts, size, self.plane.row_step()),
            places: size[0] * size[1],
        };
        let pixels = s.image[0] * s.image[1];
        let place =
            |m: usize, residue: &Residue, axis: usize| residue.residue + m * s.stride[axis] - s.before[axis];
        let (top, left) = (place(rows.start, part.rows, 0), place(columns.start, part.columns, 1));
        let row_step = s.stride[0] * s.image[1];
        if s.stride == [1, 1] {
            // SAFETY: without a stride the rows of the result are the item's rows of x, one after another.
            return unsafe { slide.run(isa, x.add(top * s.image[1]), pixels) };
        }
        with_scratch(&PLACES, channels * slide.places, |result: &mut [T]| {
            // SAFETY: the scratch memory has a row of places for each channel.
            unsafe { slide.run(isa, result.as_mut_ptr(), slide.places) };
            for (i, row) in result.chunks_exact(size[1]).enumerate() {
                let (c, row_of_channel) = (i / size[0], i % size[0]);
                let at = c * pixels + top * s.image[1] + left + row_of_channel * row_step;
                for (j, &v) in row.iter().enumerate() {
                    // SAFETY: a place of the item's rows, as the caller promises; residues differ from part to part.
                    unsafe { *x.add(at + j * s.stride[1]) = v };
                }
            }
        });
    }
}
