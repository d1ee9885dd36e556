//! Convolutions as layers [course: B1, B2, B3, B4].

use super::{Context, Layer, Module, Observation, init};
use crate::ops::{Conv, Pad, Padding, Pair};
use crate::rng::Rng;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Weight and bias, uniform in +-1/sqrt(fan_in), fan_in being the numbers of weight that meet in one sum.
/// (PyTorch's kaiming uniform with a = sqrt 5)
#[track_caller]
fn parameters(weight: impl Into<Shape>, outputs: usize, rng: &mut Rng) -> (Tensor, Option<Tensor>) {
    let weight = weight.into();
    let fan_in: usize = weight[1..].iter().product();
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    let weight = init::uniform(weight, -bound, bound, rng);
    (weight, Some(init::uniform([outputs], -bound, bound, rng)))
}

#[track_caller]
fn check_groups(layer: &str, inputs: usize, outputs: usize, groups: usize) {
    assert!(
        groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups),
        "{layer}: {groups} groups do not divide {inputs} input and {outputs} output channels"
    );
}

#[track_caller]
fn check_rank(layer: &str, weight: &Tensor, rank: usize, layout: &str) {
    assert!(weight.rank() == rank, "{layer}: a weight is {layout}, not {}", weight.shape());
}

fn numbers(pair: &[usize]) -> Vec<f64> {
    pair.iter().map(|&n| n as f64).collect()
}

/// What the options change of an observation; of a pair, the axes from `first` on.
fn settings(o: Observation, weight: &Tensor, conv: &Conv, first: usize) -> Observation {
    let kernel = &weight.shape()[2..];
    let along = |axis: usize| {
        let reach = (kernel[axis - first] - 1) * conv.dilation[axis];
        conv.padding.along(axis, reach)
    };
    let widths: Vec<(usize, usize)> = (first..2).map(along).collect();
    let mut padding: Vec<usize> = widths.iter().map(|&(before, _)| before).collect();
    if widths.iter().any(|(before, after)| before != after) {
        padding.extend(widths.iter().map(|&(_, after)| after));
    }
    o.setting("kernel_size", &numbers(kernel))
        .setting("stride", &numbers(&conv.stride[first..]))
        .setting("padding", &numbers(&padding))
        .setting("dilation", &numbers(&conv.dilation[first..]))
        .setting("groups", &[conv.groups as f64])
}

/// What all layers of convolution have: a weight, a bias, and the options of the operation.
macro_rules! parts {
    ($layer:ident, $size:ty) => {
        impl $layer {
            /// How far the kernel moves.
            pub fn stride(mut self, stride: $size) -> $layer {
                self.conv = self.conv.stride(stride);
                self
            }

            /// The distance of neighbours within the kernel.
            pub fn dilation(mut self, dilation: $size) -> $layer {
                self.conv = self.conv.dilation(dilation);
                self
            }

            /// Without the bias, which a normalisation behind would take away again.
            pub fn without_bias(self) -> $layer {
                $layer { bias: None, ..self }
            }

            /// The weight.
            pub fn weight(&self) -> &Tensor {
                &self.weight
            }

            /// The bias, `[out]`.
            pub fn bias(&self) -> Option<&Tensor> {
                self.bias.as_ref()
            }

            /// The options: stride, padding, dilation, groups.
            pub fn options(&self) -> &Conv {
                &self.conv
            }
        }
    };
}

