//! Where arrays live and who computes on them.
//!
//! A [`Backend`] is a short list of coarse kernels that write into outputs already allocated. Everything else
//! (views, broadcasting, dtype rules, the graph, allocation, accumulation) lives above this seam, once.

use std::fmt;

use crate::array::Array;
use crate::layout::Layout;
use crate::ops::{Bands, Binary, Compare, Reduce, Spans, Unary};
use crate::optim::Step;
use crate::profile;
use crate::shape::Shape;

/// Where an array lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum Device {
    /// The processor, with vectorised kernels on all cores.
    #[default]
    Cpu,
    /// The processor, in plain loops and f64 arithmetic: slow, and the oracle that every fast kernel is tested
    /// against.
    Naive,
}

impl Device {
    /// The kernels that run there.
    pub fn backend(self) -> &'static dyn Backend {
        match self {
            Device::Cpu if profile::is_on() => &profile::Profiled,
            Device::Cpu => &crate::cpu::Cpu,
            Device::Naive => &crate::naive::Naive,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Cpu => "cpu",
            Device::Naive => "naive",
        })
    }
}

/// What happens to each element of a product or a convolution before it is stored.
#[derive(Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// A contiguous vector: of a product, added to every row; of a convolution, a number for each channel of the result.
    pub bias: Option<&'a Array>,
    /// max(x, 0), after the bias.
    pub relu: bool,
}

/// How a normalisation sees its contiguous input: element e has the statistics of group (e / inner) % groups, and the
/// weight and bias of channel (e / span) % channels. `inner` is a multiple of `span`; where a group has several spans
/// of a single element each, it lies in one piece, and `channels` is a multiple of `inner`.
#[derive(Clone, Copy, Debug)]
pub struct Norm {
    /// How many means and variances there are.
    pub groups: usize,
    /// Elements of one group that follow one another.
    pub inner: usize,
    /// How many weights and biases there are.
    pub channels: usize,
    /// Elements of one channel that follow one another.
    pub span: usize,
    /// Added to the variance, inside the root.
    pub eps: f64,
}

/// What a normalisation computes from. The statistics are f64, whatever x is.
#[derive(Clone, Copy)]
pub struct NormInput<'a> {
    /// How x is cut into groups and channels.
    pub norm: Norm,
    /// The elements, contiguous.
    pub x: &'a Array,
    /// The mean of each group.
    pub mean: &'a Array,
    /// The variance of each group.
    pub var: &'a Array,
    /// The factor of each channel, contiguous.
    pub weight: Option<&'a Array>,
    /// Added to each channel, contiguous.
    pub bias: Option<&'a Array>,
    /// max(y, 0), after the bias.
    pub relu: bool,
    /// The statistics are those of x: they move with x, and its gradient knows it.
    pub own: bool,
}

/// Where the gradients of a normalisation go, those that are wanted.
pub struct NormGrads<'a> {
    /// Of x.
    pub x: Option<&'a mut Array>,
    /// Of the weight.
    pub weight: Option<&'a mut Array>,
    /// Of the bias.
    pub bias: Option<&'a mut Array>,
}

/// The sizes of a convolution, checked: y = w * x with x [batch, inputs, image], w [outputs, inputs / groups, kernel],
/// y [batch, outputs, output], where along both axes place i of y sees through tap u of the kernel the place
/// i stride + u dilation - before of x, and nothing where that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Parts of the channels that do not see one another; divides inputs and outputs.
    pub groups: usize,
    /// Channels of x.
    pub inputs: usize,
    /// Channels of y.
    pub outputs: usize,
    /// Height and width of x.
    pub image: [usize; 2],
    /// Height and width of the kernel, at least 1.
    pub kernel: [usize; 2],
    /// Height and width of y.
    pub output: [usize; 2],
    /// How far the kernel moves, at least 1.
    pub stride: [usize; 2],
    /// Rows above and columns on the left that x seems to have. What it has below and on the right follows.
    pub before: [usize; 2],
    /// The distance of neighbours within the kernel, at least 1.
    pub dilation: [usize; 2],
}

