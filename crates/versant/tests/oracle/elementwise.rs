//! Functions of one and two arguments, comparisons, choice, conversion and copies.

use proptest::prelude::*;
use versant::ops::{Binary, Compare, Unary};
use versant::rng::Rng;
use versant::{Array, DType, Device};

use crate::compare::{eps, exact, magnitude, naive, wide, within, within_ulps};
use crate::views::{Values, View, dim, draw, values, view};

const FLOATS: [DType; 2] = [DType::F32, DType::F64];
const TYPES: [DType; 5] = [DType::F32, DType::F64, DType::I64, DType::U8, DType::Bool];
const NUMBERS: [DType; 4] = [DType::F32, DType::F64, DType::I64, DType::U8];

/// With the greatest error in ulps in f32: 0 for what is one rounding (the numbers among the parameters are f32).
const UNARY: [(Unary, f64); 35] = [
    (Unary::Neg, 0.0),
    (Unary::Abs, 0.0),
    (Unary::Sign, 0.0),
    (Unary::Exp, 2.0),
    (Unary::Expm1, 2.0),
    (Unary::Log, 2.0),
    (Unary::Log1p, 0.0),
    (Unary::Sqrt, 0.0),
    (Unary::Rsqrt, 2.0),
    (Unary::Square, 0.0),
    (Unary::Reciprocal, 0.0),
    (Unary::Sin, 0.0),
    (Unary::Cos, 0.0),
    (Unary::Tan, 0.0),
    (Unary::Atan, 0.0),
    (Unary::Floor, 0.0),
    (Unary::Ceil, 0.0),
    (Unary::Round, 0.0),
    (Unary::Trunc, 0.0),
    (Unary::Clamp(-0.75, 1.5), 0.0),
    (Unary::Clamp(f64::NEG_INFINITY, -0.25), 0.0),
    (Unary::Tanh, 2.0),
    (Unary::Sigmoid, 2.0),
    (Unary::Relu, 0.0),
    (Unary::LeakyRelu(0.25), 0.0),
    (Unary::Elu(1.5), 3.0),
    (Unary::Silu, 3.0),
    (Unary::Gelu, 6.0),
    (Unary::HardSwish, 3.0),
    (Unary::HardSigmoid, 2.0),
    (Unary::Softplus, 3.0),
    (Unary::Erf, 2.0),
    (Unary::AddScalar(0.75), 0.0),
    (Unary::MulScalar(-1.375), 0.0),
    (Unary::PowScalar(1.5), 2.0),
];

/// The steepness of its exponential amplifies the rounding of gelu_tanh's cubic: (1 + 2 |u|) times the error of gelu.
fn gelu_tanh(x: &Array) {
    let (got, wanted) = (x.unary(Unary::GeluTanh), naive(x).unary(Unary::GeluTanh));
    let steepness: Vec<f64> =
        wide(x).into_iter().map(|x| 1.0 + 1.6 * (x + 0.045 * x.powi(3)).abs()).collect();
    within(&got, &wanted, |i, w| 5.0 * eps(x.dtype()) * w.abs().max(1e-37) * steepness[i].min(1e3));
}

/// A partner that broadcasts with `x`: its shape, some axes shrunk to 1, perhaps without leading ones.
fn partner(x: &Array, recipe: &View, dtype: DType, shrink: u8) -> Array {
    let leading = (shrink as usize >> 4) % (x.rank() + 1);
    let dims: Vec<usize> = (leading..x.rank())
        .map(|i| if shrink >> i & 1 == 1 && x.shape()[i] > 0 { 1 } else { x.shape()[i] })
        .collect();
    recipe.partner(dims).base(dtype)
}

