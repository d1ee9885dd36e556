//! What goes along a row in its order: recurrences, and the order itself.

use super::number::{read, read_i64, write, write_i64};
use crate::array::Array;

/// y_i = b_i + a_i y_(i-1), y_0 = b_0, along the last axis, from the other end if `reverse`.
pub(super) fn scan(a: Option<&Array>, b: &Array, reverse: bool, out: &mut Array) {
    let cols = super::last_axis(b);
    if b.dtype().is_float() {
        let a = a.map_or_else(|| vec![1.0; b.numel()], read);
        write(out, along(a, read(b), cols, reverse, |b, a, last| b + a * last));
    } else {
        let a = a.map_or_else(|| vec![1; b.numel()], read_i64);
        let step = |b: i64, a: i64, last: i64| b.wrapping_add(a.wrapping_mul(last));
        write_i64(out, along(a, read_i64(b), cols, reverse, step));
    }
}

fn along<T: Copy>(a: Vec<T>, b: Vec<T>, cols: usize, reverse: bool, step: impl Fn(T, T, T) -> T) -> Vec<T> {
    let mut y = b.clone();
    for row in 0..b.len() / cols {
        for k in 1..cols {
            let at = |k: usize| row * cols + if reverse { cols - 1 - k } else { k };
            y[at(k)] = step(b[at(k)], a[at(k)], y[at(k - 1)]);
        }
    }
    y
}

/// The first places of a row's elements in stable order, as many as `out` has, NaN the greatest: an element stands
/// behind as many as precede it.
pub(super) fn argsort(descending: bool, x: &Array, out: &mut Array) {
    if x.dtype().is_float() {
        places(&read(x), super::last_axis(x), descending, out);
    } else {
        places(&read_i64(x), super::last_axis(x), descending, out);
    }
}

fn places<T: PartialOrd>(x: &[T], cols: usize, descending: bool, out: &mut Array) {
    let is_nan = |v: &T| v.partial_cmp(v).is_none();
    let less = |a: &T, b: &T| a < b || (is_nan(b) && !is_nan(a));
    let count = super::last_axis(out);
    let mut all = vec![0; out.numel()];
    for (row, places) in x.chunks(cols).zip(all.chunks_mut(count)) {
        for (i, v) in row.iter().enumerate() {
            let before = |&(j, w): &(usize, &T)| {
                let (first, second) = if descending { (v, w) } else { (w, v) };
                less(first, second) || (j < i && !less(second, first))
            };
            if let Some(place) = places.get_mut(row.iter().enumerate().filter(before).count()) {
                *place = i as i64;
            }
        }
    }
    write_i64(out, all);
}
