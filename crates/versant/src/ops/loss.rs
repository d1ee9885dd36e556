//! Losses. Each has a form with the mean over the batch; `_with` forms take the options.

use crate::array::Array;
use crate::autograd::no_grad;
use crate::dtype::DType;
use crate::tensor::Tensor;

/// What becomes of the losses of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// One loss a sample
    None,
    /// Their mean
    #[default]
    Mean,
    /// Their sum
    Sum,
}

/// Options of [`Tensor::cross_entropy_with`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropy {
    /// Probability mass s taken from the target and spread evenly over all classes, 0 to 1.
    /// (Szegedy et al. 2016, *Rethinking the Inception Architecture*)
    pub label_smoothing: f64,
    /// Mean by default.
    pub reduction: Reduction,
}

impl Tensor {
    fn reduced(&self, reduction: Reduction) -> Tensor {
        match reduction {
            Reduction::None => self.clone(),
            Reduction::Mean => self.mean(),
            Reduction::Sum => self.sum(),
        }
    }

    /// -(1/N) sum log softmax(x)_label for logits x [n, classes] and labels `[n]` (i64), or target probabilities
    /// [n, classes] (the logits' type). Softmax and logarithm are fused: pass logits, not probabilities.
    /// [course: A18]
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
    #[track_caller]
    pub fn cross_entropy_with(&self, target: &Tensor, options: &CrossEntropy) -> Tensor {
        let s = options.label_smoothing;
        assert!((0.0..=1.0).contains(&s), "cross_entropy: label_smoothing {s} is not between 0 and 1");
        assert!(self.rank() == 2, "cross_entropy: logits are [n, classes], not {}", self.shape());
        let losses = match target.dtype() {
            DType::I64 => self.cross_entropy_labels(target, s),
            dtype if dtype == self.dtype() => self.cross_entropy_soft(target, s),
            dtype => panic!(
                "cross_entropy: targets are class indices (i64) or probabilities of the logits' type ({}), not {dtype}",
                self.dtype()
            ),
        };
        losses.reduced(options.reduction)
    }

    #[track_caller]
    fn cross_entropy_labels(&self, labels: &Tensor, smoothing: f64) -> Tensor {
        let [n, classes] = self.dims();
        assert!(
            labels.shape() == [n].into(),
            "cross_entropy: logits {} need labels [{n}], not {}",
            self.shape(),
            labels.shape()
        );
        assert!(self.dtype().is_float(), "cross_entropy: logits are {}, not f32 or f64", self.dtype());
        assert!(
            self.device() == labels.device(),
            "cross_entropy: logits are on {}, labels on {}; move one with .to(device)",
            self.device(),
            labels.device()
        );
        for (row, label) in labels.to_vec::<i64>().into_iter().enumerate() {
            assert!(
                (0..classes as i64).contains(&label),
                "cross_entropy: label {label} in row {row} is not one of the {classes} classes (0 to {})",
                classes as i64 - 1
            );
        }
        let (x, labels) = (self.clone(), labels.array().contiguous());
        let mut losses = Array::recycled([n].into(), self.dtype(), self.device());
        let backend = self.device().backend();
        backend.cross_entropy(&self.array().contiguous(), &labels, smoothing, &mut losses);
        Tensor::from_op("cross_entropy", losses, [self], move |back| {
            [back.want(0, || cross_entropy_gradient(&x, &labels, smoothing, back.grad()))]
        })
    }

    #[track_caller]
    fn cross_entropy_soft(&self, target: &Tensor, smoothing: f64) -> Tensor {
        let (shape, classes) = (self.shape(), self.shape()[1] as f64);
        assert!(
            target.shape() == shape,
            "cross_entropy: logits {shape}, target probabilities {}",
            target.shape()
        );
        let smoothed = target * (1.0 - smoothing) + smoothing / classes;
        -(smoothed * self.log_softmax(1)).sum_axes([1])
    }

    /// Mean of (x - y)^2. Gradient: 2 (x - y) / N to x, the opposite to y.
    #[track_caller]
    pub fn mse_loss(&self, target: &Tensor) -> Tensor {
        self.mse_loss_with(target, Reduction::Mean)
    }

    /// (x - y)^2, reduced as asked.
    #[track_caller]
    pub fn mse_loss_with(&self, target: &Tensor, reduction: Reduction) -> Tensor {
        self.same_shape("mse_loss", target);
        (self - target).square().reduced(reduction)
    }

    /// Mean binary cross-entropy of logits x against targets y in [0, 1], fused with the sigmoid:
    /// max(x, 0) - x y + log(1 + e^-|x|), accurate also where the loss is tiny. Gradients: (sigmoid(x) - y) / N,
    /// -x / N.
    #[track_caller]
    pub fn bce_with_logits(&self, target: &Tensor) -> Tensor {
        self.bce_with_logits_with(target, Reduction::Mean)
    }

    /// [`bce_with_logits`](Tensor::bce_with_logits), reduced as asked.
    #[track_caller]
    pub fn bce_with_logits_with(&self, target: &Tensor, reduction: Reduction) -> Tensor {
        self.same_shape("bce_with_logits", target);
        let losses = no_grad(|| self.relu() - self * target + self.abs().neg().softplus());
        let (x, y) = (self.clone(), target.clone());
        let losses =
            Tensor::from_op("bce_with_logits", losses.array().clone(), [self, target], move |back| {
                let g = back.grad();
                [back.want(0, || g * (x.sigmoid() - &y)), back.want(1, || (g * &x).neg())]
            });
        losses.reduced(reduction)
    }

    /// A loss that broadcasts by accident is a common and silent mistake.
    #[track_caller]
    fn same_shape(&self, operation: &str, target: &Tensor) {
        let (a, b) = (self.shape(), target.shape());
        assert!(
            a == b,
            "{operation}: input {a} and target {b} differ; reshape or broadcast_to one on purpose"
        );
    }
}

/// g (softmax(x) - target) for each row; composed when it is to be differentiated again.
fn cross_entropy_gradient(x: &Tensor, labels: &Array, smoothing: f64, g: &Tensor) -> Tensor {
    let [n, classes] = x.dims();
    if crate::autograd::is_recording() {
        let one_hot = Tensor::from(labels.clone()).one_hot(classes).cast(x.dtype());
        let target = one_hot * (1.0 - smoothing) + smoothing / classes as f64;
        return (x.softmax(1) - target) * g.reshape([n, 1]);
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
            for label_smoothing in [0.0, 0.1, 1.0] {
                let options = CrossEntropy { label_smoothing, reduction: Reduction::None };
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
    fn bce_is_finite_and_right_far_out() {
        let x = Tensor::from_slice(&[800.0f32, -800.0, 800.0, 0.0], [4]);
        let y = Tensor::from_slice(&[1.0f32, 0.0, 0.0, 0.5], [4]);
        let losses = x.bce_with_logits_with(&y, Reduction::None).to_vec::<f32>();
        assert_eq!(losses[..3], [0.0, 0.0, 800.0]);
        assert!((losses[3] - std::f32::consts::LN_2).abs() < 1e-7);
    }

    #[test]
    #[should_panic(expected = "label 10 in row 1 is not one of the 10 classes")]
    fn a_label_that_is_no_class() {
        Tensor::zeros([2, 10]).cross_entropy(&Tensor::from_slice(&[9i64, 10], [2]));
    }

    #[test]
    #[should_panic(expected = "mse_loss: input [4, 1] and target [4] differ")]
    fn shapes_that_would_broadcast_by_accident() {
        Tensor::zeros([4, 1]).mse_loss(&Tensor::zeros([4]));
    }
}
