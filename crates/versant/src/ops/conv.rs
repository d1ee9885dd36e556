//! Convolutions, what they are made of, and their gradients.
//!
//! The sum of all products x w y is linear in each of the three. Its derivatives are the convolution y of x and w, the
//! transposed convolution x of y and w, and the gradient w of x and y: each one's gradients are the other two, so that
//! gradients of any order come without further formulas.

use super::conv_options::{Call, Conv};
use super::ending::Ending;
use crate::array::Array;
use crate::device::{ConvShape, Epilogue};
use crate::tensor::Tensor;

impl Tensor {
    /// The convolution of images [n, c, h, w] with kernels [out, c / groups, kh, kw] and a bias `[out]`:
    /// y[n, o, i, j] = b_o + sum over c, u, v of w[o, c, u, v] x[n, c, i s + u d - p, j s + v d - p], s the stride, d
    /// the dilation, p the padding. As in PyTorch the kernel is not flipped. [course: B1, B2, B4]
    ///
    /// Gradients: dx the transposed convolution of g, dw the sum over images and places of g x, db the sum of g.
    ///
    /// ```
    /// use versant::{Conv, Tensor};
    /// let x = Tensor::arange(9).cast(versant::DType::F32).reshape([1, 1, 3, 3]);
    /// let edges = Tensor::from_slice(&[-1.0f32, 1.0], [1, 1, 1, 2]);
    /// assert_eq!(x.conv2d(&edges, None, &Conv::new()).to_vec::<f32>(), [1.0; 6]);
    /// let y = x.conv2d(&Tensor::ones([2, 1, 3, 3]), None, &Conv::new().stride(2).padding(1));
    /// assert_eq!(y.shape(), [1, 2, 2, 2].into());
    /// ```
    ///
    /// # Panics
    /// When sizes, types or devices do not fit, or the kernel is larger than the padded image.
    #[track_caller]
    pub fn conv2d(&self, weight: &Tensor, bias: Option<&Tensor>, conv: &Conv) -> Tensor {
        self.conv2d_ending(weight, bias, false, conv)
    }

    /// [`conv2d`](Tensor::conv2d), and max(y, 0) of its result if asked.
    #[track_caller]
    pub(crate) fn conv2d_ending(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        relu: bool,
        conv: &Conv,
    ) -> Tensor {
        let s = Call { op: "conv2d", x: self, weight, bias, conv }.forward();
        convolution(self, weight, bias, relu, s)
    }

    /// [`conv2d`](Tensor::conv2d) along one axis: x [n, c, l], weight [out, c / groups, k]. The options are single
    /// numbers.
    ///
    /// ```
    /// use versant::{Conv, Padding, Tensor};
    /// let x = Tensor::from_slice(&[0.0f32, 3.0, 6.0, 3.0], [1, 1, 4]);
    /// let mean = Tensor::full([1, 1, 3], 1.0 / 3.0, versant::DType::F32);
    /// let y = x.conv1d(&mean, None, &Conv::new().padding(Padding::Same));
    /// assert_eq!(y.to_vec::<f32>(), [1.0, 3.0, 4.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn conv1d(&self, weight: &Tensor, bias: Option<&Tensor>, conv: &Conv) -> Tensor {
        self.conv1d_ending(weight, bias, false, conv)
    }

    /// [`conv1d`](Tensor::conv1d), and max(y, 0) of its result if asked.
    #[track_caller]
    pub(crate) fn conv1d_ending(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        relu: bool,
        conv: &Conv,
    ) -> Tensor {
        let s = Call { op: "conv1d", x: self, weight, bias, conv }.forward();
        convolution(&self.unsqueeze(2), &weight.unsqueeze(2), bias, relu, s).squeeze(2)
    }
}

/// y of x, w and b.
pub(super) fn convolution(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    relu: bool,
    s: ConvShape,
) -> Tensor {
    let mut y = Array::recycled(s.y(), x.dtype(), x.device());
    let [vx, vw] = [x, weight].map(|t| t.array().contiguous());
    let vb = bias.map(|b| b.array().contiguous());
    x.device().backend().conv2d(&s, &vx, &vw, Epilogue { bias: vb.as_ref(), relu }, &mut y);

    let ending = Ending { names: ["conv2d", "conv2d_relu"], bias, relu, sums: channel_sums };
    let [x0, w0] = [x.clone(), weight.clone()];
    ending.node(y, [x, weight], move |back, g| {
        [
            back.want(0, || transposed_convolution(g, &w0, None, false, s)),
            back.want(1, || kernel_gradient(&x0, g, s)),
        ]
    })
}

/// x of y, w and b.
pub(super) fn transposed_convolution(
    y: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    relu: bool,
    s: ConvShape,
) -> Tensor {
    let mut x = Array::recycled(s.x(), y.dtype(), y.device());
    let [vy, vw] = [y, weight].map(|t| t.array().contiguous());
    let vb = bias.map(|b| b.array().contiguous());
    y.device().backend().conv2d_input(&s, &vy, &vw, Epilogue { bias: vb.as_ref(), relu }, &mut x);

    let names = ["conv_transpose2d", "conv_transpose2d_relu"];
    let ending = Ending { names, bias, relu, sums: channel_sums };
    let [y0, w0] = [y.clone(), weight.clone()];
    ending.node(x, [y, weight], move |back, g| {
        [back.want(0, || convolution(g, &w0, None, false, s)), back.want(1, || kernel_gradient(g, &y0, s))]
    })
}

