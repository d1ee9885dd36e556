//! Equality, exact or within a bound.

use versant::ops::{Reduce, Unary};
use versant::{Array, DType, Device};

pub fn naive(x: &Array) -> Array {
    x.to(Device::Naive)
}

/// Unit roundoff of a type, as the distance from 1 to the next number.
pub fn eps(dtype: DType) -> f64 {
    if dtype == DType::F32 { f32::EPSILON as f64 } else { f64::EPSILON }
}

/// The values as f64; none of the floating types loses anything.
pub fn wide(x: &Array) -> Vec<f64> {
    x.cast(DType::F64).to_vec::<f64>()
}

/// The sum of |x| along axes, in f64.
pub fn magnitude(x: &Array, axes: &[isize]) -> Vec<f64> {
    naive(x).cast(DType::F64).unary(Unary::Abs).reduce(Reduce::Sum, axes).to_vec::<f64>()
}

/// Same shape, type and values; zeros of either sign and all NaN are the same.
#[track_caller]
pub fn exact(got: &Array, wanted: &Array) {
    assert_eq!((got.shape(), got.dtype()), (wanted.shape(), wanted.dtype()));
    if got.dtype().is_float() {
        return within(got, wanted, |_, _| 0.0);
    }
    assert_eq!(got.to_bytes(), wanted.to_bytes());
}

/// Every element within `bound(index, wanted value)` of the wanted one. Infinity is one step beyond the largest
/// number, NaN equals itself.
#[track_caller]
pub fn within(got: &Array, wanted: &Array, bound: impl Fn(usize, f64) -> f64) {
    assert_eq!((got.shape(), got.dtype()), (wanted.shape(), wanted.dtype()));
    for (i, (g, w)) in wide(got).into_iter().zip(wide(wanted)).enumerate() {
        let same = g == w || (g.is_nan() && w.is_nan());
        assert!(
            same || (g - w).abs() <= bound(i, w),
            "element {i}: {g:e}, not {w:e} (bound {:e})",
            bound(i, w)
        );
    }
}

/// Within a number of units in the last place.
#[track_caller]
pub fn within_ulps(got: &Array, wanted: &Array, ulps: f64) {
    let dtype = got.dtype();
    let smallest = if dtype == DType::F32 { f32::MIN_POSITIVE as f64 } else { f64::MIN_POSITIVE };
    within(got, wanted, |_, w| ulps * eps(dtype) * w.abs().max(smallest));
}
