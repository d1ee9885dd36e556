//! Max pooling of planes, and the way back.

use super::isa::{isa, multiversion};
use super::real::Real;
use super::threads::{even, for_each_piece};
use crate::ops::Spans;

/// Elements that one piece of work reads.
const PIECE: usize = 32 * 1024;

/// Where the windows are.
struct Windows<'a> {
    rows: &'a Spans,
    columns: &'a Spans,
    /// Whether they are 2 x 2 blocks side by side.
    blocks: bool,
    plane: [usize; 2],
}

/// Whether windows along an axis are pairs side by side.
fn are_pairs(spans: &Spans) -> bool {
    spans.dilation == 1 && spans.ranges.iter().enumerate().all(|(i, range)| *range == (2 * i..2 * i + 2))
}

/// Whether a number takes the place of the best so far, which stands before it: the first of equal numbers stays, the
/// last NaN does. Without branches, which would be mispredicted.
#[inline(always)]
fn beats<T: Real>(v: T, best: T) -> bool {
    (v > best) | v.is_nan()
}

/// The largest of each 2 x 2 block of two rows; `place` is that of the first element, `width` the way to the next row.
#[inline(always)]
fn blocks<T: Real>([top, bottom]: [&[T]; 2], place: usize, width: usize, out: &mut [T], places: &mut [i64]) {
    let (n, width) = (out.len(), width as i64);
    let (top, bottom) = (&top.as_chunks::<2>().0[..n], &bottom.as_chunks::<2>().0[..n]);
    let places = &mut places[..n];
    for i in 0..n {
        let (mut best, mut way) = (top[i][0], 0);
        for (v, to) in [(top[i][1], 1), (bottom[i][0], width), (bottom[i][1], width + 1)] {
            let better = beats(v, best);
            best = if better { v } else { best };
            way = if better { to } else { way };
        }
        out[i] = best;
        places[i] = (place + 2 * i) as i64 + way;
    }
}

/// Blocks of the loop's vectors.
const VECTOR: usize = 8;

/// The blocks of the two rows that begin at `row` of x, of which `place` is the place in the plane. The last vector
/// overlaps the one before; of a short row it goes beyond the end where there is room, which is written over later.
#[inline(always)]
fn line_of_blocks<T: Real>(
    x: &[T],
    (row, place): (usize, usize),
    (count, width): (usize, usize),
    out: &mut [T],
    places: &mut [i64],
) {
    let whole = count / VECTOR * VECTOR;
    let (top, bottom) = (&x[row..], &x[row + width..]);
    if whole > 0 {
        blocks([top, bottom], place, width, &mut out[..whole], places);
    }
    if whole < count {
        let i = count.saturating_sub(VECTOR);
        let (top, bottom, out, places) = (&top[2 * i..], &bottom[2 * i..], &mut out[i..], &mut places[i..]);
        let place = place + 2 * i;
        match (top.first_chunk::<{ 2 * VECTOR }>(), bottom.first_chunk::<{ 2 * VECTOR }>()) {
            (Some(top), Some(bottom)) if out.len() >= VECTOR => {
                blocks([top, bottom], place, width, &mut out[..VECTOR], places);
            }
            _ => blocks([top, bottom], place, width, &mut out[..count - i], places),
        }
    }
}

/// Lets each element of a row that is larger take the place of its column's best.
#[inline(always)]
fn challenge<T: Real>(x: &[T], row: usize, best: &mut [T], rows: &mut [i64]) {
    for ((&v, best), at) in x.iter().zip(best).zip(rows) {
        let better = beats(v, *best);
        *best = if better { v } else { *best };
        *at = if better { row as i64 } else { *at };
    }
}

