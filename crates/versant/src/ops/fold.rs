//! Sliding windows, and the sums of overlapping ones: each is the other's adjoint.

use super::pad::Pad;
use crate::array::Array;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A window of two axes that slides over an image, as a convolution's kernel does.
///
/// ```
/// use versant::Window;
/// let window = Window::new([3, 3]).stride([2, 2]).padding([1, 1]);
/// assert_eq!(window.output([7, 7]), Some([4, 4]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its height and width.
    pub kernel: [usize; 2],
    /// How far it moves.
    pub stride: [usize; 2],
    /// Rows and columns of zeros around the image.
    pub padding: [usize; 2],
    /// The distance of neighbours within it.
    pub dilation: [usize; 2],
}

impl Window {
    /// Stride and dilation of 1, no padding.
    pub fn new(kernel: [usize; 2]) -> Window {
        Window { kernel, stride: [1, 1], padding: [0, 0], dilation: [1, 1] }
    }

    /// How far it moves.
    pub fn stride(self, stride: [usize; 2]) -> Window {
        Window { stride, ..self }
    }

    /// Rows and columns of zeros around the image.
    pub fn padding(self, padding: [usize; 2]) -> Window {
        Window { padding, ..self }
    }

    /// The distance of neighbours within it.
    pub fn dilation(self, dilation: [usize; 2]) -> Window {
        Window { dilation, ..self }
    }

    /// At how many places it fits: floor((d + 2 p - l (k - 1) - 1) / s) + 1 along each axis, d the length, l the
    /// dilation; `None` where it does not fit once, or is none. [course: B2]
    pub fn output(&self, image: [usize; 2]) -> Option<[usize; 2]> {
        let along = |i: usize| {
            let padded = self.padding[i].checked_mul(2)?.checked_add(image[i])?;
            count(padded, self.kernel[i], self.stride[i], self.dilation[i])
        };
        Some([along(0)?, along(1)?])
    }

    /// From the padded image [n, c, h, w] to [n, c, out h, out w, kernel h, kernel w].
    fn slide(self) -> impl Fn(Layout) -> Layout + Clone + Send + Sync + 'static {
        move |layout| {
            let along =
                |l: Layout, i: usize| windows(&l, 2 + i, self.kernel[i], self.stride[i], self.dilation[i]);
            along(along(layout, 0), 1)
        }
    }
}

/// At how many places a window fits.
pub(super) fn count(len: usize, size: usize, step: usize, dilation: usize) -> Option<usize> {
    let reach = size.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    let places = len.checked_sub(reach)?.checked_div(step)? + 1;
    (dilation > 0).then_some(places)
}

/// A view with one more axis at the end that holds the windows of an axis. The caller knows that they fit.
fn windows(layout: &Layout, axis: usize, size: usize, step: usize, dilation: usize) -> Layout {
    let shape = layout.shape;
    let places = count(shape[axis], size, step, dilation).unwrap_or(0);
    let mut wide = *layout;
    wide.shape = Shape::new(&[&shape[..], &[size]].concat()).with_axis(axis, places);
    wide.strides.0[shape.rank()] = layout.strides[axis] * dilation;
    // A step that is never taken may be any number.
    if places > 1 {
        wide.strides.0[axis] = layout.strides[axis] * step;
    }
    wide
}

/// g is the gradient of the result.
impl Tensor {
    /// The windows of `size` elements of an axis, each `step` after the one before, as a new last axis: a view.
    /// Gradient: g, summed where windows overlap. PyTorch's `Tensor.unfold`.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::arange(5).unfold(0, 3, 2);
    /// assert_eq!(x.to_vec::<i64>(), [0, 1, 2, 2, 3, 4]);
    /// ```
    ///
    /// # Panics
    /// When the axis has fewer than `size` elements, or `size` or `step` is 0.
    #[track_caller]
    pub fn unfold(&self, axis: isize, size: usize, step: usize) -> Tensor {
        let shape = self.shape();
        let at = shape.axis("unfold", axis);
        assert!(
            count(shape[at], size, step, 1).is_some(),
            "unfold: windows of {size} by steps of {step} do not fit axis {at} of {shape}, which has {} elements",
            shape[at]
        );
        self.seen_through("unfold", move |layout| windows(&layout, at, size, step, 1))
    }

    /// The adjoint of [`unfold`](Tensor::unfold): windows, the last axis, are added at their places along an axis of
    /// `len` elements. Gradient: the windows of g.
    ///
    /// # Panics
    /// When the windows are not as many as fit.
    #[track_caller]
    pub fn fold(&self, axis: isize, len: usize, step: usize) -> Tensor {
        let shape = self.shape();
        assert!(shape.rank() >= 2, "fold: {shape} has no axis of windows besides the last");
        let size = shape[shape.rank() - 1];
        let rest = Shape::new(&shape[..shape.rank() - 1]);
        let at = rest.axis("fold", axis);
        assert!(
            count(len, size, step, 1) == Some(shape[at]),
            "fold: {shape} has {} windows of {size} along axis {at}; by steps of {step} they do not fill {len} \
             elements",
            shape[at]
        );
        self.added_through("fold", rest.with_axis(at, len), move |layout| windows(&layout, at, size, step, 1))
    }

