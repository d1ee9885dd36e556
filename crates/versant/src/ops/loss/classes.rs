//! Cross-entropy and negative log-likelihood: which class?

use super::Reduction;
use crate::array::Array;
use crate::dtype::DType;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Options of [`Tensor::cross_entropy_with`].
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    /// A weight for each class, `[classes]`, of the logits' type; it has no gradient. The mean is then one by weight.
    pub weight: Option<Tensor>,
    /// Samples with this label give no loss and do not count in the mean: -100 unless changed, as in PyTorch. Targets
    /// that are probabilities have no labels to ignore.
    pub ignore_index: Option<i64>,
    /// Probability mass s taken from the target and spread evenly over all classes, 0 to 1.
    /// (Szegedy et al. 2016, *Rethinking the Inception Architecture*)
    pub label_smoothing: f64,
    /// Mean by default.
    pub reduction: Reduction,
}

impl Default for CrossEntropy {
    fn default() -> CrossEntropy {
        let Nll { weight, ignore_index, reduction } = Nll::default();
        CrossEntropy { weight, ignore_index, label_smoothing: 0.0, reduction }
    }
}

/// Options of [`Tensor::nll_loss_with`].
#[derive(Clone, Debug)]
pub struct Nll {
    /// A weight for each class, `[classes]`, of the input's type; it has no gradient. The mean is then one by weight.
    pub weight: Option<Tensor>,
    /// Samples with this label give no loss and do not count in the mean: -100 unless changed, as in PyTorch.
    pub ignore_index: Option<i64>,
    /// Mean by default.
    pub reduction: Reduction,
}

impl Default for Nll {
    fn default() -> Nll {
        Nll { weight: None, ignore_index: Some(-100), reduction: Reduction::Mean }
    }
}

/// Samples in rows.
struct Rows {
    x: Tensor,
    /// The axis of classes.
    axis: usize,
    /// The shape of the samples: [n] for [n, classes], [] for `[classes]`, [n, d1, ..] for [n, classes, d1, ..].
    samples: Shape,
    weight: Option<Tensor>,
}

impl Rows {
    #[track_caller]
    fn new(operation: &str, x: &Tensor, weight: Option<&Tensor>) -> Rows {
        let shape = x.shape();
        assert!(
            shape.rank() > 0,
            "{operation}: input is [n, classes], [classes] or [n, classes, d1, ..], not {shape}"
        );
        assert!(
            x.dtype().is_float(),
            "{operation}: input is {} {shape}; it must be f32 or f64, cast it first",
            x.dtype()
        );
        let axis = shape.rank().min(2) - 1;
        let classes = shape[axis];
        assert!(classes > 0, "{operation}: input {shape} has no classes");
        let samples = Shape::new(&[&shape[..axis], &shape[axis + 1..]].concat());
        if let Some(weight) = weight {
            x.same_kind(operation, "weight", weight);
            assert!(
                weight.shape() == [classes].into(),
                "{operation}: weight {} does not fit the {classes} classes of {shape}",
                weight.shape()
            );
        }
        let weight = weight.map(Tensor::detach);
        Rows { x: x.clone(), axis, samples, weight }
    }

    fn classes(&self) -> usize {
        self.x.shape()[self.axis]
    }

    /// [n, classes, places]: the logits where they lie, for kernels that read them so.
    fn in_planes(&self) -> Tensor {
        let shape = self.x.shape();
        let [n, places] = [&shape[..self.axis], &shape[self.axis + 1..]].map(|axes| axes.iter().product());
        self.x.reshape([n, self.classes(), places])
    }

    /// [samples, classes]
    fn in_rows(&self, x: &Tensor) -> Tensor {
        let mut order: Vec<usize> = (0..x.rank()).filter(|&i| i != self.axis).collect();
        order.push(self.axis);
        x.permute(&order).reshape([self.samples.numel(), self.classes()])
    }

