//! Which formula computes which function.

use super::activation;
use super::angles;
use super::elementwise::{self, Map, Operand, Zip};
use super::real::Real;
use crate::naive;
use crate::ops::{Binary, Compare, Unary};

/// min(max(x + 3, 0), 6) / 6.
#[inline(always)]
fn hard_sigmoid<T: Real>(x: T) -> T {
    let (x, six) = (x + T::from_f64(3.0), T::from_f64(6.0));
    let x = if x < T::ZERO { T::ZERO } else { x };
    (if x > six { six } else { x }) / six
}

/// g s (1 + x (1 - s)), s the logistic function of x.
#[inline(always)]
fn silu_grad<T: Real>(g: T, x: T) -> T {
    let s = x.sigmoid();
    g * (s * (x * (T::ONE - s) + T::ONE))
}

/// The vectorised functions; the others are computed in f64, one by one.
pub(super) fn unary<T: Real>(op: Unary, map: Map<T>) {
    let c = |v: f64| T::from_f64(v);
    match op {
        Unary::Neg => map.with(|v| -v),
        Unary::Abs => map.with(|v| v.abs()),
        Unary::Exp => map.with(|v| v.exp()),
        Unary::Log => map.with(|v| v.ln()),
        Unary::Sqrt => map.with(|v| v.sqrt()),
        Unary::Square => map.with(|v| v * v),
        Unary::Reciprocal => map.with(|v| T::ONE / v),
        Unary::Tanh => map.with(|v| v.tanh()),
        Unary::Sigmoid => map.with(|v| v.sigmoid()),
        Unary::Relu => map.with(|v| if v > T::ZERO || v.is_nan() { v } else { T::ZERO }),
        Unary::LeakyRelu(a) => {
            let a = c(a);
            map.with(|v| if v > T::ZERO { v } else { a * v })
        }
        Unary::Elu(a) => {
            let a = c(a);
            map.with(|v| if v > T::ZERO { v } else { a * v.exp_m1() })
        }
        Unary::Silu => map.with(|v| v.silu()),
        Unary::Gelu => map.with(|v| v.gelu()),
        Unary::GeluTanh => map.with(|v| v.gelu_tanh()),
        Unary::Softplus => activation::softplus(map),
        Unary::HardSigmoid => map.with(hard_sigmoid),
        Unary::HardSwish => {
            let low = c(-3.0);
            map.with(|v| (if v < low { low } else { v }) * hard_sigmoid(v))
        }
        Unary::Erf => map.with(|v| v.erf()),
        Unary::Expm1 => map.with(|v| v.exp_m1()),
        Unary::Rsqrt => map.with(|v| T::ONE / v.sqrt()),
        Unary::Clamp(low, high) => {
            let (low, high) = (c(low), c(high));
            map.with(|v| {
                let v = if v < low || low.is_nan() { low } else { v };
                if v > high || high.is_nan() { high } else { v }
            })
        }
        Unary::AddScalar(a) => {
            let a = c(a);
            map.with(|v| v + a)
        }
        Unary::MulScalar(a) => {
            let a = c(a);
            map.with(|v| v * a)
        }
        Unary::Sign => map.with(|v| {
            let sign = if v > T::ZERO { T::ONE } else { v };
            if v < T::ZERO { -T::ONE } else { sign }
        }),
        Unary::Floor => map.with(|v| v.floor()),
        Unary::Ceil => map.with(|v| v.ceil()),
        Unary::Round => map.with(|v| v.round_ties_even()),
        Unary::Trunc => map.with(|v| v.trunc()),
        Unary::Sin => angles::sin(map),
        Unary::Cos => angles::cos(map),
        Unary::PowScalar(exponent) => power(exponent, map),
        Unary::Log1p | Unary::Tan | Unary::Atan => one_by_one(op, map),
    }
}

fn one_by_one<T: Real>(op: Unary, map: Map<T>) {
    map.with(|v| T::from_f64(naive::unary(op, v.to_f64())));
}

