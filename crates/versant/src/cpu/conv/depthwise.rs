//! What has one row only: kernels of one channel each, as in depthwise convolutions. A tile of one row would leave most
//! registers idle; here the places are the vectors.

use super::patches::Patches;
use crate::cpu::isa::multiversion;
use crate::cpu::real::Real;

/// Places computed at once.
const WIDTH: usize = 64;

multiversion! {
    /// One row of weights times the patches, plus a bias.
    pub(super) fn slide[T: Real](weights: &[T], patches: &Patches<T>, bias: T, out: &mut [T]) {
        for (i, row) in out.chunks_mut(patches.width()).enumerate() {
            for (part, out) in row.chunks_mut(WIDTH).enumerate() {
                let place = i * patches.row_step() + part * WIDTH;
                if out.len() == WIDTH {
                    slide_chunk::<T, WIDTH>(weights, patches, bias, place, out);
                } else {
                    for (q, out) in out.chunks_mut(16).enumerate() {
                        slide_chunk::<T, 16>(weights, patches, bias, place + 16 * q, out);
                    }
                }
            }
        }
    }
}

/// At most N places; the patches have slack behind them.
#[inline(always)]
fn slide_chunk<T: Real, const N: usize>(w: &[T], patches: &Patches<T>, bias: T, place: usize, out: &mut [T]) {
    let mut sums = [bias; N];
    for (&w, &start) in w.iter().zip(patches.starts()) {
        let seen = &patches.data()[start + place..][..N];
        for (sum, &x) in sums.iter_mut().zip(seen) {
            *sum += w * x;
        }
    }
    out.copy_from_slice(&sums[..out.len()]);
}