/// Padding and its mode, of layers that are not transposed.
macro_rules! padded {
    ($layer:ident, $first:literal) => {
        impl $layer {
            /// What is put around the input: a number or a [`Padding`].
            pub fn padding(mut self, padding: impl Into<Padding>) -> $layer {
                self.conv = self.conv.padding(padding);
                self
            }

            /// With what to pad: zeros unless changed. [course: B3]
            pub fn padding_mode(self, mode: Pad) -> $layer {
                $layer { padding_mode: mode, ..self }
            }

            /// The input with what the operation does not put around it, and the options for what is left to do.
            #[track_caller]
            fn padded(&self, x: &Tensor) -> (Tensor, Conv) {
                if self.padding_mode == Pad::Constant(0.0) || x.rank() != self.weight.rank() {
                    return (x.clone(), self.conv);
                }
                let kernel = &self.weight.shape()[2..];
                let along = |axis: usize| {
                    let reach = (kernel[axis - $first] - 1) * self.conv.dilation[axis];
                    self.conv.padding.along(axis, reach)
                };
                let widths: Vec<(usize, usize)> = ($first..2).map(along).collect();
                (x.pad(&widths, self.padding_mode), self.conv.padding(Padding::Valid))
            }

            fn describe(&self, o: Observation, y: &Tensor) -> Observation {
                let terms: usize = self.weight.shape()[1..].iter().product();
                let o = settings(o, &self.weight, &self.conv, $first);
                let o = match self.padding_mode {
                    Pad::Constant(0.0) => o,
                    Pad::Constant(value) => o.setting("padding_value", &[value]),
                    Pad::Reflect => o.setting("padding_reflect", &[1.0]),
                    Pad::Replicate => o.setting("padding_replicate", &[1.0]),
                    Pad::Circular => o.setting("padding_circular", &[1.0]),
                };
                o.parameter("weight", &self.weight)
                    .parameter("bias", self.bias.as_ref())
                    .multiply_adds((y.numel() * terms) as u64)
            }
        }
    };
}

/// [`Tensor::conv2d`]. `weight` is [out, in / groups, kh, kw], `bias` `[out]`. Initialised as PyTorch does: uniform in
/// +-1/sqrt(in / groups kh kw), both.
///
/// ```
/// use versant::prelude::*;
/// let mut rng = Rng::new(0);
/// let conv = Conv2d::new(3, 16, 3, &mut rng).stride(2).padding(1);
/// let y = conv.forward(&Tensor::zeros([8, 3, 32, 32]), &mut Context::eval());
/// assert_eq!(y.shape(), [8, 16, 16, 16].into());
/// let separable = Sequential::new()
///     .push(Conv2d::grouped(16, 16, 3, 16, &mut rng).padding(1))
///     .push(Conv2d::new(16, 32, 1, &mut rng));
/// assert_eq!(separable.parameter_count(), 16 * 9 + 16 + 32 * 16 + 32);
/// ```
///
/// An observing [`Context`] is told PyTorch's settings; `padding` has four numbers, [top, left, bottom, right], where
/// two do not do, and a mode other than zeros is a setting `padding_reflect`, `padding_replicate`, `padding_circular`
/// or `padding_value`.
#[derive(Module, Clone)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    #[module(skip)]
    conv: Conv,
    #[module(skip)]
    padding_mode: Pad,
}

parts!(Conv2d, impl Into<Pair<usize>>);
padded!(Conv2d, 0);

impl Conv2d {
    /// With a bias, and PyTorch's defaults: a stride of 1, no padding.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<Pair<usize>>, rng: &mut Rng) -> Conv2d {
        Conv2d::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// In groups of channels that do not see one another; as many as there are channels: depthwise.
    ///
    /// # Panics
    /// When the groups do not divide the channels.
    #[track_caller]
    pub fn grouped(
        inputs: usize,
        outputs: usize,
        kernel: impl Into<Pair<usize>>,
        groups: usize,
        rng: &mut Rng,
    ) -> Conv2d {
        check_groups("Conv2d", inputs, outputs, groups);
        let Pair([kh, kw]) = kernel.into();
        let (weight, bias) = parameters([outputs, inputs / groups, kh, kw], outputs, rng);
        let conv = Conv::new().groups(groups);
        Conv2d { weight, bias, conv, padding_mode: Pad::Constant(0.0) }
    }

    /// From given values.
    ///
    /// # Panics
    /// When the weight is not [out, in / groups, kh, kw].
    #[track_caller]
    pub fn from_parts(weight: Tensor, bias: Option<Tensor>, conv: Conv) -> Conv2d {
        check_rank("Conv2d", &weight, 4, "[out, in / groups, kh, kw]");
        Conv2d { weight, bias, conv, padding_mode: Pad::Constant(0.0) }
    }
}

