//! Linear maps of planes that act on rows and columns apart, given by matrices of few numbers a row.

use super::isa::{Isa, isa, multiversion};
use super::real::Real;
use super::threads::for_each_piece;
use crate::ops::Bands;

/// Numbers that one piece of work reads and writes.
const PIECE: usize = 32 * 1024;

multiversion! {
    fn scaled[T: Real](x: &[T], weight: T, sum: &mut [T]) {
        for (sum, &x) in sum.iter_mut().zip(x) {
            *sum = x * weight;
        }
    }
}

multiversion! {
    fn add_scaled[T: Real](x: &[T], weight: T, sum: &mut [T]) {
        for (sum, &x) in sum.iter_mut().zip(x) {
            *sum += x * weight;
        }
    }
}

multiversion! {
    /// Neighbours two by two: y_i = a_i x_2i + b_i x_(2i+1).
    fn pairs[T: Real](x: &[T], weights: &[T], out: &mut [T]) {
        let (x, weights) = (&x.as_chunks::<2>().0[..out.len()], &weights.as_chunks::<2>().0[..out.len()]);
        for (i, y) in out.iter_mut().enumerate() {
            *y = x[i][0] * weights[i][0] + x[i][1] * weights[i][1];
        }
    }
}

multiversion! {
    /// Each twice: y_2i = a_2i x_i, y_(2i+1) = a_(2i+1) x_i.
    fn doubled[T: Real](x: &[T], weights: &[T], out: &mut [T]) {
        let (out, weights) = (&mut out.as_chunks_mut::<2>().0[..x.len()], &weights.as_chunks::<2>().0[..x.len()]);
        for (i, &x) in x.iter().enumerate() {
            out[i] = [x * weights[i][0], x * weights[i][1]];
        }
    }
}

/// How the numbers of a map along the columns lie.
enum Form {
    Pairs,
    Doubled,
    Any,
}

/// The map along the columns, in the type of the elements.
struct Across<'a, T> {
    bands: &'a Bands,
    weights: Vec<T>,
    form: Form,
    isa: Isa,
}

impl<T: Real> Across<'_, T> {
    fn of(bands: &Bands, isa: Isa) -> Across<'_, T> {
        let weights: Vec<T> =
            bands.rows().flat_map(|(_, row)| row).map(|&weight| T::from_f64(weight)).collect();
        let (inputs, outputs) = (bands.inputs(), bands.outputs());
        let all = |start: fn(usize) -> usize, len: usize| {
            bands.rows().enumerate().all(|(i, (first, row))| (first, row.len()) == (start(i), len))
        };
        let form = match () {
            () if all(|i| 2 * i, 2) => Form::Pairs,
            () if outputs == 2 * inputs && all(|i| i / 2, 1) => Form::Doubled,
            () => Form::Any,
        };
        Across { bands, weights, form, isa }
    }

    fn apply(&self, x: &[T], out: &mut [T]) {
        match self.form {
            Form::Pairs => pairs(self.isa, x, &self.weights, out),
            Form::Doubled => doubled(self.isa, x, &self.weights, out),
            Form::Any => {
                let mut weights = self.weights.as_slice();
                for ((start, row), y) in self.bands.rows().zip(out) {
                    let (mine, rest) = weights.split_at(row.len());
                    weights = rest;
                    *y = T::ZERO;
                    x[start..].iter().zip(mine).for_each(|(&x, &weight)| *y += x * weight);
                }
            }
        }
    }
}

/// out = rows x columns^T for each plane [h, w] of x: first the rows are added up, then the numbers within the sum.
pub fn resample<T: Real>(rows: &Bands, columns: &Bands, x: &[T], out: &mut [T]) {
    if out.is_empty() {
        return;
    }
    let (h, w, oh, ow) = (rows.inputs(), columns.inputs(), rows.outputs(), columns.outputs());
    let isa = isa();
    let across = Across::of(columns, isa);
    let work = (rows.numbers() * w + oh * columns.numbers()).div_ceil(oh);
    let lines = (PIECE / work.max(1)).max(1);
    for_each_piece(out, lines * ow, |piece, out| {
        let mut sum = vec![T::ZERO; w];
        for (line, y) in (piece * lines..).zip(out.chunks_exact_mut(ow)) {
            let (first, weights) = rows.row(line % oh);
            let from = &x[(line / oh * h + first) * w..][..weights.len() * w];
            match weights {
                [] => sum.fill(T::ZERO),
                [weight, more @ ..] => {
                    scaled(isa, &from[..w], T::from_f64(*weight), &mut sum);
                    for (i, &weight) in (1..).zip(more) {
                        add_scaled(isa, &from[i * w..][..w], T::from_f64(weight), &mut sum);
                    }
                }
            }
            across.apply(&sum, y);
        }
    });
}