    #[track_caller]
    fn labels(&self, operation: &str, target: &Tensor, ignored: Option<i64>) -> Labels {
        assert!(
            target.shape() == self.samples,
            "{operation}: {} samples need labels {}, not {}",
            self.samples,
            self.samples,
            target.shape()
        );
        assert!(
            self.x.device() == target.device(),
            "{operation}: input is on {}, labels on {}; move one with .to(device)",
            self.x.device(),
            target.device()
        );
        let classes = self.classes() as i64;
        let is_wrong = |label: i64| !(0..classes).contains(&label) && Some(label) != ignored;
        if let Some((row, label)) = target.array().find_i64(is_wrong) {
            panic!(
                "{operation}: label {label} in row {row} is not one of the {classes} classes (0 to {})",
                classes - 1
            );
        }
        let labels = target.detach().reshape([self.samples.numel()]);
        let Some(ignored) = ignored.filter(|&i| target.array().find_i64(|label| label == i).is_some()) else {
            return Labels { labels, kept: None };
        };
        // As i64: not every i64 is an f64.
        let kept = labels.not_equal(&Tensor::from_slice(&[ignored], ()).to(target.device()));
        Labels { labels: kept.where_cond(&labels, 0.0), kept: Some(kept) }
    }

    /// Losses `[samples]` in their shape and reduced; the mean is by the weights of the labels.
    fn reduce(&self, losses: Tensor, labels: &Labels, reduction: Reduction) -> Tensor {
        let Labels { labels, kept } = labels;
        let losses = kept.as_ref().map_or(losses.clone(), |kept| kept.where_cond(&losses, 0.0));
        if reduction != Reduction::Mean || (self.weight.is_none() && kept.is_none()) {
            return losses.reshape(self.samples).reduced(reduction);
        }
        let of_label = match &self.weight {
            Some(weight) => weight.index_select(0, labels),
            None => losses.detach().ones_like(),
        };
        let counted = kept.as_ref().map_or(of_label.clone(), |kept| kept.where_cond(&of_label, 0.0));
        losses.sum() / counted.sum()
    }

    /// The elements of each row that the labels name, times their weights.
    fn picked(&self, log_p: &Tensor, labels: &Labels) -> Tensor {
        let picked = log_p.gather(1, &labels.labels.unsqueeze(1)).squeeze(1);
        self.weight.as_ref().map_or(picked.clone(), |w| picked * w.index_select(0, &labels.labels))
    }
}

/// Labels `[samples]`, 0 in place of ignored ones, and which are not ignored if some are.
struct Labels {
    labels: Tensor,
    kept: Option<Tensor>,
}

impl Tensor {
    /// -(1/N) sum log softmax(x)_label for logits x [n, classes] and labels `[n]` (i64), or target probabilities
    /// [n, classes] (the logits' type). Softmax and logarithm are fused: pass logits, not probabilities. One sample,
    /// `[classes]`, and samples with further axes, [n, classes, d1, ..], are as in PyTorch. [course: A18]
    ///
    /// Gradient: (softmax(x) - target) / N.
    ///
    /// ```
    /// use versant::Tensor;
    /// let logits = Tensor::zeros([4, 10]);
    /// let labels = Tensor::from_slice(&[3i64, 1, 4, 1], [4]);
    /// let loss = logits.cross_entropy(&labels).item::<f32>();
    /// assert!((loss - 10.0f32.ln()).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// When shapes do not fit or a label is not a class.
    #[track_caller]
    pub fn cross_entropy(&self, target: &Tensor) -> Tensor {
        self.cross_entropy_with(target, &CrossEntropy::default())
    }

