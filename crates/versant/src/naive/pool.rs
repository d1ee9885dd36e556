//! Windows of images and linear maps of them.

use super::number::{read, read_i64, write, write_i64};
use crate::array::Array;
use crate::ops::{Bands, Spans};

pub(super) fn max_pool(rows: &Spans, columns: &Spans, x: &Array, out: &mut Array, places: &mut Array) {
    let [n, c, h, w] = x.dims();
    let (all, mut largest, mut at) = (read(x), Vec::new(), Vec::new());
    for plane in (0..n * c).map(|i| &all[i * h * w..][..h * w]) {
        for in_rows in &rows.ranges {
            for in_columns in &columns.ranges {
                let mut best = in_rows.start * w + in_columns.start;
                for i in in_rows.clone().step_by(rows.dilation) {
                    for j in in_columns.clone().step_by(columns.dilation) {
                        let v = plane[i * w + j];
                        if v > plane[best] || v.is_nan() {
                            best = i * w + j;
                        }
                    }
                }
                largest.push(plane[best]);
                at.push(best as i64);
            }
        }
    }
    write(out, largest);
    write_i64(places, at);
}

pub(super) fn max_pool_backward(g: &Array, places: &Array, out: &mut Array) {
    let [from, to] = [g, out].map(|x| x.dims::<2>()[1]);
    let mut sums = vec![0.0; out.numel()];
    for (i, (g, place)) in read(g).into_iter().zip(read_i64(places)).enumerate() {
        sums[i / from * to + place as usize] += g;
    }
    write(out, sums);
}

pub(super) fn resample(rows: &Bands, columns: &Bands, x: &Array, out: &mut Array) {
    let [n, c, h, w] = x.dims();
    let (all, mut images) = (read(x), Vec::with_capacity(out.numel()));
    for plane in (0..n * c).map(|i| &all[i * h * w..][..h * w]) {
        for (top, down) in rows.rows() {
            for (left, across) in columns.rows() {
                let part = |i: usize| {
                    let row = &plane[(top + i) * w + left..][..across.len()];
                    row.iter().zip(across).map(|(x, weight)| x * weight).sum::<f64>()
                };
                images.push(down.iter().enumerate().map(|(i, weight)| weight * part(i)).sum());
            }
        }
    }
    write(out, images);
}
