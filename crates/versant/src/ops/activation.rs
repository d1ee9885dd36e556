//! Activation functions [course: A9].

use super::unary::Unary;
use crate::tensor::Tensor;

/// g is the gradient of the result, s the logistic function.
impl Tensor {
    /// max(x, 0). Gradient: 0 where x <= 0, else g (0 at 0 and g at NaN, as PyTorch).
    #[track_caller]
    pub fn relu(&self) -> Tensor {
        Tensor::from_op_with_output("relu", self.array().unary(Unary::Relu), [self], |back, y| {
            [back.want(0, || back.grad().mask_positive(y))]
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
                let (g, zero) = (back.grad(), x.constant(0.0));
                // min(x, 0) keeps e^x finite where it is not used.
                let below = g * x.minimum(&zero).exp() * a;
                x.le(&zero).where_cond(&below, g)
            })]
        })
    }

    /// 1 / (1 + e^-x). Gradient: g y (1 - y).
    #[track_caller]
    pub fn sigmoid(&self) -> Tensor {
        Tensor::from_op_with_output("sigmoid", self.array().unary(Unary::Sigmoid), [self], |back, y| {
            [back.want(0, || back.grad() * (y * (1.0 - y)))]
        })
    }

    /// Hyperbolic tangent. Gradient: g (1 - y^2).
    #[track_caller]
    pub fn tanh(&self) -> Tensor {
        Tensor::from_op_with_output("tanh", self.array().unary(Unary::Tanh), [self], |back, y| {
            [back.want(0, || back.grad() * (1.0 - y.square()))]
        })
    }

    /// x s(x), also called swish. Gradient: g s(x) (1 + x (1 - s(x))). (Ramachandran et al. 2017)
    #[track_caller]
    pub fn silu(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("silu", self.array().unary(Unary::Silu), [self], move |back| {
            [back.want(0, || {
                let s = x.sigmoid();
                back.grad() * (&s * (&x * (1.0 - &s) + 1.0))
            })]
        })
    }

    /// x Phi(x) = x (1 + erf(x / sqrt 2)) / 2. Gradient: g (Phi(x) + x phi(x)), phi the normal density.
    /// (Hendrycks and Gimpel 2016)
    #[track_caller]
    pub fn gelu(&self) -> Tensor {
        let x = self.clone();
        Tensor::from_op("gelu", self.array().unary(Unary::Gelu), [self], move |back| {
            [back.want(0, || {
                let distribution = (&x * std::f64::consts::FRAC_1_SQRT_2).erf() * 0.5 + 0.5;
                let density = (x.square() * -0.5).exp() * (1.0 / std::f64::consts::TAU.sqrt());
                back.grad() * (distribution + &x * density)
            })]
        })
    }

    /// log(1 + e^x), without overflow. Gradient: g s(x).
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
            near(x.softplus(), [0.0, std::f32::consts::LN_2, 1000.0]);
            near(x.softmax(-1), [0.0, 0.0, 1.0]);
        }
    }

    #[test]
    fn the_gradients_stay_finite_too() {
        let functions: [fn(&Tensor) -> Tensor; 8] = [
            Tensor::relu,
            |x| x.leaky_relu(0.1),
            |x| x.elu(1.5),
            Tensor::sigmoid,
            Tensor::tanh,
            Tensor::silu,
            Tensor::gelu,
            Tensor::softplus,
        ];
        for f in functions {
            let x = Tensor::from_slice(&[-1000.0f32, 0.0, 1000.0], [3]).requires_grad();
            let grads = f(&x).sum().backward();
            let g = grads.get(&x).map(|g| g.to_vec::<f32>()).unwrap_or_default();
            assert!(g.len() == 3 && g.iter().all(|v| v.is_finite()), "{g:?}");
        }
    }
}