oracle! {
    #[test]
    fn unary(view in view(), double in any::<bool>()) {
        let x = view.array(FLOATS[double as usize]);
        for (op, ulps) in UNARY {
            let (got, wanted) = (x.unary(op), naive(&x).unary(op));
            match (op, double) {
                // e^x and 1 + e^-x round in another order; where e^-x overflows the plain loop gives 0.
                (Unary::Sigmoid, true) => within(&got, &wanted, |_, w| 1e-15 * w + 1e-307),
                (_, true) if ulps == 0.0 => exact(&got, &wanted),
                (_, true) => within_ulps(&got, &wanted, 4.0),
                (_, false) => within_ulps(&got, &wanted, ulps),
            }
        }
        gelu_tanh(&x);
    }

    #[test]
    fn binary(view in view(), shrink in any::<u8>(), kind in 0usize..4) {
        let dtype = NUMBERS[kind];
        let a = view.array(dtype);
        let b = partner(&a, &view, dtype, shrink);
        for op in [
            Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Maximum, Binary::Minimum, Binary::Pow,
            Binary::Remainder, Binary::Fmod, Binary::Atan2, Binary::MaskPositive,
        ] {
            if op == Binary::Atan2 && !dtype.is_float() {
                continue;
            }
            exact(&a.binary(op, &b), &naive(&a).binary(op, &naive(&b)));
            exact(&b.binary(op, &a), &naive(&b).binary(op, &naive(&a)));
        }
    }

    /// Ordinary numbers: beyond them one factor of a product may vanish before the other overflows. The steepest part
    /// of gelu_tanh's exponential costs some digits.
    #[test]
    fn gradients_of_activations(n in dim(), double in any::<bool>(), seed in any::<u64>()) {
        let dtype = FLOATS[double as usize];
        let mut rng = Rng::new(seed);
        let [g, x] = [(); 2].map(|()| draw(&[n], dtype, Values::Ordinary, &mut rng));
        let size = wide(&g);
        for op in [
            Binary::SigmoidGrad, Binary::TanhGrad, Binary::SiluGrad, Binary::GeluGrad, Binary::GeluTanhGrad,
        ] {
            let x = if matches!(op, Binary::SigmoidGrad | Binary::TanhGrad) { x.unary(Unary::Tanh) } else { x.clone() };
            let (got, wanted) = (g.binary(op, &x), naive(&g).binary(op, &naive(&x)));
            within(&got, &wanted, |i, _| 64.0 * eps(dtype) * size[i].abs());
        }
    }

    #[test]
    fn binary_cross_entropy_of_logits(n in dim(), double in any::<bool>(), seed in any::<u64>()) {
        let dtype = FLOATS[double as usize];
        let mut rng = Rng::new(seed);
        let [x, y] = [(); 2].map(|()| draw(&[n], dtype, Values::Ordinary, &mut rng));
        let [of_x, of_y] = [&x, &y].map(wide);
        for op in [Binary::BceWithLogits, Binary::SigmoidMinus] {
            let (got, wanted) = (x.binary(op, &y), naive(&x).binary(op, &naive(&y)));
            // Terms that may cancel one another.
            let size = |i: usize| 1.0 + of_x[i].abs() + (of_x[i] * of_y[i]).abs() + of_y[i].abs();
            within(&got, &wanted, |i, _| 4.0 * eps(dtype) * size(i));
        }
    }

    #[test]
    fn gradient_of_a_relu(
        [rows, len] in [dim(), dim()],
        (double, values, seed) in (any::<bool>(), values(), any::<u64>()),
    ) {
        let dtype = FLOATS[double as usize];
        let values = if values == Values::All { Values::Ordinary } else { values };
        let mut rng = Rng::new(seed);
        let [y, g] = [(); 2].map(|()| draw(&[rows, len], dtype, values, &mut rng));
        let run = |device: Device| {
            let (y, mut g, mut sums) = (y.to(device), g.to(device), Array::zeros([rows], dtype).to(device));
            device.backend().relu_backward(&y, &mut g, &mut sums);
            [g, sums]
        };
        let ([out, sums], [wanted, wanted_sums]) = (run(Device::Cpu), run(Device::Naive));
        exact(&out, &wanted);
        let size = magnitude(&wanted, &[1]);
        within(&sums, &wanted_sums, |i, _| 8.0 * (len.max(1) as f64).sqrt() * eps(dtype) * size[i]);
    }

    #[test]
    fn compare_and_select(view in view(), shrink in any::<u8>(), kind in 0usize..5) {
        let dtype = TYPES[kind];
        let a = view.array(dtype);
        let b = partner(&a, &view, dtype, shrink);
        for op in [Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge] {
            let mask = a.compare(op, &b);
            exact(&mask, &naive(&a).compare(op, &naive(&b)));
            exact(&mask.where_cond(&b, &a), &naive(&mask).where_cond(&naive(&b), &naive(&a)));
        }
        let mask = view.array(DType::Bool);
        exact(&mask.where_cond(&a, &b), &naive(&mask).where_cond(&naive(&a), &naive(&b)));
    }

    #[test]
    fn casts_and_copies(view in view(), kind in 0usize..5) {
        let x = view.array(TYPES[kind]);
        exact(&x.contiguous(), &naive(&x).contiguous());
        assert_eq!(x.to_bytes(), x.contiguous().to_bytes());
        assert_eq!(x.reshape([x.numel()]).to_bytes(), x.to_bytes());
        for dtype in TYPES {
            exact(&x.cast(dtype), &naive(&x).cast(dtype));
        }
    }
}
