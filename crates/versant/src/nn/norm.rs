//! Normalisation as layers [course: B16].

use super::{Buffer, Context, Layer, Module, init};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Normalises each channel by the mean and the variance of the batch in training, and by running ones in evaluation:
/// [`Tensor::batch_norm`], [`Tensor::batch_norm_eval`]. For inputs with `D` axes of positions: [`BatchNorm1d`] takes
/// [n, c] and [n, c, l], [`BatchNorm2d`] [n, c, h, w].
///
/// A step of training moves the running mean and the running variance (the unbiased one) by `momentum` towards those of
/// the batch. PyTorch's names: `weight`, `bias`, `running_mean`, `running_var`, `num_batches_tracked`. (Ioffe and
/// Szegedy 2015)
///
/// ```
/// use versant::nn::{BatchNorm2d, Context, Layer, Module};
/// use versant::Tensor;
/// let norm = BatchNorm2d::new(3);
/// let names: Vec<String> = norm.state_dict().into_keys().collect();
/// assert_eq!(names, ["bias", "num_batches_tracked", "running_mean", "running_var", "weight"]);
/// let x = Tensor::full([2, 3, 4, 4], 5.0, versant::DType::F32);
/// assert_eq!(norm.forward(&x, &mut Context::train(0, 0)).to_vec::<f32>(), [0.0; 96]);
/// assert_eq!(norm.running_mean().unwrap().to_vec::<f32>(), [0.5; 3]);
/// ```
#[derive(Module, Clone, Debug)]
pub struct BatchNorm<const D: usize> {
    weight: Option<Tensor>,
    bias: Option<Tensor>,
    running_mean: Option<Buffer>,
    running_var: Option<Buffer>,
    num_batches_tracked: Option<Buffer>,
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
}

/// [`BatchNorm`] of [n, c] and [n, c, l].
pub type BatchNorm1d = BatchNorm<1>;

/// [`BatchNorm`] of [n, c, h, w].
pub type BatchNorm2d = BatchNorm<2>;

impl<const D: usize> BatchNorm<D> {
    /// For so many channels, with PyTorch's defaults: eps 1e-5, momentum 0.1, weight 1, bias 0, running mean 0 and
    /// variance 1.
    pub fn new(num_features: usize) -> BatchNorm<D> {
        let (ones, zeros) = (init::constant([num_features], 1.0), init::constant([num_features], 0.0));
        BatchNorm {
            running_mean: Some(Buffer::new(zeros.clone())),
            running_var: Some(Buffer::new(ones.clone())),
            num_batches_tracked: Some(Buffer::new(Tensor::scalar(0i64))),
            weight: Some(ones),
            bias: Some(zeros),
            num_features,
            eps: 1e-5,
            momentum: Some(0.1),
        }
    }

    /// Added to the variance.
    pub fn eps(self, eps: f64) -> BatchNorm<D> {
        BatchNorm { eps, ..self }
    }

    /// By which share a step moves the running statistics towards those of its batch. `None`: they are the mean over all
    /// batches so far.
    pub fn momentum(self, momentum: impl Into<Option<f64>>) -> BatchNorm<D> {
        BatchNorm { momentum: momentum.into(), ..self }
    }

    /// Without weight and bias.
    pub fn without_affine(self) -> BatchNorm<D> {
        BatchNorm { weight: None, bias: None, ..self }
    }

    /// Without running statistics: evaluation, too, normalises by the batch.
    pub fn without_running_stats(self) -> BatchNorm<D> {
        BatchNorm { running_mean: None, running_var: None, num_batches_tracked: None, ..self }
    }

    /// The factor of each channel, `[c]`.
    pub fn weight(&self) -> Option<&Tensor> {
        self.weight.as_ref()
    }

