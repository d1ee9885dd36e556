//! Elementwise functions of one argument.

use crate::array::Array;
use crate::tensor::Tensor;

/// The functions of one argument that backends know; parameters are part of the function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// -x
    Neg,
    /// |x|
    Abs,
    /// -1, 0 or 1
    Sign,
    /// e^x
    Exp,
    /// e^x - 1, also near 0
    Expm1,
    /// Natural logarithm
    Log,
    /// log(1 + x), also near 0
    Log1p,
    /// Square root
    Sqrt,
    /// 1 / sqrt(x)
    Rsqrt,
    /// x^2
    Square,
    /// 1 / x
    Reciprocal,
    /// Sine
    Sin,
    /// Cosine
    Cos,
    /// Tangent
    Tan,
    /// Inverse tangent
    Atan,
    /// The largest whole number that is not above x
    Floor,
    /// The smallest whole number that is not below x
    Ceil,
    /// The nearest whole number, of two the even one
    Round,
    /// The whole part
    Trunc,
    /// min(max(x, lo), hi)
    Clamp(f64, f64),
    /// (e^x - e^-x) / (e^x + e^-x)
    Tanh,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// max(x, 0)
    Relu,
    /// x where x > 0, else a x
    LeakyRelu(f64),
    /// x where x > 0, else a (e^x - 1)
    Elu(f64),
    /// x sigmoid(x)
    Silu,
    /// x Phi(x), Phi the normal distribution function
    Gelu,
    /// The approximation of Gelu by a hyperbolic tangent
    GeluTanh,
    /// x min(max(x + 3, 0), 6) / 6
    HardSwish,
    /// min(max(x + 3, 0), 6) / 6
    HardSigmoid,
    /// log(1 + e^x)
    Softplus,
    /// 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x
    Erf,
    /// x + c
    AddScalar(f64),
    /// x c
    MulScalar(f64),
    /// x^c
    PowScalar(f64),
}

impl Unary {
    fn name(self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Abs => "abs",
            Unary::Sign => "sign",
            Unary::Exp => "exp",
            Unary::Expm1 => "expm1",
            Unary::Log => "log",
            Unary::Log1p => "log1p",
            Unary::Sqrt => "sqrt",
            Unary::Rsqrt => "rsqrt",
            Unary::Square => "square",
            Unary::Reciprocal => "reciprocal",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Tan => "tan",
            Unary::Atan => "atan",
            Unary::Floor => "floor",
            Unary::Ceil => "ceil",
            Unary::Round => "round",
            Unary::Trunc => "trunc",
            Unary::Clamp(..) => "clamp",
            Unary::Tanh => "tanh",
            Unary::Sigmoid => "sigmoid",
            Unary::Relu => "relu",
            Unary::LeakyRelu(..) => "leaky_relu",
            Unary::Elu(..) => "elu",
            Unary::Silu => "silu",
            Unary::Gelu => "gelu",
            Unary::GeluTanh => "gelu_tanh",
            Unary::HardSwish => "hardswish",
            Unary::HardSigmoid => "hardsigmoid",
            Unary::Softplus => "softplus",
            Unary::Erf => "erf",
            Unary::AddScalar(..) => "add_scalar",
            Unary::MulScalar(..) => "mul_scalar",
            Unary::PowScalar(..) => "powf",
        }
    }
}

impl Array {
    /// op(x) for each element.
    ///
    /// # Panics
    /// When the elements are not floating point.
    #[track_caller]
    pub fn unary(&self, op: Unary) -> Array {
        self.check_unary(op);
        let mut out = Array::recycled(self.shape(), self.dtype(), self.device());
        self.device().backend().unary(op, self, &mut out);
        out
    }

    /// [`unary`](Array::unary) of an array given away: over its memory if nobody else holds it.
    #[track_caller]
    pub(super) fn into_unary(mut self, op: Unary) -> Array {
        if !self.is_sole_owner() {
            return self.unary(op);
        }
        self.check_unary(op);
        self.device().backend().unary_assign(op, &mut self);
        self
    }

    #[track_caller]
    fn check_unary(&self, op: Unary) {
        assert!(
            self.dtype().is_float(),
            "{}: needs f32 or f64, not {} {}; cast it first",
            op.name(),
            self.dtype(),
            self.shape()
        );
    }
}

/// Each function's gradient is written with g for the gradient of the result y = f(x).
impl Tensor {
    /// -x. Gradient: -g.
    #[track_caller]
    pub fn neg(&self) -> Tensor {
        Tensor::from_op("neg", self.array().unary(Unary::Neg), [self], |back| {
            let g = back.take_grad();
            [back.want(0, || -g)]
        })
    }

