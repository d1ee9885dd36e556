//! Images of channels become tiles whose vectors are channels, and back.
//!
//! The tiles of a row of tiles are a *strip*; strips are counted through all images. A block of channels, as many as a
//! vector has lanes, is transposed to places of that many numbers each, with the padding around it.

use std::ops::Range;

use super::transform::TILE;
use crate::cpu::gemm::Vector;
use crate::cpu::real::Real;

/// How images of one size are cut into tiles.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    /// Height and width of the image that has the results of the tiles.
    pub size: [usize; 2],
    /// Tiles along both axes.
    pub tiles: [usize; 2],
}

/// Strips that follow one another in one image.
pub(super) struct StripRun {
    pub image: usize,
    /// The first one within the image.
    pub first: usize,
    pub count: usize,
}

impl Grid {
    pub fn new(size: [usize; 2]) -> Grid {
        Grid { size, tiles: size.map(|len| len.div_ceil(TILE)) }
    }

    /// Cuts a range of strips where an image ends.
    pub fn runs(&self, strips: Range<usize>) -> impl Iterator<Item = StripRun> {
        let (down, mut next) = (self.tiles[0], strips.start);
        std::iter::from_fn(move || {
            (next < strips.end).then(|| {
                let first = next % down;
                let run =
                    StripRun { image: next / down, first, count: (down - first).min(strips.end - next) };
                next += run.count;
                run
            })
        })
    }
}

/// The part of an image that is laid out: places from (top, left) on, of which some may lie outside of the image.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub top: isize,
    pub left: isize,
    pub rows: usize,
    pub columns: usize,
}

impl Window {
    pub fn places(&self) -> usize {
        self.rows * self.columns
    }

    /// The part of an axis of the window whose places are in an image of that length.
    fn inside(first: isize, count: usize, len: usize) -> Range<usize> {
        let clamp = |end: isize| (end - first).clamp(0, count as isize) as usize;
        clamp(0)..clamp(len as isize)
    }
}

/// Writes the window of channels of an image as places of vectors, zero outside of the image. `image` begins with the
/// block's first channel; lanes from `channels` on repeat the last one.
///
/// # Safety
/// The machine has V's instructions.
#[inline(always)]
pub(super) unsafe fn lay_out<V: Vector>(
    image: &[V::Elem],
    channels: usize,
    [height, width]: [usize; 2],
    window: Window,
    to: &mut [V::Elem],
) {
    let lanes = V::LANES;
    let (rows, columns) =
        (Window::inside(window.top, window.rows, height), Window::inside(window.left, window.columns, width));
    let pixels = height * width;
    assert!(image.len() >= channels * pixels && channels > 0, "an image has its channels");
    let to = &mut to[..window.places() * lanes];
    if rows.is_empty() || columns.is_empty() {
        return to.fill(V::Elem::ZERO);
    }
    let row_len = window.columns * lanes;
    to[..rows.start * row_len].fill(V::Elem::ZERO);
    to[rows.end * row_len..].fill(V::Elem::ZERO);
    for line in to[rows.start * row_len..rows.end * row_len].chunks_exact_mut(row_len) {
        line[..columns.start * lanes].fill(V::Elem::ZERO);
        line[columns.end * lanes..].fill(V::Elem::ZERO);
    }
    let [top, left] =
        [window.top + rows.start as isize, window.left + columns.start as isize].map(|at| at as usize);
    let to = &mut to[rows.start * row_len + columns.start * lanes..];
    let source = Source { image, channels, pixels };
    if columns.len() >= lanes {
        for (row, line) in to.chunks_mut(row_len).take(rows.len()).enumerate() {
            for place in (0..columns.len()).step_by(lanes) {
                // The last vector of a row is moved back, to end with it.
                let place = place.min(columns.len() - lanes);
                // SAFETY: the caller's promise.
                unsafe {
                    source.transpose::<V>((top + row) * width + left + place, &mut line[place * lanes..])
                };
            }
        }
        return;
    }
    // Short rows follow one another in the image: a vector of places goes over their ends.
    let mut block = [V::Elem::ZERO; BLOCK];
    let (first, end) = (top * width, (top + rows.len()) * width);
    for start in (first..end).step_by(lanes) {
        // SAFETY: the caller's promise.
        unsafe { source.transpose::<V>(start, &mut block) };
        for (pixel, place) in (start..end).zip(block.chunks_exact(lanes)) {
            let (row, column) = (pixel / width - top, pixel % width);
            if (left..left + columns.len()).contains(&column) {
                to[row * row_len + (column - left) * lanes..][..lanes].copy_from_slice(place);
            }
        }
    }
}

