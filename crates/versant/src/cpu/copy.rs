//! Copies between layouts, with conversion of the element type.

use crate::array::Array;
use crate::dtype::{DType, Element, with_element};
use crate::layout::Layout;
use crate::shape::Shape;

/// Writes the elements of `x` to the places `to` of `out`, converting as Rust's `as` does; to bool: not equal to 0.
pub(super) fn copy(x: &Array, out: &mut Array, to: &Layout) {
    if x.dtype() == out.dtype() {
        return with_element!(x.dtype(), T => rows::<T, T>(x, out, to, |v| v));
    }
    with_element!(x.dtype(), S => match out.dtype() {
        DType::F32 => rows::<S, f32>(x, out, to, |v| S::from_repr(v).to_f32()),
        DType::F64 => rows::<S, f64>(x, out, to, |v| S::from_repr(v).to_f64()),
        DType::I64 => rows::<S, i64>(x, out, to, |v| S::from_repr(v).to_i64()),
        DType::U8 => rows::<S, u8>(x, out, to, |v| S::from_repr(v).to_u8()),
        DType::Bool => rows::<S, bool>(x, out, to, |v| S::from_repr(v).to_bool() as u8),
    })
}

/// Adds the elements of `x` at the places `to` of `out`, one after another.
pub(super) fn add_into<T: Element<Repr = T> + std::ops::AddAssign>(x: &Array, out: &mut Array, to: &Layout) {
    let (source, target) = (x.storage::<T>(), out.as_mut_slice::<T>());
    x.layout().positions().zip(to.positions()).for_each(|(from, to)| target[to] += source[from]);
}

/// Copies along the last axis in an inner loop, for every position of the axes before.
fn rows<S: Element, D: Element>(
    x: &Array,
    out: &mut Array,
    to: &Layout,
    convert: impl Fn(S::Repr) -> D::Repr,
) {
    let from = x.layout();
    let rank = from.shape.rank();
    if x.numel() == 0 {
        return;
    }
    let source = x.storage::<S>();
    let target = out.as_mut_slice::<D>();
    if from.is_contiguous() && to.is_contiguous() {
        let (source, target) = (&source[from.offset..][..x.numel()], &mut target[to.offset..][..x.numel()]);
        target.iter_mut().zip(source).for_each(|(to, &from)| *to = convert(from));
        return;
    }
    let last = rank - 1;
    let (len, step_from, step_to) = (from.shape[last], from.strides[last], to.strides[last]);
    let outer = |layout: &Layout| Layout { shape: Shape::new(&layout.shape[..last]), ..*layout }.positions();
    for (start_from, start_to) in outer(from).zip(outer(to)) {
        if step_from == 1 && step_to == 1 {
            let (source, target) = (&source[start_from..][..len], &mut target[start_to..][..len]);
            target.iter_mut().zip(source).for_each(|(to, &from)| *to = convert(from));
        } else {
            for i in 0..len {
                target[start_to + i * step_to] = convert(source[start_from + i * step_from]);
            }
        }
    }
}

/// Conversions of one element.
trait Convert {
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    fn to_i64(self) -> i64;
    fn to_u8(self) -> u8;
    fn to_bool(self) -> bool;
}

macro_rules! convert {
    ($($t:ty),*) => {$(
        impl Convert for $t {
            fn to_f32(self) -> f32 {
                self as f32
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn to_i64(self) -> i64 {
                self as i64
            }
            fn to_u8(self) -> u8 {
                self as u8
            }
            fn to_bool(self) -> bool {
                self != 0 as $t
            }
        }
    )*};
}
convert!(f32, f64, i64, u8);

impl Convert for bool {
    fn to_f32(self) -> f32 {
        self as u8 as f32
    }
    fn to_f64(self) -> f64 {
        self as u8 as f64
    }
    fn to_i64(self) -> i64 {
        self as i64
    }
    fn to_u8(self) -> u8 {
        self as u8
    }
    fn to_bool(self) -> bool {
        self
    }
}