/// x^exponent. The exponents that models use, and those of their gradients, are products and roots, rounded once: of f64
/// only those that are a single operation.
fn power<T: Real>(exponent: f64, map: Map<T>) {
    // Powers of minus infinity and of -0, unlike their roots, are those of infinity and 0.
    let root = |x: f64| (if x == f64::NEG_INFINITY { -x } else { x + 0.0 }).sqrt();
    let is_rounded = size_of::<T>() < size_of::<f64>();
    match exponent {
        1.0 => map.with(|x| x),
        2.0 => map.with(|x| x * x),
        -1.0 => map.with(|x| T::ONE / x),
        0.5 => map.with(|x| (if x == T::NEG_INFINITY { -x } else { x + T::ZERO }).sqrt()),
        3.0 if is_rounded => map.with(|x| {
            let x = x.to_f64();
            T::from_f64(x * x * x)
        }),
        4.0 if is_rounded => map.with(|x| {
            let square = x.to_f64() * x.to_f64();
            T::from_f64(square * square)
        }),
        -2.0 if is_rounded => map.with(|x| T::from_f64(1.0 / (x.to_f64() * x.to_f64()))),
        1.5 if is_rounded => map.with(|x| T::from_f64(x.to_f64().abs() * root(x.to_f64()))),
        -0.5 if is_rounded => map.with(|x| T::from_f64(1.0 / root(x.to_f64()))),
        _ => one_by_one(Unary::PowScalar(exponent), map),
    }
}

pub(super) fn binary<T: Real>(op: Binary, zip: Zip<T>) {
    match op {
        Binary::Add => zip.with(|a, b| a + b),
        Binary::Sub => zip.with(|a, b| a - b),
        Binary::Mul => zip.with(|a, b| a * b),
        Binary::Div => zip.with(|a, b| a / b),
        Binary::Maximum => zip.with(|a, b| if a > b || a.is_nan() { a } else { b }),
        Binary::Minimum => zip.with(|a, b| if a < b || a.is_nan() { a } else { b }),
        Binary::MaskPositive => zip.with(|a, b| if b <= T::ZERO { T::ZERO } else { a }),
        Binary::SigmoidGrad => zip.with(|g, y| g * (y * (T::ONE - y))),
        Binary::TanhGrad => zip.with(|g, y| g * (T::ONE - y * y)),
        Binary::SiluGrad => zip.with(silu_grad),
        Binary::GeluGrad => activation::gelu_backward(zip),
        Binary::GeluTanhGrad => activation::gelu_tanh_backward(zip),
        Binary::BceWithLogits => activation::bce_with_logits(zip),
        Binary::SigmoidMinus => zip.with(|x, y| x.sigmoid() - y),
        Binary::Pow | Binary::Remainder | Binary::Fmod | Binary::Atan2 => {
            zip.with(|a, b| T::from_f64(naive::binary(op, a.to_f64(), b.to_f64())))
        }
    }
}

/// a op b, 1 where it holds.
pub(super) fn compare<T>(op: Compare, a: Operand<T>, b: Operand<T>, out: &mut [u8])
where
    T: PartialOrd + Copy + Send + Sync,
{
    match op {
        Compare::Eq => elementwise::binary(a, b, out, |a, b| (a == b) as u8),
        Compare::Ne => elementwise::binary(a, b, out, |a, b| (a != b) as u8),
        Compare::Lt => elementwise::binary(a, b, out, |a, b| (a < b) as u8),
        Compare::Le => elementwise::binary(a, b, out, |a, b| (a <= b) as u8),
        Compare::Gt => elementwise::binary(a, b, out, |a, b| (a > b) as u8),
        Compare::Ge => elementwise::binary(a, b, out, |a, b| (a >= b) as u8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::math::tests::ulps;

    /// As the standard library's in f64, for numbers of all sizes and those that are none.
    #[test]
    fn powers() {
        let x: Vec<f32> = (0..=u32::MAX).step_by(8191).map(f32::from_bits).collect();
        let special =
            [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, -f32::MAX, 1e-45, -1.0, 1.0];
        let x = [&x[..], &special].concat();
        let doubles: Vec<f64> = x.iter().map(|&x| x.into()).collect();
        for exponent in [0.0, 1.0, 2.0, 3.0, 4.0, -1.0, -2.0, 0.5, 1.5, -0.5, 2.5, -3.0] {
            let (mut y, mut y64) = (x.clone(), doubles.clone());
            power(exponent, Map::InPlace(&mut y));
            power(exponent, Map::InPlace(&mut y64));
            for ((&x, y), y64) in x.iter().zip(y).zip(y64) {
                let truth = f64::from(x).powf(exponent);
                assert!(ulps(y, truth) <= 0.5001, "{x:e}^{exponent} = {truth:e}, not {y:e}");
                assert!(
                    y == 0.0 || y.is_nan() || y.is_sign_positive() == truth.is_sign_positive(),
                    "{x:e}^{exponent}"
                );
                let is_close = (y64 - truth).abs() <= f64::EPSILON * truth.abs();
                assert!(is_close || y64 == truth || (y64.is_nan() && truth.is_nan()), "{x:e}^{exponent}");
                let is_same = y64.to_bits() == truth.to_bits() || truth != 0.0;
                assert!(is_same, "the sign of {x:e}^{exponent}");
            }
        }
    }
}
