//! The fully connected layer [course: A8].

use super::{Context, Layer, Module, init};
use crate::rng::Rng;
use crate::tensor::Tensor;

/// y = x W^T + b. `weight` is [out, in], `bias` `[out]`. Initialised as PyTorch does: uniform in
/// +-1/sqrt(in), both.
#[derive(Module, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// With a bias.
    pub fn new(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear {
        let bound = 1.0 / (inputs.max(1) as f64).sqrt();
        let weight = init::uniform([outputs, inputs], -bound, bound, rng);
        let bias = Some(init::uniform([outputs], -bound, bound, rng));
        Linear { weight, bias }
    }

    /// Without a bias.
    pub fn without_bias(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear {
        let bound = 1.0 / (inputs.max(1) as f64).sqrt();
        Linear { weight: init::uniform([outputs, inputs], -bound, bound, rng), bias: None }
    }

    /// From given values.
    ///
    /// # Panics
    /// When the weight is not [out, in] or the bias not `[out]`.
    #[track_caller]
    pub fn from_parts(weight: Tensor, bias: Option<Tensor>) -> Linear {
        assert!(weight.rank() == 2, "Linear: a weight is [out, in], not {}", weight.shape());
        if let Some(bias) = &bias {
            let outputs = weight.shape()[0];
            assert!(
                bias.shape() == [outputs].into(),
                "Linear: weight {} needs a bias [{outputs}], not {}",
                weight.shape(),
                bias.shape()
            );
        }
        Linear { weight, bias }
    }

    /// The weight, [out, in].
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// The bias, `[out]`.
    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_ref()
    }
}

impl Layer for Linear {
    /// x [.., in] to [.., out].
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let y = x.linear(&self.weight, self.bias.as_ref());
        cx.observe("Linear", x, &y, |o| {
            let rows = x.numel() as u64 / self.weight.shape()[1].max(1) as u64;
            let seen = o.parameter("weight", &self.weight).parameter("bias", self.bias.as_ref());
            seen.multiply_adds(rows * self.weight.numel() as u64)
        });
        y
    }

    #[track_caller]
    fn forward_relu(&self, x: &Tensor, _: &mut Context) -> Tensor {
        x.linear_ending(&self.weight, self.bias.as_ref(), true)
    }
}
