//! The gradient of a ReLU together with the sums that the bias before it wants.

use super::elementwise::{Operand, binary};
use super::isa::{isa, multiversion};
use super::real::Real;
use super::reduce;
use super::threads::for_each_piece;

/// Elements of one piece of work, rounded up to whole rows.
const PIECE: usize = 16 * 1024;

multiversion! {
    /// out = 0 where y <= 0, else g.
    fn mask[T: Real](y: &[T], g: &[T], out: &mut [T]) {
        for ((out, &y), &g) in out.iter_mut().zip(y).zip(g) {
            *out = if y <= T::ZERO { T::ZERO } else { g };
        }
    }
}

/// out = 0 where y <= 0, else g, and the sum of each row of `out`, while it lies in the nearest cache; there are as
/// many rows as `sums` is long. The sums are those of [`reduce::row_sums`], and of a single row that of
/// [`reduce::sum`].
///
/// # Panics
/// If the lengths do not fit.
pub fn backward<T: Real>(y: &[T], g: &[T], out: &mut [T], sums: &mut [T]) {
    let (isa, len) = (isa(), out.len().checked_div(sums.len()).unwrap_or(0));
    assert_eq!((y.len(), g.len(), sums.len() * len), (out.len(), out.len(), out.len()), "lengths do not fit");
    if len == 0 {
        return sums.fill(T::ZERO);
    }
    if let [sum] = sums {
        // The work is in the one row, which is cut as the sum of a whole array is.
        binary(Operand::Slice(g), Operand::Slice(y), out, |g, y| if y <= T::ZERO { T::ZERO } else { g });
        *sum = reduce::sum(out);
        return;
    }
    let rows = PIECE.div_ceil(len);
    let mut pieces: Vec<_> = out.chunks_mut(rows * len).zip(sums.chunks_mut(rows)).collect();
    for_each_piece(&mut pieces, 1, |piece, outputs| {
        let (out, sums) = &mut outputs[0];
        let start = piece * rows * len;
        for (i, (out, sum)) in out.chunks_exact_mut(len).zip(sums.iter_mut()).enumerate() {
            let at = start + i * len;
            mask(isa, &y[at..at + len], &g[at..at + len], out);
            *sum = reduce::sum_of_row(isa, out);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::isa::Isa;
    use crate::cpu::threads::tests::with_threads;
    use crate::rng::Rng;

    fn random(len: usize, seed: u64) -> Vec<f32> {
        let mut rng = Rng::new(seed);
        (0..len).map(|_| rng.uniform() as f32 - 0.5).collect()
    }

    /// Rows of every length, more than one to a piece and longer than one; no rows, and rows of nothing.
    #[test]
    fn the_same_bits_as_in_two_passes() {
        for [rows, len] in
            [[0, 3], [3, 0], [1, 1], [7, 5], [65, 49], [300, 257], [3, PIECE + 9], [1, 5 * PIECE + 7]]
        {
            let (mut y, g) = (random(rows * len, 1), random(rows * len, 2));
            y.iter_mut().step_by(13).for_each(|y| *y = 0.0);
            y.iter_mut().skip(5).step_by(17).for_each(|y| *y = f32::NAN);
            let wanted: Vec<f32> = y.iter().zip(&g).map(|(&y, &g)| if y <= 0.0 { 0.0 } else { g }).collect();
            let mut wanted_sums = vec![0.0; rows];
            match &mut wanted_sums[..] {
                [sum] => *sum = reduce::sum(&wanted),
                sums => reduce::row_sums(&wanted, len, sums),
            }
            for isa in Isa::supported() {
                for threads in [1, 3] {
                    let (mut out, mut sums) = (vec![9.0; rows * len], vec![9.0; rows]);
                    crate::cpu::isa::with_isa(isa, || {
                        with_threads(threads, || backward(&y, &g, &mut out, &mut sums));
                    });
                    assert_eq!((&out, &sums), (&wanted, &wanted_sums), "{rows} rows of {len}, {isa}");
                }
            }
        }
    }
}