    /// The windows of images [n, c, h, w] as columns: [n, c kernel h kernel w, places], padded with zeros. PyTorch's
    /// `F.unfold`, often called im2col. Gradient: g, summed where windows overlap.
    ///
    /// # Panics
    /// When this is not [n, c, h, w] or the window does not fit.
    #[track_caller]
    pub fn unfold2d(&self, window: &Window) -> Tensor {
        let shape = self.shape();
        assert!(shape.rank() == 4, "unfold2d: images are [n, c, h, w], not {shape}");
        let [n, c, h, w] = self.dims();
        let Some([oh, ow]) = window.output([h, w]) else {
            panic!("unfold2d: {window:?} does not fit images {shape}")
        };
        let [kh, kw] = window.kernel;
        let padded = self.pad(&window.padding.map(|p| (p, p)), Pad::Constant(0.0));
        let seen = padded.seen_through("unfold2d", window.slide());
        seen.permute(&[0, 1, 4, 5, 2, 3]).reshape([n, c * kh * kw, oh * ow])
    }

    /// The adjoint of [`unfold2d`](Tensor::unfold2d): columns [n, c kernel h kernel w, places] are added at their
    /// places in images of the given height and width; what lies in the padding is dropped. PyTorch's `F.fold`.
    ///
    /// # Panics
    /// When the columns are not those of such images.
    #[track_caller]
    pub fn fold2d(&self, image: [usize; 2], window: &Window) -> Tensor {
        let shape = self.shape();
        let [kh, kw] = window.kernel;
        let fits = |[oh, ow]: &[usize; 2]| {
            let columns = kh.checked_mul(kw).filter(|_| shape.rank() == 3);
            columns.is_some_and(|k| oh.checked_mul(*ow) == Some(shape[2]) && shape[1].is_multiple_of(k))
        };
        let Some([oh, ow]) = window.output(image).filter(fits) else {
            panic!("fold2d: columns {shape} are not those of images {image:?} under {window:?}")
        };
        let (n, c) = (shape[0], shape[1] / (kh * kw));
        let [ph, pw] = window.padding;
        let padded = [n, c, image[0] + 2 * ph, image[1] + 2 * pw].into();
        let seen = self.reshape([n, c, kh, kw, oh, ow]).permute(&[0, 1, 4, 5, 2, 3]);
        let sum = seen.added_through("fold2d", padded, window.slide());
        sum.narrow(2, ph, image[0]).narrow(3, pw, image[1])
    }

    /// A view: `view` maps the layout of a tensor of this shape, whatever its strides.
    pub(super) fn seen_through(
        &self,
        name: &'static str,
        view: impl Fn(Layout) -> Layout + Clone + Send + Sync + 'static,
    ) -> Tensor {
        let shape = self.shape();
        let value = self.array().with_layout(view(*self.array().layout()));
        Tensor::from_op(name, value, [self], move |back| {
            [back.want(0, || back.grad().added_through(name, shape, view.clone()))]
        })
    }

    /// Zeros of a shape, to which each element is added at the place where `view` would see it.
    pub(super) fn added_through(
        &self,
        name: &'static str,
        into: Shape,
        view: impl Fn(Layout) -> Layout + Clone + Send + Sync + 'static,
    ) -> Tensor {
        let mut out = Array::zeros_on(into, self.dtype(), self.device());
        out.device().backend().add_into(self.array(), &mut out, &view(Layout::contiguous(into)));
        Tensor::from_op(name, out, [self], move |back| {
            [back.want(0, || back.grad().seen_through(name, view.clone()))]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_adds_where_windows_overlap() {
        let x = Tensor::ones([5]);
        assert_eq!(x.unfold(0, 3, 1).fold(0, 5, 1).to_vec::<f32>(), [1.0, 2.0, 3.0, 2.0, 1.0]);
    }

    /// B2: an image of 7 pixels gives 5, 3, 7, 4, 3.
    #[test]
    fn the_five_windows_of_the_slides() {
        let places = |k, p, s| Window::new([k, k]).padding([p, p]).stride([s, s]).output([7, 7]);
        let all = [places(3, 0, 1), places(5, 0, 1), places(3, 1, 1), places(3, 1, 2), places(3, 1, 3)];
        assert_eq!(all, [5, 3, 7, 4, 3].map(|n| Some([n, n])));
        assert_eq!(Window::new([3, 3]).output([2, 7]), None);
        assert_eq!(Window::new([usize::MAX, 1]).dilation([2, 1]).output([7, 7]), None);
        assert_eq!(Window::new([1, 1]).stride([0, 1]).output([7, 7]), None);
    }

    #[test]
    #[should_panic(
        expected = "unfold: windows of 4 by steps of 1 do not fit axis 0 of [3], which has 3 elements"
    )]
    fn a_window_that_is_too_large() {
        Tensor::zeros([3]).unfold(0, 4, 1);
    }
}
