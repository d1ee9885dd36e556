//! Transposed convolutions: the gradient of a convolution in its image, as an operation of its own.

use super::conv::transposed_convolution;
use super::conv_options::{Call, Conv};
use crate::tensor::Tensor;

impl Tensor {
    /// The transposed convolution of images [n, in, h, w] with kernels [in, out / groups, kh, kw] and a bias `[out]`:
    /// each pixel is spread by the kernel over the places that it would come from under [`conv2d`](Tensor::conv2d) with
    /// the same options. The result is (h - 1) s - 2 p + d (k - 1) + 1 high, plus the output padding. (Zeiler et al.
    /// 2010, *Deconvolutional Networks*)
    ///
    /// Gradients: dx the convolution of g, dw the sum over images and places of x g, db the sum of g.
    ///
    /// ```
    /// use versant::{Conv, Tensor};
    /// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 1, 2]);
    /// let y = x.conv_transpose2d(&Tensor::ones([1, 1, 1, 2]), None, &Conv::new().stride(2));
    /// assert_eq!(y.to_vec::<f32>(), [1.0, 1.0, 2.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// When sizes, types or devices do not fit, nothing is left within the padding, or the output padding is not
    /// smaller than the stride or the dilation.
    #[track_caller]
    pub fn conv_transpose2d(&self, weight: &Tensor, bias: Option<&Tensor>, conv: &Conv) -> Tensor {
        self.conv_transpose2d_ending(weight, bias, false, conv)
    }

    /// [`conv_transpose2d`](Tensor::conv_transpose2d), and max(y, 0) of its result if asked.
    #[track_caller]
    pub(crate) fn conv_transpose2d_ending(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        relu: bool,
        conv: &Conv,
    ) -> Tensor {
        let s = Call { op: "conv_transpose2d", x: self, weight, bias, conv }.transposed();
        transposed_convolution(self, weight, bias, relu, s)
    }

    /// [`conv_transpose2d`](Tensor::conv_transpose2d) along one axis: x [n, in, l], weight [in, out / groups, k]. The
    /// options are single numbers.
    #[track_caller]
    pub fn conv_transpose1d(&self, weight: &Tensor, bias: Option<&Tensor>, conv: &Conv) -> Tensor {
        self.conv_transpose1d_ending(weight, bias, false, conv)
    }

    /// [`conv_transpose1d`](Tensor::conv_transpose1d), and max(y, 0) of its result if asked.
    #[track_caller]
    pub(crate) fn conv_transpose1d_ending(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        relu: bool,
        conv: &Conv,
    ) -> Tensor {
        let s = Call { op: "conv_transpose1d", x: self, weight, bias, conv }.transposed();
        transposed_convolution(&self.unsqueeze(2), &weight.unsqueeze(2), bias, relu, s).squeeze(2)
    }
}
