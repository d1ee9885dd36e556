//! The fast kernels as a [`Backend`]: from arrays to slices, and the choice of the loop.

use super::cross_entropy::{self, Classes};
use super::elementwise::{Map, Operand, Zip, binary, select};
use super::gemm::{self, MatRef, gemm};
use super::real::Real;
use super::threads::for_each_piece;
use super::{conv, copy, formulas, index, norm, optim, pool, reduce, relu, resample, scan, softmax, sort};
use crate::array::Array;
use crate::device::{Backend, ConvShape, Epilogue, Norm, NormGrads, NormInput};
use crate::dtype::{DType, Element, with_element, with_float};
use crate::layout::Layout;
use crate::naive::{self, Naive};
use crate::ops::{Bands, Binary, Compare, Reduce, Spans, Unary};
use crate::optim::Step;

/// The backend of [`Device::Cpu`](crate::Device::Cpu).
pub struct Cpu;

/// The elements of a contiguous array of a floating type.
fn slice<T: Element>(x: &Array) -> &[T::Repr] {
    match x.contiguous_slice::<T>() {
        Some(slice) => slice,
        None => unreachable!("made contiguous by the caller"),
    }
}

/// The end of a convolution, with slices.
fn finish<'a, T: Element>(epilogue: Epilogue<'a>) -> conv::Finish<'a, T::Repr> {
    conv::Finish { bias: epilogue.bias.map(slice::<T>), relu: epilogue.relu }
}

/// An array as an operand of an elementwise loop, and for how many neighbours one of its elements stands: a number
/// where it is a stretched scalar, the elements that differ where it is broadcast, else all of them, brought into order
/// first if need be.
struct Flat {
    values: Array,
    repeat: usize,
    len: usize,
}

impl Flat {
    fn is_number(x: &Array) -> bool {
        let shape = x.shape();
        x.numel() > 0 && (0..x.rank()).all(|axis| shape[axis] == 1 || x.layout().strides[axis] == 0)
    }

    /// One number, or all elements.
    fn of(x: &Array) -> Flat {
        let values = match Flat::is_number(x) {
            true => x.with_layout(Layout { shape: ().into(), ..*x.layout() }),
            false => x.contiguous(),
        };
        Flat { values, repeat: 1, len: x.numel() }
    }

    /// The same, or one operand repeated beside all elements of the other.
    fn pair(a: &Array, b: &Array) -> (Flat, Flat) {
        match (Flat::repeated(a), Flat::repeated(b)) {
            (Some(a), _) if !Flat::is_number(b) => (a, Flat::of(b)),
            (None, Some(b)) if !Flat::is_number(a) => (Flat::of(a), b),
            _ => (Flat::of(a), Flat::of(b)),
        }
    }

    /// Of a view whose axes of stride 0 are its first and its last ones, and which has others in between.
    fn repeated(x: &Array) -> Option<Flat> {
        let Layout { shape, strides, .. } = *x.layout();
        let moves = |axis: &usize| shape[*axis] > 1 && strides[*axis] != 0;
        let (first, last) = ((0..x.rank()).find(moves)?, (0..x.rank()).rfind(moves)?);
        let outer = (0..first).chain(last + 1..x.rank());
        let values = outer.fold(*x.layout(), |layout, axis| layout.slice(axis, 0, shape[axis].min(1), 1));
        let values = x.with_layout(values);
        let repeats = values.numel() < x.numel() && values.is_contiguous();
        let repeat = shape[last + 1..].iter().product();
        repeats.then(|| Flat { values: values.reshape([values.numel()]), repeat, len: x.numel() })
    }

    fn operand<T: Element>(&self) -> Operand<'_, T::Repr> {
        let values = slice::<T>(&self.values);
        match self.values.rank() {
            0 => Operand::Scalar(values[0]),
            _ if values.len() < self.len => Operand::Repeated { values, repeat: self.repeat },
            _ => Operand::Slice(values),
        }
    }
}

/// The axes of a view whose last axes, from `kept` on, come first in memory: the sum over the rows of a matrix.
fn as_columns(x: &Array, kept: usize) -> Option<Array> {
    let order: Vec<usize> = (kept..x.rank()).chain(0..kept).collect();
    let turned = x.permute(&order);
    turned.is_contiguous().then_some(turned)
}