impl Layer for Conv2d {
    /// x [n, in, h, w] to [n, out, h', w'].
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let (padded, conv) = self.padded(x);
        let y = padded.conv2d(&self.weight, self.bias.as_ref(), &conv);
        cx.observe("Conv2d", x, &y, |o| self.describe(o, &y));
        y
    }

    #[track_caller]
    fn forward_relu(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let (padded, conv) = self.padded(x);
        padded.conv2d_ending(&self.weight, self.bias.as_ref(), true, &conv)
    }
}

/// [`Tensor::conv1d`]; as [`Conv2d`] along one axis. `weight` is [out, in / groups, k].
#[derive(Module, Clone)]
pub struct Conv1d {
    weight: Tensor,
    bias: Option<Tensor>,
    #[module(skip)]
    conv: Conv,
    #[module(skip)]
    padding_mode: Pad,
}

parts!(Conv1d, usize);
padded!(Conv1d, 1);

impl Conv1d {
    /// With a bias, and PyTorch's defaults: a stride of 1, no padding.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: usize, rng: &mut Rng) -> Conv1d {
        Conv1d::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// In groups of channels that do not see one another.
    ///
    /// # Panics
    /// When the groups do not divide the channels.
    #[track_caller]
    pub fn grouped(inputs: usize, outputs: usize, kernel: usize, groups: usize, rng: &mut Rng) -> Conv1d {
        check_groups("Conv1d", inputs, outputs, groups);
        let (weight, bias) = parameters([outputs, inputs / groups, kernel], outputs, rng);
        let conv = Conv::new().groups(groups);
        Conv1d { weight, bias, conv, padding_mode: Pad::Constant(0.0) }
    }

    /// From given values.
    ///
    /// # Panics
    /// When the weight is not [out, in / groups, k].
    #[track_caller]
    pub fn from_parts(weight: Tensor, bias: Option<Tensor>, conv: Conv) -> Conv1d {
        check_rank("Conv1d", &weight, 3, "[out, in / groups, k]");
        Conv1d { weight, bias, conv, padding_mode: Pad::Constant(0.0) }
    }
}

impl Layer for Conv1d {
    /// x [n, in, l] to [n, out, l'].
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let (padded, conv) = self.padded(x);
        let y = padded.conv1d(&self.weight, self.bias.as_ref(), &conv);
        cx.observe("Conv1d", x, &y, |o| self.describe(o, &y));
        y
    }

    #[track_caller]
    fn forward_relu(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let (padded, conv) = self.padded(x);
        padded.conv1d_ending(&self.weight, self.bias.as_ref(), true, &conv)
    }
}

/// Padding of transposed layers, which takes away from the result, and what is added to its end.
macro_rules! transposed {
    ($layer:ident, $first:literal, $size:ty) => {
        impl $layer {
            /// How many places at every edge of the result are left out.
            pub fn padding(mut self, padding: $size) -> $layer {
                self.conv = self.conv.padding(Into::<Pair<usize>>::into(padding).0);
                self
            }

            /// How many places the result has besides at its end.
            pub fn output_padding(mut self, output_padding: $size) -> $layer {
                self.conv = self.conv.output_padding(output_padding);
                self
            }

            fn describe(&self, o: Observation, x: &Tensor) -> Observation {
                let terms: usize = self.weight.shape()[1..].iter().product();
                settings(o, &self.weight, &self.conv, $first)
                    .setting("output_padding", &numbers(&self.conv.output_padding[$first..]))
                    .parameter("weight", &self.weight)
                    .parameter("bias", self.bias.as_ref())
                    .multiply_adds((x.numel() * terms) as u64)
            }
        }
    };
}

