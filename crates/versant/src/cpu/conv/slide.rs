//! A kernel that slides over planes: rows of weights times patches, one of three ways.

use std::cell::Cell;

use super::channels::{self, ByChannels};
use super::patches::Patches;
use super::places::ByPlaces;
use super::{Finish, Way};
use crate::cpu::gemm::{Area, Epilogue, MAX_AREA, MatRef, Product};
use crate::cpu::isa::Isa;
use crate::cpu::real::Real;
use crate::cpu::scratch::{Line, with_scratch};

thread_local! {
    static PART: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Rows of weights times patches.
pub(super) struct Slide<'a, T> {
    pub way: Way,
    pub rows: usize,
    /// Row after row, or as [`channels::arrange`] puts them.
    pub weights: &'a [T],
    pub finish: Finish<'a, T>,
    pub patches: Patches<'a, T>,
    pub places: usize,
}

impl<T: Real> Slide<'_, T> {
    /// # Safety
    /// From `c` on lies a row of `places` numbers for each row of weights, `c_stride` apart, which nobody else touches.
    pub unsafe fn run(&self, isa: Isa, c: *mut T, c_stride: usize) {
        let [height, width] = self.patches.size();
        assert_eq!(self.places, height * width, "places are those of the patches");
        match self.way {
            // SAFETY: the caller's promise.
            Way::Places => T::run(isa, unsafe { ByPlaces::new(isa, self, c, c_stride) }),
            Way::Channels => {
                with_scratch(&PART, channels::part_len(T::tile_shape(isa).cols / 2), |part| {
                    // SAFETY: the caller's promise.
                    T::run(isa, unsafe { ByChannels::new(isa, self, (c, c_stride), part) });
                });
            }
            // SAFETY: the caller's promise.
            Way::Panels => unsafe { self.product(isa, c, c_stride) },
        }
    }

    /// # Safety
    /// As for [`run`](Self::run).
    unsafe fn product(&self, isa: Isa, c: *mut T, c_stride: usize) {
        let k = self.patches.starts().len();
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
