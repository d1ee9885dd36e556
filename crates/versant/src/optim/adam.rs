//! Adam and AdamW.

use super::{OptimState, Optimizer, Slots, for_each_gradient, nothing_left};
use crate::array::Array;
use crate::autograd::Gradients;
use crate::device::AdamStep;
use crate::error::{Error, Result};
use crate::nn::Module;
use crate::tensor::Tensor;

/// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), as PyTorch defines them:
///
/// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
/// p = p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)
pub struct Adam {
    settings: AdamStep,
    mean: Slots,
    square: Slots,
}

impl Adam {
    /// Adam with beta (0.9, 0.999), eps 1e-8 and no decay.
    pub fn new(lr: f64) -> Adam {
        let settings =
            AdamStep { lr, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, decoupled: false, t: 0 };
        Adam { settings, mean: Slots::default(), square: Slots::default() }
    }

    /// AdamW: the same with weight decay 0.01 that acts on the parameters themselves.
    pub fn adamw(lr: f64) -> Adam {
        let mut adam = Adam::new(lr).weight_decay(0.01);
        adam.settings.decoupled = true;
        adam
    }

    /// Other decay rates.
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Adam {
        (self.settings.beta1, self.settings.beta2) = (beta1, beta2);
        self
    }

    /// Another term in the denominator.
    pub fn eps(mut self, eps: f64) -> Adam {
        self.settings.eps = eps;
        self
    }

    /// L2 penalty (Adam) or decay of the parameters (AdamW).
    pub fn weight_decay(mut self, weight_decay: f64) -> Adam {
        self.settings.weight_decay = weight_decay;
        self
    }
}

impl Optimizer for Adam {
    fn step(&mut self, model: &mut dyn Module, grads: &Gradients) {
        self.settings.t += 1;
        let (settings, mean, square) = (self.settings, &mut self.mean, &mut self.square);
        for_each_gradient(model, grads, |name, param, grad| {
            let like = Tensor::from(param.clone());
            let (m, _) = mean.of(name, &like);
            let (v, _) = square.of(name, &like);
            drop(like);
            param.device().backend().adam(&settings, param, grad, m, v);
        });
    }

    fn lr(&self) -> f64 {
        self.settings.lr
    }

    fn set_lr(&mut self, lr: f64) {
        self.settings.lr = lr;
    }

    fn state(&self) -> OptimState {
        let mut state = OptimState::from([("step".into(), Array::from_slice(&[self.settings.t as i64], ()))]);
        self.mean.save("exp_avg", &mut state);
        self.square.save("exp_avg_sq", &mut state);
        state
    }

    fn load_state(&mut self, mut state: OptimState, model: &dyn Module) -> Result<()> {
        let step = state.remove("step").filter(|s| s.numel() == 1 && s.dtype() == crate::DType::I64);
        let step = step.and_then(|s| i32::try_from(s.item::<i64>()).ok());
        let Some(step) = step else {
            return Err(Error::Checkpoint("optimiser state has no step count: it is not Adam's".into()));
        };
        let mean = Slots::load("exp_avg", &mut state, model)?;
        let square = Slots::load("exp_avg_sq", &mut state, model)?;
        nothing_left(&state)?;
        (self.settings.t, self.mean, self.square) = (step, mean, square);
        Ok(())
    }
}
