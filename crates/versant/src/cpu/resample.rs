//! Linear maps of planes that act on rows and columns apart, given by matrices of few numbers a row.

use super::isa::{isa, multiversion};
use super::real::Real;
use super::threads::for_each_piece;
use crate::ops::Bands;

/// Numbers that one piece of work reads and writes.
const PIECE: usize = 32 * 1024;

/// How the numbers of a map along the columns lie.
enum Form {
    /// Neighbours two by two: y_i = a_i x_2i + b_i x_(2i+1).
    Pairs,
    /// Each twice: y_2i = a_2i x_i, y_(2i+1) = a_(2i+1) x_i.
    Doubled,
    /// One number a row.
    Single,
    Any,
}

/// The map along the columns, in the type of the elements.
struct Across<'a, T> {
    bands: &'a Bands,
    weights: Vec<T>,
    form: Form,
}

impl<T: Real> Across<'_, T> {
    fn of(bands: &Bands) -> Across<'_, T> {
        let weights: Vec<T> =
            bands.rows().flat_map(|(_, row)| row).map(|&weight| T::from_f64(weight)).collect();
        let all = |len: usize, start: fn(usize) -> usize| {
            bands.rows().enumerate().all(|(i, (first, row))| (first, row.len()) == (start(i), len))
        };
        let form = match () {
            () if all(2, |i| 2 * i) => Form::Pairs,
            () if bands.outputs() == 2 * bands.inputs() && all(1, |i| i / 2) => Form::Doubled,
            () if bands.rows().all(|(_, row)| row.len() == 1) => Form::Single,
            () => Form::Any,
        };
        Across { bands, weights, form }
    }

    #[inline(always)]
    fn apply(&self, x: &[T], out: &mut [T]) {
        let mut weights = self.weights.as_slice();
        match self.form {
            Form::Pairs => {
                let terms = x.as_chunks::<2>().0.iter().zip(weights.as_chunks::<2>().0);
                out.iter_mut().zip(terms).for_each(|(y, (x, w))| *y = x[0] * w[0] + x[1] * w[1]);
            }
            Form::Doubled => {
                let terms = x.iter().zip(weights.as_chunks::<2>().0);
                let pairs = out.as_chunks_mut::<2>().0.iter_mut();
                pairs.zip(terms).for_each(|(y, (&x, w))| *y = [x * w[0], x * w[1]]);
            }
            Form::Single => {
                let terms = self.bands.starts().iter().zip(weights);
                out.iter_mut().zip(terms).for_each(|(y, (&start, &weight))| *y = x[start] * weight);
            }
            Form::Any => {
                for ((start, row), y) in self.bands.rows().zip(out) {
                    let (mine, rest) = weights.split_at(row.len());
                    weights = rest;
                    let x = &x[start..];
                    *y = match mine {
                        [a] => x[0] * *a,
                        [a, b] => x[0] * *a + x[1] * *b,
                        _ => x.iter().zip(mine).fold(T::ZERO, |sum, (&x, &weight)| sum + x * weight),
                    };
                }
            }
        }
    }
}

/// The sum of rows [n, w] by their weights.
#[inline(always)]
fn add_rows<T: Real>(x: &[T], weights: &[f64], sum: &mut [T]) {
    let w = sum.len();
    for (i, &weight) in weights.iter().enumerate() {
        let (weight, row) = (T::from_f64(weight), &x[i * w..][..w]);
        match i {
            0 => sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum = x * weight),
            _ => sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x * weight),
        }
    }
    if weights.is_empty() {
        sum.fill(T::ZERO);
    }
}

multiversion! {
    /// Rows of the result from number `first` on, counted through all planes.
    fn lines[T: Real](rows: &Bands, across: &Across<T>, first: usize, x: &[T], out: &mut [T]) {
        let (h, w, oh, ow) = (rows.inputs(), across.bands.inputs(), rows.outputs(), across.bands.outputs());
        let mut sum = vec![T::ZERO; w];
        for i in 0..out.len() / ow {
            let (done, rest) = out.split_at_mut(i * ow);
            let (plane, at) = ((first + i) / oh, (first + i) % oh);
            let (top, weights) = rows.row(at);
            // Rows of an image that is only made larger repeat one another.
            if i.min(at) > 0 && rows.row(at - 1) == (top, weights) {
                rest[..ow].copy_from_slice(&done[(i - 1) * ow..]);
                continue;
            }
            add_rows(&x[(plane * h + top) * w..], weights, &mut sum);
            across.apply(&sum, &mut rest[..ow]);
        }
    }
}

/// out = rows x columns^T for each plane [h, w] of x: first the rows are added up, then the numbers within the sum.
pub fn resample<T: Real>(rows: &Bands, columns: &Bands, x: &[T], out: &mut [T]) {
    if out.is_empty() {
        return;
    }
    let (isa, across) = (isa(), Across::of(columns));
    let (oh, ow) = (rows.outputs(), columns.outputs());
    let work = (rows.numbers() * columns.inputs() + oh * columns.numbers()).div_ceil(oh);
    let together = (PIECE / work.max(1)).max(1);
    for_each_piece(out, together * ow, |piece, out| lines(isa, rows, &across, piece * together, x, out));
}
