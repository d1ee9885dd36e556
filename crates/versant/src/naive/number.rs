//! Elements read into f64 or i64, and written back.

use crate::array::Array;
use crate::dtype::{Element, with_element};

/// Any element as f64 and back, converting as `as` does.
pub(super) trait Number: Element {
    fn get(repr: Self::Repr) -> f64;
    fn put(value: f64) -> Self::Repr;
    fn to_i64(repr: Self::Repr) -> i64;
    fn from_i64(value: i64) -> Self::Repr;
}

macro_rules! number {
    ($($t:ty)*) => {$(
        impl Number for $t {
            fn get(repr: $t) -> f64 {
                repr as f64
            }
            fn put(value: f64) -> $t {
                value as $t
            }
            fn to_i64(repr: $t) -> i64 {
                repr as i64
            }
            fn from_i64(value: i64) -> $t {
                value as $t
            }
        }
    )*};
}
number!(f32 f64 i64 u8);

impl Number for bool {
    fn get(repr: u8) -> f64 {
        repr as f64
    }
    fn put(value: f64) -> u8 {
        (value != 0.0) as u8
    }
    fn to_i64(repr: u8) -> i64 {
        repr as i64
    }
    fn from_i64(value: i64) -> u8 {
        (value != 0) as u8
    }
}

/// The elements in row-major order, as f64.
pub(super) fn read(x: &Array) -> Vec<f64> {
    with_element!(x.dtype(), T => {
        let all = x.storage::<T>();
        x.layout().positions().map(|p| T::get(all[p])).collect()
    })
}

/// The elements of an integer array, exactly.
pub(super) fn read_i64(x: &Array) -> Vec<i64> {
    with_element!(x.dtype(), T => {
        let all = x.storage::<T>();
        x.layout().positions().map(|p| T::to_i64(all[p])).collect()
    })
}

pub(super) fn write(out: &mut Array, values: impl IntoIterator<Item = f64>) {
    with_element!(out.dtype(), T => {
        for (to, value) in out.as_mut_slice::<T>().iter_mut().zip(values) {
            *to = T::put(value);
        }
    })
}

pub(super) fn write_i64(out: &mut Array, values: impl IntoIterator<Item = i64>) {
    with_element!(out.dtype(), T => {
        for (to, value) in out.as_mut_slice::<T>().iter_mut().zip(values) {
            *to = T::from_i64(value);
        }
    })
}
