//! Convolutions as products of matrices of which one is never stored whole.
//!
//! Each work item lays a few channels of an image out with their padding (`plane`), so that what a tap of the kernel
//! sees is a run of memory. Then a convolution is W times the patches (`forward`, `slide`); its gradient in the image is
//! one convolution for each residue of the stride (`input`), whose results are woven together (`weave`); its gradient in
//! W is the patches, read in place, times the gradient of the result (`weight`).
//!
//! There are three ways of multiplying with patches, and [`Way`] chooses: with places as lanes or with channels as lanes
//! patches are read where they lie (`places`, `channels`); large products pack them a panel at a time (`patches`) into
//! the tiles of [`gemm`](super::gemm). The gradient in W has two ways, of which one has places as lanes (`dots`).
//!
//! Items are cut by the sizes of the problem alone. Sums over k run in fixed blocks, sums over images in fixed slabs.

mod channels;
mod dots;
mod forward;
mod input;
mod patches;
mod places;
mod plane;
mod slide;
#[cfg(test)]
mod tests;
mod weave;
mod weight;
mod winograd;

use std::cell::Cell;

use super::gemm::{ENOUGH_ITEMS, ITEM_FLOPS, TileShape};
use super::isa::isa;
use super::real::Real;
use super::scratch::{Line, with_scratch};
use super::threads::parallel_for;
use crate::device::ConvShape;

pub use forward::forward;
pub use input::input;
pub use weight::weight;

/// Numbers that a work item's part of the image may have: they stay in the second-level cache.
const MAX_PLANES: usize = 128 * 1024;

/// Below this many operations a convolution stays on the calling thread.
const PARALLEL_FLOPS: usize = 500_000;

/// Work items are not made smaller than so many places, nor so many channels.
const MIN_PLACES: usize = 256;
const MIN_CHANNELS: usize = 64;

/// What happens to each element before it is stored.
#[derive(Clone, Copy)]
pub struct Finish<'a, T> {
    /// Added: a number for each channel of the result.
    pub bias: Option<&'a [T]>,
    /// max(x, 0) after that; NaN stays NaN.
    pub relu: bool,
}

impl<'a, T: Real> Finish<'a, T> {
    /// The same, told that T is U.
    fn cast<U: Real>(self) -> Finish<'a, U> {
        Finish { bias: self.bias.map(bytemuck::cast_slice), relu: self.relu }
    }

    /// For so many channels from `first` on.
    fn of(self, first: usize, channels: usize) -> Finish<'a, T> {
        Finish { bias: self.bias.map(|bias| &bias[first..][..channels]), ..self }
    }
}

thread_local! {
    static WEIGHTS: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// How rows of weights are multiplied with patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Vectors of places, read where they lie (`places`).
    Places,
    /// Vectors of rows of weights (`channels`).
    Channels,
    /// Panels of patches, packed, as a product of matrices (`patches`).
    Panels,
}

impl Way {
    /// The cheapest for so many rows of k weights at the places of some images, where costs are, in multiplications of
    /// vectors for each image:
    ///
    /// - places: one for each weight and vector of places, where a vector does not go beyond a row of places;
    /// - channels: one for each element of a patch, vector of rows and place, and the transposes of what comes out and,
    ///   once for all images, of the weights;
    /// - panels: as for places, but only the last vector of an image is not full; and each vector is copied before,
    ///   in two parts where it goes beyond a row.
    fn of(tile: TileShape, images: usize, rows: usize, k: usize, [height, width]: [usize; 2]) -> Way {
        const TRANSPOSE: usize = 6;
        const ARRANGE: usize = 8;
        const COPY: usize = 4;
        let (lanes, all) = (tile.cols / 2, height * width);
        let places = rows * k * height * width.div_ceil(lanes);
        let channels = rows.div_ceil(lanes) * (all * (k + TRANSPOSE) + ARRANGE * k / images.max(1));
        let panels = k * all.div_ceil(lanes) * (rows + COPY + COPY * lanes / width.max(1));
        if rows == 1 || places <= channels.min(panels) {
            Way::Places
        } else if channels <= panels {
            Way::Channels
        } else {
            Way::Panels
        }
    }

