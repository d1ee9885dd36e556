//! How a convolution's kernel slides: the options, and the sizes that they lead to.

use super::fold::count;
use super::pair::Pair;
use crate::device::ConvShape;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// What a convolution puts around an image [course: B2].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// So many rows of zeros above and below, so many columns on the left and on the right.
    Pixels([usize; 2]),
    /// As many zeros as give a result of the image's size, for a stride of 1: d (k - 1) along an axis, half of them,
    /// rounded down, before and the rest after.
    Same,
    /// None.
    Valid,
}

impl From<usize> for Padding {
    fn from(both: usize) -> Padding {
        Padding::Pixels([both, both])
    }
}

impl From<[usize; 2]> for Padding {
    fn from(each: [usize; 2]) -> Padding {
        Padding::Pixels(each)
    }
}

impl Padding {
    /// The zeros before and after an axis along which the kernel reaches over `reach` places beside its first.
    pub(crate) fn along(self, axis: usize, reach: usize) -> (usize, usize) {
        match self {
            Padding::Pixels(each) => (each[axis], each[axis]),
            Padding::Same => (reach / 2, reach - reach / 2),
            Padding::Valid => (0, 0),
        }
    }
}

/// Options of [`Tensor::conv2d`] and of its relatives, by PyTorch's names and defaults: stride and dilation of 1, no
/// padding, one group. One number stands for both axes.
///
/// ```
/// use versant::{Conv, Padding};
/// let down = Conv::new().stride(2).padding(1);
/// let wide = Conv::new().padding(Padding::Same).dilation([1, 2]);
/// assert_eq!((down.stride, wide.dilation), ([2, 2], [1, 2]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// How far the kernel moves.
    pub stride: [usize; 2],
    /// What is put around the image.
    pub padding: Padding,
    /// The distance of neighbours within the kernel. [course: B4]
    pub dilation: [usize; 2],
    /// The channels are cut into so many groups that do not see one another; as many as there are channels: a depthwise
    /// convolution.
    pub groups: usize,
    /// Transposed convolutions only: rows below and columns on the right that the result has besides, since several
    /// sizes of an image lead to one size under a stride.
    pub output_padding: [usize; 2],
}

impl Default for Conv {
    fn default() -> Conv {
        Conv { stride: [1; 2], padding: Padding::Valid, dilation: [1; 2], groups: 1, output_padding: [0; 2] }
    }
}

impl Conv {
    /// PyTorch's defaults.
    pub fn new() -> Conv {
        Conv::default()
    }

    /// How far the kernel moves.
    pub fn stride(self, stride: impl Into<Pair<usize>>) -> Conv {
        Conv { stride: stride.into().0, ..self }
    }

    /// What is put around the image: a number, a pair, or a [`Padding`].
    pub fn padding(self, padding: impl Into<Padding>) -> Conv {
        Conv { padding: padding.into(), ..self }
    }

    /// The distance of neighbours within the kernel.
    pub fn dilation(self, dilation: impl Into<Pair<usize>>) -> Conv {
        Conv { dilation: dilation.into().0, ..self }
    }

    /// Groups of channels.
    pub fn groups(self, groups: usize) -> Conv {
        Conv { groups, ..self }
    }

    /// What a transposed convolution's result has besides.
    pub fn output_padding(self, output_padding: impl Into<Pair<usize>>) -> Conv {
        Conv { output_padding: output_padding.into().0, ..self }
    }
}

/// The most places that an axis may have with its padding: differences of places are signed.
const LONGEST: usize = isize::MAX as usize;

/// A call to be checked: what it is told, and the sizes found so far.
pub(super) struct Call<'a> {
    pub op: &'static str,
    pub x: &'a Tensor,
    pub weight: &'a Tensor,
    pub bias: Option<&'a Tensor>,
    pub conv: &'a Conv,
}

