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
    /// Natural logarithm
    Log,
    /// Square root
    Sqrt,
    /// x^2
    Square,
    /// 1 / x
    Reciprocal,
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

impl Array {
    /// op(x) for each element.
    ///
    /// # Panics
    /// When the elements are not floating point.
    #[track_caller]
    pub fn unary(&self, op: Unary) -> Array {
        assert!(self.dtype().is_float(), "{op:?}: needs f32 or f64, not {}; cast it first", self.dtype());
        let mut out = Array::recycled(self.shape(), self.dtype(), self.device());
        self.device().backend().unary(op, self, &mut out);
        out
    }
}

/// Each function's gradient is written with g for the gradient of the result y = f(x).
impl Tensor {
    /// -x. Gradient: -g.
    #[track_caller]
    pub fn neg(&self) -> Tensor {
        Tensor::from_op("neg", self.array().unary(Unary::Neg), [self], |back| {
            [back.want(0, || back.grad().neg())]
        })
    }

    /// |x|. Gradient: g sign(x), 0 at 0.
    #[track_caller]
    pub fn abs(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("abs", self.array().unary(Unary::Abs), [self], move |back| {
            [back.want(0, || back.grad() * x.sign())]
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
            [back.want(0, || back.grad() * y)]
        })
    }

    /// Natural logarithm; -inf at 0, NaN below. Gradient: g / x.
    #[track_caller]
    pub fn log(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("log", self.array().unary(Unary::Log), [self], move |back| {
            [back.want(0, || back.grad() / &x)]
        })
    }

    /// Square root; NaN below 0. Gradient: g / (2 y), infinite at 0.
    #[track_caller]
    pub fn sqrt(&self) -> Tensor {
        Tensor::from_op_with_output("sqrt", self.array().unary(Unary::Sqrt), [self], |back, y| {
            [back.want(0, || back.grad() / (y * 2.0))]
        })
    }

    /// x^2. Gradient: 2 g x.
    #[track_caller]
    pub fn square(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("square", self.array().unary(Unary::Square), [self], move |back| {
            [back.want(0, || back.grad() * &x * 2.0)]
        })
    }

    /// 1 / x. Gradient: -g y^2.
    #[track_caller]
    pub fn reciprocal(&self) -> Tensor {
        Tensor::from_op_with_output("reciprocal", self.array().unary(Unary::Reciprocal), [self], |back, y| {
            [back.want(0, || (back.grad() * y.square()).neg())]
        })
    }

    /// x^c for a constant c. Gradient: g c x^(c-1), 0 for c = 0.
    #[track_caller]
    pub fn powf(&self, exponent: f64) -> Tensor {
        let x = self.clone();
        Tensor::from_op("powf", self.array().unary(Unary::PowScalar(exponent)), [self], move |back| {
            [back.want(0, || match exponent {
                0.0 => back.grad().zeros_like(),
                c => back.grad() * x.powf(c - 1.0) * c,
            })]
        })
    }

    /// The error function. Gradient: g 2/sqrt(pi) e^(-x^2).
    #[track_caller]
    pub fn erf(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("erf", self.array().unary(Unary::Erf), [self], move |back| {
            [back.want(0, || back.grad() * x.square().neg().exp() * std::f64::consts::FRAC_2_SQRT_PI)]
        })
    }

    /// x + c for a constant c; also written `x + c`. Gradient: g.
    #[track_caller]
    pub fn add_scalar(&self, c: f64) -> Tensor {
        Tensor::from_op("add_scalar", self.array().unary(Unary::AddScalar(c)), [self], |back| {
            [back.want(0, || back.grad().clone())]
        })
    }

    /// x c for a constant c; also written `x * c`. Gradient: g c.
    #[track_caller]
    pub fn mul_scalar(&self, c: f64) -> Tensor {
        Tensor::from_op("mul_scalar", self.array().unary(Unary::MulScalar(c)), [self], move |back| {
            [back.want(0, || back.grad().mul_scalar(c))]
        })
    }
}
