//! What has one row only: kernels of one channel each, as in depthwise convolutions. A tile of one row would leave most
//! registers idle; here the places are the vectors.

use super::for_each_item;
use super::forward::{layout, starts, with_planes};
use super::patches::Patches;
use crate::cpu::isa::{isa, multiversion};
use crate::cpu::real::Real;
use crate::cpu::threads::Shared;
use crate::device::ConvShape;

/// Places computed at once.
const WIDTH: usize = 64;

multiversion! {
    /// One row of weights times the patches, plus a bias, and as a ReLU if wanted.
    pub(super) fn slide[T: Real](weights: &[T], patches: &Patches<T>, finish: (T, bool), out: &mut [T]) {
        for (i, row) in out.chunks_mut(patches.width()).enumerate() {
            for (part, out) in row.chunks_mut(WIDTH).enumerate() {
                let place = i * patches.row_step() + part * WIDTH;
                if out.len() == WIDTH {
                    slide_chunk::<T, WIDTH>(weights, patches, finish, place, out);
                } else {
                    for (q, out) in out.chunks_mut(16).enumerate() {
                        slide_chunk::<T, 16>(weights, patches, finish, place + 16 * q, out);
                    }
                }
            }
        }
    }
}

/// At most N places; the patches have slack behind them.
#[inline(always)]
fn slide_chunk<T: Real, const N: usize>(
    w: &[T],
    patches: &Patches<T>,
    (bias, relu): (T, bool),
    place: usize,
    out: &mut [T],
) {
    let mut sums = [bias; N];
    for (&w, &start) in w.iter().zip(patches.starts()) {
        let seen = &patches.data()[start + place..][..N];
        for (sum, &x) in sums.iter_mut().zip(seen) {
            *sum += w * x;
        }
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = if relu && T::ZERO > sum { T::ZERO } else { sum };
    }
}

/// Whether the gradient in the kernel is a number of dot products rather than a product of matrices, which would have
/// as few columns as a group has channels.
pub(super) fn is_for(s: &ConvShape) -> bool {
    s.groups > 1 && s.inputs == s.groups && s.outputs <= 4 * s.groups
}

/// Sums in lanes: the longer rows are, the more.
const LANES: usize = 16;

/// The gradient in the kernel, for groups of one channel: for each tap the dot product of y and what the tap sees.
pub(super) fn weight<T: Real>(s: &ConvShape, x: &[T], y: &[T], w: &mut [T]) {
    let isa = isa();
    let (out_group, kernel) = (s.outputs / s.groups, s.kernel[0] * s.kernel[1]);
    let (pixels, places) = (s.image[0] * s.image[1], s.output[0] * s.output[1]);
    let (plane, taps) = layout(s, s.output[0]);
    let starts = starts(1, &plane, &taps);
    let len = out_group * kernel;
    let all = Shared::new(w);
    for_each_item(s, s.groups, &|group| {
        // SAFETY: groups have their own parts of w, which is as long as all of them.
        let w = unsafe { std::slice::from_raw_parts_mut(all.get().add(group * len), len) };
        let mut sums = vec![[T::ZERO; LANES]; w.len()];
        for n in 0..s.batch {
            let channel = &x[(n * s.groups + group) * pixels..][..pixels];
            with_planes(&plane, 0, channel, 1, |data| {
                let patches = Patches::new(data, &starts, s.output, plane.row_step());
                for (o, sums) in sums.chunks_exact_mut(kernel).enumerate() {
                    let y = &y[(n * s.outputs + group * out_group + o) * places..][..places];
                    dot(isa, y, &patches, sums);
                }
            });
        }
        for (w, sums) in w.iter_mut().zip(sums) {
            *w = pairwise(sums);
        }
    });
}

multiversion! {
    /// Adds to the sums of each tap the products of y and of what the tap sees.
    fn dot[T: Real](y: &[T], patches: &Patches<T>, sums: &mut [[T; LANES]]) {
        for (i, row) in y.chunks_exact(patches.width()).enumerate() {
            for (sums, &start) in sums.iter_mut().zip(patches.starts()) {
                let seen = &patches.data()[start + i * patches.row_step()..][..row.len()];
                let (parts, rest) = row.as_chunks::<LANES>();
                let (seen_parts, seen_rest) = seen.as_chunks::<LANES>();
                for (y, x) in parts.iter().zip(seen_parts) {
                    for lane in 0..LANES {
                        sums[lane] += y[lane] * x[lane];
                    }
                }
                let (halves, rest) = rest.as_chunks::<{ LANES / 2 }>();
                let (seen_halves, seen_rest) = seen_rest.as_chunks::<{ LANES / 2 }>();
                for (y, x) in halves.iter().zip(seen_halves) {
                    for lane in 0..LANES / 2 {
                        sums[lane] += y[lane] * x[lane];
                    }
                }
                for ((sum, &y), &x) in sums.iter_mut().zip(rest).zip(seen_rest) {
                    *sum += y * x;
                }
            }
        }
    }
}

fn pairwise<T: Real>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            let other = lanes[lane + half];
            lanes[lane] += other;
        }
        half /= 2;
    }
    lanes[0]
}
