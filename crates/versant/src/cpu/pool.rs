//! Max pooling of planes, and the way back.

use super::isa::{Isa, isa, multiversion};
use super::real::Real;
use super::threads::for_each_piece;
use crate::ops::Spans;

/// Elements that one piece of work reads.
const PIECE: usize = 32 * 1024;

/// Whether a number takes the place of the best so far, which stands before it: the first of equal numbers stays, the
/// last NaN does.
#[inline(always)]
fn beats<T: Real>(v: T, best: T) -> bool {
    v > best || v.is_nan()
}

multiversion! {
    /// The largest of each 2 x 2 block of two rows; `place` is that of the first element, `width` the way to the next row.
    fn blocks[T: Real](top: &[T], bottom: &[T], place: i64, width: i64, out: &mut [T], places: &mut [i64]) {
        let (top, bottom) = (&top.as_chunks::<2>().0[..out.len()], &bottom.as_chunks::<2>().0[..out.len()]);
        for (i, (y, at)) in out.iter_mut().zip(places).enumerate() {
            let (mut best, mut way) = (top[i][0], 0);
            for (v, to) in [(top[i][1], 1), (bottom[i][0], width), (bottom[i][1], width + 1)] {
                let better = beats(v, best);
                best = if better { v } else { best };
                way = if better { to } else { way };
            }
            *y = best;
            *at = place + 2 * i as i64 + way;
        }
    }
}

multiversion! {
    /// Lets each element of a row that is larger take the place of its column's best.
    fn challenge[T: Real](x: &[T], row: i64, best: &mut [T], rows: &mut [i64]) {
        for ((&v, best), at) in x.iter().zip(best).zip(rows) {
            let better = beats(v, *best);
            *best = if better { v } else { *best };
            *at = if better { row } else { *at };
        }
    }
}

/// The best of the columns' bests for each window. Of two equal numbers, or two NaN, in different columns the rows tell
/// which comes first.
fn across<T: Real>(best: &[T], rows: &[i64], columns: &Spans, out: &mut [T], places: &mut [i64]) {
    let width = best.len() as i64;
    for ((range, y), place) in columns.ranges.iter().zip(out).zip(places) {
        let (mut top, mut at) = (best[range.start], rows[range.start] * width + range.start as i64);
        for j in range.clone().step_by(columns.dilation).skip(1) {
            let (v, p) = (best[j], rows[j] * width + j as i64);
            let later = if v.is_nan() { !top.is_nan() || p > at } else { v == top && p < at };
            if v > top || later {
                (top, at) = (v, p);
            }
        }
        (*y, *place) = (top, at);
    }
}

/// Whether the windows are pairs side by side.
fn are_pairs(spans: &Spans) -> bool {
    spans.dilation == 1 && spans.ranges.iter().enumerate().all(|(i, range)| *range == (2 * i..2 * i + 2))
}

/// What one thread needs to find the largest elements of rows of windows.
struct Search<'a, T> {
    columns: &'a Spans,
    pairs: bool,
    isa: Isa,
    best: Vec<T>,
    rows: Vec<i64>,
}

impl<T: Real> Search<'_, T> {
    /// One row of windows: those rows of a plane that `range` gives.
    fn run(
        &mut self,
        plane: &[T],
        range: impl Iterator<Item = usize> + Clone,
        out: &mut [T],
        places: &mut [i64],
    ) {
        let w = self.best.len();
        let row = |i: usize| &plane[i * w..][..w];
        let mut rest = range.clone();
        let (Some(first), second) = (rest.next(), range.clone().nth(1)) else { return };
        if let Some(second) = second.filter(|_| self.pairs) {
            return blocks(self.isa, row(first), row(second), (first * w) as i64, w as i64, out, places);
        }
        self.best.copy_from_slice(row(first));
        self.rows.fill(first as i64);
        for i in rest {
            challenge(self.isa, row(i), i as i64, &mut self.best, &mut self.rows);
        }
        across(&self.best, &self.rows, self.columns, out, places);
    }
}

/// The largest element of each window of planes [h, w] and its place among their h w elements: of equal numbers the first
/// in row-major order, of several NaN the last.
pub fn max_pool<T: Real>(
    rows: &Spans,
    columns: &Spans,
    [h, w]: [usize; 2],
    x: &[T],
    out: &mut [T],
    places: &mut [i64],
) {
    let (oh, ow) = (rows.ranges.len(), columns.ranges.len());
    if out.is_empty() {
        return;
    }
    let (isa, pairs) = (isa(), are_pairs(columns) && are_pairs(rows));
    let read: usize = rows.ranges.iter().map(|range| range.len().div_ceil(rows.dilation) * w).sum();
    let together = (PIECE * oh / read.max(1)).max(1);
    let mut pieces: Vec<_> = out.chunks_mut(together * ow).zip(places.chunks_mut(together * ow)).collect();
    for_each_piece(&mut pieces, 1, |piece, both| {
        let mut search = Search { columns, pairs, isa, best: vec![T::ZERO; w], rows: vec![0; w] };
        for (out, places) in both {
            let lines = out.chunks_exact_mut(ow).zip(places.chunks_exact_mut(ow));
            for (line, (out, places)) in (piece * together..).zip(lines) {
                let (plane, at) = (&x[line / oh * h * w..][..h * w], &rows.ranges[line % oh]);
                search.run(plane, at.clone().step_by(rows.dilation), out, places);
            }
        }
    });
}

/// Rows of `to` zeros to which g [rows, from] is added at its places, in order.
pub fn max_pool_backward<T: Real>((g, from): (&[T], usize), places: &[i64], (out, to): (&mut [T], usize)) {
    if out.is_empty() {
        return;
    }
    let rows = PIECE.div_ceil(to);
    for_each_piece(out, rows * to, |piece, out| {
        for (row, out) in (piece * rows..).zip(out.chunks_exact_mut(to)) {
            out.fill(T::ZERO);
            let part = row * from..(row + 1) * from;
            g[part.clone()].iter().zip(&places[part]).for_each(|(&g, &place)| out[place as usize] += g);
        }
    });
}
