//! Activation functions [course: A9].

use super::binary::Binary;
use super::unary::Unary;
use crate::autograd::is_recording;
use crate::tensor::Tensor;

/// g f'(x) in one pass, from g and from x or the result, over g if nobody else holds it; composed when it is to be
/// differentiated again.
fn slope(op: Binary, g: Tensor, at: &Tensor, composed: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
    if is_recording() {
        return composed(&g);
    }
    let mut g = g.into_array();
    g.binary_assign(op, at.array());
    g.into()
}

/// g is the gradient of the result, s the logistic function.
///
/// At minus infinity `silu`, `gelu`, `gelu_tanh` and `hardswish` have their limit 0, where PyTorch gives NaN.
impl Tensor {
    /// max(x, 0). Gradient: 0 where x <= 0, else g (0 at 0 and g at NaN, as PyTorch).
    #[track_caller]
    pub fn relu(&self) -> Tensor {
        Tensor::from_op_with_output("relu", self.array().unary(Unary::Relu), [self], |back, y| {
            let g = back.take_grad();
            [back.want(0, || slope(Binary::MaskPositive, g, y, |g| g.mask_positive(y)))]
        })
    }

    /// x where x > 0, else a x. Gradient: g where x > 0, else a g.
    #[track_caller]
    pub fn leaky_relu(&self, a: f64) -> Tensor {
        let x = self.clone();
        Tensor::from_op("leaky_relu", self.array().unary(Unary::LeakyRelu(a)), [self], move |back| {
            let g = back.grad();
            [back.want(0, || x.gt(0.0).where_cond(g, &(g * a)))]
        })
    }

    /// x where x > 0, else a (e^x - 1). Gradient: g a e^x where x <= 0, else g. (Clevert et al. 2016)
    #[track_caller]
    pub fn elu(&self, a: f64) -> Tensor {
        let x = self.clone();
        Tensor::from_op("elu", self.array().unary(Unary::Elu(a)), [self], move |back| {
            [back.want(0, || {
                let g = back.grad();
                // min(x, 0) keeps e^x finite where it is not used.
                let below = g * x.minimum(0.0).exp() * a;
                x.le(0.0).where_cond(&below, g)
            })]
        })
    }

    /// s elu(x) with a = 1.67326 and s = 1.05070: layers of it keep mean 0 and variance 1. (Klambauer et al. 2017)
    #[track_caller]
    pub fn selu(&self) -> Tensor {
        self.elu(1.673_263_242_354_377_3) * 1.050_700_987_355_480_5
    }

    /// 1 / (1 + e^-x). Gradient: g y (1 - y).
    #[track_caller]
    pub fn sigmoid(&self) -> Tensor {
        Tensor::from_op_with_output("sigmoid", self.array().unary(Unary::Sigmoid), [self], |back, y| {
            let g = back.take_grad();
            [back.want(0, || slope(Binary::SigmoidGrad, g, y, |g| g * (y * (1.0 - y))))]
        })
    }

    /// Hyperbolic tangent. Gradient: g (1 - y^2).
    #[track_caller]
    pub fn tanh(&self) -> Tensor {
        Tensor::from_op_with_output("tanh", self.array().unary(Unary::Tanh), [self], |back, y| {
            let g = back.take_grad();
            [back.want(0, || slope(Binary::TanhGrad, g, y, |g| g * (1.0 - y.square())))]
        })
    }

    /// x s(x), also called swish. Gradient: g s(x) (1 + x (1 - s(x))). (Ramachandran et al. 2017)
    #[track_caller]
    pub fn silu(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("silu", self.array().unary(Unary::Silu), [self], move |back| {
            let g = back.take_grad();
            let composed = |g: &Tensor| {
                let s = x.sigmoid();
                g * (&s * (&x * (1.0 - &s) + 1.0))
            };
            [back.want(0, || slope(Binary::SiluGrad, g, &x, composed))]
        })
    }

    /// x Phi(x) = x (1 + erf(x / sqrt 2)) / 2. Gradient: g (Phi(x) + x phi(x)), phi the normal density.
    /// (Hendrycks and Gimpel 2016)
    #[track_caller]
    pub fn gelu(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("gelu", self.array().unary(Unary::Gelu), [self], move |back| {
            let g = back.take_grad();
            let composed = |g: &Tensor| {
                let distribution = (&x * std::f64::consts::FRAC_1_SQRT_2).erf() * 0.5 + 0.5;
                let density = (x.square() * -0.5).exp() * (1.0 / std::f64::consts::TAU.sqrt());
                g * (distribution + &x * density)
            };
            [back.want(0, || slope(Binary::GeluGrad, g, &x, composed))]
        })
    }

    /// x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3): GELU as BERT and GPT-2 compute it, within 5e-4 of
    /// [`gelu`](Tensor::gelu). With s = s(2 u) it is x s. Gradient: g (s + 2 x s (1 - s) u').
    /// (Hendrycks and Gimpel 2016)
    #[track_caller]
    pub fn gelu_tanh(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("gelu_tanh", self.array().unary(Unary::GeluTanh), [self], move |back| {
            let g = back.take_grad();
            let composed = |g: &Tensor| {
                // Beyond +-20 the slope is 0 or 1, and a product of 0 and a large x^3 would be lost.
                let x = &x.clamp(-20.0, 20.0);
                let c = (8.0 / std::f64::consts::PI).sqrt();
                let square = x.square();
                let s = (x * (&square * (c * 0.044715) + c)).sigmoid();
                let rise = square * (3.0 * c * 0.044715) + c;
                g * (&s + x * (&s * (1.0 - &s)) * rise)
            };
            [back.want(0, || slope(Binary::GeluTanhGrad, g, &x, composed))]
        })
    }