/// w of x and y.
fn kernel_gradient(x: &Tensor, y: &Tensor, s: ConvShape) -> Tensor {
    let mut w = Array::recycled(s.weight(), x.dtype(), x.device());
    let [vx, vy] = [x, y].map(|t| t.array().contiguous());
    x.device().backend().conv2d_weight(&s, &vx, &vy, &mut w);

    let [x0, y0] = [x.clone(), y.clone()];
    Tensor::from_op("conv2d_weight", w, [x, y], move |back| {
        let g = back.grad();
        [
            back.want(0, || transposed_convolution(&y0, g, None, false, s)),
            back.want(1, || convolution(&x0, g, None, false, s)),
        ]
    })
}

/// Over images and places: first along rows, as they lie in memory.
fn channel_sums(g: &Tensor) -> Tensor {
    g.sum_axes([2, 3]).sum_axes([0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Padding};

    fn ramp(shape: impl Into<crate::Shape>) -> Tensor {
        let shape = shape.into();
        Tensor::from_slice(&(0..shape.numel()).map(|i| (i % 7) as f64 - 3.0).collect::<Vec<_>>(), shape)
    }

    /// The result through [`Tensor::unfold2d`], which shares no code with the kernels.
    #[test]
    fn windows_times_kernels() {
        let (x, w) = (ramp([2, 3, 7, 6]), ramp([4, 3, 3, 2]));
        let window = crate::Window::new([3, 2]).stride([2, 1]).padding([1, 2]).dilation([1, 3]);
        let columns = x.unfold2d(&window);
        let wanted = w.reshape([4, 18]).matmul(&columns).reshape([2, 4, 4, 7]);
        let conv = Conv::new().stride([2, 1]).padding([1, 2]).dilation([1, 3]);
        for device in [Device::Cpu, Device::Naive] {
            let y = x.to(device).conv2d(&w.to(device), None, &conv);
            assert_eq!((y.shape(), y.to_vec::<f64>()), (wanted.shape(), wanted.to_vec::<f64>()));
        }
    }

    #[test]
    fn extremes_of_size() {
        for device in [Device::Cpu, Device::Naive] {
            let [w, b] = [ramp([2, 3, 3, 3]).to(device), ramp([2]).to(device)];
            let conv = |x: &Tensor, conv: &Conv| x.to(device).conv2d(&w, Some(&b), conv);
            assert_eq!(conv(&ramp([0, 3, 5, 5]), &Conv::new()).shape(), [0, 2, 3, 3].into());
            // A pixel under a kernel that is larger; an image of nothing but padding.
            let one = conv(&ramp([1, 3, 1, 1]), &Conv::new().padding(1));
            let middle: f64 =
                (0..3).map(|c| (c as f64 - 3.0) * ((9 * c + 4) % 7) as f64 - (c as f64 - 3.0) * 3.0).sum();
            assert_eq!(one.to_vec::<f64>()[0], middle - 3.0);
            let none = conv(&ramp([1, 3, 0, 2]), &Conv::new().padding([2, 1]));
            assert_eq!(none.to_vec::<f64>(), [-3.0, -3.0, -3.0, -3.0, -2.0, -2.0, -2.0, -2.0]);
            // A lone pixel far from every edge, and one that no kernel reaches.
            let far = conv(&ramp([1, 3, 1, 1]), &Conv::new().padding(40).stride(39));
            assert_eq!(far.shape(), [1, 2, 3, 3].into());
            // Taps as far apart as this meet nothing but the pixel in the middle.
            let apart = conv(&ramp([1, 3, 1, 1]), &Conv::new().padding(50_000).dilation(50_000));
            assert_eq!(apart.to_vec::<f64>()[0], middle - 3.0);
            let no_channels = Tensor::zeros([1, 0, 4, 4]).to(device);
            let y = no_channels.conv2d(&Tensor::zeros([2, 0, 3, 3]).to(device), None, &Conv::new());
            assert_eq!(y.to_vec::<f32>(), [0.0; 8]);
        }
    }

    #[test]
    fn same_pads_more_on_the_right() {
        let x = ramp([1, 1, 1, 4]);
        let w = Tensor::from_slice(&[1.0f64, 10.0], [1, 1, 1, 2]);
        let y = x.conv2d(&w, None, &Conv::new().padding(Padding::Same));
        assert_eq!(y.to_vec::<f64>(), [-23.0, -12.0, -1.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "conv2d: input [64, 3, 32, 32] has 3 channels, weight [32, 1, 3, 3] expects 1")]
    fn channels_that_differ() {
        Tensor::zeros([64, 3, 32, 32]).conv2d(&Tensor::zeros([32, 1, 3, 3]), None, &Conv::new());
    }
}