impl ConvShape {
    /// [batch, inputs, image].
    pub fn x(&self) -> Shape {
        [self.batch, self.inputs, self.image[0], self.image[1]].into()
    }

    /// [outputs, inputs / groups, kernel].
    pub fn weight(&self) -> Shape {
        [self.outputs, self.inputs / self.groups, self.kernel[0], self.kernel[1]].into()
    }

    /// [batch, outputs, output].
    pub fn y(&self) -> Shape {
        [self.batch, self.outputs, self.output[0], self.output[1]].into()
    }
}

/// The kernels. Shapes, dtypes and devices have been checked by the caller, inputs are already broadcast to the
/// output's shape by their strides, and `out` is contiguous, owned by the caller alone, and to be written whole.
pub trait Backend: Sync {
    /// Copies with conversion of the element type into the part `to` of `out`.
    fn copy(&self, x: &Array, out: &mut Array, to: &Layout);
    /// out = op(x), floating types.
    fn unary(&self, op: Unary, x: &Array, out: &mut Array);
    /// out = op(a, b), all types but bool.
    fn binary(&self, op: Binary, a: &Array, b: &Array, out: &mut Array);
    /// `out[to] += x`, in row-major order of x where several go to one place; all types but bool.
    fn add_into(&self, x: &Array, out: &mut Array, to: &Layout);
    /// x = op(x), contiguous, floating types.
    fn unary_assign(&self, op: Unary, x: &mut Array);
    /// a = op(a, b), a contiguous, floating types.
    fn binary_assign(&self, op: Binary, a: &mut Array, b: &Array);
    /// out = a op b as bool.
    fn compare(&self, op: Compare, a: &Array, b: &Array, out: &mut Array);
    /// out = mask ? a : b.
    fn select(&self, mask: &Array, a: &Array, b: &Array, out: &mut Array);
    /// The gradient of max(x, 0) from its result y, in place of that of its result, g, and the sum of each row along the
    /// last axis: g = 0 where y <= 0, else g (also where y is NaN); `sums[..] = sum g[.., i]`. Contiguous, floating
    /// types.
    fn relu_backward(&self, y: &Array, g: &mut Array, sums: &mut Array);
    /// Reduces all axes of `x` from `kept` on; `out` has the first `kept` axes.
    fn reduce(&self, op: Reduce, x: &Array, kept: usize, out: &mut Array);
    /// The index (i64) of the first largest (`Reduce::Max`) or smallest (`Reduce::Min`) element along the last axis;
    /// NaN counts as both.
    fn arg_extreme(&self, op: Reduce, x: &Array, out: &mut Array);
    /// y_i = b_i + a_i y_(i-1) along the last axis with y_0 = b_0, from the other end if `reverse`; without `a`, its
    /// elements are 1. Contiguous; floating types and i64.
    fn scan(&self, a: Option<&Array>, b: &Array, reverse: bool, out: &mut Array);
    /// `out[.., i] = x[.., index[.., i]]` along the last axis; equal axes before, contiguous, indices (i64) in range.
    fn gather(&self, x: &Array, index: &Array, out: &mut Array);
    /// `out[.., index[.., i]] = src[.., i]` along the last axis, in the order of i; as [`gather`](Backend::gather).
    fn scatter(&self, src: &Array, index: &Array, out: &mut Array);
    /// `out[.., index[.., i]] += src[.., i]` along the last axis, in the order of i; as [`gather`](Backend::gather).
    fn scatter_add(&self, src: &Array, index: &Array, out: &mut Array);
    /// `out[o, i, ..] = x[o, index[i], ..]` for x [outer, n, inner] and an index `[m]` in range, contiguous.
    fn index_select(&self, x: &Array, index: &Array, out: &mut Array);
    /// `out[o, index[i], ..] += src[o, i, ..]` in the order of i; as [`index_select`](Backend::index_select).
    fn index_add(&self, src: &Array, index: &Array, out: &mut Array);
    /// The places (i64) of the elements of each row, the last axis, in stable order, as many of the first as `out` has;
    /// NaN is the greatest. Contiguous.
    fn argsort(&self, descending: bool, x: &Array, out: &mut Array);
    /// out[.., m, n] = a[.., m, k] b[.., k, n], any strides.
    fn matmul(&self, a: &Array, b: &Array, epilogue: Epilogue, out: &mut Array);
    /// The convolution `y[n, o, ..] = bias[o] + sum w[o, ..] x[n, ..]`; this and the two after it contiguous.
    fn conv2d(&self, s: &ConvShape, x: &Array, weight: &Array, epilogue: Epilogue, y: &mut Array);
    /// Its gradient in x, a transposed convolution: `x[n, c, ..] = bias[c] + sum w[.., c, ..] y[n, ..]`.
    fn conv2d_input(&self, s: &ConvShape, y: &Array, weight: &Array, epilogue: Epilogue, x: &mut Array);
    /// Its gradient in w: w[o, c, u, v] = sum over images and places of y[n, o, ..] x[n, c, ..].
    fn conv2d_weight(&self, s: &ConvShape, x: &Array, y: &Array, weight: &mut Array);
    /// Softmax, or its logarithm, along the last axis.
    fn softmax(&self, log: bool, x: &Array, out: &mut Array);
    /// The gradient of [`softmax`](Backend::softmax) from its output `y` and the gradient `g` of that output.
    fn softmax_backward(&self, log: bool, y: &Array, g: &Array, out: &mut Array);
    /// One loss for each sample of `logits` [n, classes, places] with `labels` `[n places]` (i64):
    /// logsumexp(x) - (1 - s) x_label - s mean(x) over its classes, s the label smoothing. Contiguous.
    fn cross_entropy(&self, logits: &Array, labels: &Array, smoothing: f64, out: &mut Array);
    /// out = g (softmax(x) - target) for the g of each sample, the gradient of
    /// [`cross_entropy`](Backend::cross_entropy).
    fn cross_entropy_backward(
        &self,
        logits: &Array,
        labels: &Array,
        smoothing: f64,
        g: &Array,
        out: &mut Array,
    );
    /// The mean and the biased variance of each group of the contiguous x, in f64; NaN of an empty one.
    fn moments(&self, norm: &Norm, x: &Array, mean: &mut Array, var: &mut Array);
    /// out = (x - mean) / sqrt(var + eps) weight + bias, and max(out, 0) of that with a ReLU.
    fn normalize(&self, input: &NormInput, out: &mut Array);
    /// The gradients of [`normalize`](Backend::normalize) from the gradient g of its result. With the normalised
    /// x^ = (x - mean) r, r = 1 / sqrt(var + eps), and means over a group: dx = r (h - mean(h) - x^ mean(h x^)) for
    /// h = g weight, or r h where the statistics were given; dweight = the sum of g x^ and dbias that of g over a
    /// channel. With a ReLU g counts as 0 where the result is not above 0; the result is computed again, not kept.
    fn normalize_backward(&self, input: &NormInput, g: &Array, grads: NormGrads);
    /// The largest of each window of images [n, c, h, w], and its place (i64) among their h w elements: of equal ones
    /// the first in row-major order; NaN is the largest, of several the last. Contiguous.
    fn max_pool(&self, rows: &Spans, columns: &Spans, x: &Array, out: &mut Array, places: &mut Array);
    /// Rows of zeros to which g [rows, m] is added, `out[r, places[r, i]] += g[r, i]` in the order of i, places (i64) in
    /// range. Contiguous.
    fn max_pool_backward(&self, g: &Array, places: &Array, out: &mut Array);
    /// Images [n, c, h, w] from images: out = rows x columns^T for each channel. Contiguous.
    fn resample(&self, rows: &Bands, columns: &Bands, x: &Array, out: &mut Array);
    /// Steps of an optimiser, in place: all parameters at once.
    fn update(&self, steps: &mut [Step]);
}
