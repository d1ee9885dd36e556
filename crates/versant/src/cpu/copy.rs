//! Copies between layouts, with conversion of the element type.
//!
//! Axes that follow one another without gaps on both sides are one axis. What is left is cut into tiles: runs where
//! both sides are contiguous, and small squares where the source is contiguous along another axis than the target
//! (a transpose), so that every cache line is used whole while it is there.

use super::threads::{Shared, parallel_for};
use crate::array::Array;
use crate::dtype::{DType, Element, with_element};
use crate::layout::Layout;

/// Elements of a run that are copied at once.
const RUN: usize = 8 * 1024;

/// The side of a square of a transpose.
const SQUARE: usize = 32;

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Smaller copies stay on the calling thread.
const PARALLEL_LEN: usize = 64 * 1024;

/// Writes the elements of `x` to the places `to` of `out`, converting as Rust's `as` does; to bool: not equal to 0.
pub(super) fn copy(x: &Array, out: &mut Array, to: &Layout) {
    if x.dtype() == out.dtype() {
        return with_element!(x.dtype(), T => each::<T, T>(x, out, to, |to, v| *to = v));
    }
    with_element!(x.dtype(), S => match out.dtype() {
        DType::F32 => each::<S, f32>(x, out, to, |to, v| *to = S::from_repr(v).to_f32()),
        DType::F64 => each::<S, f64>(x, out, to, |to, v| *to = S::from_repr(v).to_f64()),
        DType::I64 => each::<S, i64>(x, out, to, |to, v| *to = S::from_repr(v).to_i64()),
        DType::U8 => each::<S, u8>(x, out, to, |to, v| *to = S::from_repr(v).to_u8()),
        DType::Bool => each::<S, bool>(x, out, to, |to, v| *to = S::from_repr(v).to_bool() as u8),
    })
}

/// Adds the elements of `x` at the places `to` of `out`, in row-major order where places are the same.
pub(super) fn add_into<T: Element<Repr = T> + std::ops::AddAssign>(x: &Array, out: &mut Array, to: &Layout) {
    each::<T, T>(x, out, to, |to, v| *to += v);
}

/// One axis of both sides: its length and the steps along it.
#[derive(Clone, Copy)]
struct Axis {
    len: usize,
    from: usize,
    to: usize,
}

/// The axes without those of 1, and as few as there can be.
fn merged(from: &Layout, to: &Layout) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::with_capacity(from.shape.rank() + 2);
    for (i, &len) in from.shape.iter().enumerate().filter(|&(_, &len)| len != 1) {
        let axis = Axis { len, from: from.strides[i], to: to.strides[i] };
        match axes.last_mut() {
            Some(outer) if outer.from == len * axis.from && outer.to == len * axis.to => {
                *outer = Axis { len: outer.len * len, ..axis };
            }
            _ => axes.push(axis),
        }
    }
    axes
}

/// Whether no two elements have the same place: each step is longer than all that the shorter ones reach together.
fn is_injective(axes: &[Axis]) -> bool {
    let mut steps: Vec<(usize, usize)> = axes.iter().map(|axis| (axis.to, axis.len)).collect();
    steps.sort_unstable();
    let mut reach = 0;
    steps.iter().all(|&(step, len)| {
        let is_beyond = step > reach;
        reach += step * (len - 1);
        is_beyond
    })
}

/// Calls `set` for each place of `out` with the element of `x` that belongs there.
fn each<S: Element, D: Element>(
    x: &Array,
    out: &mut Array,
    to: &Layout,
    set: impl Fn(&mut D::Repr, S::Repr) + Sync,
) {
    assert!(x.shape() == to.shape, "copy: {} elements for {} places", x.shape(), to.shape);
    if x.numel() == 0 {
        return;
    }
    let (from, source, target) = (x.layout(), x.storage::<S>(), out.as_mut_slice::<D>());
    let mut axes = merged(from, to);
    let reach = |step: fn(&Axis) -> usize| axes.iter().map(|axis| (axis.len - 1) * step(axis)).sum::<usize>();
    let ends = [from.offset + reach(|axis| axis.from), to.offset + reach(|axis| axis.to)];
    assert!(ends[0] < source.len() && ends[1] < target.len(), "copy: a place lies outside of the memory");
    let is_injective = is_injective(&axes);

    let inner = axes.pop().unwrap_or(Axis { len: 1, from: 1, to: 1 });
    let along = axes.iter().position(|axis| axis.from == 1).filter(|_| is_injective && inner.from > 1);
    // The tile's axes: that of the target's runs, and that of the source's in a transpose.
    let across = along.map_or(Axis { len: 1, from: 0, to: 0 }, |i| axes.remove(i));
    let side = if along.is_some() { [SQUARE, SQUARE] } else { [1, RUN] };
    for (axis, side) in [across, inner].into_iter().zip(side) {
        axes.push(Axis { len: axis.len.div_ceil(side), from: axis.from * side, to: axis.to * side });
    }
    let tiles: usize = axes.iter().map(|axis| axis.len).product();
    let (source, target) = (&source[from.offset..], Shared::new(&mut target[to.offset..]));
    let copy_tiles = |first: usize, end: usize| {
        let mut at = Walk::at(&axes, first);
        for _ in first..end {
            let index = at.last_two();
            let rows = side[0].min(across.len - index[0] * side[0]);
            let cols = side[1].min(inner.len - index[1] * side[1]);
            for row in 0..rows {
                let source = &source[at.from + row * across.from..];
                // SAFETY: the farthest place was checked to lie in the memory. Where tiles are shared by threads no two
                // elements have the same place.
                let target = unsafe { target.get().add(at.to + row * across.to) };
                if inner.from == 1 && inner.to == 1 {
                    // SAFETY: as above.
                    let target = unsafe { std::slice::from_raw_parts_mut(target, cols) };
                    target.iter_mut().zip(&source[..cols]).for_each(|(to, &v)| set(to, v));
                } else {
                    for i in 0..cols {
                        // SAFETY: as above.
                        set(unsafe { &mut *target.add(i * inner.to) }, source[i * inner.from]);
                    }
                }
            }
            at.step();
        }
    };
    if x.numel() < PARALLEL_LEN || !is_injective {
        return copy_tiles(0, tiles);
    }
    let together = (tiles * PIECE / x.numel()).max(1);
    parallel_for(tiles.div_ceil(together), &|piece| {
        copy_tiles(piece * together, tiles.min((piece + 1) * together));
    });
}

