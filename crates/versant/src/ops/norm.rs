//! Normalisation of batches, layers, groups and instances [course: B16].
//!
//! All are x^ = (x - mean) / sqrt(var + eps), y = x^ weight + bias, with the biased variance: the sum of squares over n.
//! They differ in what the mean and the variance are taken over, which a [`Norm`] says.

use crate::array::Array;
use crate::autograd::{Back, Grad, is_recording};
use crate::axes::keepdim;
use crate::device::{Norm, NormGrads, NormInput};
use crate::dtype::DType;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// What [`batch_norm`](Tensor::batch_norm) found in its batch, for running statistics. f64, whatever x is; no gradient
/// flows through it.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// The mean of each channel.
    pub mean: Tensor,
    /// The biased variance of each channel.
    pub var: Tensor,
    /// The number of elements in a channel.
    pub count: usize,
}

impl BatchStatistics {
    /// The variance with Bessel's correction, n / (n - 1) times the biased one: what running statistics gather.
    pub fn unbiased_var(&self) -> Tensor {
        &self.var * (self.count as f64 / (self.count as f64 - 1.0))
    }
}

impl Array {
    /// Of a contiguous array.
    fn moments(&self, norm: &Norm) -> [Array; 2] {
        let [mut mean, mut var] =
            [(); 2].map(|()| Array::recycled([norm.groups].into(), DType::F64, self.device()));
        self.device().backend().moments(norm, self, &mut mean, &mut var);
        [mean, var]
    }
}