    /// [`cross_entropy`](Tensor::cross_entropy) with options.
    ///
    /// ```
    /// use versant::{CrossEntropy, Tensor};
    /// let logits = Tensor::zeros([3, 2]);
    /// let labels = Tensor::from_slice(&[0i64, 1, -100], [3]);
    /// let weight = Some(Tensor::from_slice(&[1.0f32, 3.0], [2]));
    /// let options = CrossEntropy { weight, ..CrossEntropy::default() };
    /// let loss = logits.cross_entropy_with(&labels, &options).item::<f32>();
    /// assert!((loss - 2.0f32.ln()).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn cross_entropy_with(&self, target: &Tensor, options: &CrossEntropy) -> Tensor {
        let s = options.label_smoothing;
        assert!((0.0..=1.0).contains(&s), "cross_entropy: label_smoothing {s} is not between 0 and 1");
        let rows = Rows::new("cross_entropy", self, options.weight.as_ref());
        match target.dtype() {
            DType::I64 => {
                let labels = rows.labels("cross_entropy", target, options.ignore_index);
                let fused = || rows.in_planes().fused_cross_entropy(&labels.labels, s);
                let losses = match &rows.weight {
                    None => fused(),
                    Some(weight) if s == 0.0 => fused() * weight.index_select(0, &labels.labels),
                    Some(weight) => rows.smoothed_cross_entropy(&rows.in_rows(self), &labels, weight, s),
                };
                rows.reduce(losses, &labels, options.reduction)
            }
            dtype if dtype == self.dtype() => self.cross_entropy_soft(target, &rows, s, options.reduction),
            dtype => panic!(
                "cross_entropy: targets are class indices (i64) or probabilities of the logits' type ({}), not {dtype}",
                self.dtype()
            ),
        }
    }

    /// The losses of samples [n, classes, places], labels `[n places]` known to be classes.
    fn fused_cross_entropy(&self, labels: &Tensor, smoothing: f64) -> Tensor {
        let (x, labels) = (self.clone(), labels.array().contiguous());
        let mut losses = Array::recycled(labels.shape(), self.dtype(), self.device());
        let backend = self.device().backend();
        backend.cross_entropy(&self.array().contiguous(), &labels, smoothing, &mut losses);
        Tensor::from_op("cross_entropy", losses, [self], move |back| {
            [back.want(0, || cross_entropy_gradient(&x, &labels, smoothing, back.grad()))]
        })
    }

    #[track_caller]
    fn cross_entropy_soft(&self, target: &Tensor, of: &Rows, smoothing: f64, reduction: Reduction) -> Tensor {
        assert!(
            target.shape() == self.shape(),
            "cross_entropy: logits {}, target probabilities {}",
            self.shape(),
            target.shape()
        );
        self.same_kind("cross_entropy", "target", target);
        let classes = of.classes();
        let target = of.in_rows(target);
        let smoothed = target * (1.0 - smoothing) + smoothing / classes as f64;
        let log_p = of.in_rows(self).log_softmax(1);
        let weighted = of.weight.as_ref().map_or(log_p.clone(), |weight| &log_p * weight);
        let losses = -(smoothed * weighted).sum_axes([1]);
        losses.reshape(of.samples).reduced(reduction)
    }

    /// -(1/N) sum x_label for logarithms of probabilities x [n, classes], `[classes]` or [n, classes, d1, ..] and
    /// labels (i64) of that shape without the classes. [`cross_entropy`](Tensor::cross_entropy) takes logits.
    ///
    /// ```
    /// use versant::Tensor;
    /// let log_p = Tensor::zeros([2, 4]).log_softmax(1);
    /// let loss = log_p.nll_loss(&Tensor::from_slice(&[0i64, 3], [2]));
    /// assert!((loss.item::<f32>() - 4.0f32.ln()).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// When shapes do not fit or a label is not a class.
    #[track_caller]
    pub fn nll_loss(&self, target: &Tensor) -> Tensor {
        self.nll_loss_with(target, &Nll::default())
    }

    /// [`nll_loss`](Tensor::nll_loss) with options.
    #[track_caller]
    pub fn nll_loss_with(&self, target: &Tensor, options: &Nll) -> Tensor {
        let rows = Rows::new("nll_loss", self, options.weight.as_ref());
        assert!(
            target.dtype() == DType::I64,
            "nll_loss: labels are i64, not {} {}; cast them first",
            target.dtype(),
            target.shape()
        );
        let labels = rows.labels("nll_loss", target, options.ignore_index);
        let losses = rows.picked(&rows.in_rows(self), &labels).neg();
        rows.reduce(losses, &labels, options.reduction)
    }
}