impl Call<'_> {
    /// The sizes of a convolution.
    #[track_caller]
    pub fn forward(&self) -> ConvShape {
        let Call { op, x, weight, conv, .. } = self;
        let (sx, sw, groups) = (x.shape(), weight.shape(), conv.groups);
        self.check_kinds("[out, in / groups, ..]");
        let (inputs, outputs) = (sx[1], sw[0]);
        assert!(
            sw[1].checked_mul(groups) == Some(inputs),
            "{op}: input {sx} has {inputs} channels, weight {sw} expects {}{}",
            sw[1],
            if groups == 1 { String::new() } else { format!(" in each of {groups} groups") }
        );
        assert!(
            outputs.is_multiple_of(groups),
            "{op}: {groups} groups do not divide the {outputs} output channels of weight {sw}"
        );
        assert!(
            conv.output_padding == [0, 0],
            "{op}: output_padding {:?} is for transposed convolutions",
            conv.output_padding
        );
        let s = self.sizes(inputs, outputs);
        assert!(
            conv.padding != Padding::Same || s.stride == [1, 1],
            "{op}: padding \"same\" needs a stride of 1, not {:?}; give the padding as a number",
            s.stride
        );
        let along = |axis: usize| {
            let (before, after) = conv.padding.along(axis, self.reach(&s, axis)?);
            // A height that conv1d does not have is not padded.
            let (before, after) = if self.is_flat(axis) { (0, 0) } else { (before, after) };
            let padded =
                s.image[axis].checked_add(before)?.checked_add(after).filter(|&len| len <= LONGEST)?;
            Some((count(padded, s.kernel[axis], s.stride[axis], s.dilation[axis])?, before))
        };
        let (Some((rows, top)), Some((columns, left))) = (along(0), along(1)) else {
            panic!(
                "{op}: the kernel of weight {sw} does not fit input {sx} with padding {:?} and dilation {:?}",
                conv.padding, conv.dilation
            )
        };
        self.within_memory(ConvShape { output: [rows, columns], before: [top, left], ..s })
    }

    /// The sizes of a transposed convolution: those of the convolution whose gradient it is.
    #[track_caller]
    pub fn transposed(&self) -> ConvShape {
        let Call { op, x, weight, conv, .. } = self;
        let (sx, sw, groups) = (x.shape(), weight.shape(), conv.groups);
        self.check_kinds("[in, out / groups, ..]");
        assert!(
            sw[0] == sx[1],
            "{op}: input {sx} has {} channels, weight {sw} expects {}; it is [in, out / groups, ..]",
            sx[1],
            sw[0]
        );
        assert!(
            sx[1].is_multiple_of(groups),
            "{op}: {groups} groups do not divide the {} channels of input {sx}",
            sx[1]
        );
        let Padding::Pixels(padding) = (match conv.padding {
            Padding::Valid => Padding::Pixels([0, 0]),
            other => other,
        }) else {
            panic!("{op}: padding \"same\" is for convolutions; give the padding as a number")
        };
        let Some(channels) = sw[1].checked_mul(groups) else {
            panic!("{op}: weight {sw} in {groups} groups has more channels than memory can hold")
        };
        let s = self.sizes(channels, sw[0]);
        let extra = |axis: usize| if self.is_flat(axis) { 0 } else { conv.output_padding[axis] };
        assert!(
            (0..2).all(|axis| extra(axis) < s.stride[axis].max(s.dilation[axis])),
            "{op}: output_padding {:?} must be smaller than the stride {:?} or the dilation {:?}",
            conv.output_padding,
            conv.stride,
            conv.dilation
        );
        let along = |axis: usize| {
            let before = if self.is_flat(axis) { 0 } else { padding[axis] };
            let reach = self.reach(&s, axis)?.checked_add(extra(axis))?.checked_add(1)?;
            let whole = s.image[axis].checked_sub(1)?.checked_mul(s.stride[axis])?.checked_add(reach)?;
            let whole = Some(whole).filter(|&len| len <= LONGEST)?;
            Some((whole.checked_sub(before.checked_mul(2)?).filter(|&len| len > 0)?, before))
        };
        let (Some((height, top)), Some((width, left))) = (along(0), along(1)) else {
            panic!("{op}: nothing is left of input {sx} under weight {sw} with padding {padding:?}")
        };
        let s = ConvShape { image: [height, width], output: s.image, before: [top, left], ..s };
        self.within_memory(s)
    }

    /// Whether this is the height that tensors of one axis do not have.
    fn is_flat(&self, axis: usize) -> bool {
        axis == 0 && self.x.rank() == 3
    }

    /// How far the kernel reaches beyond its first tap.
    fn reach(&self, s: &ConvShape, axis: usize) -> Option<usize> {
        (s.kernel[axis] - 1).checked_mul(s.dilation[axis])
    }

    /// Sizes without the result's, the image being the input.
    fn sizes(&self, inputs: usize, outputs: usize) -> ConvShape {
        let (sx, sw) = (self.x.shape(), self.weight.shape());
        let (image, kernel, [stride, dilation]) = if self.x.rank() == 3 {
            ([1, sx[2]], [1, sw[2]], [self.conv.stride, self.conv.dilation].map(|[_, along]| [1, along]))
        } else {
            ([sx[2], sx[3]], [sw[2], sw[3]], [self.conv.stride, self.conv.dilation])
        };
        let (batch, groups) = (sx[0], self.conv.groups);
        ConvShape {
            batch,
            groups,
            inputs,
            outputs,
            image,
            kernel,
            output: [0, 0],
            stride,
            before: [0, 0],
            dilation,
        }
    }

    /// Axes, types, devices, the bias, and settings that are never right.
    #[track_caller]
    fn check_kinds(&self, layout: &str) {
        let Call { op, x, weight, bias, conv } = self;
        let (sx, sw) = (x.shape(), weight.shape());
        let rank = if op.ends_with("1d") { 3 } else { 4 };
        let images = if rank == 3 { "[n, c, l]" } else { "[n, c, h, w]" };
        assert!(
            sx.rank() == rank && sw.rank() == rank,
            "{op}: input {sx} and weight {sw}; input is {images}, weight {layout}"
        );
        x.same_kind(op, "weight", weight);
        let positive = |pair: [usize; 2]| pair.iter().all(|&n| n > 0);
        assert!(positive(conv.stride), "{op}: a stride of {:?} does not move", conv.stride);
        assert!(positive(conv.dilation), "{op}: dilation {:?}; 1 is none", conv.dilation);
        assert!(conv.groups > 0, "{op}: 0 groups; 1 is one group of all channels");
        assert!(sw[2..].iter().all(|&k| k > 0), "{op}: weight {sw} has an empty kernel");
        assert!(
            rank == 4 || self.is_one_number(),
            "{op}: stride {:?}, padding {:?}, dilation {:?}, output_padding {:?}; one axis takes one number each",
            conv.stride,
            conv.padding,
            conv.dilation,
            conv.output_padding
        );
        if let Some(bias) = bias {
            x.same_kind(op, "bias", bias);
            let outputs = if op.contains("transpose") { sw[1].saturating_mul(conv.groups) } else { sw[0] };
            assert!(
                bias.shape() == [outputs].into(),
                "{op}: bias {} does not fit weight {sw}, which has {outputs} output channels",
                bias.shape()
            );
        }
    }

    fn is_one_number(&self) -> bool {
        let same = |[a, b]: [usize; 2]| a == b;
        let Conv { stride, padding, dilation, output_padding, .. } = *self.conv;
        let padding = if let Padding::Pixels(pixels) = padding { pixels } else { [0, 0] };
        [stride, padding, dilation, output_padding].into_iter().all(same)
    }

    #[track_caller]
    fn within_memory(&self, s: ConvShape) -> ConvShape {
        let ConvShape { batch, inputs, outputs, image, output, .. } = s;
        let fits = |channels: usize, [h, w]: [usize; 2]| Shape::checked(&[batch, channels, h, w]).is_some();
        assert!(
            fits(inputs, image) && fits(outputs, output),
            "{}: input {} and weight {} give more elements than memory can hold",
            self.op,
            self.x.shape(),
            self.weight.shape()
        );
        s
    }
}