    /// Whether the gradient in the kernel is cheaper with places as lanes (`dots`) than as a product of matrices, in
    /// multiplications of vectors for each image: one for each weight and vector of places, which are full but at the
    /// end of a row; or one for each place, element of a patch and vector of channels of y, which are copied before,
    /// beside what each row of places costs.
    fn is_dots(tile: TileShape, rows: usize, k: usize, [height, width]: [usize; 2]) -> bool {
        const COPY: usize = 6;
        let lanes = tile.cols / 2;
        let dots = rows * k * height * width.div_ceil(lanes);
        dots < rows.div_ceil(lanes) * (height * width * (k + COPY) + k * height)
    }

    /// Rows of weights as they are stored: with channels as lanes, whole vectors.
    fn padded(self, tile: TileShape, rows: usize) -> usize {
        if self == Way::Channels { rows.next_multiple_of(tile.cols / 2) } else { rows }
    }

    /// Calls `run` with the weights, k in a row, in the order that this way needs, and a group's number of stored rows.
    fn with_weights<T: Real>(
        self,
        tile: TileShape,
        groups: usize,
        w: &[T],
        k: usize,
        run: impl FnOnce(&[T], usize),
    ) {
        let rows = w.len() / (groups * k).max(1);
        let padded = self.padded(tile, rows);
        if self != Way::Channels || k == 0 {
            return run(w, rows);
        }
        with_scratch(&WEIGHTS, groups * padded * k, |arranged: &mut [T]| {
            for (w, to) in w.chunks_exact(rows * k).zip(arranged.chunks_exact_mut(padded * k)) {
                channels::arrange(isa(), rows, w, to);
            }
            run(arranged, padded);
        });
    }
}

/// Operations of the whole convolution.
fn flops(s: &ConvShape) -> usize {
    let [kernel, output] = [s.kernel, s.output].map(|[h, w]| h.saturating_mul(w));
    let terms = (s.inputs / s.groups).saturating_mul(kernel);
    [s.batch, s.outputs, output, terms].into_iter().fold(2, usize::saturating_mul)
}

/// Whether the image, laid out with its padding, would be much larger than all its patches: the kernel's taps are far
/// apart, and plain loops touch less.
pub fn is_sparse(s: &ConvShape) -> bool {
    let along = |axis: usize| {
        let (kernel, stride) = (s.kernel[axis], s.stride[axis]);
        let reach = (kernel - 1).saturating_mul(s.dilation[axis]) / stride;
        s.output[axis].saturating_add(reach).saturating_mul(kernel.min(stride))
    };
    let patches: usize = s.kernel.iter().chain(&s.output).fold(1, |a, &b| a.saturating_mul(b));
    along(0).saturating_mul(along(1)) > patches.saturating_mul(16).max(1 << 16)
}

/// How an image is cut: rows in a band, channels of the result in a block.
#[derive(Clone, Copy)]
struct Cut {
    rows: usize,
    channels: usize,
}

impl Cut {
    /// For images of `channels` of `rows` rows of `width` places; a band of so many rows needs `planes(rows)` numbers.
    fn new(s: &ConvShape, [channels, rows, width]: [usize; 3], planes: impl Fn(usize) -> usize) -> Cut {
        let wanted = (flops(s) / ITEM_FLOPS).min(ENOUGH_ITEMS);
        let mut cut = Cut { rows, channels };
        loop {
            let items = s.batch * s.groups * rows.div_ceil(cut.rows) * channels.div_ceil(cut.channels);
            let can_lower = cut.rows > 1 && cut.rows * width > MIN_PLACES;
            if can_lower && (items < wanted || planes(cut.rows) > MAX_PLANES) {
                cut.rows = cut.rows.div_ceil(2);
            } else if items < wanted && cut.channels > MIN_CHANNELS {
                cut.channels = cut.channels.div_ceil(2).next_multiple_of(16);
            } else {
                return cut;
            }
        }
    }
}

/// Calls `run` for each item, on several threads where that pays.
fn for_each_item(s: &ConvShape, items: usize, run: &(dyn Fn(usize) + Sync)) {
    if flops(s) < PARALLEL_FLOPS {
        (0..items).for_each(run);
    } else {
        parallel_for(items, run);
    }
}