/// A vector of places of as many channels as it has lanes.
const BLOCK: usize = 16 * 16;

/// Channels of an image, one after another.
struct Source<'a, T> {
    image: &'a [T],
    channels: usize,
    pixels: usize,
}

impl<T: Real> Source<'_, T> {
    /// The pixels from `first` on as places of vectors, as many as a vector has lanes; those behind the image are
    /// arbitrary.
    ///
    /// # Safety
    /// The machine has V's instructions.
    #[inline(always)]
    unsafe fn transpose<V: Vector<Elem = T>>(&self, first: usize, to: &mut [T]) {
        let lanes = V::LANES;
        let channel = |i: usize| i.min(self.channels - 1) * self.pixels + first;
        assert!(to.len() >= lanes * lanes, "there is room for a block");
        if channel(lanes) + lanes <= self.image.len() {
            // SAFETY: the last channel's pixels are inside, as was asked, and the block has room.
            unsafe { V::transpose(|i| self.image.as_ptr().add(channel(i)), to.as_mut_ptr(), lanes) };
            return;
        }
        for (p, place) in to.chunks_exact_mut(lanes).take(lanes.min(self.pixels - first)).enumerate() {
            for (i, to) in place.iter_mut().enumerate() {
                *to = self.image[channel(i) + p];
            }
        }
    }
}

/// Writes rows of places of vectors back as channels of an image, `rows` of them from `top` on, and `size[1]` of the
/// `columns` places of each.
///
/// # Safety
/// The machine has V's instructions. From `image` on lie `channels` images, whose rows from `top` on nobody else touches.
#[inline(always)]
pub(super) unsafe fn put_back<V: Vector>(
    from: &[V::Elem],
    columns: usize,
    image: *mut V::Elem,
    channels: usize,
    [height, width]: [usize; 2],
    (top, rows): (usize, usize),
) {
    let (lanes, pixels) = (V::LANES, height * width);
    assert!(
        from.len() >= rows * columns * lanes && top + rows <= height && width <= columns,
        "rows are inside"
    );
    let mut block = [V::Elem::ZERO; BLOCK];
    let total = rows * width;
    let mut place = 0;
    while place < total {
        // Rows follow one another in the image: vectors of places may go over their ends.
        let start = place.min(total.saturating_sub(lanes));
        let n = (total - start).min(lanes);
        let (mut row, mut column) = (start / width, start % width);
        let mut places = [0; 16];
        for at in places.iter_mut().take(n) {
            *at = (row * columns + column) * lanes;
            column += 1;
            if column == width {
                (row, column) = (row + 1, 0);
            }
        }
        // SAFETY: places are inside `from`; the rows of the image are the caller's, and only `n` places of `channels`
        // channels are written.
        unsafe {
            let place_of = |i: usize| from.as_ptr().add(places[i.min(n - 1)]);
            let to = image.add(top * width + start);
            if n == lanes && channels >= lanes {
                V::transpose(place_of, to, pixels);
            } else {
                V::transpose(place_of, block.as_mut_ptr(), lanes);
                for (c, row) in block.chunks_exact(lanes).take(channels.min(lanes)).enumerate() {
                    std::ptr::copy_nonoverlapping(row.as_ptr(), to.add(c * pixels), n);
                }
            }
        }
        place = start + n;
    }
}