    /// x tanh(log(1 + e^x)). Gradient: g (t + x (1 - t^2) s(x)) with t the tangent. (Misra 2019)
    #[track_caller]
    pub fn mish(&self) -> Tensor {
        self * self.softplus().tanh()
    }

    /// min(max(x, low), high). Gradient: g where low < x < high, else 0.
    ///
    /// # Panics
    /// When `low` is above `high`, or either is NaN.
    #[track_caller]
    pub fn hardtanh(&self, low: f64, high: f64) -> Tensor {
        assert!(low <= high, "hardtanh: the lower bound {low} must not be above the upper bound {high}");
        self.clamp(low, high)
    }

    /// x r(x + 3) / 6 with r(x) = min(max(x, 0), 6): silu in straight lines. Gradient: 0 where x <= -3, g where x >= 3,
    /// else g (x / 3 + 1 / 2). (Howard et al. 2019)
    #[track_caller]
    pub fn hardswish(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("hardswish", self.array().unary(Unary::HardSwish), [self], move |back| {
            [back.want(0, || {
                let inner = back.grad() * (&x / 3.0 + 0.5);
                x.le(-3.0).where_cond(0.0, &x.ge(3.0).where_cond(back.grad(), &inner))
            })]
        })
    }

    /// min(max(x + 3, 0), 6) / 6: the logistic function in straight lines. Gradient: g / 6 where -3 < x < 3, else 0.
    #[track_caller]
    pub fn hardsigmoid(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("hardsigmoid", self.array().unary(Unary::HardSigmoid), [self], move |back| {
            [back.want(0, || x.abs().lt(3.0).where_cond(&(back.grad() / 6.0), 0.0))]
        })
    }

    /// log(1 + e^x), without overflow. Gradient: g s(x).
    ///
    /// PyTorch's turns to x above 20, which is 2e-9 less.
    #[track_caller]
    pub fn softplus(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("softplus", self.array().unary(Unary::Softplus), [self], move |back| {
            [back.want(0, || back.grad() * x.sigmoid())]
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    /// A9: every activation is finite and right at +-1000.
    #[test]
    fn extremes_stay_finite() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[-1000.0f32, 0.0, 1000.0], [3]).to(device);
            let near = |y: Tensor, expected: [f32; 3]| {
                for (got, want) in y.to_vec::<f32>().iter().zip(expected) {
                    assert!((got - want).abs() <= 1e-5 * want.abs().max(1.0), "{got} is not {want}");
                }
            };
            near(x.relu(), [0.0, 0.0, 1000.0]);
            near(x.leaky_relu(0.01), [-10.0, 0.0, 1000.0]);
            near(x.elu(1.0), [-1.0, 0.0, 1000.0]);
            near(x.sigmoid(), [0.0, 0.5, 1.0]);
            near(x.tanh(), [-1.0, 0.0, 1.0]);
            near(x.silu(), [0.0, 0.0, 1000.0]);
            near(x.gelu(), [0.0, 0.0, 1000.0]);
            near(x.gelu_tanh(), [0.0, 0.0, 1000.0]);
            near(x.selu(), [-1.758_099_3, 0.0, 1_050.701]);
            near(x.mish(), [0.0, 0.0, 1000.0]);
            near(x.hardtanh(-2.0, 3.0), [-2.0, 0.0, 3.0]);
            near(x.hardswish(), [0.0, 0.0, 1000.0]);
            near(x.hardsigmoid(), [0.0, 0.5, 1.0]);
            near(x.softplus(), [0.0, std::f32::consts::LN_2, 1000.0]);
            near(x.softmax(-1), [0.0, 0.0, 1.0]);
        }
    }

    #[test]
    fn the_gradients_stay_finite_too() {
        let functions: [fn(&Tensor) -> Tensor; 14] = [
            Tensor::relu,
            |x| x.leaky_relu(0.1),
            |x| x.elu(1.5),
            Tensor::sigmoid,
            Tensor::tanh,
            Tensor::silu,
            Tensor::gelu,
            Tensor::gelu_tanh,
            Tensor::selu,
            Tensor::mish,
            |x| x.hardtanh(-1.0, 1.0),
            Tensor::hardswish,
            Tensor::hardsigmoid,
            Tensor::softplus,
        ];
        for f in functions {
            let x = Tensor::from_slice(&[-1000.0f32, 0.0, 1000.0], [3]).requires_grad();
            let grads = f(&x).sum().backward();
            let g = grads.get(&x).map(|g| g.to_vec::<f32>()).unwrap_or_default();
            assert!(g.len() == 3 && g.iter().all(|v| v.is_finite()), "{g:?}");
        }
    }

    /// PyTorch's choices at the corners.
    #[test]
    fn slopes_at_corners() {
        for device in [Device::Cpu, Device::Naive] {
            let x =
                Tensor::from_slice(&[-3.0f64, -1.5, 3.0, f64::NEG_INFINITY], [4]).to(device).requires_grad();
            let slope =
                |y: Tensor| y.sum().backward().remove(&x).map(|g| g.to_vec::<f64>()).unwrap_or_default();
            assert_eq!(slope(x.hardswish()), [0.0, 0.0, 1.0, 0.0]);
            assert_eq!(slope(x.hardsigmoid()), [0.0, 1.0 / 6.0, 0.0, 0.0]);
            assert_eq!(slope(x.hardtanh(-3.0, 3.0)), [0.0, 1.0, 0.0, 0.0]);
            assert_eq!(slope(x.elu(1.0))[3], 0.0);
        }
    }

    #[test]
    #[should_panic(expected = "hardtanh: the lower bound 1 must not be above the upper bound 0")]
    fn bounds_out_of_order() {
        let _ = Tensor::zeros([2]).hardtanh(1.0, 0.0);
    }
}