/// The best of the columns' bests for each window. Of two equal numbers, or two NaN, in different columns the rows tell
/// which comes first.
#[inline(always)]
fn across<T: Real>(best: &[T], rows: &[i64], columns: &Spans, out: &mut [T], places: &mut [i64]) {
    let width = best.len() as i64;
    for ((range, y), place) in columns.ranges.iter().zip(out).zip(places) {
        let (mut top, mut at) = (best[range.start], rows[range.start] * width + range.start as i64);
        let mut j = range.start + columns.dilation;
        while j < range.end {
            let (v, p) = (best[j], rows[j] * width + j as i64);
            let last = v.is_nan() & (!top.is_nan() | (p > at));
            let better = (v > top) | ((v == top) & (p < at)) | last;
            top = if better { v } else { top };
            at = if better { p } else { at };
            j += columns.dilation;
        }
        (*y, *place) = (top, at);
    }
}

multiversion! {
    /// Rows of windows from number `first` on, counted through all planes: `out` and `places` hold whole rows.
    fn lines[T: Real](windows: &Windows, first: usize, x: &[T], out: &mut [T], places: &mut [i64]) {
        let ([h, w], Spans { ranges, dilation }) = (windows.plane, windows.rows);
        let (mut best, mut rows) = (vec![T::ZERO; w], vec![0; w]);
        let ow = windows.columns.ranges.len();
        for (at, line) in (0..out.len()).step_by(ow).zip(first..) {
            let (plane, range) = (line / ranges.len() * h * w, &ranges[line % ranges.len()]);
            let row = |i: usize| &x[plane + i * w..][..w];
            let (top, out, places) = (range.start, &mut out[at..], &mut places[at..]);
            if windows.blocks {
                line_of_blocks(x, (plane + top * w, top * w), (ow, w), out, places);
                continue;
            }
            best.copy_from_slice(row(top));
            rows.fill(top as i64);
            for i in range.clone().step_by(*dilation).skip(1) {
                challenge(row(i), i, &mut best, &mut rows);
            }
            across(&best, &rows, windows.columns, &mut out[..ow], &mut places[..ow]);
        }
    }
}

/// The largest element of each window of planes [h, w] and its place among their h w elements: of equal numbers the first
/// in row-major order, of several NaN the last.
///
/// ```
/// use versant::ops::Spans;
/// let pairs = Spans { ranges: vec![0..2, 2..4], dilation: 1 };
/// let all = Spans { ranges: vec![0..2], dilation: 1 };
/// let (mut out, mut places) = ([0.0f32; 2], [0; 2]);
/// let x = [1.0, 2.0, 3.0, 4.0, 8.0, 7.0, 4.0, 4.0];
/// versant::cpu::pool::max_pool(&all, &pairs, [2, 4], &x, &mut out, &mut places);
/// assert_eq!((out, places), ([8.0, 4.0], [4, 3]));
/// ```
pub fn max_pool<T: Real>(
    rows: &Spans,
    columns: &Spans,
    plane: [usize; 2],
    x: &[T],
    out: &mut [T],
    places: &mut [i64],
) {
    if out.is_empty() {
        return;
    }
    let blocks = are_pairs(rows) && are_pairs(columns);
    let (isa, windows) = (isa(), Windows { rows, columns, blocks, plane });
    let read: usize = rows.ranges.iter().map(|range| range.len().div_ceil(rows.dilation) * plane[1]).sum();
    let together = even(out.len() / columns.ranges.len(), PIECE * rows.ranges.len() / read);
    let len = together * columns.ranges.len();
    let mut pieces: Vec<_> = out.chunks_mut(len).zip(places.chunks_mut(len)).collect();
    for_each_piece(&mut pieces, 1, |piece, both| {
        for (out, places) in both {
            lines(isa, &windows, piece * together, x, out, places);
        }
    });
}

/// Rows of `to` zeros to which g [rows, from] is added at its places, in order.
pub fn max_pool_backward<T: Real>((g, from): (&[T], usize), places: &[i64], (out, to): (&mut [T], usize)) {
    if out.is_empty() {
        return;
    }
    let rows = even(out.len() / to, PIECE.div_ceil(to));
    for_each_piece(out, rows * to, |piece, out| {
        for (row, out) in (piece * rows..).zip(out.chunks_exact_mut(to)) {
            out.fill(T::ZERO);
            let part = row * from..(row + 1) * from;
            g[part.clone()].iter().zip(&places[part]).for_each(|(&g, &place)| out[place as usize] += g);
        }
    });
}
