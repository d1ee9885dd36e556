//! Places as lanes: a tile is some rows of weights at a few vectors of places, which are read where they lie. Nothing
//! is packed, but the end of a row of places leaves lanes idle. Best for few rows of weights and for wide images.

use super::slide::Slide;
use crate::cpu::gemm::{Job, Vector};
use crate::cpu::isa::Isa;
use crate::cpu::real::Real;

/// A product on its way: from `c` on lies a row of places for each row of weights, `c_stride` apart.
pub(super) struct ByPlaces<'a, 'b, T> {
    slide: &'b Slide<'a, T>,
    c: *mut T,
    c_stride: usize,
    /// Rows of the registers' tile.
    tall: usize,
}

impl<'a, 'b, T: Real> ByPlaces<'a, 'b, T> {
    /// # Safety
    /// From `c` on lies a row of the slide's places for each of its rows, which nobody else touches.
    pub unsafe fn new(isa: Isa, slide: &'b Slide<'a, T>, c: *mut T, c_stride: usize) -> Self {
        assert_eq!(
            slide.weights.len(),
            slide.rows * slide.patches.starts().len(),
            "a row is a patch's weights"
        );
        assert_eq!(slide.patches.steps()[1], 1, "neighbours are neighbours in memory");
        ByPlaces { slide, c, c_stride, tall: T::tile_shape(isa).rows }
    }
}

/// At most a vector of places of one row: where they begin in the data, where in the result, and how many they are.
#[derive(Clone, Copy, Default)]
struct Piece {
    from: usize,
    to: usize,
    len: usize,
}

/// The pieces of all rows, one after another.
#[derive(Clone, Copy)]
struct Pieces {
    row: usize,
    column: usize,
    width: usize,
    row_step: usize,
}

impl Pieces {
    #[inline(always)]
    fn next(&mut self, lanes: usize) -> Piece {
        let Pieces { row, column, width, row_step } = *self;
        let len = lanes.min(width - column);
        self.column += len;
        if self.column == width {
            (self.row, self.column) = (row + 1, 0);
        }
        Piece { from: row * row_step + column, to: row * width + column, len }
    }
}

impl<T: Real> Job<T> for ByPlaces<'_, '_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let panels = self.slide.rows.div_ceil(self.tall);
        for panel in 0..panels {
            // Panels of almost equal height.
            let first = self.slide.rows * panel / panels;
            let rows = self.slide.rows * (panel + 1) / panels - first;
            // As many vectors of places as leave registers for them and for a weight.
            macro_rules! panels {
                ($(($m:literal: $few:literal, $many:literal)),*) => {
                    // SAFETY: the caller promises the instructions; a panel's rows are rows of weights.
                    unsafe {
                        match (rows, self.tall == 8) {
                            $(($m, false) => self.panel::<V, $m, $few>(first),
                            ($m, true) => self.panel::<V, $m, $many>(first),)*
                            _ => unreachable!("a tile has 1 to 8 rows, not {rows}"),
                        }
                    }
                };
            }
            panels!((1: 6, 8), (2: 4, 6), (3: 3, 6), (4: 2, 6), (5: 2, 4), (6: 2, 4), (7: 1, 3), (8: 1, 3));
        }
    }
}

impl<T: Real> ByPlaces<'_, '_, T> {
    /// M rows of weights at all places, N vectors at a time and the last few one by one.
    ///
    /// # Safety
    /// The machine has V's instructions; there are M rows from `first` on.
    #[inline(always)]
    unsafe fn panel<V: Vector<Elem = T>, const M: usize, const N: usize>(&self, first: usize) {
        let patches = &self.slide.patches;
        let ([height, width], [row_step, _]) = (patches.size(), patches.steps());
        let mut pieces = Pieces { row: 0, column: 0, width, row_step };
        let mut left = height * width.div_ceil(V::LANES);
        // SAFETY: the caller's promise.
        unsafe {
            while left >= N {
                self.tile::<V, M, N>(first, std::array::from_fn(|_| pieces.next(V::LANES)));
                left -= N;
            }
            for _ in 0..left {
                self.tile::<V, M, 1>(first, [pieces.next(V::LANES)]);
            }
        }
    }

    /// # Safety
    /// As for [`panel`](Self::panel), and the pieces are pieces of the places.
    #[inline(always)]
    unsafe fn tile<V: Vector<Elem = T>, const M: usize, const N: usize>(
        &self,
        first: usize,
        pieces: [Piece; N],
    ) {
        let Slide { weights, finish, patches, .. } = self.slide;
        let k = patches.starts().len();
        // SAFETY: patches lie inside their data with a vector's length of slack behind them; weights are M rows of k;
        // of a piece only its own places are written.
        unsafe {
            let weights: [*const T; M] = std::array::from_fn(|i| weights.as_ptr().add((first + i) * k));
            let data = pieces.map(|piece| patches.data().as_ptr().add(piece.from));
            let mut sums = [[V::splat(T::ZERO); N]; M];
            for (p, &start) in patches.starts().iter().enumerate() {
                let seen = data.map(|data| V::load(data.add(start)));
                for (sums, weights) in sums.iter_mut().zip(&weights) {
                    let weight = V::splat(*weights.add(p));
                    for (sum, &x) in sums.iter_mut().zip(&seen) {
                        *sum = weight.mul_add(x, *sum);
                    }
                }
            }
            for (i, sums) in sums.into_iter().enumerate() {
                let bias = finish.bias.map(|bias| V::splat(bias[first + i]));
                let row = self.c.add((first + i) * self.c_stride);
                for (sum, piece) in sums.into_iter().zip(&pieces) {
                    let value = bias.map_or(sum, |bias| sum.add(bias));
                    let value = if finish.relu { value.relu() } else { value };
                    let to = row.add(piece.to);
                    if piece.len == V::LANES { value.store(to) } else { value.store_first(to, piece.len) }
                }
            }
        }
    }
}
