//! Channels as lanes: a tile is some places at one or two vectors of rows of weights; each number that a place sees
//! is read where it lies and multiplied with a vector of weights. Nothing is packed and no stride costs anything, but
//! what comes out is the transpose of the result. Best for small or strided images and many rows of weights.

use super::slide::Slide;
use crate::cpu::gemm::{Job, MatRef, Vector, pack_b};
use crate::cpu::isa::Isa;
use crate::cpu::real::Real;
use crate::cpu::threads::for_each_piece;

/// The weights as this kernel reads them, `lanes` rows at a time: for each element of a patch a vector of weights; those of
/// missing rows are arbitrary. `to` is as long as that.
pub(super) fn arrange<T: Real>(isa: Isa, rows: usize, w: &[T], to: &mut [T]) {
    let (lanes, k) = (T::tile_shape(isa).cols / 2, w.len() / rows.max(1));
    if k == 0 {
        return;
    }
    let weights = MatRef::row_major(w, rows, k).t();
    for_each_piece(to, lanes * k, |panel, to| {
        let first = panel * lanes;
        T::run(isa, Arranged { weights, k, rows: (first, lanes.min(rows - first)), to });
    });
}

/// A vector of rows of k weights on its way: the first of them, and how many.
struct Arranged<'a, 'b, T> {
    weights: MatRef<'a, T>,
    k: usize,
    rows: (usize, usize),
    to: &'b mut [T],
}

impl<T: Real> Job<T> for Arranged<'_, '_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        // SAFETY: the caller promises the instructions.
        unsafe { pack_b::<V>(&self.weights, (0, self.k), self.rows, self.to, V::LANES) }
    }
}

/// At most so many places are computed before they are transposed: they stay in the first-level cache.
const CHUNK: usize = 64;

/// A block of the transpose has at most so many elements: 16 x 16.
const BLOCK: usize = 256;

/// A product on its way: from `c` on lies a row of places for each row of weights, `c_stride` apart.
pub(super) struct ByChannels<'a, 'b, T> {
    slide: &'b Slide<'a, T>,
    c: *mut T,
    c_stride: usize,
    /// Rows of the registers' tile.
    tall: usize,
    /// CHUNK places of two vectors.
    part: &'b mut [T],
}

/// Numbers that `part` must have.
pub(super) fn part_len(lanes: usize) -> usize {
    2 * lanes * CHUNK
}

impl<'a, 'b, T: Real> ByChannels<'a, 'b, T> {
    /// # Safety
    /// From `c` on lies a row of the slide's places for each of its rows, which nobody else touches.
    pub unsafe fn new(
        isa: Isa,
        slide: &'b Slide<'a, T>,
        (c, c_stride): (*mut T, usize),
        part: &'b mut [T],
    ) -> Self {
        ByChannels { slide, c, c_stride, tall: T::tile_shape(isa).rows, part }
    }
}

impl<T: Real> Job<T> for ByChannels<'_, '_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(mut self) {
        let (k, rows) = (self.slide.patches.starts().len(), self.slide.rows);
        let vectors = rows.div_ceil(V::LANES);
        assert!(self.slide.weights.len() >= vectors * V::LANES * k, "weights are whole vectors");
        assert!(self.part.len() >= part_len(V::LANES), "a chunk needs room");
        let places = self.slide.places;
        let chunks = places.div_ceil(CHUNK);
        for vector in (0..vectors).step_by(2) {
            for chunk in 0..chunks {
                let range = (places * chunk / chunks, places * (chunk + 1) / chunks);
                // SAFETY: the caller promises the instructions; there are these vectors and places.
                unsafe {
                    if vector + 1 < vectors {
                        self.chunk::<V, 2>(vector, range);
                    } else {
                        self.chunk::<V, 1>(vector, range);
                    }
                }
            }
        }
    }
}

