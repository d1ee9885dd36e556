//! The gradient of a ReLU together with the sums that the bias before it wants.

use super::isa::{isa, multiversion};
use super::real::Real;
use super::reduce;
use super::threads::{even, for_each_piece};

/// Elements of one piece of work, rounded up to whole rows.
const PIECE: usize = 16 * 1024;

multiversion! {
    /// g = 0 where y <= 0.
    fn mask[T: Real](y: &[T], g: &mut [T]) {
        for (g, &y) in g.iter_mut().zip(y) {
            *g = if y <= T::ZERO { T::ZERO } else { *g };
        }
    }
}

/// g = 0 where y <= 0, and the sum of each row of g, while it lies in the nearest cache; there are as many rows as
/// `sums` is long. The sums are those of [`reduce::row_sums`], and of a single row that of
/// [`reduce::sum`].
///
/// # Panics
/// If the lengths do not fit.
pub fn backward<T: Real>(y: &[T], g: &mut [T], sums: &mut [T]) {
    let (isa, len) = (isa(), g.len().checked_div(sums.len()).unwrap_or(0));
    assert_eq!((y.len(), sums.len() * len), (g.len(), g.len()), "lengths do not fit");
    if len == 0 {
        return sums.fill(T::ZERO);
    }
    if let [sum] = sums {
        // The work is in the one row, which is cut as the sum of a whole array is.
        for_each_piece(g, PIECE, |piece, g| mask(isa, &y[piece * PIECE..][..g.len()], g));
        *sum = reduce::sum(g);
        return;
    }
    let rows = even(sums.len(), PIECE.div_ceil(len));
    let mut pieces: Vec<_> = g.chunks_mut(rows * len).zip(sums.chunks_mut(rows)).collect();
    for_each_piece(&mut pieces, 1, |piece, parts| {
        let (g, sums) = &mut parts[0];
        let y = &y[piece * rows * len..][..g.len()];
        for ((y, g), sum) in y.chunks_exact(len).zip(g.chunks_exact_mut(len)).zip(sums.iter_mut()) {
            mask(isa, y, g);
            *sum = reduce::sum_of_row(isa, g);
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
                    let (mut out, mut sums) = (g.clone(), vec![9.0; rows]);
                    crate::cpu::isa::with_isa(isa, || {
                        with_threads(threads, || backward(&y, &mut out, &mut sums));
                    });
                    assert_eq!((&out, &sums), (&wanted, &wanted_sums), "{rows} rows of {len}, {isa}");
                }
            }
        }
    }
}
