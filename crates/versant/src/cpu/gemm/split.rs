//! Products with a long k and a small C, as in the gradients of convolutions' weights: too few rectangles of C to
//! share, so k is cut into slabs. Their partial products are added in order: bits do not depend on threads.

use std::cell::Cell;

use super::{ENOUGH_ITEMS, Epilogue, FEW_ITEMS, MatRef, PARALLEL_FLOPS, whole};
use crate::cpu::isa::{Isa, multiversion};
use crate::cpu::real::Real;
use crate::cpu::scratch::{Line, with_scratch};
use crate::cpu::threads::for_each_piece;

/// A slab is at least this long: its product outweighs the addition of its result.
const MIN_SLAB: usize = 768;

/// Larger results are not split: they have rectangles enough, and the partial products would fill the caches.
const MAX_RESULT: usize = 64 * 1024;

thread_local! {
    static PARTIAL: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// The number of slabs for a product whose C is cut into `items`; 1 if k is not to be split. A power of two, which two or
/// four threads can share evenly.
pub(super) fn slabs(m: usize, k: usize, n: usize, flops: usize, items: usize) -> usize {
    if items >= FEW_ITEMS || m * n > MAX_RESULT || flops < PARALLEL_FLOPS {
        return 1;
    }
    let most = (k / MIN_SLAB).min(ENOUGH_ITEMS / items).max(1);
    1 << most.ilog2()
}

/// The product as the sum of `slabs` partial products.
pub(super) fn split<T: Real>(
    isa: Isa,
    (a, b): (MatRef<T>, MatRef<T>),
    (c, c_stride): (&mut [T], usize),
    epilogue: Epilogue<T>,
    slabs: usize,
) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    with_scratch(&PARTIAL, slabs * m * n, |partial| {
        for_each_piece(partial, m * n, |slab, part| {
            let (first, end) = (k * slab / slabs, k * (slab + 1) / slabs);
            let (a, b) = (a.columns(first, end), b.t().columns(first, end).t());
            whole(isa, (a, b), (part, n), Epilogue::default());
        });
        let (sum, rest) = partial.split_at_mut(m * n);
        rest.chunks_exact(m * n).for_each(|part| add(isa, sum, part));
        for (row, sum) in c.chunks_mut(c_stride).zip(sum.chunks_exact(n)) {
            finish(isa, &mut row[..n], sum, epilogue);
        }
    });
}

multiversion! {
    fn add[T: Real](sum: &mut [T], part: &[T]) {
        for (s, &v) in sum.iter_mut().zip(part) {
            *s += v;
        }
    }
}

multiversion! {
    fn finish[T: Real](c: &mut [T], sum: &[T], epilogue: Epilogue<T>) {
        for (j, (c, &sum)) in c.iter_mut().zip(sum).enumerate() {
            let mut value = if epilogue.accumulate { *c + sum } else { sum };
            if let Some(bias) = epilogue.bias {
                value += bias[j];
            }
            *c = if epilogue.relu && T::ZERO > value { T::ZERO } else { value };
        }
    }
}