impl Rows {
    /// Weights decide how much the even part of each class counts, too.
    fn smoothed_cross_entropy(&self, x: &Tensor, labels: &Labels, weight: &Tensor, smoothing: f64) -> Tensor {
        let log_p = x.log_softmax(1);
        let hard = self.picked(&log_p, labels).neg();
        let even = (log_p * weight).sum_axes([1]) * (-smoothing / self.classes() as f64);
        hard * (1.0 - smoothing) + even
    }
}

/// g (softmax(x) - target) for each sample; composed when it is to be differentiated again.
fn cross_entropy_gradient(x: &Tensor, labels: &Array, smoothing: f64, g: &Tensor) -> Tensor {
    let [n, classes, places] = x.dims();
    if crate::autograd::is_recording() {
        let labels = Tensor::from(labels.clone()).reshape([n, places]);
        let one_hot = labels.one_hot(classes).transpose(1, 2).cast(x.dtype());
        let target = one_hot * (1.0 - smoothing) + smoothing / classes as f64;
        return (x.softmax(1) - target) * g.reshape([n, 1, places]);
    }
    let mut out = Array::recycled(x.shape(), x.dtype(), x.device());
    let (x, g) = (x.array().contiguous(), g.array().contiguous());
    x.device().backend().cross_entropy_backward(&x, labels, smoothing, &g, &mut out);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;

    #[test]
    fn labels_and_their_one_hot_targets_agree() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[1.0f64, -2.0, 0.5, 3.0, 30.0, -40.0], [2, 3]).to(device);
            let labels = Tensor::from_slice(&[2i64, 0], [2]).to(device);
            let weights = Tensor::from_slice(&[1.0f64, 0.5, 2.0], [3]).to(device);
            for (label_smoothing, weight) in [(0.0, None), (0.1, None), (1.0, None), (0.1, Some(weights))] {
                let reduction = Reduction::None;
                let options = CrossEntropy { label_smoothing, weight, reduction, ..CrossEntropy::default() };
                let hard = x.cross_entropy_with(&labels, &options).to_vec::<f64>();
                let soft = labels.one_hot(3).cast(DType::F64);
                let soft = x.cross_entropy_with(&soft, &options).to_vec::<f64>();
                for (a, b) in hard.iter().zip(soft) {
                    assert!((a - b).abs() < 1e-12, "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn ignored_samples_do_not_count() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, 5.0, -3.0], [2, 2]).requires_grad();
        let some = x.cross_entropy(&Tensor::from_slice(&[1i64, -100], [2]));
        let one = x.narrow(0, 0, 1).cross_entropy(&Tensor::from_slice(&[1i64], [1]));
        assert_eq!(some.item::<f32>(), one.item::<f32>());
        let grads = some.backward();
        assert_eq!(grads.get(&x).map(|g| g.to_vec::<f32>()[2..].to_vec()), Some(vec![0.0, 0.0]));
        let none = x.cross_entropy(&Tensor::from_slice(&[-100i64, -100], [2]));
        assert!(none.item::<f32>().is_nan());
    }

    #[test]
    fn an_ignored_label_that_is_no_f64() {
        let ignored = (1 << 53) + 1;
        let options = CrossEntropy { ignore_index: Some(ignored), ..CrossEntropy::default() };
        let labels = Tensor::from_slice(&[ignored, 1], [2]);
        let loss = Tensor::zeros([2, 4]).cross_entropy_with(&labels, &options).item::<f32>();
        assert!((loss - 4.0f32.ln()).abs() < 1e-6, "{loss}");
    }

    #[test]
    #[should_panic(expected = "label 10 in row 1 is not one of the 10 classes")]
    fn a_label_that_is_no_class() {
        Tensor::zeros([2, 10]).cross_entropy(&Tensor::from_slice(&[9i64, 10], [2]));
    }
}