/// [`Tensor::conv_transpose2d`]. `weight` is [in, out / groups, kh, kw], `bias` `[out]`. Initialised as PyTorch does:
/// uniform in +-1/sqrt(out / groups kh kw), both.
///
/// ```
/// use versant::nn::ConvTranspose2d;
/// use versant::prelude::*;
/// let up = ConvTranspose2d::new(16, 8, 2, &mut Rng::new(0)).stride(2);
/// let y = up.forward(&Tensor::zeros([4, 16, 7, 7]), &mut Context::eval());
/// assert_eq!(y.shape(), [4, 8, 14, 14].into());
/// ```
#[derive(Module, Clone)]
pub struct ConvTranspose2d {
    weight: Tensor,
    bias: Option<Tensor>,
    #[module(skip)]
    conv: Conv,
}

parts!(ConvTranspose2d, impl Into<Pair<usize>>);
transposed!(ConvTranspose2d, 0, impl Into<Pair<usize>>);

impl ConvTranspose2d {
    /// With a bias, and PyTorch's defaults: a stride of 1, no padding.
    #[track_caller]
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: impl Into<Pair<usize>>,
        rng: &mut Rng,
    ) -> ConvTranspose2d {
        ConvTranspose2d::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// In groups of channels that do not see one another.
    ///
    /// # Panics
    /// When the groups do not divide the channels.
    #[track_caller]
    pub fn grouped(
        inputs: usize,
        outputs: usize,
        kernel: impl Into<Pair<usize>>,
        groups: usize,
        rng: &mut Rng,
    ) -> ConvTranspose2d {
        check_groups("ConvTranspose2d", inputs, outputs, groups);
        let Pair([kh, kw]) = kernel.into();
        let (weight, bias) = parameters([inputs, outputs / groups, kh, kw], outputs, rng);
        ConvTranspose2d { weight, bias, conv: Conv::new().groups(groups) }
    }

    /// From given values.
    ///
    /// # Panics
    /// When the weight is not [in, out / groups, kh, kw].
    #[track_caller]
    pub fn from_parts(weight: Tensor, bias: Option<Tensor>, conv: Conv) -> ConvTranspose2d {
        check_rank("ConvTranspose2d", &weight, 4, "[in, out / groups, kh, kw]");
        ConvTranspose2d { weight, bias, conv }
    }
}

impl Layer for ConvTranspose2d {
    /// x [n, in, h, w] to [n, out, h', w'].
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let y = x.conv_transpose2d(&self.weight, self.bias.as_ref(), &self.conv);
        cx.observe("ConvTranspose2d", x, &y, |o| self.describe(o, x));
        y
    }

    #[track_caller]
    fn forward_relu(&self, x: &Tensor, _: &mut Context) -> Tensor {
        x.conv_transpose2d_ending(&self.weight, self.bias.as_ref(), true, &self.conv)
    }
}

/// [`Tensor::conv_transpose1d`]; as [`ConvTranspose2d`] along one axis. `weight` is [in, out / groups, k].
#[derive(Module, Clone)]
pub struct ConvTranspose1d {
    weight: Tensor,
    bias: Option<Tensor>,
    #[module(skip)]
    conv: Conv,
}

parts!(ConvTranspose1d, usize);
transposed!(ConvTranspose1d, 1, usize);

impl ConvTranspose1d {
    /// With a bias, and PyTorch's defaults: a stride of 1, no padding.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: usize, rng: &mut Rng) -> ConvTranspose1d {
        ConvTranspose1d::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// In groups of channels that do not see one another.
    ///
    /// # Panics
    /// When the groups do not divide the channels.
    #[track_caller]
    pub fn grouped(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        groups: usize,
        rng: &mut Rng,
    ) -> ConvTranspose1d {
        check_groups("ConvTranspose1d", inputs, outputs, groups);
        let (weight, bias) = parameters([inputs, outputs / groups, kernel], outputs, rng);
        ConvTranspose1d { weight, bias, conv: Conv::new().groups(groups) }
    }