/// A place in the order of tiles: its numbers along the axes and where it begins on both sides.
struct Walk<'a> {
    axes: &'a [Axis],
    index: Vec<usize>,
    from: usize,
    to: usize,
}

impl Walk<'_> {
    fn at(axes: &[Axis], mut tile: usize) -> Walk<'_> {
        let mut walk = Walk { axes, index: vec![0; axes.len()], from: 0, to: 0 };
        for (index, axis) in walk.index.iter_mut().zip(axes).rev() {
            *index = tile % axis.len;
            tile /= axis.len;
            walk.from += *index * axis.from;
            walk.to += *index * axis.to;
        }
        walk
    }

    fn step(&mut self) {
        for (index, axis) in self.index.iter_mut().zip(self.axes).rev() {
            *index += 1;
            self.from += axis.from;
            self.to += axis.to;
            if *index < axis.len {
                return;
            }
            *index = 0;
            self.from -= axis.len * axis.from;
            self.to -= axis.len * axis.to;
        }
    }

    /// The numbers along the last two axes.
    fn last_two(&self) -> [usize; 2] {
        let [.., a, b] = self.index[..] else { unreachable!("a tile has two axes") };
        [a, b]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::threads::tests::with_threads;

    fn numbers(shape: &[usize]) -> Array {
        let values: Vec<i64> = (0..shape.iter().product::<usize>() as i64).collect();
        Array::from_slice(&values, shape)
    }

    /// Views whose elements, copied in order, must be those that their positions name.
    #[test]
    fn every_layout_arrives_in_order() {
        let big = numbers(&[3, 130, 70, 5]);
        let views = [
            big.clone(),
            big.permute(&[3, 2, 1, 0]),
            big.permute(&[0, 2, 1, 3]),
            big.permute(&[0, 3, 1, 2]),
            big.slice(1, 3, 120, 2).permute(&[1, 3, 0, 2]),
            big.slice(2, 1, 2, 1).slice(3, 4, 5, 1),
            big.slice(3, 1, 5, 3),
            big.slice(1, 7, 7, 1),
            numbers(&[1, 33, 1]).broadcast_to([40, 33, 65]),
            numbers(&[40, 1, 65]).broadcast_to([40, 33, 65]).permute(&[2, 0, 1]),
            numbers(&[1]).broadcast_to([300_000]),
            numbers(&[]),
            numbers(&[300_001]),
        ];
        for (i, view) in views.iter().enumerate() {
            let all = view.storage::<i64>();
            let wanted: Vec<i64> = view.layout().positions().map(|at| all[at]).collect();
            for threads in [1, 3] {
                let got = with_threads(threads, || {
                    let mut out = Array::zeros(view.shape(), DType::I64);
                    copy(view, &mut out, &Layout::contiguous(view.shape()));
                    out.to_vec::<i64>()
                });
                assert!(got == wanted, "view {i}, {threads} threads");
            }
        }
    }

    #[test]
    fn sums_at_one_place_are_in_order_and_places_between_stay() {
        let x = Array::from_slice(&(1..=12).map(|v| 1.0 / v as f64).collect::<Vec<_>>(), [4, 3]);
        let mut out = Array::from_slice(&[0.5f64; 6], [6]);
        // Overlapping rows: element (i, j) goes to place 1 + i + j.
        let mut to = Layout { offset: 1, ..Layout::contiguous([3, 3].into()) };
        to.strides.0[0] = 1;
        add_into::<f64>(&x.slice(0, 0, 3, 1), &mut out, &to);
        let mut wanted = [0.5f64; 6];
        for i in 0..3 {
            for j in 0..3 {
                wanted[1 + i + j] += 1.0 / (1 + 3 * i + j) as f64;
            }
        }
        assert_eq!(out.to_vec::<f64>(), wanted);
    }

    #[test]
    #[should_panic(expected = "a place lies outside of the memory")]
    fn places_are_checked() {
        let mut out = Array::zeros([5], DType::I64);
        copy(&numbers(&[2, 3]), &mut out, &Layout::contiguous([2, 3].into()));
    }
}
