//! How far is each element from its target?

use super::Reduction;
use crate::autograd::{is_recording, no_grad};
use crate::ops::Binary;
use crate::tensor::Tensor;

/// Options of [`Tensor::bce_with`].
#[derive(Clone, Debug, Default)]
pub struct Bce {
    /// A factor for each loss, which broadcasts; it has no gradient.
    pub weight: Option<Tensor>,
    /// Mean by default.
    pub reduction: Reduction,
}

/// Options of [`Tensor::bce_with_logits_with`].
#[derive(Clone, Debug, Default)]
pub struct BceWithLogits {
    /// A factor for each loss, which broadcasts; it has no gradient.
    pub weight: Option<Tensor>,
    /// How much the positive part counts, y log sigmoid(x); it broadcasts and has no gradient.
    pub pos_weight: Option<Tensor>,
    /// Mean by default.
    pub reduction: Reduction,
}

/// What x (1 - x) counts as at least in the gradient of [`Tensor::bce`]: PyTorch's number, an f32 in f64 too.
const SMALLEST: f64 = 1e-12f32 as f64;

/// Each loss of x against y; the form without options takes the mean.
impl Tensor {
    /// (x - y)^2. Gradient: 2 (x - y) to x, the opposite to y.
    #[track_caller]
    pub fn mse_loss(&self, target: &Tensor) -> Tensor {
        self.mse_loss_with(target, Reduction::Mean)
    }

    /// [`mse_loss`](Tensor::mse_loss), reduced as asked.
    #[track_caller]
    pub fn mse_loss_with(&self, target: &Tensor, reduction: Reduction) -> Tensor {
        self.same_shape("mse_loss", "target", target);
        let share = match reduction {
            Reduction::None => return (self - target).square(),
            Reduction::Mean => 2.0 / self.numel() as f64,
            Reduction::Sum => 2.0,
        };
        let distance = no_grad(|| self - target);
        let value = no_grad(|| distance.square().reduced(reduction));
        let (x, y) = (self.clone(), target.clone());
        Tensor::from_op("mse_loss", value.array().clone(), [self, target], move |back| {
            // Recorded, the distance must lead to x and y.
            let distance = if is_recording() { &x - &y } else { distance.clone() };
            let scaled = |share: f64| &distance * (back.grad() * share);
            [back.want(0, || scaled(share)), back.want(1, || scaled(-share))]
        })
    }

    /// |x - y|. Gradient: sign(x - y), 0 where they are equal.
    #[track_caller]
    pub fn l1_loss(&self, target: &Tensor) -> Tensor {
        self.l1_loss_with(target, Reduction::Mean)
    }

    /// [`l1_loss`](Tensor::l1_loss), reduced as asked.
    #[track_caller]
    pub fn l1_loss_with(&self, target: &Tensor, reduction: Reduction) -> Tensor {
        self.same_shape("l1_loss", "target", target);
        (self - target).abs().reduced(reduction)
    }

    /// d^2 / 2 where |d| <= delta, d = x - y, else delta (|d| - delta / 2). Gradient: d, kept within +-delta. (Huber
    /// 1964)
    #[track_caller]
    pub fn huber_loss(&self, target: &Tensor, delta: f64) -> Tensor {
        self.huber_loss_with(target, delta, Reduction::Mean)
    }

    /// [`huber_loss`](Tensor::huber_loss), reduced as asked.
    ///
    /// # Panics
    /// When delta is not above 0, or shapes, types or devices differ.
    #[track_caller]
    pub fn huber_loss_with(&self, target: &Tensor, delta: f64, reduction: Reduction) -> Tensor {
        self.same_shape("huber_loss", "target", target);
        assert!(delta > 0.0, "huber_loss: delta is {delta}, it must be above 0");
        (self - target).huber(delta).reduced(reduction)
    }

    /// [`huber_loss`](Tensor::huber_loss) over beta: d^2 / (2 beta) where |d| < beta, else |d| - beta / 2; the
    /// [`l1_loss`](Tensor::l1_loss) for beta = 0. (Girshick 2015)
    #[track_caller]
    pub fn smooth_l1_loss(&self, target: &Tensor, beta: f64) -> Tensor {
        self.smooth_l1_loss_with(target, beta, Reduction::Mean)
    }

