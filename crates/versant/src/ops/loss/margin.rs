//! Losses that ask for a distance, and are 0 where it is kept.

use super::Reduction;
use crate::axes::keepdim;
use crate::dtype::DType;
use crate::tensor::Tensor;

/// Options of [`Tensor::triplet_margin_loss`].
#[derive(Clone, Copy, Debug)]
pub struct TripletMargin {
    /// How much nearer than the negative the positive shall be.
    pub margin: f64,
    /// The distance is a p-norm.
    pub p: f64,
    /// Added to each difference.
    pub eps: f64,
    /// Measure the negative's distance from the positive where that is the nearer. (Balntas et al. 2016)
    pub swap: bool,
    /// Mean by default.
    pub reduction: Reduction,
}

impl Default for TripletMargin {
    fn default() -> TripletMargin {
        TripletMargin { margin: 1.0, p: 2.0, eps: 1e-6, swap: false, reduction: Reduction::Mean }
    }
}

/// Options of [`Tensor::multi_margin_loss`].
#[derive(Clone, Debug)]
pub struct MultiMargin {
    /// 1 or 2: the power of each class's part.
    pub p: u32,
    /// How far above all others the right class shall be.
    pub margin: f64,
    /// A weight for each class, `[classes]`; it has no gradient.
    pub weight: Option<Tensor>,
    /// Mean by default.
    pub reduction: Reduction,
}

impl Default for MultiMargin {
    fn default() -> MultiMargin {
        MultiMargin { p: 1, margin: 1.0, weight: None, reduction: Reduction::Mean }
    }
}

impl Tensor {
    /// max(x, 0); no gradient at 0 or NaN, as PyTorch's `clamp_min`.
    fn above_zero(&self) -> Tensor {
        self.clamp(0.0, f64::INFINITY)
    }

    /// x . y / (max(|x|, eps) max(|y|, eps)) along an axis, with broadcasting.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[3.0f32, 4.0], [2]);
    /// let y = Tensor::from_slice(&[1.0f32, 0.0], [2]);
    /// assert!((x.cosine_similarity(&y, 0, 1e-8).item::<f32>() - 0.6).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// When types or devices differ, shapes do not broadcast, or there is no such axis.
    #[track_caller]
    pub fn cosine_similarity(&self, other: &Tensor, axis: isize, eps: f64) -> Tensor {
        self.same_kind("cosine_similarity", "other", other);
        let (a, b) = (self.shape(), other.shape());
        let Some(shape) = a.broadcast(&b) else { panic!("cosine_similarity: {a} and {b} do not broadcast") };
        let axis = shape.axis("cosine_similarity", axis) as isize;
        let unit = |x: &Tensor| {
            let x = x.broadcast_to(shape);
            let length = x.norm_axes(2.0, keepdim(axis));
            // As in PyTorch the bound moves the value, not the gradient.
            let raised = &length + (length.detach().maximum(eps) - length.detach());
            x / raised
        };
        (unit(self) * unit(other)).sum_axes(axis)
    }