fn reduce_of<T: Real + Element<Repr = T>>(op: Reduce, x: &Array, kept: usize, out: &mut Array) {
    let len = x.shape()[kept..].iter().product();
    if op == Reduce::Sum
        && !x.is_contiguous()
        && let Some(columns) = as_columns(x, kept)
    {
        return reduce::column_sums(slice::<T>(&columns), out.as_mut_slice::<T>());
    }
    let x = x.contiguous();
    let (x, out) = (slice::<T>(&x), out.as_mut_slice::<T>());
    match op {
        Reduce::Sum if out.len() == 1 => out[0] = reduce::sum(x),
        Reduce::Max if out.len() == 1 => out[0] = reduce::max(x),
        Reduce::Min if out.len() == 1 => out[0] = reduce::min(x),
        Reduce::Sum => reduce::row_sums(x, len, out),
        Reduce::Prod => reduce::row_products(x, len, out),
        Reduce::Max => reduce::row_maxima(x, len, out),
        Reduce::Min => reduce::row_minima(x, len, out),
    }
}

fn wide<T: Copy + Into<i64>>(row: &[T]) -> impl Iterator<Item = i64> {
    row.iter().map(|&v| v.into())
}

/// Computed in i64, where sums and products wrap around; `put` makes the result's element of it.
fn reduce_integers<T, R>(op: Reduce, x: &Array, kept: usize, out: &mut Array, put: fn(i64) -> R::Repr)
where
    T: Element<Repr: Into<i64>>,
    R: Element,
{
    let len = x.shape()[kept..].iter().product();
    let x = x.contiguous();
    let (x, out) = (slice::<T>(&x), out.as_mut_slice::<R>());
    match op {
        Reduce::Sum => reduce::each_row(x, len, out, |row| put(wide(row).fold(0, i64::wrapping_add))),
        Reduce::Prod => reduce::each_row(x, len, out, |row| put(wide(row).fold(1, i64::wrapping_mul))),
        Reduce::Max => reduce::each_row(x, len, out, |row| put(wide(row).max().unwrap_or(0))),
        Reduce::Min => reduce::each_row(x, len, out, |row| put(wide(row).min().unwrap_or(0))),
    }
}

/// The product of each pair of matrices in the batch. Small ones are computed side by side, large ones in turn, each by
/// all threads.
fn matmul_of<T: Real + Element<Repr = T>>(a: &Array, b: &Array, epilogue: Epilogue, out: &mut Array) {
    let rank = a.rank();
    let (m, k, n) = (a.shape()[rank - 2], a.shape()[rank - 1], b.shape()[rank - 1]);
    let epilogue =
        gemm::Epilogue { accumulate: false, bias: epilogue.bias.map(slice::<T>), relu: epilogue.relu };
    let batches = |x: &Array| Layout { shape: x.shape()[..rank - 2].into(), ..*x.layout() }.positions();
    let strides = |x: &Array| [x.layout().strides[rank - 2], x.layout().strides[rank - 1]];
    let (sa, sb) = (a.storage::<T>(), b.storage::<T>());
    let places: Vec<(usize, usize)> = batches(a).zip(batches(b)).collect();
    let (flops, len) = (gemm::flops(m, k, n), (m * n).max(1));
    let together = match flops < gemm::PARALLEL_FLOPS {
        true => (gemm::PARALLEL_FLOPS / flops.max(1)).min(places.len()),
        false => places.len(),
    };
    for_each_piece(out.as_mut_slice::<T>(), together.max(1) * len, |piece, out| {
        let places = &places[piece * together..];
        for (&(at_a, at_b), c) in places.iter().zip(out.chunks_exact_mut(len)) {
            // With k = 0 nothing is read, and the place of a matrix may lie outside the empty buffer.
            let a = MatRef::new(sa.get(at_a..).unwrap_or_default(), [m, k], strides(a));
            let b = MatRef::new(sb.get(at_b..).unwrap_or_default(), [k, n], strides(b));
            gemm(a, b, c, n, epilogue);
        }
    });
}