    /// What is added to each channel, `[c]`.
    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_ref()
    }

    /// The mean that evaluation uses, `[c]`.
    pub fn running_mean(&self) -> Option<Tensor> {
        self.running_mean.as_ref().map(Buffer::get)
    }

    /// The variance that evaluation uses, `[c]`.
    pub fn running_var(&self) -> Option<Tensor> {
        self.running_var.as_ref().map(Buffer::get)
    }

    fn kind() -> &'static str {
        match D {
            1 => "BatchNorm1d",
            2 => "BatchNorm2d",
            _ => "BatchNorm",
        }
    }

    /// By the statistics of the batch, which join the running ones if this is training.
    #[track_caller]
    fn by_batch(&self, x: &Tensor, relu: bool, training: bool) -> Tensor {
        let (y, batch) = x.batch_norm_ending([self.weight(), self.bias()], relu, self.eps);
        if let (true, Some(mean), Some(var), Some(tracked)) =
            (training, &self.running_mean, &self.running_var, &self.num_batches_tracked)
        {
            tracked.update(|n| n + &Tensor::scalar(1i64).to(n.device()));
            // A batch without elements counts as one and changes nothing, as in PyTorch.
            if batch.count > 0 {
                let share = self.momentum.unwrap_or_else(|| 1.0 / tracked.get().item::<i64>() as f64);
                mean.update(|old| moved(old, &batch.mean, share));
                var.update(|old| moved(old, &batch.unbiased_var(), share));
            }
        }
        y
    }

    #[track_caller]
    fn normalized(&self, x: &Tensor, relu: bool, training: bool) -> Tensor {
        check_channels(Self::kind(), x, (if D == 1 { 2 } else { D + 2 }, D + 2), self.num_features);
        match (self.running_mean(), self.running_var()) {
            (Some(mean), Some(var)) if !training => {
                x.batch_norm_eval_ending([&mean, &var], [self.weight(), self.bias()], relu, self.eps)
            }
            _ => self.by_batch(x, relu, training),
        }
    }
}

/// `old` moved by `share` of the way to `new` (f64), each element computed in f64 and rounded once. In one loop, as a
/// layer has few channels: calls of kernels would take longer than their work.
fn moved(old: &Tensor, new: &Tensor, share: f64) -> Tensor {
    let pairs = old.cast(new.dtype()).to_vec::<f64>().into_iter().zip(new.to_vec::<f64>());
    let values: Vec<f64> = pairs.map(|(old, new)| old * (1.0 - share) + new * share).collect();
    Tensor::from_slice(&values, old.shape()).to(old.device()).cast(old.dtype())
}

impl<const D: usize> Layer for BatchNorm<D> {
    /// [n, c, ...] to the same shape.
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let y = self.normalized(x, false, cx.is_training());
        cx.observe(Self::kind(), x, &y, |o| {
            let (mean, var) = (self.running_mean(), self.running_var());
            let seen = o.parameter("weight", self.weight()).parameter("bias", self.bias());
            let seen = seen.parameter("running_mean", mean.as_ref()).parameter("running_var", var.as_ref());
            let seen = seen.setting("num_features", &[self.num_features as f64]).setting("eps", &[self.eps]);
            match self.momentum {
                Some(momentum) => seen.setting("momentum", &[momentum]),
                None => seen,
            }
        });
        y
    }

    #[track_caller]
    fn forward_relu(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        self.normalized(x, true, cx.is_training())
    }
}

/// A layer for another number of channels, or of another rank, says so by its name.
#[track_caller]
fn check_channels(kind: &str, x: &Tensor, (fewest, most): (usize, usize), channels: usize) {
    let shape = x.shape();
    let axes = if fewest == most { format!("{most}") } else { format!("{fewest} to {most}") };
    assert!(
        (fewest..=most).contains(&shape.rank()),
        "{kind}: needs an input of {axes} axes, [n, c, ...], not {shape}"
    );
    assert!(shape[1] == channels, "{kind}: input {shape} has {} channels, the layer {channels}", shape[1]);
}

/// Normalises over the last axes: [`Tensor::layer_norm`]. (Ba, Kiros and Hinton 2016)
///
/// ```
/// use versant::nn::{Context, Layer, LayerNorm};
/// use versant::Tensor;
/// let y = LayerNorm::new([2]).forward(&Tensor::from_slice(&[1.0f32, 3.0], [1, 2]), &mut Context::eval());
/// assert!((y.to_vec::<f32>()[1] - 1.0).abs() < 1e-5);
/// ```
#[derive(Module, Clone, Debug)]
pub struct LayerNorm {
    weight: Option<Tensor>,
    bias: Option<Tensor>,
    normalized_shape: Shape,
    eps: f64,
}

impl LayerNorm {
    /// Over last axes of this shape, with PyTorch's defaults: eps 1e-5, weight 1, bias 0.
    #[track_caller]
    pub fn new(normalized_shape: impl Into<Shape>) -> LayerNorm {
        let normalized_shape = normalized_shape.into();
        let [weight, bias] = [1.0, 0.0].map(|value| Some(init::constant(normalized_shape, value)));
        LayerNorm { weight, bias, normalized_shape, eps: 1e-5 }
    }

    /// Added to the variance.
    pub fn eps(self, eps: f64) -> LayerNorm {
        LayerNorm { eps, ..self }
    }

    /// Without a bias.
    pub fn without_bias(self) -> LayerNorm {
        LayerNorm { bias: None, ..self }
    }

