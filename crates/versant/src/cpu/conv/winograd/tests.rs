//! Against the naive kernels, for shapes with every kind of edge, on all instruction sets.

use super::*;
use crate::Array;
use crate::cpu::isa::with_isa;
use crate::cpu::threads::tests::with_threads;
use crate::device::{Device, Epilogue};
use crate::dtype::DType;
use crate::rng::Rng;

fn shape(
    batch: usize,
    [inputs, outputs]: [usize; 2],
    image: [usize; 2],
    before: [usize; 2],
    after: [usize; 2],
) -> ConvShape {
    let output = [0, 1].map(|axis| image[axis] + before[axis] + after[axis] - 2);
    let [ones, kernel] = [[1, 1], [3, 3]];
    ConvShape {
        batch,
        groups: 1,
        inputs,
        outputs,
        image,
        kernel,
        output,
        stride: ones,
        before,
        dilation: ones,
    }
}

fn shapes() -> Vec<ConvShape> {
    vec![
        shape(1, [1, 1], [4, 4], [1, 1], [1, 1]),
        shape(2, [3, 5], [1, 1], [1, 1], [1, 1]),
        shape(1, [2, 3], [3, 40], [0, 2], [0, 1]),
        shape(3, [16, 32], [8, 8], [1, 1], [1, 1]),
        shape(2, [17, 33], [7, 9], [1, 0], [1, 2]),
        shape(5, [33, 20], [5, 17], [2, 1], [0, 1]),
        shape(1, [300, 40], [6, 5], [1, 1], [1, 1]),
        shape(1, [40, 270], [13, 34], [0, 0], [0, 0]),
        shape(9, [8, 8], [16, 16], [2, 2], [2, 2]),
        shape(2, [9, 12], [64, 3], [1, 1], [1, 1]),
        shape(2, [64, 64], [40, 24], [1, 1], [1, 1]),
    ]
}

/// The three kernels with bias and ReLU: y, x, w.
fn results(s: &ConvShape, data: &[Vec<f32>; 5]) -> [Vec<f32>; 3] {
    let [x, w, y, out_bias, in_bias] = data;
    let mut results = [x, w, y].map(|like| vec![f32::NAN; like.len()]);
    let [dx, dw, out] = &mut results;
    forward(s, x, w, Finish { bias: Some(out_bias), relu: true }, out);
    input(s, y, w, Finish { bias: Some(in_bias), relu: false }, dx);
    weight(s, x, y, dw);
    results
}

fn random(s: &ConvShape, rng: &mut Rng) -> [Vec<f32>; 5] {
    let lens = [s.x().numel(), s.weight().numel(), s.y().numel(), s.outputs, s.inputs];
    lens.map(|len| (0..len).map(|_| rng.uniform_in(-1.0, 1.0) as f32).collect())
}

/// The same in f64, and the sums of magnitudes.
fn wanted(s: &ConvShape, data: &[Vec<f32>; 5]) -> [Vec<f64>; 3] {
    let shapes = [s.x(), s.weight(), s.y(), [s.outputs].into(), [s.inputs].into()];
    let mut arrays = data.iter().zip(shapes).map(|(data, shape)| {
        let data: Vec<f64> = data.iter().map(|&v| v.into()).collect();
        Array::from_slice(&data, shape).to(Device::Naive)
    });
    let [x, w, y, out_bias, in_bias] = std::array::from_fn(|_| arrays.next().unwrap());
    let [mut dx, mut dw, mut out] =
        [&x, &w, &y].map(|like| Array::zeros_on(like.shape(), DType::F64, Device::Naive));
    let backend = Device::Naive.backend();
    backend.conv2d(s, &x, &w, Epilogue { bias: Some(&out_bias), relu: true }, &mut out);
    backend.conv2d_input(s, &y, &w, Epilogue { bias: Some(&in_bias), relu: false }, &mut dx);
    backend.conv2d_weight(s, &x, &y, &mut dw);
    [dx, dw, out].map(|array| array.to_vec::<f64>())
}