    /// 1 - cos(x, y) where the label is 1, max(cos(x, y) - margin, 0) where it is -1, for x and y [n, d] and labels
    /// `[n]` of their type, or `[d]` and one label. (PyTorch adds 1e-12 to the squared lengths.)
    ///
    /// # Panics
    /// When shapes, types or devices do not fit.
    #[track_caller]
    pub fn cosine_embedding_loss(
        &self,
        other: &Tensor,
        y: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Tensor {
        self.same_shape("cosine_embedding_loss", "other", other);
        self.same_kind("cosine_embedding_loss", "labels", y);
        let shape = self.shape();
        assert!(
            (1..=2).contains(&shape.rank()) && y.shape()[..] == shape[..shape.rank() - 1],
            "cosine_embedding_loss: inputs {shape} and labels {} do not fit; [n, d] and [n], or [d] and one",
            y.shape()
        );
        let length = |x: &Tensor| x.square().sum_axes(-1) + 1e-12;
        let cosine = (self * other).sum_axes(-1) / (length(self) * length(other)).sqrt();
        let losses = y.equal(1.0).where_cond(&(1.0 - &cosine), 0.0)
            + y.equal(-1.0).where_cond(&(cosine - margin).above_zero(), 0.0);
        losses.reduced(reduction)
    }

    /// max(d(x, positive) - d(x, negative) + margin, 0) with d(a, b) = |a - b + eps|_p along the last axis.
    /// (Schroff et al. 2015)
    ///
    /// # Panics
    /// When shapes, types or devices differ.
    #[track_caller]
    pub fn triplet_margin_loss(
        &self,
        positive: &Tensor,
        negative: &Tensor,
        options: &TripletMargin,
    ) -> Tensor {
        let TripletMargin { margin, p, eps, swap, reduction } = *options;
        assert!(self.rank() > 0, "triplet_margin_loss: input [] has no axis along which to measure");
        self.same_shape("triplet_margin_loss", "positive", positive);
        self.same_shape("triplet_margin_loss", "negative", negative);
        let distance = |a: &Tensor, b: &Tensor| (a - b + eps).norm_axes(p, -1);
        let near = distance(self, positive);
        let far = distance(self, negative);
        let far = if swap { far.minimum(&distance(positive, negative)) } else { far };
        (near - far + margin).above_zero().reduced(reduction)
    }

    /// x where the label is 1, max(margin - x, 0) where it is -1, for distances x and labels of their shape and type.
    ///
    /// # Panics
    /// When shapes, types or devices differ.
    #[track_caller]
    pub fn hinge_embedding_loss(&self, y: &Tensor, margin: f64, reduction: Reduction) -> Tensor {
        self.same_shape("hinge_embedding_loss", "labels", y);
        let apart = y.not_equal(1.0).where_cond(&(margin - self).above_zero(), 0.0);
        (apart + y.not_equal(-1.0).where_cond(self, 0.0)).reduced(reduction)
    }

    /// max(-y (x - other) + margin, 0): where y is 1 x shall be the larger by the margin, where -1 the smaller.
    ///
    /// # Panics
    /// When shapes, types or devices differ.
    #[track_caller]
    pub fn margin_ranking_loss(
        &self,
        other: &Tensor,
        y: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Tensor {
        self.same_shape("margin_ranking_loss", "other", other);
        self.same_shape("margin_ranking_loss", "labels", y);
        (-y * (self - other) + margin).above_zero().reduced(reduction)
    }

    /// log(1 + e^(-y x)) for labels y of 1 and -1; finite also where PyTorch's power overflows.
    ///
    /// # Panics
    /// When shapes, types or devices differ.
    #[track_caller]
    pub fn soft_margin_loss(&self, y: &Tensor, reduction: Reduction) -> Tensor {
        self.same_shape("soft_margin_loss", "labels", y);
        (-y * self).softplus().reduced(reduction)
    }

    /// The hinge loss of several classes: the mean over classes j of max(margin - x_label + x_j, 0)^p, without the
    /// label's own, for x [n, classes] and labels `[n]` (i64), or `[classes]` and one label. (Crammer and Singer 2001)
    ///
    /// # Panics
    /// When shapes do not fit, a label is not a class, or p is neither 1 nor 2.
    #[track_caller]
    pub fn multi_margin_loss(&self, labels: &Tensor, options: &MultiMargin) -> Tensor {
        let name = "multi_margin_loss";
        let shape = self.shape();
        assert!(
            self.dtype().is_float() && labels.dtype() == DType::I64 && self.device() == labels.device(),
            "{name}: input is {} {shape} on {}, labels {} on {}; floats and i64 on one device",
            self.dtype(),
            self.device(),
            labels.dtype(),
            labels.device()
        );
        let fits = (1..=2).contains(&shape.rank()) && labels.shape()[..] == shape[..shape.rank() - 1];
        assert!(fits, "{name}: input {shape} and labels {} do not fit; [n, classes] and [n]", labels.shape());
        assert!(matches!(options.p, 1 | 2), "{name}: p is {}, not 1 or 2", options.p);
        let classes = shape[shape.rank() - 1];
        if let Some((row, label)) = labels.array().find_i64(|l| !(0..classes as i64).contains(&l)) {
            panic!("{name}: label {label} in row {row} is not one of the {classes} classes");
        }
        let weight = options.weight.as_ref().map(|weight| {
            self.same_kind(name, "weight", weight);
            assert!(
                weight.shape() == [classes].into(),
                "{name}: weight {} does not fit the {classes} classes",
                weight.shape()
            );
            weight
                .detach()
                .index_select(0, &labels.detach().reshape([labels.numel()]))
                .reshape(labels.shape())
        });
        let own = labels.detach().unsqueeze(-1);
        let short = (self - self.gather(-1, &own) + options.margin).above_zero();
        let parts = if options.p == 2 { short.square() } else { short };
        let parts = weight.map_or(parts.clone(), |weight| parts * weight.unsqueeze(-1));
        let others = labels.one_hot(classes).logical_not();
        let losses = others.where_cond(&parts, 0.0).sum_axes(-1) / classes as f64;
        losses.reduced(options.reduction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triplet_that_keeps_its_margin_costs_nothing() {
        let at = |x: f32| Tensor::from_slice(&[x], [1, 1]);
        let options = TripletMargin { eps: 0.0, ..TripletMargin::default() };
        assert_eq!(at(0.0).triplet_margin_loss(&at(1.0), &at(5.0), &options).item::<f32>(), 0.0);
        assert_eq!(at(0.0).triplet_margin_loss(&at(1.0), &at(1.5), &options).item::<f32>(), 0.5);
        let swap = TripletMargin { swap: true, ..options };
        assert_eq!(at(0.0).triplet_margin_loss(&at(1.0), &at(1.5), &swap).item::<f32>(), 1.5);
    }

    #[test]
    fn every_class_shall_be_below_the_right_one() {
        let x = Tensor::from_slice(&[1.0f32, 0.5, -3.0], [1, 3]);
        let labels = Tensor::from_slice(&[0i64], [1]);
        let loss = x.multi_margin_loss(&labels, &MultiMargin::default()).item::<f32>();
        assert!((loss - 0.5 / 3.0).abs() < 1e-7, "{loss}");
    }

    /// PyTorch's: what is exactly far enough has none.
    #[test]
    fn gradients_at_the_margin() {
        let x = Tensor::from_slice(&[0.5f64, 1.5, -0.5, 1.4], [1, 4]).requires_grad();
        let labels = Tensor::from_slice(&[0i64], [1]);
        let loss = x.multi_margin_loss(&labels, &MultiMargin::default());
        assert_eq!(loss.backward().get(&x).map(Tensor::to_vec), Some(vec![-0.5, 0.25, 0.0, 0.25]));
        let (one, zero) = (Tensor::scalar(1.0f64).requires_grad(), Tensor::scalar(0.0f64));
        let loss = one.margin_ranking_loss(&zero, &one.ones_like(), 1.0, Reduction::Mean);
        assert_eq!((loss.item(), loss.backward().get(&one).map(Tensor::item)), (0.0, Some(0.0)));
    }

    #[test]
    fn a_soft_margin_far_missed() {
        let x = Tensor::from_slice(&[-800.0f32, 800.0], [2]).requires_grad();
        let loss = x.soft_margin_loss(&Tensor::ones([2]), Reduction::None);
        assert_eq!(loss.to_vec::<f32>(), [800.0, 0.0]);
        assert_eq!(loss.sum().backward().get(&x).map(Tensor::to_vec), Some(vec![-1.0f32, 0.0]));
    }

    #[test]
    #[should_panic(expected = "cosine_embedding_loss: inputs [2, 3] and labels [3] do not fit")]
    fn one_label_a_pair() {
        let x = Tensor::zeros([2, 3]);
        x.cosine_embedding_loss(&x, &Tensor::ones([3]), 0.0, Reduction::Mean);
    }
}