fn norm_input<'a, T: Real + Element<Repr = T>>(input: &NormInput<'a>) -> norm::Input<'a, T> {
    norm::Input {
        norm: input.norm,
        x: slice::<T>(input.x),
        mean: slice::<f64>(input.mean),
        var: slice::<f64>(input.var),
        weight: input.weight.map(slice::<T>),
        bias: input.bias.map(slice::<T>),
        relu: input.relu,
        own: input.own,
    }
}

fn classes(logits: &Array, smoothing: f64) -> Classes {
    let [_, classes, places] = logits.dims();
    Classes { classes, places, smoothing }
}

fn last_axis(x: &Array) -> usize {
    x.shape().last().copied().unwrap_or(1)
}

impl Backend for Cpu {
    fn copy(&self, x: &Array, out: &mut Array, to: &Layout) {
        copy::copy(x, out, to);
    }

    fn unary(&self, op: Unary, x: &Array, out: &mut Array) {
        let x = x.contiguous();
        with_float!(x.dtype(), T => formulas::unary(op, Map::To(slice::<T>(&x), out.as_mut_slice::<T>())))
    }

    fn binary(&self, op: Binary, a: &Array, b: &Array, out: &mut Array) {
        let (a, b) = Flat::pair(a, b);
        match out.dtype() {
            DType::I64 => {
                let of = |a, b| naive::binary_i64(op, a, b);
                binary(a.operand::<i64>(), b.operand::<i64>(), out.as_mut_slice::<i64>(), of)
            }
            DType::U8 => {
                let of = |a: u8, b: u8| naive::binary_i64(op, a.into(), b.into()) as u8;
                binary(a.operand::<u8>(), b.operand::<u8>(), out.as_mut_slice::<u8>(), of)
            }
            dtype => with_float!(dtype, T => {
                formulas::binary(op, Zip::To(a.operand::<T>(), b.operand::<T>(), out.as_mut_slice::<T>()))
            }),
        }
    }

    fn unary_assign(&self, op: Unary, x: &mut Array) {
        with_float!(x.dtype(), T => formulas::unary(op, Map::InPlace(x.as_mut_slice::<T>())))
    }

    fn binary_assign(&self, op: Binary, a: &mut Array, b: &Array) {
        let b = Flat::repeated(b).unwrap_or_else(|| Flat::of(b));
        with_float!(a.dtype(), T => {
            formulas::binary(op, Zip::InPlace(a.as_mut_slice::<T>(), b.operand::<T>()))
        })
    }

    fn add_into(&self, x: &Array, out: &mut Array, to: &Layout) {
        match x.dtype() {
            DType::F32 => copy::add_into::<f32>(x, out, to),
            DType::F64 => copy::add_into::<f64>(x, out, to),
            _ => Naive.add_into(x, out, to),
        }
    }

    fn compare(&self, op: Compare, a: &Array, b: &Array, out: &mut Array) {
        let ((a, b), dtype) = (Flat::pair(a, b), a.dtype());
        let out = out.as_mut_slice::<bool>();
        with_element!(dtype, T => formulas::compare(op, a.operand::<T>(), b.operand::<T>(), out))
    }

    fn select(&self, mask: &Array, a: &Array, b: &Array, out: &mut Array) {
        let (mask, a, b) = (mask.contiguous(), Flat::of(a), Flat::of(b));
        let mask = slice::<bool>(&mask);
        with_element!(out.dtype(), T => select(mask, a.operand::<T>(), b.operand::<T>(), out.as_mut_slice::<T>()))
    }

    fn relu_backward(&self, y: &Array, g: &mut Array, sums: &mut Array) {
        with_float!(g.dtype(), T => {
            relu::backward(slice::<T>(y), g.as_mut_slice::<T>(), sums.as_mut_slice::<T>())
        })
    }

    fn reduce(&self, op: Reduce, x: &Array, kept: usize, out: &mut Array) {
        match x.dtype() {
            DType::F32 => reduce_of::<f32>(op, x, kept, out),
            DType::F64 => reduce_of::<f64>(op, x, kept, out),
            DType::I64 => reduce_integers::<i64, i64>(op, x, kept, out, |v| v),
            _ if out.dtype() == DType::I64 => reduce_integers::<u8, i64>(op, x, kept, out, |v| v),
            _ => reduce_integers::<u8, u8>(op, x, kept, out, |v| v as u8),
        }
    }