    /// |x|. Gradient: g sign(x), 0 at 0.
    #[track_caller]
    pub fn abs(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("abs", self.array().unary(Unary::Abs), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || g * x.sign())]
        })
    }

    /// -1, 0 or 1; NaN stays NaN. Gradient: 0.
    #[track_caller]
    pub fn sign(&self) -> Tensor {
        Tensor::from_op("sign", self.array().unary(Unary::Sign), [self], |back| {
            [back.want(0, || back.grad().zeros_like())]
        })
    }

    /// e^x. Gradient: g y.
    #[track_caller]
    pub fn exp(&self) -> Tensor {
        Tensor::from_op_with_output("exp", self.array().unary(Unary::Exp), [self], |back, y| {
            let g = back.take_grad();
            [back.want(0, || g * y)]
        })
    }

    /// e^x - 1 without the rounding of e^x near 1. Gradient: g (y + 1).
    #[track_caller]
    pub fn expm1(&self) -> Tensor {
        Tensor::from_op_with_output("expm1", self.array().unary(Unary::Expm1), [self], |back, y| {
            let g = back.take_grad();
            [back.want(0, || g * (y + 1.0))]
        })
    }

    /// Natural logarithm; -inf at 0, NaN below. Gradient: g / x.
    #[track_caller]
    pub fn log(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("log", self.array().unary(Unary::Log), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || g / &x)]
        })
    }

    /// log(1 + x) without the rounding of 1 + x; -inf at -1, NaN below. Gradient: g / (1 + x).
    #[track_caller]
    pub fn log1p(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("log1p", self.array().unary(Unary::Log1p), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || g / (&x + 1.0))]
        })
    }

    /// Square root; NaN below 0. Gradient: g / (2 y), infinite at 0.
    #[track_caller]
    pub fn sqrt(&self) -> Tensor {
        Tensor::from_op_with_output("sqrt", self.array().unary(Unary::Sqrt), [self], |back, y| {
            let g = back.take_grad();
            [back.want(0, || g / (y * 2.0))]
        })
    }

    /// 1 / sqrt(x). Gradient: -g y^3 / 2.
    #[track_caller]
    pub fn rsqrt(&self) -> Tensor {
        Tensor::from_op_with_output("rsqrt", self.array().unary(Unary::Rsqrt), [self], |back, y| {
            let g = back.take_grad();
            [back.want(0, || g * (y.square() * y) * -0.5)]
        })
    }

    /// x^2. Gradient: 2 g x.
    #[track_caller]
    pub fn square(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("square", self.array().unary(Unary::Square), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || g * &x * 2.0)]
        })
    }

    /// 1 / x. Gradient: -g y^2.
    #[track_caller]
    pub fn reciprocal(&self) -> Tensor {
        Tensor::from_op_with_output("reciprocal", self.array().unary(Unary::Reciprocal), [self], |back, y| {
            let g = back.take_grad();
            [back.want(0, || -(g * y.square()))]
        })
    }

    /// The sine of an angle in radians. Gradient: g cos(x).
    #[track_caller]
    pub fn sin(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("sin", self.array().unary(Unary::Sin), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || g * x.cos())]
        })
    }

    /// The cosine of an angle in radians. Gradient: -g sin(x).
    #[track_caller]
    pub fn cos(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("cos", self.array().unary(Unary::Cos), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || -(g * x.sin()))]
        })
    }

    /// The tangent of an angle in radians. Gradient: g (1 + y^2).
    #[track_caller]
    pub fn tan(&self) -> Tensor {
        Tensor::from_op_with_output("tan", self.array().unary(Unary::Tan), [self], |back, y| {
            let g = back.take_grad();
            [back.want(0, || g * (y.square() + 1.0))]
        })
    }

    /// The angle in [-pi/2, pi/2] whose tangent is x. Gradient: g / (1 + x^2).
    #[track_caller]
    pub fn atan(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("atan", self.array().unary(Unary::Atan), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || g / (x.square() + 1.0))]
        })
    }

    /// The largest whole number that is not above x. Gradient: 0.
    #[track_caller]
    pub fn floor(&self) -> Tensor {
        Tensor::from_op("floor", self.array().unary(Unary::Floor), [self], |back| {
            [back.want(0, || back.grad().zeros_like())]
        })
    }

    /// The smallest whole number that is not below x. Gradient: 0.
    #[track_caller]
    pub fn ceil(&self) -> Tensor {
        Tensor::from_op("ceil", self.array().unary(Unary::Ceil), [self], |back| {
            [back.want(0, || back.grad().zeros_like())]
        })
    }

    /// The nearest whole number; of two equally near ones the even one: 0.5 gives 0, 1.5 gives 2. Gradient: 0.
    #[track_caller]
    pub fn round(&self) -> Tensor {
        Tensor::from_op("round", self.array().unary(Unary::Round), [self], |back| {
            [back.want(0, || back.grad().zeros_like())]
        })
    }

    /// The whole part, x without its fraction. Gradient: 0.
    #[track_caller]
    pub fn trunc(&self) -> Tensor {
        Tensor::from_op("trunc", self.array().unary(Unary::Trunc), [self], |back| {
            [back.want(0, || back.grad().zeros_like())]
        })
    }

    /// min(max(x, low), high): no lower than `low`, no higher than `high`, either of which may be infinite. Gradient: g
    /// where low < x < high, else 0 (also at the bounds and at NaN).
    ///
    /// As in PyTorch, `high` wins where `low` is above it, and a bound that is NaN makes everything NaN.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[-2.0f32, 0.5, 7.0], [3]);
    /// assert_eq!(x.clamp(0.0, f64::INFINITY).to_vec::<f32>(), [0.0, 0.5, 7.0]);
    /// ```
    #[track_caller]
    pub fn clamp(&self, low: f64, high: f64) -> Tensor {
        let x = self.clone();
        Tensor::from_op("clamp", self.array().unary(Unary::Clamp(low, high)), [self], move |back| {
            [back.want(0, || x.gt(low).logical_and(&x.lt(high)).where_cond(back.grad(), 0.0))]
        })
    }

    /// x^c for a constant c. Gradient: g c x^(c-1), 0 for c = 0.
    #[track_caller]
    pub fn powf(&self, exponent: f64) -> Tensor {
        let x = self.clone();
        Tensor::from_op("powf", self.array().unary(Unary::PowScalar(exponent)), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || match exponent {
                0.0 => g.zeros_like(),
                c => g * x.powf(c - 1.0) * c,
            })]
        })
    }

    /// The error function. Gradient: g 2/sqrt(pi) e^(-x^2).
    #[track_caller]
    pub fn erf(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("erf", self.array().unary(Unary::Erf), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || g * x.square().neg().exp() * std::f64::consts::FRAC_2_SQRT_PI)]
        })
    }

    /// x + c for a constant c; also written `x + c`. Gradient: g.
    #[track_caller]
    pub fn add_scalar(&self, c: f64) -> Tensor {
        Tensor::from_op("add_scalar", self.array().unary(Unary::AddScalar(c)), [self], |back| {
            let g = back.take_grad();
            [back.want(0, || g)]
        })
    }

    /// x c for a constant c; also written `x * c`. Gradient: g c.
    #[track_caller]
    pub fn mul_scalar(&self, c: f64) -> Tensor {
        Tensor::from_op("mul_scalar", self.array().unary(Unary::MulScalar(c)), [self], move |back| {
            let g = back.take_grad();
            [back.want(0, || g * c)]
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    #[test]
    fn halves_round_to_even() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[0.5f32, 1.5, 2.5, -0.5, -1.5, -2.6], [6]).to(device);
            assert_eq!(x.round().to_vec::<f32>(), [0.0, 2.0, 2.0, 0.0, -2.0, -3.0]);
            assert_eq!(x.floor().to_vec::<f32>(), [0.0, 1.0, 2.0, -1.0, -2.0, -3.0]);
            assert_eq!(x.ceil().to_vec::<f32>(), [1.0, 2.0, 3.0, 0.0, -1.0, -2.0]);
            assert_eq!(x.trunc().to_vec::<f32>(), [0.0, 1.0, 2.0, 0.0, -1.0, -2.0]);
        }
    }

    #[test]
    fn digits_survive_near_zero() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[1e-10f32, -1e-10], [2]).to(device);
            assert_eq!(x.expm1().to_vec::<f32>(), [1e-10, -1e-10]);
            assert_eq!(x.log1p().to_vec::<f32>(), [1e-10, -1e-10]);
        }
    }

    /// Values and gradients at the bounds, beyond them, at NaN and for bounds out of order are PyTorch's.
    #[test]
    fn clamp_as_pytorch() {
        for device in [Device::Cpu, Device::Naive] {
            let values = [-f64::INFINITY, -1.0, 0.5, 1.0, 2.0, f64::NAN];
            let x = Tensor::from_slice(&values, [6]).to(device).requires_grad();
            let y = x.clamp(-1.0, 1.0);
            assert_eq!(y.to_vec::<f64>()[..5], [-1.0, -1.0, 0.5, 1.0, 1.0]);
            assert!(y.to_vec::<f64>()[5].is_nan());
            let slope = y.sum().backward().remove(&x).map(|g| g.to_vec::<f64>());
            assert_eq!(slope, Some(vec![0.0, 0.0, 1.0, 0.0, 0.0, 0.0]));
            assert_eq!(x.clamp(1.0, -1.0).to_vec::<f64>()[..5], [-1.0; 5]);
            for (low, high) in [(f64::NAN, 1.0), (-1.0, f64::NAN)] {
                assert!(x.clamp(low, high).to_vec::<f64>().iter().all(|v| v.is_nan()));
            }
        }
    }
}
