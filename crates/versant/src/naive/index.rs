//! Elements by their indices.

use super::number::{Number, read_i64};
use crate::array::Array;
use crate::dtype::{Element, with_element};

fn last(x: &Array) -> usize {
    x.shape().last().copied().unwrap_or(1)
}

/// The elements in row-major order.
fn elements<T: Element>(x: &Array) -> Vec<T::Repr> {
    let all = x.storage::<T>();
    x.layout().positions().map(|p| all[p]).collect()
}

pub(super) fn gather(x: &Array, index: &Array, out: &mut Array) {
    let (from, to, index) = (last(x), last(index), read_i64(index));
    with_element!(x.dtype(), T => {
        let x = elements::<T>(x);
        for (i, y) in out.as_mut_slice::<T>().iter_mut().enumerate() {
            *y = x[i / to * from + index[i] as usize];
        }
    })
}

pub(super) fn scatter(src: &Array, index: &Array, out: &mut Array) {
    let (from, to, index) = (last(src), last(out), read_i64(index));
    with_element!(src.dtype(), T => {
        let out = out.as_mut_slice::<T>();
        for (i, v) in elements::<T>(src).into_iter().enumerate() {
            out[i / from * to + index[i] as usize] = v;
        }
    })
}

pub(super) fn scatter_add(src: &Array, index: &Array, out: &mut Array) {
    let (from, to) = (last(src), last(out));
    let places = read_i64(index).into_iter().enumerate().map(|(i, at)| i / from * to + at as usize);
    add(src, places, out);
}

pub(super) fn index_select(x: &Array, index: &Array, out: &mut Array) {
    let [_, from, inner] = x.dims();
    let (m, index) = (index.numel(), read_i64(index));
    with_element!(x.dtype(), T => {
        let x = elements::<T>(x);
        for (i, y) in out.as_mut_slice::<T>().iter_mut().enumerate() {
            let (outer, row, column) = (i / (m * inner), i / inner % m, i % inner);
            *y = x[(outer * from + index[row] as usize) * inner + column];
        }
    })
}

pub(super) fn index_add(src: &Array, index: &Array, out: &mut Array) {
    let [_, m, inner] = src.dims();
    let [_, to, _] = out.dims();
    let index = read_i64(index);
    let place = |i: usize| {
        let (outer, row, column) = (i / (m * inner), i / inner % m, i % inner);
        (outer * to + index[row] as usize) * inner + column
    };
    add(src, (0..src.numel()).map(place), out);
}

/// out[places[i]] += src[i]: sums of floating-point numbers are rounded once, integers wrap around.
pub(super) fn add(src: &Array, places: impl Iterator<Item = usize>, out: &mut Array) {
    with_element!(src.dtype(), T => {
        let values = elements::<T>(src);
        if src.dtype().is_float() {
            let mut sums: Vec<f64> = elements::<T>(out).into_iter().map(T::get).collect();
            places.zip(values).for_each(|(p, v)| sums[p] += T::get(v));
            out.as_mut_slice::<T>().iter_mut().zip(sums).for_each(|(y, sum)| *y = T::put(sum));
        } else {
            let out = out.as_mut_slice::<T>();
            places.zip(values).for_each(|(p, v)| {
                out[p] = T::from_i64(T::to_i64(out[p]).wrapping_add(T::to_i64(v)));
            });
        }
    })
}