    fn arg_extreme(&self, op: Reduce, x: &Array, out: &mut Array) {
        if !x.dtype().is_float() {
            return Naive.arg_extreme(op, x, out);
        }
        let (x, cols) = (x.contiguous(), last_axis(x));
        let out = out.as_mut_slice::<i64>();
        with_float!(x.dtype(), T => match op {
            Reduce::Min => reduce::row_arg_extremes(slice::<T>(&x), cols, out, |a, b| a < b),
            _ => reduce::row_arg_extremes(slice::<T>(&x), cols, out, |a, b| a > b),
        })
    }

    fn scan(&self, a: Option<&Array>, b: &Array, reverse: bool, out: &mut Array) {
        if !b.dtype().is_float() {
            return Naive.scan(a, b, reverse, out);
        }
        with_float!(b.dtype(), T => {
            scan::scan(a.map(slice::<T>), slice::<T>(b), last_axis(b), reverse, out.as_mut_slice::<T>())
        })
    }

    fn gather(&self, x: &Array, index: &Array, out: &mut Array) {
        let (from, to, places) = (last_axis(x), last_axis(index), slice::<i64>(index));
        with_element!(x.dtype(), T => index::gather(slice::<T>(x), from, places, out.as_mut_slice::<T>(), to))
    }

    fn scatter(&self, src: &Array, index: &Array, out: &mut Array) {
        let (from, to, places) = (last_axis(src), last_axis(out), slice::<i64>(index));
        with_element!(src.dtype(), T => {
            index::scatter((slice::<T>(src), from), places, (out.as_mut_slice::<T>(), to), |y, v| *y = v)
        })
    }

    fn scatter_add(&self, src: &Array, index: &Array, out: &mut Array) {
        let (from, to, places) = (last_axis(src), last_axis(out), slice::<i64>(index));
        with_element!(src.dtype(), T => {
            let add = |y: &mut _, v| *y = index::Sum::plus(*y, v);
            index::scatter((slice::<T>(src), from), places, (out.as_mut_slice::<T>(), to), add)
        })
    }

    fn index_select(&self, x: &Array, index: &Array, out: &mut Array) {
        let ([_, from, inner], places) = (x.dims(), slice::<i64>(index));
        with_element!(x.dtype(), T => {
            index::index_select(slice::<T>(x), from, places, out.as_mut_slice::<T>(), inner)
        })
    }

    fn index_add(&self, src: &Array, index: &Array, out: &mut Array) {
        let ([_, to, inner], places) = (out.dims(), slice::<i64>(index));
        with_element!(src.dtype(), T => {
            index::index_add(slice::<T>(src), places, out.as_mut_slice::<T>(), to, inner)
        })
    }

    fn argsort(&self, descending: bool, x: &Array, out: &mut Array) {
        let (cols, count) = (last_axis(x), last_axis(out));
        let out = out.as_mut_slice::<i64>();
        with_element!(x.dtype(), T => sort::argsort(slice::<T>(x), cols, descending, out, count))
    }

    fn matmul(&self, a: &Array, b: &Array, epilogue: Epilogue, out: &mut Array) {
        with_float!(a.dtype(), T => matmul_of::<T>(a, b, epilogue, out))
    }

    fn conv2d(&self, s: &ConvShape, x: &Array, weight: &Array, epilogue: Epilogue, y: &mut Array) {
        if conv::is_sparse(s) {
            return Naive.conv2d(s, x, weight, epilogue, y);
        }
        with_float!(x.dtype(), T => {
            let finish = finish::<T>(epilogue);
            conv::forward(s, slice::<T>(x), slice::<T>(weight), finish, y.as_mut_slice::<T>())
        })
    }

    fn conv2d_input(&self, s: &ConvShape, y: &Array, weight: &Array, epilogue: Epilogue, x: &mut Array) {
        if conv::is_sparse(s) {
            return Naive.conv2d_input(s, y, weight, epilogue, x);
        }
        with_float!(y.dtype(), T => {
            let finish = finish::<T>(epilogue);
            conv::input(s, slice::<T>(y), slice::<T>(weight), finish, x.as_mut_slice::<T>())
        })
    }