impl<T: Real> ByChannels<'_, '_, T> {
    /// Some places, at most CHUNK, at N vectors of rows.
    ///
    /// # Safety
    /// The machine has V's instructions; weights have these vectors, patches these places.
    #[inline(always)]
    unsafe fn chunk<V: Vector<Elem = T>, const N: usize>(
        &mut self,
        vector: usize,
        (from, end): (usize, usize),
    ) {
        let panels = (end - from).div_ceil(self.tall);
        for panel in 0..panels {
            let first = from + (end - from) * panel / panels;
            let count = from + (end - from) * (panel + 1) / panels - first;
            macro_rules! tiles {
                ($($m:literal),*) => {
                    match count {
                        $($m => self.tile::<V, $m, N>(vector, first, first - from),)*
                        _ => unreachable!("a tile has 1 to 8 places, not {count}"),
                    }
                };
            }
            // SAFETY: the caller's promise.
            unsafe { tiles!(1, 2, 3, 4, 5, 6, 7, 8) }
        }
        for n in 0..N {
            let first = (vector + n) * V::LANES;
            let rows = V::LANES.min(self.slide.rows - first);
            // SAFETY: the chunk's places have been computed; C has these rows and places.
            unsafe {
                let c = self.c.add(first * self.c_stride + from);
                transpose::<V>(
                    &self.part[n * V::LANES..],
                    N * V::LANES,
                    (end - from, rows),
                    c,
                    self.c_stride,
                );
            }
        }
    }

    /// M places from number `first` on, which go to the part from place `at` on.
    ///
    /// # Safety
    /// As for [`chunk`](Self::chunk).
    #[inline(always)]
    unsafe fn tile<V: Vector<Elem = T>, const M: usize, const N: usize>(
        &mut self,
        vector: usize,
        first: usize,
        at: usize,
    ) {
        let Slide { weights, finish, patches, rows, .. } = self.slide;
        let (starts, [_, width], [row_step, column_step]) =
            (patches.starts(), patches.size(), patches.steps());
        let (row, column) = (first / width, first % width);
        let part = &mut self.part[at * N * V::LANES..][..M * N * V::LANES];
        // SAFETY: patches lie inside their data; weights have a vector for each element of a patch; of the bias only
        // the rows are read.
        unsafe {
            let (mut next, mut place) = (row * row_step + column * column_step, column);
            let data: [*const T; M] = std::array::from_fn(|_| {
                let here = patches.data().as_ptr().wrapping_add(next);
                place += 1;
                next += column_step;
                if place == width {
                    (place, next) = (0, next + row_step - width * column_step);
                }
                here
            });
            let mut weights = weights.as_ptr().add(vector * V::LANES * starts.len());
            let step = V::LANES * starts.len();
            let mut sums = [[V::splat(T::ZERO); N]; M];
            for &start in starts {
                let w: [V; N] = std::array::from_fn(|n| V::load(weights.add(n * step)));
                for (sums, data) in sums.iter_mut().zip(&data) {
                    let x = V::splat(*data.add(start));
                    for (sum, &w) in sums.iter_mut().zip(&w) {
                        *sum = x.mul_add(w, *sum);
                    }
                }
                weights = weights.add(V::LANES);
            }
            for n in 0..N {
                let first = (vector + n) * V::LANES;
                let count = V::LANES.min(rows - first);
                let bias = finish.bias.map(|bias| V::load_first(bias[first..][..count].as_ptr(), count));
                for (i, sums) in sums.iter().enumerate() {
                    let value = bias.map_or(sums[n], |bias| sums[n].add(bias));
                    let value = if finish.relu { value.relu() } else { value };
                    value.store(part.as_mut_ptr().add((i * N + n) * V::LANES));
                }
            }
        }
    }
}

/// `c[j * c_stride + i] = from[i * step + j]` for the first places i and rows j, of which there are at most LANES.
///
/// # Safety
/// The machine has V's instructions; from `c` on lie these rows and places.
#[inline(always)]
unsafe fn transpose<V: Vector>(
    from: &[V::Elem],
    step: usize,
    (places, rows): (usize, usize),
    c: *mut V::Elem,
    c_stride: usize,
) {
    assert!(
        from.len() >= (places - 1) * step + V::LANES && V::LANES * V::LANES <= BLOCK,
        "places are whole vectors"
    );
    let from = from.as_ptr();
    for i in (0..places).step_by(V::LANES) {
        // The last block overlaps the one before, if there is one.
        let i = i.min(places.saturating_sub(V::LANES));
        // SAFETY: what lies beyond the last place is not read: it is repeated.
        unsafe {
            let row = |q: usize| from.add((i + q).min(places - 1) * step);
            if rows == V::LANES && places >= V::LANES {
                V::transpose(row, c.add(i), c_stride);
            } else {
                let mut block = [V::Elem::ZERO; BLOCK];
                V::transpose(row, block.as_mut_ptr(), V::LANES);
                let count = V::LANES.min(places);
                for (j, block) in block.chunks_exact(V::LANES).take(rows).enumerate() {
                    V::load(block.as_ptr()).store_first(c.add(j * c_stride + i), count);
                }
            }
        }
    }
}
