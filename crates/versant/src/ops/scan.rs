//! Running sums and products.
//!
//! Both are a linear recurrence, y_i = b_i + a_i y_(i-1) with y_0 = b_0, whose gradients are recurrences again, run the
//! other way: with h_i = g_i + a_(i+1) h_(i+1), the gradient of b is h and that of a_i is h_i y_(i-1). No division
//! takes part, so a product may hold zeros.

use super::concat::cat;
use crate::array::Array;
use crate::dtype::DType;
use crate::tensor::Tensor;

impl Array {
    /// y_i = b_i + a_i y_(i-1) along the last axis, y_0 = b_0; from the other end if `reverse`. Without `a`, its
    /// elements are 1.
    fn scan(&self, a: Option<&Array>, reverse: bool) -> Array {
        let mut out = Array::recycled(self.shape(), self.dtype(), self.device());
        let a = a.map(Array::contiguous);
        self.device().backend().scan(a.as_ref(), &self.contiguous(), reverse, &mut out);
        out
    }
}

/// The other functions see the axis at the end.
impl Tensor {
    /// x_0 + ... + x_i for each i along an axis; of u8 and bool as i64. Gradient: the running sum of g from the end.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]);
    /// assert_eq!(x.cumsum(0).to_vec::<f32>(), [1.0, 3.0, 6.0]);
    /// ```
    #[track_caller]
    pub fn cumsum(&self, axis: isize) -> Tensor {
        self.along("cumsum", axis, |x| x.scan(None, false))
    }

    /// x_0 ... x_i for each i along an axis; of u8 and bool as i64. Gradient: of x_i, the sum over k >= i of g_k times
    /// the product of all x_j, j <= k, but x_i.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]);
    /// assert_eq!(x.cumprod(0).to_vec::<f32>(), [1.0, 2.0, 6.0]);
    /// ```
    #[track_caller]
    pub fn cumprod(&self, axis: isize) -> Tensor {
        self.along("cumprod", axis, |x| x.running_product(false))
    }

    /// `f` with the axis at the end and bytes as i64. A scalar is a row of one.
    #[track_caller]
    fn along(&self, operation: &str, axis: isize, f: impl Fn(&Tensor) -> Tensor) -> Tensor {
        let wide = |x: &Tensor| if x.dtype().is_float() { x.clone() } else { x.cast(DType::I64) };
        if self.rank() == 0 {
            assert!(axis == 0 || axis == -1, "{operation}: axis {axis} of a scalar; its only axis is 0");
            return f(&wide(self).unsqueeze(0)).squeeze(0);
        }
        let axis = self.shape().axis(operation, axis) as isize;
        f(&wide(self).transpose(axis, -1)).transpose(axis, -1)
    }

    /// The running product along the last axis.
    pub(super) fn running_product(&self, reverse: bool) -> Tensor {
        let n = self.shape()[self.rank() - 1];
        if n == 0 {
            return self.clone();
        }
        // Unlike 0, -0 changes nothing that it is added to, the sign of a zero included.
        let nothing = self.row_of(n - 1, -0.0);
        let start = match reverse {
            false => cat(&[&self.narrow(-1, 0, 1), &nothing], -1),
            true => cat(&[&nothing, &self.narrow(-1, n - 1, 1)], -1),
        };
        start.scan(Some(self), reverse)
    }

    /// The recurrence along the last axis, with `self` as b.
    fn scan(&self, a: Option<&Tensor>, reverse: bool) -> Tensor {
        let value = self.array().scan(a.map(Tensor::array), reverse);
        let Some(a) = a else {
            return Tensor::from_op("running_sum", value, [self], move |back| {
                [back.want(0, || back.grad().scan(None, !reverse))]
            });
        };
        let saved = a.clone();
        Tensor::from_op_with_output("scan", value, [a, self], move |back, y| {
            // What came before lies one place on, seen from the end one place back.
            let h = back.grad().scan(Some(&saved.shifted(!reverse, 0.0)), !reverse);
            [back.want(0, || &h * y.shifted(reverse, 0.0)), back.want(1, || h.clone())]
        })
    }

    /// Along the last axis every element takes the place of the next, or of the one before if `back`; the free place
    /// is filled.
    pub(super) fn shifted(&self, back: bool, fill: f64) -> Tensor {
        let n = self.shape()[self.rank() - 1];
        if n == 0 {
            return self.clone();
        }
        let free = self.row_of(1, fill);
        match back {
            false => cat(&[&free, &self.narrow(-1, 0, n - 1)], -1),
            true => cat(&[&self.narrow(-1, 1, n - 1), &free], -1),
        }
    }

    /// One value, in this shape but for the length of the last axis.
    fn row_of(&self, len: usize, value: f64) -> Tensor {
        let shape = self.shape().with_axis(self.rank() - 1, len);
        Array::full(shape, value, self.dtype()).to(self.device()).into()
    }
}

#[cfg(test)]
mod tests {
    use crate::{DType, Device, Tensor};

    #[test]
    fn products_with_zeros_have_gradients() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[2.0f64, 0.0, 3.0], [3]).to(device).requires_grad();
            let y = x.cumprod(0);
            assert_eq!(y.to_vec::<f64>(), [2.0, 0.0, 0.0]);
            let grads = y.sum().backward();
            // 1 + 0 + 0, 2 + 2 * 3, 2 * 0.
            assert_eq!(grads.get(&x).map(Tensor::to_vec), Some(vec![1.0, 8.0, 0.0]));
        }
    }

    #[test]
    fn a_product_keeps_the_sign_of_its_zero() {
        for device in [Device::Cpu, Device::Naive] {
            let y = Tensor::from_slice(&[2.0f32, -0.0, 3.0], [3]).to(device).cumprod(0);
            let signs: Vec<bool> = y.to_vec::<f32>().into_iter().map(f32::is_sign_negative).collect();
            assert_eq!(signs, [false, true, true]);
        }
    }

    /// Adding 1 to 2^24 changes nothing in f32.
    #[test]
    fn running_sums_keep_their_digits() {
        let x = Tensor::from_slice(&[(1 << 24) as f32, 1.0, 1.0], [3]);
        assert_eq!(x.cumsum(0).to_vec::<f32>()[2], ((1 << 24) + 2) as f32);
    }

    #[test]
    fn along_any_axis_and_of_whole_numbers() {
        let x = Tensor::from_slice(&[1i64, 2, 3, 4, 5, 6], [2, 3]);
        assert_eq!(x.cumsum(0).to_vec::<i64>(), [1, 2, 3, 5, 7, 9]);
        assert_eq!(x.cumprod(-1).to_vec::<i64>(), [1, 2, 6, 4, 20, 120]);
        let bytes = Tensor::from_slice(&[200u8, 100], [2]);
        assert_eq!(bytes.cumsum(0).to_vec::<i64>(), [200, 300]);
        assert_eq!(bytes.cast(DType::Bool).cumsum(0).to_vec::<i64>(), [1, 2]);
        assert_eq!(Tensor::scalar(3.0f32).cumsum(0).item::<f32>(), 3.0);
        assert_eq!(Tensor::zeros([2, 0]).cumprod(1).shape(), [2, 0].into());
    }
}
