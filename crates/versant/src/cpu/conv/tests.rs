//! Each way of a convolution against the naive kernels, on all instruction sets.

use super::*;
use crate::cpu::isa::{Isa, with_isa};
use crate::device::{Device, Epilogue};
use crate::rng::Rng;
use crate::{Array, DType};

/// Channels in and out, height and width of the image, length of the kernel, stride, padding, dilation, groups.
const SHAPES: [[usize; 9]; 14] = [
    [3, 6, 32, 32, 5, 1, 0, 1, 1],
    [6, 16, 14, 14, 5, 1, 0, 1, 1],
    [16, 6, 9, 15, 5, 1, 4, 1, 1],
    [1, 16, 28, 28, 3, 2, 1, 1, 1],
    [16, 33, 13, 14, 3, 2, 1, 1, 1],
    [5, 17, 7, 6, 2, 2, 0, 1, 1],
    [3, 1, 40, 70, 3, 1, 2, 2, 1],
    [2, 3, 1, 33, 1, 1, 0, 1, 1],
    [9, 20, 17, 1, 1, 2, 0, 1, 1],
    [4, 40, 3, 3, 3, 3, 0, 1, 1],
    [2, 8, 65, 66, 2, 2, 1, 1, 1],
    [6, 12, 11, 19, 3, 1, 1, 1, 6],
    [8, 18, 10, 5, 3, 2, 1, 1, 2],
    [20, 40, 6, 50, 4, 1, 2, 1, 1],
];

fn shape(
    [inputs, outputs, height, width, kernel, stride, padding, dilation, groups]: [usize; 9],
) -> ConvShape {
    let output = [height, width].map(|len| (len + 2 * padding - (kernel - 1) * dilation - 1) / stride + 1);
    ConvShape {
        batch: 2,
        groups,
        inputs,
        outputs,
        image: [height, width],
        kernel: [kernel; 2],
        output,
        stride: [stride; 2],
        before: [padding; 2],
        dilation: [dilation; 2],
    }
}

/// The convolution and its two gradients; bias and ReLU in the first.
fn results(s: &ConvShape, arrays: &[Array; 4], device: Device) -> [Vec<f64>; 3] {
    let [x, w, y, bias] = arrays.clone().map(|array| array.to(device));
    let backend = device.backend();
    let (mut out, mut dx, mut dw) = (y.clone(), x.clone(), w.clone());
    backend.conv2d(s, &x, &w, Epilogue { bias: Some(&bias), relu: true }, &mut out);
    backend.conv2d_input(s, &y, &w, Epilogue::default(), &mut dx);
    backend.conv2d_weight(s, &x, &y, &mut dw);
    [out, dx, dw].map(|array| array.to(Device::Cpu).cast(DType::F64).to_vec::<f64>())
}

#[test]
fn every_way_is_right_on_every_instruction_set() {
    for (s, dtype) in SHAPES.map(shape).iter().zip([DType::F32, DType::F64].into_iter().cycle()) {
        let mut rng = Rng::new(7);
        let mut random = |shape| Array::rand(shape, -1.0, 1.0, dtype, &mut rng);
        let arrays = [random(s.x()), random(s.weight()), random(s.y()), random(s.outputs.into())];
        let wanted = results(s, &arrays, Device::Naive);
        let tolerance = if dtype == DType::F32 { 2e-4 } else { 1e-12 };
        for isa in Isa::supported() {
            for (got, wanted) in with_isa(isa, || results(s, &arrays, Device::Cpu)).iter().zip(&wanted) {
                let close =
                    got.iter().zip(wanted).all(|(g, w)| (g - w).abs() <= tolerance * w.abs().max(1.0));
                assert!(close, "{s:?} on {isa}");
            }
        }
    }
}

#[test]
fn what_lies_beyond_a_row_of_places_is_not_seen() {
    // The last columns and rows of x meet no tap, whatever they hold.
    let s = shape([1, 2, 21, 21, 2, 2, 0, 1, 1]);
    let mut values = vec![1.0f32; 2 * 21 * 21];
    values.iter_mut().enumerate().filter(|(i, _)| i % 21 == 20).for_each(|(_, v)| *v = f32::NAN);
    let x = Array::from_slice(&values, s.x());
    let [y, mut w] = [s.y(), s.weight()].map(|shape| Array::full(shape, 1.0, DType::F32).contiguous());
    for isa in Isa::supported() {
        with_isa(isa, || Device::Cpu.backend().conv2d_weight(&s, &x, &y, &mut w));
        assert!(w.to_vec::<f32>().iter().all(|&v| v == 200.0), "{isa}");
    }
}