#[test]
fn like_the_definition_on_every_instruction_set() {
    let mut rng = Rng::new(3);
    for s in shapes() {
        let data = random(&s, &mut rng);
        let wanted = wanted(&s, &data);
        let terms = [9 * s.outputs, s.batch * s.output[0] * s.output[1], 9 * s.inputs];
        for isa in Isa::supported() {
            let got = with_isa(isa, || results(&s, &data));
            for ((got, wanted), terms) in got.iter().zip(&wanted).zip(terms) {
                // Sums of products of numbers below 1: partial sums grow as the root of the number of terms, and so does
                // what their roundings come to. A tile has 16 results.
                let bound = 2.0 * f32::EPSILON as f64 * (16 + terms) as f64;
                for (&got, &wanted) in got.iter().zip(wanted) {
                    assert!((got as f64 - wanted).abs() <= bound, "{s:?}, {isa}: {got} for {wanted}");
                }
            }
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let s = shape(17, [24, 40], [14, 18], [1, 1], [1, 1]);
    let data = random(&s, &mut Rng::new(4));
    let bits = |n: usize| {
        with_threads(n, || results(&s, &data).map(|all| all.iter().map(|v| v.to_bits()).collect::<Vec<_>>()))
    };
    let one = bits(1);
    assert!([2, 3, 7].into_iter().all(|n| bits(n) == one));
}

/// What the documentation says of rounding: at most twice and a half that of the direct sum.
/// The instruction sets for which the algorithm is chosen.
fn fused() -> impl Iterator<Item = Isa> {
    Isa::supported().into_iter().filter(|&isa| isa != Isa::SCALAR)
}

#[test]
fn rounding_is_within_twice_and_a_half_of_the_direct_sums() {
    fused().for_each(|isa| with_isa(isa, rounding_is_within));
}

fn rounding_is_within() {
    for channels in [16, 64, 256] {
        let s = shape(2, [channels, 16], [16, 16], [1, 1], [1, 1]);
        let data = random(&s, &mut Rng::new(5));
        let wanted = wanted(&s, &data);
        let [_, _, ours] = results(&s, &data);
        let mut direct = vec![0.0f32; ours.len()];
        // The same sums, each step rounded once.
        for (i, sum) in direct.iter_mut().enumerate() {
            let (n, o, at) = (i / (16 * 256), i / 256 % 16, i % 256);
            let mut total = 0.0f32;
            for c in 0..channels {
                for (t, &w) in data[1][(o * channels + c) * 9..][..9].iter().enumerate() {
                    let (row, column) =
                        ((at / 16 + t / 3).wrapping_sub(1), (at % 16 + t % 3).wrapping_sub(1));
                    if row < 16 && column < 16 {
                        total = w.mul_add(data[0][((n * channels + c) * 16 + row) * 16 + column], total);
                    }
                }
            }
            *sum = (total + data[3][o]).max(0.0);
        }
        let rms = |got: &[f32]| {
            let squares = got.iter().zip(&wanted[2]).map(|(&g, &w)| (g as f64 - w).powi(2));
            (squares.sum::<f64>() / got.len() as f64).sqrt()
        };
        let (ours, direct) = (rms(&ours), rms(&direct));
        assert!(ours < 2.5 * direct, "{channels} channels: {ours:e}, direct {direct:e}");
    }
}

#[test]
fn many_channels_and_tiles_make_it_pay() {
    fused().for_each(|isa| with_isa(isa, it_pays));
    let s = shape(64, [64, 128], [16, 16], [1, 1], [1, 1]);
    assert!(!with_isa(Isa::SCALAR, || is_for::<f32>(&s, [64, 128], s.output)), "it would lose accuracy");
}

fn it_pays() {
    let chosen = |s: &ConvShape| is_for::<f32>(s, [s.inputs, s.outputs], s.output);
    assert!(chosen(&shape(64, [64, 128], [16, 16], [1, 1], [1, 1])));
    assert!(chosen(&shape(8, [16, 16], [64, 64], [1, 1], [1, 1])));
    let small = shape(1, [256, 256], [8, 8], [1, 1], [1, 1]);
    assert!(!chosen(&small), "all kernels would be transformed for four tiles");
    assert!(!chosen(&shape(64, [3, 32], [32, 32], [1, 1], [1, 1])));
    assert!(!is_for::<f64>(&shape(64, [64, 64], [16, 16], [1, 1], [1, 1]), [64, 64], [16, 16]));
    assert!(!chosen(&ConvShape { stride: [2, 2], ..shape(64, [64, 64], [16, 16], [1, 1], [1, 1]) }));
}
