//! Normalisation where a group is a row and neighbours in it are of different channels: the norm of layers.

use super::runs::pair_sums;
use super::{Grads, Input, Line, PIECE, Slope, positive, slope};
use crate::cpu::isa::{Isa, multiversion};
use crate::cpu::real::Real;
use crate::cpu::threads::for_each_piece;
use crate::device::Norm;

/// The rows of a piece: so many that its sums over rows are few beside the rows themselves, and so few that these sums
/// can be taken in the rows' own type.
const ROWS: [usize; 2] = [16, 128];

multiversion! {
    /// out = x^ weight + bias, where x^ is on the line, and max(out, 0) of that with a ReLU.
    fn normalize_row[T: Real](x: &[T], line: Line<T>, affine: [&[T]; 2], relu: bool, out: &mut [T]) {
        let each = out.iter_mut().zip(x).zip(affine[0]).zip(affine[1]);
        match relu {
            false => each.for_each(|(((out, &x), &w), &b)| *out = line.at(x) * w + b),
            true => each.for_each(|(((out, &x), &w), &b)| *out = positive(line.at(x) * w + b)),
        }
    }
}

multiversion! {
    /// The gradient of what the ReLU was given.
    fn gate_row[T: Real](g: &[T], x: &[T], line: Line<T>, affine: [&[T]; 2], out: &mut [T]) {
        let each = out.iter_mut().zip(g).zip(x).zip(affine[0]).zip(affine[1]);
        each.for_each(|((((out, &g), &x), &w), &b)| *out = if line.at(x) * w + b <= T::ZERO { T::ZERO } else { g });
    }
}

multiversion! {
    /// The sums of h = g w and of h (x - near); h is also written.
    fn weighted_gradient_sums[T: Real](g: &[T], w: &[T], x: &[T], near: T, h: &mut [T]) -> [f64; 2] {
        for ((h, &g), &w) in h.iter_mut().zip(g).zip(w) {
            *h = g * w;
        }
        pair_sums(h, x, near, |_, h| h)
    }
}

multiversion! {
    /// From h the gradient of x, in place.
    fn combine_in_place[T: Real](h: &mut [T], x: &[T], slope: Slope<T>) {
        for (h, &x) in h.iter_mut().zip(x) {
            *h = slope.at(x, *h);
        }
    }
}

multiversion! {
    /// out = g scale w.
    fn scaled[T: Real](g: &[T], w: &[T], scale: T, out: &mut [T]) {
        for ((out, &g), &w) in out.iter_mut().zip(g).zip(w) {
            *out = g * scale * w;
        }
    }
}

multiversion! {
    /// Adds g x^ to `weight` and g to `bias`.
    fn add_products[T: Real](g: &[T], x: &[T], line: Line<T>, weight: &mut [T], bias: &mut [T]) {
        for (((weight, bias), &g), &x) in weight.iter_mut().zip(bias).zip(g).zip(x) {
            *weight += g * line.at(x);
            *bias += g;
        }
    }
}

impl<T: Real> Input<'_, T> {
    /// x^ of a row.
    fn line_of_row(&self, row: usize) -> Line<T> {
        let of = self.statistic(row);
        let [scale, offset] = [of.rstd, -of.rest * of.rstd].map(T::from_f64);
        Line { near: of.near, scale, offset }
    }
}

/// The weight and the bias of each channel.
fn affine<T: Real>(input: &Input<T>) -> [Vec<T>; 2] {
    let channels = input.norm.channels;
    [(input.weight, T::ONE), (input.bias, T::ZERO)]
        .map(|(part, default)| part.map_or(vec![default; channels], <[T]>::to_vec))
}

pub(super) fn normalize<T: Real>(isa: Isa, input: &Input<T>, out: &mut [T]) {
    let Norm { inner, channels, .. } = input.norm;
    let [weight, bias] = affine(input);
    let together = PIECE.div_ceil(inner) * inner;
    for_each_piece(out, together, |piece, out| {
        for (i, out) in out.chunks_exact_mut(inner).enumerate() {
            let start = piece * together + i * inner;
            let channel = start % channels;
            let affine = [&weight, &bias].map(|part| &part[channel..][..inner]);
            let line = input.line_of_row(start / inner);
            normalize_row(isa, &input.x[start..][..inner], line, affine, input.relu, out);
        }
    });
}

/// A piece of rows has sums of its own over its rows.
pub(super) fn backward<T: Real>(isa: Isa, input: &Input<T>, g: &[T], grads: Grads<T>) {
    let Norm { groups: rows, inner, channels, .. } = input.norm;
    let [weight, bias] = affine(input);
    let together = PIECE.div_ceil(inner).clamp(ROWS[0], ROWS[1]);
    let pieces = rows.div_ceil(together);
    let summed = grads.weight.is_some() || grads.bias.is_some();
    let mut sums = vec![T::ZERO; if summed { pieces * 2 * channels } else { 0 }];
    let mut of_dx = grads.x.map(|dx| dx.chunks_mut(together * inner));
    let mut of_sums = sums.chunks_mut((2 * channels).max(1));
    let mut next = || (of_dx.as_mut().and_then(Iterator::next), of_sums.next());
    let mut outputs: Vec<_> = (0..pieces).map(|_| next()).collect();
    for_each_piece(&mut outputs, 1, |piece, outputs| {
        let (dx, sums) = &mut outputs[0];
        let mut gated = vec![T::ZERO; if input.relu { inner } else { 0 }];
        for row in piece * together..rows.min((piece + 1) * together) {
            let (start, channel) = (row * inner, row * inner % channels);
            let (mut g, x, line) = (&g[start..][..inner], &input.x[start..][..inner], input.line_of_row(row));
            let [w, b] = [&weight, &bias].map(|part| &part[channel..][..inner]);
            if input.relu {
                gate_row(isa, g, x, line, [w, b], &mut gated);
                g = &gated;
            }
            if let Some(dx) = dx {
                let dx = &mut dx[start - piece * together * inner..][..inner];
                input_gradient_of_row(isa, input, row, [g, x, w], dx);
            }
            if let Some(sums) = sums {
                let (dw, db) = sums.split_at_mut(channels);
                add_products(isa, g, x, line, &mut dw[channel..][..inner], &mut db[channel..][..inner]);
            }
        }
    });
    let mut totals = [vec![0.0; channels], vec![0.0; channels]];
    for (i, sums) in sums.chunks_exact(channels.max(1)).enumerate() {
        totals[i % 2].iter_mut().zip(sums).for_each(|(total, sum)| *total += sum.to_f64());
    }
    for (out, totals) in [grads.weight, grads.bias].into_iter().zip(totals) {
        let out = out.into_iter().flatten();
        out.zip(totals).for_each(|(out, total)| *out = T::from_f64(total));
    }
}

fn input_gradient_of_row<T: Real>(
    isa: Isa,
    input: &Input<T>,
    row: usize,
    [g, x, w]: [&[T]; 3],
    dx: &mut [T],
) {
    let of = input.statistic(row);
    if !input.own {
        return scaled(isa, g, w, T::from_f64(of.rstd), dx);
    }
    let [sum, moved] = weighted_gradient_sums(isa, g, w, x, of.near, dx);
    let means = [sum, (moved - of.rest * sum) * of.rstd].map(|sum| sum / x.len() as f64);
    combine_in_place(isa, dx, x, slope(&of, 1.0, means));
}