    /// Without weight and bias.
    pub fn without_affine(self) -> LayerNorm {
        LayerNorm { weight: None, bias: None, ..self }
    }
}

impl Layer for LayerNorm {
    /// [.., normalized shape] to the same shape.
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let y = x.layer_norm(self.normalized_shape, self.weight.as_ref(), self.bias.as_ref(), self.eps);
        cx.observe("LayerNorm", x, &y, |o| {
            let shape: Vec<f64> = self.normalized_shape.iter().map(|&len| len as f64).collect();
            let seen = o.parameter("weight", self.weight.as_ref()).parameter("bias", self.bias.as_ref());
            seen.setting("normalized_shape", &shape).setting("eps", &[self.eps])
        });
        y
    }
}

/// Normalises each sample over groups of neighbouring channels: [`Tensor::group_norm`]. (Wu and He 2018)
#[derive(Module, Clone, Debug)]
pub struct GroupNorm {
    weight: Option<Tensor>,
    bias: Option<Tensor>,
    num_groups: usize,
    num_channels: usize,
    eps: f64,
}

impl GroupNorm {
    /// With PyTorch's defaults: eps 1e-5, weight 1, bias 0.
    ///
    /// # Panics
    /// When the channels do not make so many equal groups.
    #[track_caller]
    pub fn new(num_groups: usize, num_channels: usize) -> GroupNorm {
        assert!(
            num_groups > 0 && num_channels.is_multiple_of(num_groups),
            "GroupNorm: {num_channels} channels do not make {num_groups} equal groups"
        );
        let [weight, bias] = [1.0, 0.0].map(|value| Some(init::constant([num_channels], value)));
        GroupNorm { weight, bias, num_groups, num_channels, eps: 1e-5 }
    }

    /// Added to the variance.
    pub fn eps(self, eps: f64) -> GroupNorm {
        GroupNorm { eps, ..self }
    }

    /// Without weight and bias.
    pub fn without_affine(self) -> GroupNorm {
        GroupNorm { weight: None, bias: None, ..self }
    }
}

impl Layer for GroupNorm {
    /// [n, c, ...] to the same shape.
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        check_channels("GroupNorm", x, (2, crate::MAX_RANK), self.num_channels);
        let y = x.group_norm(self.num_groups, self.weight.as_ref(), self.bias.as_ref(), self.eps);
        cx.observe("GroupNorm", x, &y, |o| {
            let seen = o.parameter("weight", self.weight.as_ref()).parameter("bias", self.bias.as_ref());
            let seen = seen.setting("num_groups", &[self.num_groups as f64]);
            seen.setting("num_channels", &[self.num_channels as f64]).setting("eps", &[self.eps])
        });
        y
    }
}

/// Normalises each channel of each sample over its positions: [`Tensor::instance_norm`]. The same in training and
/// evaluation. For inputs with `D` axes of positions: [`InstanceNorm1d`] takes [n, c, l], [`InstanceNorm2d`]
/// [n, c, h, w]. (Ulyanov, Vedaldi and Lempitsky 2016)
#[derive(Module, Clone, Debug)]
pub struct InstanceNorm<const D: usize> {
    weight: Option<Tensor>,
    bias: Option<Tensor>,
    num_features: usize,
    eps: f64,
}

/// [`InstanceNorm`] of [n, c, l].
pub type InstanceNorm1d = InstanceNorm<1>;

/// [`InstanceNorm`] of [n, c, h, w].
pub type InstanceNorm2d = InstanceNorm<2>;

impl<const D: usize> InstanceNorm<D> {
    /// With PyTorch's defaults: eps 1e-5, neither weight nor bias.
    pub fn new(num_features: usize) -> InstanceNorm<D> {
        InstanceNorm { weight: None, bias: None, num_features, eps: 1e-5 }
    }

    /// Added to the variance.
    pub fn eps(self, eps: f64) -> InstanceNorm<D> {
        InstanceNorm { eps, ..self }
    }

    /// With a weight, 1 at first, and a bias, 0 at first.
    pub fn with_affine(self) -> InstanceNorm<D> {
        let [weight, bias] = [1.0, 0.0].map(|value| Some(init::constant([self.num_features], value)));
        InstanceNorm { weight, bias, ..self }
    }

    fn kind() -> &'static str {
        match D {
            1 => "InstanceNorm1d",
            2 => "InstanceNorm2d",
            _ => "InstanceNorm",
        }
    }
}