    /// [`smooth_l1_loss`](Tensor::smooth_l1_loss), reduced as asked.
    ///
    /// # Panics
    /// When beta is below 0, or shapes, types or devices differ.
    #[track_caller]
    pub fn smooth_l1_loss_with(&self, target: &Tensor, beta: f64, reduction: Reduction) -> Tensor {
        self.same_shape("smooth_l1_loss", "target", target);
        assert!(beta >= 0.0, "smooth_l1_loss: beta is {beta}, it must not be below 0");
        let distance = self - target;
        let losses = if beta == 0.0 { distance.abs() } else { distance.huber(beta) / beta };
        losses.reduced(reduction)
    }

    fn huber(&self, delta: f64) -> Tensor {
        let value = no_grad(|| {
            let size = self.abs();
            let far = (&size - 0.5 * delta) * delta;
            size.le(delta).where_cond(&(self.square() * 0.5), &far)
        });
        let d = self.clone();
        Tensor::from_op("huber", value.array().clone(), [self], move |back| {
            [back.want(0, || back.grad() * d.clamp(-delta, delta))]
        })
    }

    /// Binary cross-entropy of probabilities x, -(y log x + (1 - y) log(1 - x)), the logarithms not below -100 as in
    /// PyTorch. [`bce_with_logits`](Tensor::bce_with_logits) is more accurate. Gradients: (x - y) / (x (1 - x)) to x,
    /// log(1 - x) - log x to y.
    ///
    /// # Panics
    /// When an x or a y is not between 0 and 1, or shapes, types or devices differ.
    #[track_caller]
    pub fn bce(&self, target: &Tensor) -> Tensor {
        self.bce_with(target, &Bce::default())
    }

    /// [`bce`](Tensor::bce) with options.
    #[track_caller]
    pub fn bce_with(&self, target: &Tensor, options: &Bce) -> Tensor {
        self.same_shape("bce", "target", target);
        let weight = self.check_weight("bce", "weight", options.weight.as_ref());
        // NaN is not between them either.
        let fits = |x: &Tensor| x.ge(0.0).logical_and(&x.le(1.0)).all().item::<bool>();
        assert!(
            fits(self),
            "bce: input {} has elements that are not between 0 and 1; take their sigmoid, or use bce_with_logits",
            self.shape()
        );
        assert!(fits(target), "bce: target {} has elements that are not between 0 and 1", target.shape());
        let (x, y) = (self.detach(), target.clone());
        let logs = move |x: &Tensor| [x.log(), (-x).log1p()].map(|log| log.maximum(-100.0));
        let [yes, no] = no_grad(|| logs(&x));
        let losses = no_grad(|| -(target * &yes + (1.0 - target) * no));
        let x = self.clone();
        let losses = Tensor::from_op("bce", losses.array().clone(), [self, target], move |back| {
            let g = back.grad();
            [
                back.want(0, || g * (&x - &y) / ((1.0 - &x) * &x).maximum(SMALLEST)),
                back.want(1, || {
                    let [yes, no] = logs(&x);
                    g * (no - yes)
                }),
            ]
        });
        losses.weighted(weight).reduced(options.reduction)
    }

    fn weighted(self, weight: Option<Tensor>) -> Tensor {
        weight.map_or(self.clone(), |weight| self * weight)
    }

    /// Binary cross-entropy of logits x against targets y in [0, 1], fused with the sigmoid:
    /// max(x, 0) - x y + log(1 + e^-|x|), accurate also where the loss is tiny. Gradients: sigmoid(x) - y, -x.
    #[track_caller]
    pub fn bce_with_logits(&self, target: &Tensor) -> Tensor {
        self.bce_with_logits_with(target, &BceWithLogits::default())
    }

    /// [`bce_with_logits`](Tensor::bce_with_logits) with options.
    #[track_caller]
    pub fn bce_with_logits_with(&self, target: &Tensor, options: &BceWithLogits) -> Tensor {
        self.same_shape("bce_with_logits", "target", target);
        let weight = self.check_weight("bce_with_logits", "weight", options.weight.as_ref());
        let losses = match self.check_weight("bce_with_logits", "pos_weight", options.pos_weight.as_ref()) {
            None => self.bce_of_logits(target),
            Some(positive) => self.bce_of_logits_weighted(target, &positive),
        };
        losses.weighted(weight).reduced(options.reduction)
    }

    fn bce_of_logits(&self, target: &Tensor) -> Tensor {
        let losses = self.array().binary(Binary::BceWithLogits, target.array());
        let (x, y) = (self.clone(), target.clone());
        Tensor::from_op("bce_with_logits", losses, [self, target], move |back| {
            let g = back.grad();
            let slope = || match is_recording() {
                true => x.sigmoid() - &y,
                false => x.array().binary(Binary::SigmoidMinus, y.array()).into(),
            };
            [back.want(0, || g * slope()), back.want(1, || (g * &x).neg())]
        })
    }