    /// From given values.
    ///
    /// # Panics
    /// When the weight is not [in, out / groups, k].
    #[track_caller]
    pub fn from_parts(weight: Tensor, bias: Option<Tensor>, conv: Conv) -> ConvTranspose1d {
        check_rank("ConvTranspose1d", &weight, 3, "[in, out / groups, k]");
        ConvTranspose1d { weight, bias, conv }
    }
}

impl Layer for ConvTranspose1d {
    /// x [n, in, l] to [n, out, l'].
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let y = x.conv_transpose1d(&self.weight, self.bias.as_ref(), &self.conv);
        cx.observe("ConvTranspose1d", x, &y, |o| self.describe(o, x));
        y
    }

    #[track_caller]
    fn forward_relu(&self, x: &Tensor, _: &mut Context) -> Tensor {
        x.conv_transpose1d_ending(&self.weight, self.bias.as_ref(), true, &self.conv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Sequential;

    /// Uniform in +-1/sqrt(fan_in) has the variance 1/(3 fan_in).
    #[track_caller]
    fn is_drawn_within(tensor: &Tensor, fan_in: f64) {
        let bound = 1.0 / fan_in.sqrt();
        let values = tensor.to_vec::<f32>();
        let variance = values.iter().map(|&v| (v as f64).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(values.iter().all(|&v| (v as f64).abs() <= bound), "a value beyond {bound}");
        assert!((variance * 3.0 * fan_in - 1.0).abs() < 0.15, "{variance} is not a third of {bound} squared");
    }

    #[test]
    fn initial_values_are_pytorchs() {
        let rng = &mut Rng::new(5);
        let conv = Conv2d::grouped(8, 400, [3, 5], 2, rng);
        is_drawn_within(conv.weight(), 4.0 * 15.0);
        is_drawn_within(conv.bias().expect("a bias"), 4.0 * 15.0);
        // Of a transposed one it is the second axis that counts.
        let up = ConvTranspose2d::new(100, 6, 2, rng);
        assert_eq!(
            (up.weight().shape(), up.bias().map(Tensor::shape)),
            ([100, 6, 2, 2].into(), Some([6].into()))
        );
        is_drawn_within(up.weight(), 6.0 * 4.0);
        is_drawn_within(Conv1d::new(20, 30, 7, rng).weight(), 140.0);
        is_drawn_within(ConvTranspose1d::grouped(60, 20, 7, 4, rng).weight(), 35.0);
    }

    #[test]
    fn what_an_observer_is_told() {
        let rng = &mut Rng::new(5);
        let model = Sequential::new()
            .push(Conv2d::grouped(4, 6, [3, 4], 2, rng).padding(Padding::Same).padding_mode(Pad::Reflect))
            .push(ConvTranspose2d::new(6, 2, 3, rng).stride(2).padding(1).output_padding(1).without_bias());
        let mut cx = Context::eval().observing();
        model.forward(&Tensor::zeros([2, 4, 7, 8]), &mut cx);
        let [conv, up] = cx.observations() else { panic!("two layers") };
        let settings = |o: &Observation| -> Vec<String> {
            o.settings.iter().map(|(name, values)| format!("{name} {values:?}")).collect()
        };
        assert_eq!((conv.kind, conv.parameters.len()), ("Conv2d", 2));
        assert_eq!(conv.multiply_adds, 2 * 6 * 7 * 8 * 2 * 12);
        let wanted = [
            "kernel_size [3.0, 4.0]",
            "stride [1.0, 1.0]",
            "padding [1.0, 1.0, 1.0, 2.0]",
            "dilation [1.0, 1.0]",
            "groups [2.0]",
            "padding_reflect [1.0]",
        ];
        assert_eq!(settings(conv), wanted);
        assert_eq!(
            (up.kind, up.parameters.len(), up.output.shape()),
            ("ConvTranspose2d", 1, [2, 2, 14, 16].into())
        );
        assert_eq!(up.multiply_adds, 2 * 6 * 7 * 8 * 2 * 9);
        assert_eq!(settings(up)[5], "output_padding [1.0, 1.0]");
    }
}