impl<const D: usize> Layer for InstanceNorm<D> {
    /// [n, c, ...] to the same shape.
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        check_channels(Self::kind(), x, (D + 2, D + 2), self.num_features);
        let y = x.instance_norm(self.weight.as_ref(), self.bias.as_ref(), self.eps);
        cx.observe(Self::kind(), x, &y, |o| {
            let seen = o.parameter("weight", self.weight.as_ref()).parameter("bias", self.bias.as_ref());
            seen.setting("num_features", &[self.num_features as f64]).setting("eps", &[self.eps])
        });
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ImageData, Loader, Part, digits};
    use crate::nn::{Checkpoint, Dropout2d, Flatten, Linear, Relu, Sequential};
    use crate::optim::{Optimizer, Sgd};
    use crate::rng::Rng;
    use crate::train::checkpoint::load_last;
    use crate::train::{Callback, Flow, Objective, Outcome, RunDir, StepRecord, Trainer};
    use crate::{Array, DType, Device};

    fn image(seed: u64) -> Tensor {
        Tensor::randn([4, 3, 5, 6], &mut Rng::new(seed)) * 2.0 + 1.0
    }

    fn bytes(module: &dyn Module) -> Vec<Vec<u8>> {
        module.state_dict().values().map(Array::to_bytes).collect()
    }

    #[test]
    fn training_gathers_what_evaluation_uses() {
        let norm = BatchNorm2d::new(3);
        let (x, fresh) = (image(1), bytes(&norm));
        norm.forward(&x, &mut Context::eval());
        assert_eq!(bytes(&norm), fresh, "evaluation changes nothing");
        let y = norm.forward(&x, &mut Context::train(0, 0));
        let (mean, var) = (y.mean_axes([0, 2, 3]).to_vec::<f32>(), y.var_axes([0, 2, 3], 0).to_vec::<f32>());
        assert!(mean.iter().all(|m| m.abs() < 1e-6) && var.iter().all(|v| (v - 1.0).abs() < 1e-4));
        let found = norm.running_mean().unwrap().to_vec::<f32>();
        let wanted = (x.mean_axes([0, 2, 3]) * 0.1).to_vec::<f32>();
        assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {wanted:?}");
        for step in 1..200 {
            norm.forward(&x, &mut Context::train(0, step));
        }
        let late = norm.forward(&x, &mut Context::eval());
        // The running variance is the unbiased one.
        let gap = (late * (120.0f64 / 119.0).sqrt() - y).abs().max().item::<f32>();
        assert!(gap < 1e-5, "{gap}");
        assert_eq!(norm.state_dict()["num_batches_tracked"].item::<i64>(), 200);
    }

    /// The replay in the backward is of a clone, which has statistics of its own.
    #[test]
    fn a_checkpoint_updates_once() {
        let plain = BatchNorm2d::new(3);
        let checkpointed = Checkpoint(plain.clone());
        for step in 0..3 {
            for layer in [&plain as &dyn Layer, &checkpointed] {
                let y = layer.forward(&image(step), &mut Context::train(0, step));
                let grads = y.square().mean().backward();
                assert_eq!(grads.of(layer).len(), 2);
            }
        }
        assert_eq!(bytes(&plain), bytes(&checkpointed));
        assert_eq!(plain.state_dict()["num_batches_tracked"].item::<i64>(), 3);
    }

    #[test]
    fn names_and_options() {
        let names = |module: &dyn Module| {
            let mut names = Vec::new();
            module.for_each(&mut |name, _| names.push(name.to_string()));
            names.join(" ")
        };
        let norm = BatchNorm1d::new(3);
        assert_eq!(names(&norm), "weight bias running_mean running_var num_batches_tracked");
        assert_eq!(names(&norm.clone().without_affine()), "running_mean running_var num_batches_tracked");
        assert_eq!(names(&norm.clone().without_running_stats()), "weight bias");
        assert_eq!(norm.parameter_count(), 6);
        assert_eq!(names(&LayerNorm::new([3]).without_bias()), "weight");
        assert_eq!(names(&GroupNorm::new(2, 4)), "weight bias");
        assert_eq!(names(&InstanceNorm2d::new(3)), "");
        assert_eq!(names(&InstanceNorm1d::new(3).with_affine()), "weight bias");
        let by_batch = norm.without_running_stats();
        let x = Tensor::randn([8, 3], &mut Rng::new(1));
        let [trained, evaluated] =
            [Context::train(0, 0), Context::eval()].map(|mut cx| by_batch.forward(&x, &mut cx));
        assert_eq!(trained.to_vec::<f32>(), evaluated.to_vec::<f32>());
    }

    #[test]
    fn what_an_observer_sees() {
        let mut cx = Context::train(0, 0).observing();
        BatchNorm2d::new(3).momentum(None).forward(&image(1), &mut cx);
        BatchNorm2d::new(3).forward(&image(1), &mut cx);
        let seen = |i: usize| &cx.observations()[i];
        let parameters: Vec<&str> = seen(1).parameters.iter().map(|(name, _)| *name).collect();
        assert_eq!(parameters, ["weight", "bias", "running_mean", "running_var"]);
        assert_eq!((seen(0).kind, seen(0).settings.len()), ("BatchNorm2d", 2));
        let settings = [("num_features", vec![3.0]), ("eps", vec![1e-5]), ("momentum", vec![0.1])];
        assert_eq!(seen(1).settings, settings);
    }

    /// A frozen layer keeps its buffers, is loaded like any other, and works on either device.
    #[test]
    fn state_goes_from_one_model_to_another() {
        let model = || {
            Sequential::new()
                .push(Linear::new(4, 6, &mut Rng::new(1)))
                .push(BatchNorm1d::new(6))
                .push(Dropout2d(0.5))
        };
        let (mut trained, mut other) = (model(), model());
        let x = Tensor::randn([16, 4], &mut Rng::new(2));
        let mut sgd = Sgd::new(0.1);
        for step in 0..3 {
            let loss = trained.forward(&x, &mut Context::train(0, step)).square().mean();
            sgd.step(&mut trained, &loss.backward());
        }
        other.freeze();
        other.load_state_dict(&trained.state_dict()).unwrap();
        assert_eq!(other.parameter_count(), 0);
        assert_eq!(bytes(&other), bytes(&trained));
        let y = |model: &Sequential| model.forward(&x, &mut Context::eval()).to_vec::<f32>();
        assert_eq!(y(&other), y(&trained));
        other.for_each_mut(&mut |_, tensor| *tensor = tensor.to(Device::Naive));
        let naive = other.forward(&x.to(Device::Naive), &mut Context::eval());
        other.forward(&x.to(Device::Naive), &mut Context::train(0, 0));
        assert!(
            (naive.to(Device::Cpu) - Tensor::from_slice(&y(&trained), [16, 6])).abs().max().item::<f32>()
                < 1e-6
        );
        let mut wrong = trained.state_dict();
        wrong.insert("1.num_batches_tracked".into(), Array::zeros((), DType::F32));
        let error = other.load_state_dict(&wrong).unwrap_err().to_string();
        assert!(
            error.contains("1.num_batches_tracked is f32 [] in the file, i64 [] in the model"),
            "{error}"
        );
    }

    /// Stops a run after some step.
    struct StopAfter(u64);

    impl Callback for StopAfter {
        fn on_step(&mut self, step: &StepRecord, _: usize) -> Flow {
            if step.step == self.0 { Flow::Stop } else { Flow::Continue }
        }
    }

    /// Two epochs of six steps, stopped and taken up again after each of the given steps.
    fn trained_with_stops(stops: &[u64]) -> Vec<Vec<u8>> {
        let data = |part, n| ImageData::new(digits(n, part)).normalize(0.13, 0.31);
        let train = Loader::new(data(Part::Train, 90), 16).shuffle(1);
        let test = Loader::new(data(Part::Test, 20), 20);
        let runs = tempfile::tempdir().unwrap();
        let run = RunDir::create(runs.path(), "digits", "norm", std::time::SystemTime::now()).unwrap();
        for &stop in stops.iter().chain(&[u64::MAX]) {
            let rng = &mut Rng::new(1);
            let mut model = Sequential::new()
                .push(Flatten)
                .push(Linear::new(784, 12, rng))
                .push(BatchNorm1d::new(12).momentum(None))
                .push(Relu)
                .push(Checkpoint(BatchNorm1d::new(12)))
                .push(Linear::new(12, 10, rng));
            let (mut sgd, mut stop) = (Sgd::new(0.1).momentum(0.9), StopAfter(stop));
            let objective = Objective::classification(0.0);
            let mut trainer = Trainer::new(&mut model, &mut sgd, objective).epochs(2).seed(1);
            if let Some(checkpoint) = load_last(run.checkpoints()).unwrap() {
                trainer = trainer.resume(checkpoint).unwrap();
            }
            if trainer.record_in(&run).callback(&mut stop).fit(&train, &test).unwrap() == Outcome::Finished {
                return bytes(&model);
            }
        }
        unreachable!("the last part runs to the end")
    }

    #[test]
    fn a_run_that_was_stopped_ends_with_the_same_bits() {
        let straight = trained_with_stops(&[]);
        assert_eq!(trained_with_stops(&[1, 4, 6, 7, 11]), straight);
    }
}