    /// (1 - y) x + (1 + (p - 1) y) log(1 + e^-x), p the weight of the positive part.
    fn bce_of_logits_weighted(&self, target: &Tensor, positive: &Tensor) -> Tensor {
        let more = positive - 1.0;
        let losses = no_grad(|| (1.0 - target) * self + (target * &more + 1.0) * self.neg().softplus());
        let (x, y) = (self.clone(), target.clone());
        let name = "bce_with_logits_weighted";
        Tensor::from_op(name, losses.array().clone(), [self, target], move |back| {
            let g = back.grad();
            [
                back.want(0, || g * ((1.0 - &y) - (&y * &more + 1.0) * x.neg().sigmoid())),
                back.want(1, || g * (x.neg().softplus() * &more - &x)),
            ]
        })
    }

    /// The Kullback-Leibler divergence's terms y (log y - x) for logarithms of probabilities x and targets y, which are
    /// probabilities, or their logarithms where `log_target`. The mean is over all elements;
    /// [`kl_div_batchmean`](Tensor::kl_div_batchmean) gives the divergence. A target of 0 has the gradient of -y x
    /// alone, where PyTorch's is NaN.
    #[track_caller]
    pub fn kl_div(&self, target: &Tensor, log_target: bool) -> Tensor {
        self.kl_div_with(target, log_target, Reduction::Mean)
    }

    /// [`kl_div`](Tensor::kl_div), reduced as asked.
    #[track_caller]
    pub fn kl_div_with(&self, target: &Tensor, log_target: bool, reduction: Reduction) -> Tensor {
        self.same_shape("kl_div", "target", target);
        let terms = if log_target {
            target.exp() * (target - self)
        } else {
            // y log y is 0 at 0.
            let none = target.detach().equal(0.0);
            let log = none.where_cond(1.0, target).log();
            target * log - target * self
        };
        terms.reduced(reduction)
    }

    /// The sum of [`kl_div`](Tensor::kl_div)'s terms over the number of samples: the mean divergence of a batch.
    ///
    /// # Panics
    /// When there is no axis of samples, or shapes, types or devices differ.
    #[track_caller]
    pub fn kl_div_batchmean(&self, target: &Tensor, log_target: bool) -> Tensor {
        assert!(self.rank() > 0, "kl_div_batchmean: input [] has no axis of samples; use kl_div");
        self.kl_div_with(target, log_target, Reduction::Sum) / self.shape()[0] as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bce_is_finite_and_right_far_out() {
        let x = Tensor::from_slice(&[800.0f32, -800.0, 800.0, 0.0], [4]);
        let y = Tensor::from_slice(&[1.0f32, 0.0, 0.0, 0.5], [4]);
        let each = BceWithLogits { reduction: Reduction::None, ..BceWithLogits::default() };
        let losses = x.bce_with_logits_with(&y, &each).to_vec::<f32>();
        assert_eq!(losses[..3], [0.0, 0.0, 800.0]);
        assert!((losses[3] - std::f32::consts::LN_2).abs() < 1e-7);
    }

    #[test]
    fn huber_is_a_parabola_and_two_lines() {
        let x = Tensor::from_slice(&[0.5f64, -3.0], [2]).requires_grad();
        let loss = x.huber_loss_with(&x.zeros_like(), 1.0, Reduction::Sum);
        assert_eq!(loss.item::<f64>(), 0.125 + 2.5);
        assert_eq!(loss.backward().get(&x).map(Tensor::to_vec), Some(vec![0.5, -1.0]));
    }

    #[test]
    #[should_panic(expected = "mse_loss: input [4, 1] and target [4] differ")]
    fn shapes_that_would_broadcast_by_accident() {
        Tensor::zeros([4, 1]).mse_loss(&Tensor::zeros([4]));
    }

    #[test]
    #[should_panic(expected = "bce: target [2] has elements that are not between 0 and 1")]
    fn what_is_no_target() {
        Tensor::full([2], 0.5, crate::DType::F32).bce(&Tensor::full([2], 255.0, crate::DType::F32));
    }

    #[test]
    #[should_panic(expected = "bce: input [2] has elements that are not between 0 and 1")]
    fn what_is_no_probability() {
        Tensor::full([2], 1.5, crate::DType::F32).bce(&Tensor::ones([2]));
    }
}
