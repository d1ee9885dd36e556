//! The elementwise functions, of one value or of two.

use crate::ops::{Binary, Compare, Unary};

pub(crate) fn unary(op: Unary, x: f64) -> f64 {
    match op {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sign if x == 0.0 || x.is_nan() => x,
        Unary::Sign => x.signum(),
        Unary::Exp => x.exp(),
        Unary::Expm1 => x.exp_m1(),
        Unary::Log => x.ln(),
        Unary::Log1p => x.ln_1p(),
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => 1.0 / x.sqrt(),
        Unary::Square => x * x,
        Unary::Reciprocal => 1.0 / x,
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Atan => x.atan(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Trunc => x.trunc(),
        Unary::Clamp(low, high) if low.is_nan() || high.is_nan() => f64::NAN,
        Unary::Clamp(low, high) => {
            let x = if x < low { low } else { x };
            if x > high { high } else { x }
        }
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::Relu if x.is_nan() => x,
        Unary::Relu => x.max(0.0),
        Unary::LeakyRelu(a) => {
            if x > 0.0 {
                x
            } else {
                a * x
            }
        }
        Unary::Elu(a) => {
            if x > 0.0 {
                x
            } else {
                a * x.exp_m1()
            }
        }
        Unary::Silu | Unary::Gelu | Unary::GeluTanh | Unary::HardSwish if x == f64::NEG_INFINITY => 0.0,
        Unary::Silu => x / (1.0 + (-x).exp()),
        Unary::Gelu => x * 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
        Unary::GeluTanh => {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            x / (1.0 + (-2.0 * u).exp())
        }
        Unary::HardSwish => x * unary(Unary::HardSigmoid, x),
        Unary::HardSigmoid => unary(Unary::Clamp(0.0, 6.0), x + 3.0) / 6.0,
        Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Unary::Erf => libm::erf(x),
        Unary::AddScalar(c) => x + c,
        Unary::MulScalar(c) => x * c,
        Unary::PowScalar(c) => x.powf(c),
    }
}

pub(crate) fn binary(op: Binary, a: f64, b: f64) -> f64 {
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Maximum | Binary::Minimum if a.is_nan() || b.is_nan() => f64::NAN,
        Binary::Maximum => a.max(b),
        Binary::Minimum => a.min(b),
        Binary::Pow => a.powf(b),
        Binary::Remainder => {
            let rest = a % b;
            if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
        }
        Binary::Fmod => a % b,
        Binary::Atan2 => a.atan2(b),
        Binary::MaskPositive => {
            if b <= 0.0 {
                0.0
            } else {
                a
            }
        }
        Binary::SigmoidGrad => a * (b * (1.0 - b)),
        Binary::TanhGrad => a * (1.0 - b * b),
        Binary::SiluGrad => {
            let s = unary(Unary::Sigmoid, b);
            a * (s * (b * (1.0 - s) + 1.0))
        }
        Binary::GeluGrad => {
            let distribution = libm::erf(b * std::f64::consts::FRAC_1_SQRT_2) * 0.5 + 0.5;
            let density = (b * b * -0.5).exp() / std::f64::consts::TAU.sqrt();
            a * (distribution + b * density)
        }
        Binary::BceWithLogits => a.max(0.0) - a * b + unary(Unary::Softplus, -a.abs()),
        Binary::SigmoidMinus => unary(Unary::Sigmoid, a) - b,
        Binary::GeluTanhGrad => {
            // Beyond +-20 the slope is 0 or 1, and a product of 0 and a large b^3 would be lost.
            let b = unary(Unary::Clamp(-20.0, 20.0), b);
            let c = (8.0 / std::f64::consts::PI).sqrt();
            let s = unary(Unary::Sigmoid, b * (b * b * (c * 0.044715) + c));
            a * (s + b * (s * (1.0 - s)) * (b * b * (3.0 * c * 0.044715) + c))
        }
    }
}

/// Integers wrap around, as tensors in every library do; a division by zero gives zero, and so does its rest.
pub(crate) fn binary_i64(op: Binary, a: i64, b: i64) -> i64 {
    match op {
        Binary::Add => a.wrapping_add(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Mul => a.wrapping_mul(b),
        Binary::Div | Binary::Remainder | Binary::Fmod if b == 0 => 0,
        Binary::Div => a.wrapping_div(b),
        Binary::Maximum => a.max(b),
        Binary::Minimum => a.min(b),
        Binary::Remainder => {
            let rest = a.wrapping_rem(b);
            if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
        }
        Binary::Fmod => a.wrapping_rem(b),
        Binary::Atan2
        | Binary::SigmoidGrad
        | Binary::TanhGrad
        | Binary::SiluGrad
        | Binary::GeluGrad
        | Binary::GeluTanhGrad
        | Binary::BceWithLogits
        | Binary::SigmoidMinus => unreachable!("checked above the seam: a floating type"),
        Binary::Pow => power(a, b),
        Binary::MaskPositive => {
            if b > 0 {
                a
            } else {
                0
            }
        }
    }
}

/// a^b by squares, wrapping around; the whole part of 1 / a^-b for b below 0, and 0 of 1 / 0.
fn power(mut a: i64, b: i64) -> i64 {
    if b < 0 {
        return if a.unsigned_abs() == 1 { power(a, -(b % 2)) } else { 0 };
    }
    let (mut left, mut result) = (b, 1i64);
    while left > 0 {
        if left % 2 == 1 {
            result = result.wrapping_mul(a);
        }
        a = a.wrapping_mul(a);
        left /= 2;
    }
    result
}

pub(super) fn compare<T: PartialOrd>(op: Compare, a: T, b: T) -> bool {
    match op {
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        Compare::Lt => a < b,
        Compare::Le => a <= b,
        Compare::Gt => a > b,
        Compare::Ge => a >= b,
    }
}

pub(super) fn larger(a: f64, b: f64) -> f64 {
    binary(Binary::Maximum, a, b)
}
