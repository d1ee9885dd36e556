//! The convolution: W, a row for each channel of the result, times the patches.

use std::cell::Cell;

use bytemuck::{cast_slice, cast_slice_mut};

use super::patches::Patches;
use super::plane::{Axis, Plane, Tap};
use super::slide::Slide;
use super::{Cut, Finish, Way, for_each_item, winograd};
use crate::cpu::gemm::SLACK;
use crate::cpu::isa::isa;
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

/// The same with the image's own order: places that follow one another are a stride apart.
fn layout_of_image(s: &ConvShape, rows: usize) -> (Plane, [Vec<Tap>; 2]) {
    let along = |axis: usize, count: usize| {
        let kernel = (s.kernel[axis], s.dilation[axis]);
        let count = (count - 1) * s.stride[axis] + 1;
        Axis::new(s.image[axis], -(s.before[axis] as isize), 1, kernel, count)
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
        let (x, w, y) = (cast_slice(x), cast_slice(w), cast_slice_mut(y));
        return winograd::forward(s, x, w, finish.cast(), y);
    }
    let isa = isa();
    let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
    let ([height, width], places) = (s.output, s.output[0] * s.output[1]);
    let (pixels, k) = (s.image[0] * s.image[1], in_group * s.kernel[0] * s.kernel[1]);
    let y = &mut y[..s.batch * s.outputs * places];
    if y.is_empty() {
        return;
    }
    let tile = T::tile_shape(isa);
    let way = Way::of(tile, s.batch, out_group, k, if s.kernel[1] == 1 { [1, places] } else { s.output });
    let layout = |rows: usize| if way == Way::Channels { layout_of_image(s, rows) } else { layout(s, rows) };
    let steps = if way == Way::Channels { s.stride } else { [1, 1] };
    let cut = Cut::new(s, [out_group, height, width], |rows| in_group * layout(rows).0.len());
    let (plane, taps) = layout(cut.rows);
    let starts = starts(in_group, &plane, &taps);
    let (bands, blocks) = (height.div_ceil(cut.rows), out_group.div_ceil(cut.channels));
    let out = Shared::new(y);
    way.with_weights(tile, s.groups, w, k, |w, rows_of_group| {
        for_each_item(s, s.batch * s.groups * bands * blocks, &|item| {
            let (rest, block) = (item / blocks, item % blocks);
            let (rest, band) = (rest / bands, rest % bands);
            let (n, group) = (rest / s.groups, rest % s.groups);
            let channels = cut.channels.min(out_group - block * cut.channels);
            let first = group * out_group + block * cut.channels;
            let (top, rows) = (band * cut.rows, cut.rows.min(height - band * cut.rows));
            let images = &x[(n * s.inputs + group * in_group) * pixels..][..in_group * pixels];
            with_planes(&plane, top * s.stride[0], images, in_group, |data| {
                let slide = Slide {
                    way,
                    rows: channels,
                    weights: &w[(group * rows_of_group + block * cut.channels) * k..]
                        [..way.padded(tile, channels) * k],
                    finish: finish.of(first, channels),
                    patches: Patches::new(
                        data,
                        &starts,
                        [rows, width],
                        [steps[0] * plane.row_step(), steps[1]],
                    ),
                    places: rows * width,
                };
                // SAFETY: each item has its own channels, image and rows, whose places follow one another.
                unsafe {
                    slide.run(isa, out.get().add((n * s.outputs + first) * places + top * width), places)
                };
            });
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
    with_scratch(&PLANES, channels * plane.len() + SLACK + 2 * plane.row_step(), |planes| {
        plane.fill(below, image, planes);
        run(planes);
    });
}