    fn conv2d_weight(&self, s: &ConvShape, x: &Array, y: &Array, weight: &mut Array) {
        if conv::is_sparse(s) {
            return Naive.conv2d_weight(s, x, y, weight);
        }
        with_float!(x.dtype(), T => {
            conv::weight(s, slice::<T>(x), slice::<T>(y), weight.as_mut_slice::<T>())
        })
    }

    fn softmax(&self, log: bool, x: &Array, out: &mut Array) {
        with_float!(x.dtype(), T => softmax::softmax(log, slice::<T>(x), last_axis(x), out.as_mut_slice::<T>()))
    }

    fn softmax_backward(&self, log: bool, y: &Array, g: &Array, out: &mut Array) {
        with_float!(y.dtype(), T => {
            softmax::softmax_backward(log, slice::<T>(y), slice::<T>(g), last_axis(y), out.as_mut_slice::<T>())
        })
    }

    fn cross_entropy(&self, logits: &Array, labels: &Array, smoothing: f64, out: &mut Array) {
        let labels = slice::<i64>(labels);
        let of = classes(logits, smoothing);
        with_float!(logits.dtype(), T => {
            cross_entropy::cross_entropy(of, slice::<T>(logits), labels, out.as_mut_slice::<T>())
        })
    }

    fn cross_entropy_backward(
        &self,
        logits: &Array,
        labels: &Array,
        smoothing: f64,
        g: &Array,
        out: &mut Array,
    ) {
        let labels = slice::<i64>(labels);
        let of = classes(logits, smoothing);
        with_float!(logits.dtype(), T => {
            let (x, g) = (slice::<T>(logits), slice::<T>(g));
            cross_entropy::cross_entropy_backward(of, x, labels, g, out.as_mut_slice::<T>())
        })
    }

    fn moments(&self, norm: &Norm, x: &Array, mean: &mut Array, var: &mut Array) {
        let (mean, var) = (mean.as_mut_slice::<f64>(), var.as_mut_slice::<f64>());
        with_float!(x.dtype(), T => norm::moments(norm, slice::<T>(x), mean, var))
    }

    fn normalize(&self, input: &NormInput, out: &mut Array) {
        with_float!(input.x.dtype(), T => norm::normalize(&norm_input::<T>(input), out.as_mut_slice::<T>()))
    }

    fn normalize_backward(&self, input: &NormInput, g: &Array, grads: NormGrads) {
        with_float!(input.x.dtype(), T => {
            let grads = norm::Grads {
                x: grads.x.map(|x| x.as_mut_slice::<T>()),
                weight: grads.weight.map(|weight| weight.as_mut_slice::<T>()),
                bias: grads.bias.map(|bias| bias.as_mut_slice::<T>()),
            };
            norm::normalize_backward(&norm_input::<T>(input), slice::<T>(g), grads)
        })
    }

    fn max_pool(&self, rows: &Spans, columns: &Spans, x: &Array, out: &mut Array, places: &mut Array) {
        let ([.., h, w], places) = (x.dims::<4>(), places.as_mut_slice::<i64>());
        with_float!(x.dtype(), T => {
            pool::max_pool(rows, columns, [h, w], slice::<T>(x), out.as_mut_slice::<T>(), places)
        })
    }

    fn max_pool_backward(&self, g: &Array, places: &Array, out: &mut Array) {
        let (from, to, places) = (last_axis(g), last_axis(out), slice::<i64>(places));
        with_float!(g.dtype(), T => {
            pool::max_pool_backward((slice::<T>(g), from), places, (out.as_mut_slice::<T>(), to))
        })
    }

    fn resample(&self, rows: &Bands, columns: &Bands, x: &Array, out: &mut Array) {
        with_float!(x.dtype(), T => {
            resample::resample(rows, columns, slice::<T>(x), out.as_mut_slice::<T>())
        })
    }

    fn update(&self, steps: &mut [Step]) {
        for of_type in steps.chunk_by_mut(|a, b| a.param.dtype() == b.param.dtype()) {
            with_float!(of_type[0].param.dtype(), T => {
                let slices = of_type.iter_mut().map(|s| optim::Slices {
                    update: s.update,
                    param: s.param.as_mut_slice::<T>(),
                    grad: slice::<T>(&s.grad),
                    kept: s.kept.iter_mut().map(|array| array.as_mut_slice::<T>()).collect(),
                });
                optim::update(slices.collect())
            })
        }
    }
}