/// g is the gradient of the result; h = g weight; r = 1 / sqrt(var + eps). With a ReLU, in the forms that end in one, g
/// counts where the result is above 0.
impl Tensor {
    /// Normalises each channel of x [n, c, ...] by the mean and the variance of the batch, as in training, and gives
    /// these too. `weight` and `bias`, `[c]`, are 1 and 0 where there are none. (Ioffe and Szegedy 2015)
    ///
    /// Gradients: dx = r (h - mean(h) - x^ mean(h x^)), means over a channel; dweight = the sum of g x^ and dbias that of
    /// g over a channel.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 3.0, 10.0, 30.0], [2, 2]).transpose(0, 1);
    /// let (y, batch) = x.batch_norm(None, None, 0.0);
    /// assert_eq!(y.to_vec::<f32>(), [-1.0, -1.0, 1.0, 1.0]);
    /// assert_eq!(batch.mean.to_vec::<f64>(), [2.0, 20.0]);
    /// assert_eq!(batch.unbiased_var().to_vec::<f64>(), [2.0, 200.0]);
    /// ```
    ///
    /// # Panics
    /// When a channel has a single element, weight or bias is not `[c]`, or types or devices differ.
    #[track_caller]
    pub fn batch_norm(
        &self,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> (Tensor, BatchStatistics) {
        self.batch_norm_ending([weight, bias], false, eps)
    }

    /// [`batch_norm`](Tensor::batch_norm), and max(y, 0) of its result if asked.
    #[track_caller]
    pub(crate) fn batch_norm_ending(
        &self,
        [weight, bias]: [Option<&Tensor>; 2],
        relu: bool,
        eps: f64,
    ) -> (Tensor, BatchStatistics) {
        let [n, channels, len] = self.samples_and_channels("batch_norm");
        self.check_parts("batch_norm", [channels].into(), [("weight", weight), ("bias", bias)]);
        assert!(
            n * len != 1,
            "batch_norm: expected more than 1 value per channel when training, got input {}: its variance would be \
             0; use a larger batch, or evaluate",
            self.shape()
        );
        let names = ["batch_norm", "batch_norm_relu"];
        let (y, [mean, var]) = self.normalized_by_channel(names, None, [weight, bias], relu, eps);
        (y, BatchStatistics { mean: mean.into(), var: var.into(), count: n * len })
    }

    /// Normalises each channel of x [n, c, ...] by a given mean and variance, as in evaluation, where they are the
    /// running ones. All are `[c]`.
    ///
    /// Gradients: dx = r h; dweight and dbias as [`batch_norm`](Tensor::batch_norm); none of mean and variance.
    ///
    /// # Panics
    /// When mean, variance, weight or bias is not `[c]`, or types or devices differ.
    #[track_caller]
    pub fn batch_norm_eval(
        &self,
        mean: &Tensor,
        var: &Tensor,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Tensor {
        self.batch_norm_eval_ending([mean, var], [weight, bias], false, eps)
    }

    /// [`batch_norm_eval`](Tensor::batch_norm_eval), and max(y, 0) of its result if asked.
    #[track_caller]
    pub(crate) fn batch_norm_eval_ending(
        &self,
        [mean, var]: [&Tensor; 2],
        [weight, bias]: [Option<&Tensor>; 2],
        relu: bool,
        eps: f64,
    ) -> Tensor {
        let [_, channels, _] = self.samples_and_channels("batch_norm_eval");
        let given = [("mean", Some(mean)), ("variance", Some(var)), ("weight", weight), ("bias", bias)];
        self.check_parts("batch_norm_eval", [channels].into(), given);
        let given = [mean, var].map(|t| t.array().cast(DType::F64).contiguous());
        let names = ["batch_norm_eval", "batch_norm_eval_relu"];
        self.normalized_by_channel(names, Some(given), [weight, bias], relu, eps).0
    }

    /// Normalises over the last axes, of the shape `normalized_shape`, which weight and bias have too. (Ba, Kiros and
    /// Hinton 2016) Gradients as [`batch_norm`](Tensor::batch_norm), means over the last axes.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 3.0, 10.0, 30.0], [2, 2]);
    /// assert_eq!(x.layer_norm([2], None, None, 0.0).to_vec::<f32>(), [-1.0, 1.0, -1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When x does not end in `normalized_shape`, weight or bias have another shape, or types or devices differ.
    #[track_caller]
    pub fn layer_norm(
        &self,
        normalized_shape: impl Into<Shape>,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Tensor {
        let (shape, last) = (self.shape(), normalized_shape.into());
        assert!(
            shape.ends_with(&last) && last.rank() > 0,
            "layer_norm: input {shape} does not end in the normalized shape {last}"
        );
        self.check_parts("layer_norm", last, [("weight", weight), ("bias", bias)]);
        let inner = last.numel();
        let groups = shape[..shape.rank() - last.rank()].iter().product();
        let norm = Norm { groups, inner, channels: inner, span: 1, eps };
        self.normalized("layer_norm", norm, None, [weight, bias], false).0
    }

    /// Normalises each sample of x [n, c, ...] over groups of c / `groups` neighbouring channels, all their positions
    /// together. `weight` and `bias` are `[c]`. (Wu and He 2018) Gradients as [`batch_norm`](Tensor::batch_norm), means
    /// over a group.
    ///
    /// # Panics
    /// When `groups` does not divide c, weight or bias is not `[c]`, or types or devices differ.
    #[track_caller]
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Tensor {
        let [n, channels, len] = self.samples_and_channels("group_norm");
        assert!(
            groups > 0 && channels.is_multiple_of(groups),
            "group_norm: {channels} channels of input {} do not make {groups} equal groups",
            self.shape()
        );
        self.check_parts("group_norm", [channels].into(), [("weight", weight), ("bias", bias)]);
        let norm = Norm { groups: n * groups, inner: channels / groups * len, channels, span: len, eps };
        self.normalized("group_norm", norm, None, [weight, bias], false).0
    }

    /// Normalises each channel of each sample of x [n, c, ...] over its positions. `weight` and `bias` are `[c]`.
    /// (Ulyanov, Vedaldi and Lempitsky 2016) Gradients as [`batch_norm`](Tensor::batch_norm), means over the positions.
    ///
    /// # Panics
    /// When a channel has a single position, weight or bias is not `[c]`, or types or devices differ.
    #[track_caller]
    pub fn instance_norm(&self, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64) -> Tensor {
        let [n, channels, len] = self.samples_and_channels("instance_norm");
        self.check_parts("instance_norm", [channels].into(), [("weight", weight), ("bias", bias)]);
        assert!(
            len != 1,
            "instance_norm: expected more than 1 position per channel, got input {}: its variance would be 0",
            self.shape()
        );
        let norm = Norm { groups: n * channels, inner: len, channels, span: len, eps };
        self.normalized("instance_norm", norm, None, [weight, bias], false).0
    }
}

impl Tensor {
    /// [n, c, everything else].
    #[track_caller]
    fn samples_and_channels(&self, operation: &str) -> [usize; 3] {
        let shape = self.shape();
        assert!(shape.rank() >= 2, "{operation}: needs an input [n, c, ...], not {shape}");
        [shape[0], shape[1], shape[2..].iter().product()]
    }

    #[track_caller]
    fn check_parts<const N: usize>(
        &self,
        operation: &str,
        wanted: Shape,
        parts: [(&str, Option<&Tensor>); N],
    ) {
        let (dtype, device) = (self.dtype(), self.device());
        assert!(dtype.is_float(), "{operation}: needs f32 or f64, not {dtype}; cast it first");
        for (name, part) in parts {
            let Some(part) = part else { continue };
            assert!(
                part.shape() == wanted,
                "{operation}: input {} needs a {name} {wanted}, not {}",
                self.shape(),
                part.shape()
            );
            assert!(
                part.dtype() == dtype && part.device() == device,
                "{operation}: input is {dtype} on {device}, {name} {} on {}; type and device of all must be one",
                part.dtype(),
                part.device()
            );
        }
    }

    fn normalized_by_channel(
        &self,
        names: [&'static str; 2],
        given: Option<[Array; 2]>,
        affine: [Option<&Tensor>; 2],
        relu: bool,
        eps: f64,
    ) -> (Tensor, [Array; 2]) {
        let [_, channels, len] = self.samples_and_channels(names[0]);
        let norm = Norm { groups: channels, inner: len, channels, span: len, eps };
        self.normalized(names[usize::from(relu)], norm, given, affine, relu)
    }

    /// Normalised by the given mean and variance, or by its own; and these.
    fn normalized(
        &self,
        operation: &'static str,
        norm: Norm,
        given: Option<[Array; 2]>,
        [weight, bias]: [Option<&Tensor>; 2],
        relu: bool,
    ) -> (Tensor, [Array; 2]) {
        // Without weights all of a group's elements are treated alike.
        let norm = match (weight, bias) {
            (None, None) => Norm { channels: 1, span: norm.inner, ..norm },
            _ => norm,
        };
        let x = Tensor::from_parts(self.array().contiguous(), self.node().cloned());
        let own = given.is_none();
        let [mean, var] = given.unwrap_or_else(|| x.array().moments(&norm));
        let affine = weight.or(bias).map_or([norm.channels].into(), Tensor::shape);
        let bias_values = bias.map(|b| b.array().contiguous());
        let weight0 = weight.cloned();
        let done =
            Normalization { norm, x, mean, var, weight: weight0, bias: bias_values, relu, affine, own };
        let y = done.result();

        let statistics = [done.mean.clone(), done.var.clone()];
        let parents: Vec<&Tensor> = std::iter::once(self).chain(weight).chain(bias).collect();
        let places = [Some(0), weight.map(|_| 1), bias.map(|_| 1 + usize::from(weight.is_some()))];
        let y = Tensor::from_op_many(operation, y, &parents, move |back| {
            let wanted = places.map(|place| place.is_some_and(|i| back.needs(i)));
            let found = done.gradients(back.grad(), wanted);
            places.into_iter().zip(found).filter_map(|(i, grad)| Some(given_to(back, i?, grad))).collect()
        });
        (y, statistics)
    }
}

fn given_to(back: &Back, i: usize, grad: Option<Tensor>) -> Grad {
    match grad {
        Some(grad) => back.want(i, || grad),
        None => Grad::none(),
    }
}

/// What the backward needs.
struct Normalization {
    norm: Norm,
    /// With contiguous values.
    x: Tensor,
    mean: Array,
    var: Array,
    weight: Option<Tensor>,
    /// With contiguous values.
    bias: Option<Array>,
    relu: bool,
    /// The shape of weight and bias.
    affine: Shape,
    own: bool,
}

impl Normalization {
    fn input<'a>(&'a self, weight: Option<&'a Array>) -> NormInput<'a> {
        let Normalization { norm, ref x, ref mean, ref var, ref bias, relu, own, .. } = *self;
        NormInput { norm, x: x.array(), mean, var, weight, bias: bias.as_ref(), relu, own }
    }

    fn result(&self) -> Array {
        let x = self.x.array();
        let mut y = Array::recycled(x.shape(), x.dtype(), x.device());
        let weight = self.weight.as_ref().map(|w| w.array().contiguous());
        x.device().backend().normalize(&self.input(weight.as_ref()), &mut y);
        y
    }

    /// Those of x, weight and bias that are wanted.
    fn gradients(&self, g: &Tensor, wanted: [bool; 3]) -> [Option<Tensor>; 3] {
        if is_recording() {
            return self.composed_gradients(g, wanted);
        }
        let x = self.x.array();
        let fresh = |i: usize, shape| wanted[i].then(|| Array::recycled(shape, x.dtype(), x.device()));
        let [mut dx, mut dw, mut db] = [fresh(0, x.shape()), fresh(1, self.affine), fresh(2, self.affine)];
        let weight = self.weight.as_ref().map(|w| w.array().contiguous());
        let grads = NormGrads { x: dx.as_mut(), weight: dw.as_mut(), bias: db.as_mut() };
        x.device().backend().normalize_backward(&self.input(weight.as_ref()), &g.array().contiguous(), grads);
        [dx, dw, db].map(|grad| grad.map(Tensor::from))
    }

    /// The same formulas in operations that have gradients.
    fn composed_gradients(&self, g: &Tensor, wanted: [bool; 3]) -> [Option<Tensor>; 3] {
        let gated = self.relu.then(|| g.mask_positive(&self.result().into()));
        let g = gated.as_ref().unwrap_or(g);
        let Norm { groups, inner, channels, span, eps } = self.norm;
        let runs = |len: usize| self.x.numel().checked_div(len).unwrap_or(0);
        let by_group = [runs(groups * inner), groups, inner];
        let by_channel = [runs(channels * span), channels, span];
        let mean = |t: &Tensor| t.mean_axes(keepdim([0, 2]));
        let x = self.x.reshape(by_group);
        let given = |t: &Array| Tensor::from(t.cast(x.dtype()).reshape([groups, 1]));
        let (centred, var) = if self.own {
            let centred = &x - mean(&x);
            let var = mean(&centred.square());
            (centred, var)
        } else {
            (&x - given(&self.mean), given(&self.var))
        };
        let rstd = (var + eps).rsqrt();
        let normal = centred * &rstd;
        let g = g.reshape(by_channel);
        let dx = || {
            let h = match &self.weight {
                Some(weight) => &g * weight.reshape([channels, 1]),
                None => g.clone(),
            };
            let h = h.reshape(by_group);
            let h = if self.own { &h - mean(&h) - &normal * mean(&(&h * &normal)) } else { h };
            (h * &rstd).reshape(self.x.shape())
        };
        let over_channels = |t: Tensor| t.sum_axes([0, 2]).reshape(self.affine);
        [
            wanted[0].then(dx),
            wanted[1].then(|| over_channels(&g * normal.reshape(by_channel))),
            wanted[2].then(|| over_channels(g.clone())),
        ]
    }
}
