//! The convolution: W, a row for each channel of the result, times the patches.

use std::cell::Cell;

use super::patches::Patches;
use super::plane::{Axis, Plane, Tap};
use super::{Cut, Finish, depthwise, for_each_item, winograd};
use crate::cpu::gemm::{Area, Epilogue, MAX_AREA, MatRef, Product, SLACK};
use crate::cpu::isa::{Isa, isa};
use crate::cpu::real::Real;
use crate::cpu::scratch::{Line, with_scratch};
use crate::cpu::threads::Shared;
use crate::device::ConvShape;

thread_local! {
    pub(super) static PLANES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// The layout of a band of rows, and where the taps of the two axes begin.
pub(super) fn layout(s: &ConvShape, rows: usize) -> (Plane, [Vec<Tap>; 2]) {
    let along = |axis: usize, count: usize| {
        let kernel = (s.kernel[axis], s.dilation[axis]);
        Axis::new(s.image[axis], -(s.before[axis] as isize), s.stride[axis], kernel, count)
    };
    let ((rows, row_taps), (columns, column_taps)) = (along(0, rows), along(1, s.output[1]));
    (Plane { rows, columns }, [row_taps, column_taps])
}

/// Where each element of a patch of so many channels begins.
pub(super) fn starts(channels: usize, plane: &Plane, [row_taps, column_taps]: &[Vec<Tap>; 2]) -> Vec<usize> {
    let mut starts = Vec::with_capacity(channels * row_taps.len() * column_taps.len());
    for c in 0..channels {
        for &u in row_taps {
            starts.extend(column_taps.iter().map(|&v| c * plane.len() + plane.start(u, v)));
        }
    }
    starts
}

/// y = w * x, finished. All are contiguous.
///
/// # Panics
/// When a slice is shorter than its shape.
pub fn forward<T: Real>(s: &ConvShape, x: &[T], w: &[T], finish: Finish<T>, y: &mut [T]) {
    if winograd::is_for::<T>(s, [s.inputs, s.outputs], s.output) {
        return winograd::forward(s, x, w, finish, y);
    }
    let isa = isa();
    let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
    let ([height, width], places) = (s.output, s.output[0] * s.output[1]);
    let (pixels, k) = (s.image[0] * s.image[1], in_group * s.kernel[0] * s.kernel[1]);
    let y = &mut y[..s.batch * s.outputs * places];
    if y.is_empty() {
        return;
    }
    let cut = Cut::new(s, [out_group, height, width], |rows| in_group * layout(s, rows).0.len());
    let (plane, taps) = layout(s, cut.rows);
    let starts = starts(in_group, &plane, &taps);
    let (bands, blocks) = (height.div_ceil(cut.rows), out_group.div_ceil(cut.channels));
    let out = Shared::new(y);
    for_each_item(s, s.batch * s.groups * bands * blocks, &|item| {
        let (rest, block) = (item / blocks, item % blocks);
        let (rest, band) = (rest / bands, rest % bands);
        let (n, group) = (rest / s.groups, rest % s.groups);
        let first = group * out_group + block * cut.channels;
        let channels = cut.channels.min(out_group - block * cut.channels);
        let (top, rows) = (band * cut.rows, cut.rows.min(height - band * cut.rows));
        let images = &x[(n * s.inputs + group * in_group) * pixels..][..in_group * pixels];
        with_planes(&plane, top * s.stride[0], images, in_group, |data| {
            let slide = Slide {
                rows: channels,
                weights: &w[first * k..][..channels * k],
                finish: finish.of(first, channels),
                patches: Patches::new(data, &starts, [rows, width], plane.row_step()),
                places: rows * width,
            };
            // SAFETY: each item has its own channels, image and rows, whose places follow one another.
            unsafe { slide.run(isa, out.get().add((n * s.outputs + first) * places + top * width), places) };
        });
    });
}

/// Lays out so many channels of an image, the band that begins `below` rows further down.
pub(super) fn with_planes<T: Real>(
    plane: &Plane,
    below: usize,
    image: &[T],
    channels: usize,
    run: impl FnOnce(&[T]),
) {
    let (len, pixels) = (plane.len(), image.len() / channels.max(1));
    with_scratch(&PLANES, channels * len + SLACK + 2 * plane.row_step(), |planes| {
        for (c, data) in planes.chunks_exact_mut(len).take(channels).enumerate() {
            plane.fill(below, &image[c * pixels..][..pixels], data);
        }
        run(planes);
    });
}

/// Rows of weights times patches.
pub(super) struct Slide<'a, T> {
    pub rows: usize,
    pub weights: &'a [T],
    pub finish: Finish<'a, T>,
    pub patches: Patches<'a, T>,
    pub places: usize,
}

impl<T: Real> Slide<'_, T> {
    /// # Safety
    /// From `c` on lies a row of `places` numbers for each row of weights, `c_stride` apart, which nobody else touches.
    pub unsafe fn run(&self, isa: Isa, c: *mut T, c_stride: usize) {
        let k = self.patches.starts().len();
        if self.rows == 1 {
            // SAFETY: the caller's promise.
            let out = unsafe { std::slice::from_raw_parts_mut(c, self.places) };
            let bias = self.finish.bias.map_or(T::ZERO, |bias| bias[0]);
            return depthwise::slide(isa, self.weights, &self.patches, (bias, self.finish.relu), out);
        }
        let a = MatRef::row_major(self.weights, self.rows, k);
        let epilogue = Epilogue { relu: self.finish.relu, ..Epilogue::default() };
        let product = Product { a, b: self.patches, k, c, c_stride, epilogue, row_bias: self.finish.bias };
        let tile = T::tile_shape(isa).cols;
        let cols = self.places.div_ceil(self.places.div_ceil(MAX_AREA).max(1)).next_multiple_of(tile);
        for col in (0..self.places).step_by(cols.max(1)) {
            let area = Area { row: 0, rows: self.rows, col, cols: cols.min(self.places - col) };
            // SAFETY: the caller's promise; the operands have k terms, and the area's rows and columns.
            unsafe { T::compute(isa, &product, area) };
        }
    }
}
