//! The two floating-point types that kernels are written for.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use super::gemm::Engines;
use super::math;
use crate::naive;
use crate::ops::{Binary, Unary};

/// `f32` or `f64`. The functions are the ones of [`math`]: vectorised for `f32`, the standard library's for `f64`.
pub trait Real:
    Copy
    + Send
    + Sync
    + 'static
    + Debug
    + Display
    + Default
    + PartialOrd
    + bytemuck::Pod
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Engines
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Minus infinity.
    const NEG_INFINITY: Self;
    /// The widest angle, in radians, that [`sin`](Real::sin) and [`cos`](Real::cos) are for.
    const WIDEST_ANGLE: Self;
    /// The nearest value.
    fn from_f64(x: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// self * b + c with one rounding: fast only where the processor's baseline has it.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// Whether this is not a number.
    fn is_nan(self) -> bool;
    /// The absolute value.
    fn abs(self) -> Self;
    /// The next whole number below.
    fn floor(self) -> Self;
    /// The next whole number above.
    fn ceil(self) -> Self;
    /// The nearest whole number, the even one of two.
    fn round_ties_even(self) -> Self;
    /// The next whole number towards zero.
    fn trunc(self) -> Self;
    /// e^x.
    fn exp(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// The sine.
    fn sin(self) -> Self;
    /// The cosine.
    fn cos(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// 1 / (1 + e^-x).
    fn sigmoid(self) -> Self;
    /// The error function.
    fn erf(self) -> Self;
    /// e^x - 1, also near 0.
    fn exp_m1(self) -> Self;
    /// log(1 + e^x).
    fn softplus(self) -> Self;
    /// x / (1 + e^-x).
    fn silu(self) -> Self;
    /// x Phi(x), Phi the normal distribution function.
    fn gelu(self) -> Self;
    /// The slope of [`gelu`](Real::gelu).
    fn gelu_slope(self) -> Self;
    /// The approximation of [`gelu`](Real::gelu) by a hyperbolic tangent.
    fn gelu_tanh(self) -> Self;
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const NEG_INFINITY: f32 = f32::NEG_INFINITY;
    const WIDEST_ANGLE: f32 = math::WIDEST_ANGLE;
    #[inline(always)]
    fn from_f64(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self as f64
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn mul_add(self, b: f32, c: f32) -> f32 {
        f32::mul_add(self, b, c)
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }
    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }
    #[inline(always)]
    fn floor(self) -> f32 {
        f32::floor(self)
    }
    #[inline(always)]
    fn ceil(self) -> f32 {
        f32::ceil(self)
    }
    #[inline(always)]
    fn round_ties_even(self) -> f32 {
        f32::round_ties_even(self)
    }
    #[inline(always)]
    fn trunc(self) -> f32 {
        f32::trunc(self)
    }
    #[inline(always)]
    fn exp(self) -> f32 {
        math::exp(self)
    }
    #[inline(always)]
    fn ln(self) -> f32 {
        math::ln(self)
    }
    #[inline(always)]
    fn sin(self) -> f32 {
        math::sin(self)
    }
    #[inline(always)]
    fn cos(self) -> f32 {
        math::cos(self)
    }
    #[inline(always)]
    fn tanh(self) -> f32 {
        math::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> f32 {
        math::sigmoid(self)
    }
    #[inline(always)]
    fn erf(self) -> f32 {
        math::erf(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> f32 {
        math::exp_m1(self)
    }
    #[inline(always)]
    fn softplus(self) -> f32 {
        math::softplus(self)
    }
    #[inline(always)]
    fn silu(self) -> f32 {
        math::silu(self)
    }
    #[inline(always)]
    fn gelu(self) -> f32 {
        math::gelu(self)
    }
    #[inline(always)]
    fn gelu_slope(self) -> f32 {
        math::gelu_slope(self)
    }
    #[inline(always)]
    fn gelu_tanh(self) -> f32 {
        math::gelu_tanh(self)
    }
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const NEG_INFINITY: f64 = f64::NEG_INFINITY;
    const WIDEST_ANGLE: f64 = f64::INFINITY;
    #[inline(always)]
    fn from_f64(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn mul_add(self, b: f64, c: f64) -> f64 {
        f64::mul_add(self, b, c)
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }
    #[inline(always)]
    fn floor(self) -> f64 {
        f64::floor(self)
    }
    #[inline(always)]
    fn ceil(self) -> f64 {
        f64::ceil(self)
    }
    #[inline(always)]
    fn round_ties_even(self) -> f64 {
        f64::round_ties_even(self)
    }
    #[inline(always)]
    fn trunc(self) -> f64 {
        f64::trunc(self)
    }
    #[inline(always)]
    fn exp(self) -> f64 {
        f64::exp(self)
    }
    #[inline(always)]
    fn ln(self) -> f64 {
        f64::ln(self)
    }
    #[inline(always)]
    fn sin(self) -> f64 {
        f64::sin(self)
    }
    #[inline(always)]
    fn cos(self) -> f64 {
        f64::cos(self)
    }
    #[inline(always)]
    fn tanh(self) -> f64 {
        f64::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> f64 {
        let e = f64::exp(-f64::abs(self));
        (if self >= 0.0 { 1.0 } else { e }) / (1.0 + e)
    }
    #[inline(always)]
    fn erf(self) -> f64 {
        libm::erf(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> f64 {
        naive::unary(Unary::Expm1, self)
    }
    #[inline(always)]
    fn softplus(self) -> f64 {
        naive::unary(Unary::Softplus, self)
    }
    #[inline(always)]
    fn silu(self) -> f64 {
        naive::unary(Unary::Silu, self)
    }
    #[inline(always)]
    fn gelu(self) -> f64 {
        naive::unary(Unary::Gelu, self)
    }
    #[inline(always)]
    fn gelu_slope(self) -> f64 {
        naive::binary(Binary::GeluGrad, 1.0, self)
    }
    #[inline(always)]
    fn gelu_tanh(self) -> f64 {
        naive::unary(Unary::GeluTanh, self)
    }
}
