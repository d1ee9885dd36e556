//! Choice by a mask, a bool tensor.

use super::arg::Arg;
use crate::array::Array;
use crate::dtype::DType;
use crate::tensor::Tensor;

impl Array {
    /// Where the mask (bool) is true the element of `a`, else that of `b`, with broadcasting of all three.
    #[track_caller]
    pub fn where_cond(&self, a: &Array, b: &Array) -> Array {
        assert!(self.dtype() == DType::Bool, "where_cond: the mask is {}, not bool", self.dtype());
        let (a, b) = a.broadcast_pair(b, "where_cond");
        assert!(
            self.device() == a.device(),
            "where_cond: the mask is on {}, the values on {}; move one with .to(device)",
            self.device(),
            a.device()
        );
        let shape = self.shape().broadcast_for("where_cond", &a.shape());
        let mut out = Array::recycled(shape, a.dtype(), a.device());
        let backend = a.device().backend();
        backend.select(&self.broadcast_to(shape), &a.broadcast_to(shape), &b.broadcast_to(shape), &mut out);
        out
    }
}

impl Tensor {
    /// Where this mask (bool) is true the element of `a`, else that of `b`; one of them may be a number. PyTorch's
    /// `where`. Gradients: g where the mask is true to `a`, elsewhere to `b`.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[-1.0f32, 4.0], [2]);
    /// assert_eq!(x.gt(0.0).where_cond(&x.sqrt(), 0.0).to_vec::<f32>(), [0.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// When this is not bool, shapes do not broadcast, types or devices differ, or both are numbers.
    #[track_caller]
    pub fn where_cond<'a>(&self, a: impl Into<Arg<'a>>, b: impl Into<Arg<'a>>) -> Tensor {
        let (a, b) = (a.into(), b.into());
        let ((Arg::Tensor(like), _) | (_, Arg::Tensor(like))) = (a, b) else {
            panic!("where_cond: {a:?} and {b:?} say nothing of the type; make one a tensor")
        };
        let (a, b) = (a.tensor("where_cond", like), b.tensor("where_cond", like));
        let mask = self.detach();
        let (sa, sb) = (a.shape(), b.shape());
        Tensor::from_op("where_cond", self.array().where_cond(a.array(), b.array()), [&a, &b], move |back| {
            let g = back.grad();
            [
                back.want(0, || mask.where_cond(g, 0.0).sum_to(sa)),
                back.want(1, || mask.where_cond(0.0, g).sum_to(sb)),
            ]
        })
    }

    /// x, with `value` where the mask (bool, broadcast) is true. Gradient: g where it is not.
    ///
    /// ```
    /// use versant::Tensor;
    /// let scores = Tensor::zeros([2, 2]);
    /// let future = Tensor::from_slice(&[false, true, false, false], [2, 2]);
    /// let p = scores.masked_fill(&future, f64::NEG_INFINITY).softmax(-1);
    /// assert_eq!(p.to_vec::<f32>(), [1.0, 0.0, 0.5, 0.5]);
    /// ```
    #[track_caller]
    pub fn masked_fill(&self, mask: &Tensor, value: f64) -> Tensor {
        assert!(mask.dtype() == DType::Bool, "masked_fill: the mask is {}, not bool", mask.dtype());
        mask.where_cond(value, self)
    }
}

/// Selecting by a mask.
impl Tensor {
    /// The elements where the mask (bool) is true, in row-major order, `[k]`, with broadcasting of both. Gradient: g
    /// back to its places, 0 elsewhere.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[-1.0f32, 4.0, 2.0], [3]);
    /// assert_eq!(x.masked_select(&x.gt(0.0)).to_vec::<f32>(), [4.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// When the mask is not bool, lies on another device, or does not broadcast.
    #[track_caller]
    pub fn masked_select(&self, mask: &Tensor) -> Tensor {
        let (sx, sm) = (self.shape(), mask.shape());
        assert!(mask.dtype() == DType::Bool, "masked_select: the mask is {} {sm}, not bool", mask.dtype());
        assert!(
            self.device() == mask.device(),
            "masked_select: the tensor is on {}, the mask on {}; move one with .to(device)",
            self.device(),
            mask.device()
        );
        let shape = sx.broadcast_for("masked_select", &sm);
        let truths = mask.broadcast_to(shape).to_vec::<bool>();
        let places: Vec<i64> = (0..).zip(truths).filter_map(|(i, is)| is.then_some(i)).collect();
        let places = Tensor::from_slice(&places, [places.len()]).to(self.device());
        self.broadcast_to(shape).reshape([shape.numel()]).index_select(0, &places)
    }

    /// Where elements are not 0 (or are true): their indices in row-major order, i64 [k, rank].
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[0.0f32, 7.0, 5.0, 0.0], [2, 2]);
    /// assert_eq!(x.nonzero().to_vec::<i64>(), [0, 1, 1, 0]);
    /// ```
    pub fn nonzero(&self) -> Tensor {
        let (shape, truths) = (self.shape(), self.array().cast(DType::Bool).to_vec::<bool>());
        let strides = shape.contiguous_strides();
        let found: Vec<usize> = (0..truths.len()).filter(|&i| truths[i]).collect();
        let index = |&i: &usize| (0..shape.rank()).map(move |axis| (i / strides[axis] % shape[axis]) as i64);
        let indices: Vec<i64> = found.iter().flat_map(index).collect();
        Tensor::from_slice(&indices, [found.len(), shape.rank()]).to(self.device())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    /// Neither side's NaN or infinity reaches the other, in values or gradients.
    #[test]
    fn what_is_not_chosen_leaves_no_trace() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[4.0f64, -1.0, f64::NAN], [3]).to(device).requires_grad();
            let y = x.gt(0.0).where_cond(&x, 2.0);
            assert_eq!(y.to_vec::<f64>(), [4.0, 2.0, 2.0]);
            let g = Tensor::from_slice(&[f64::INFINITY; 3], [3]).to(device);
            let slope = y.backward_from(&g).remove(&x).map(|g| g.to_vec::<f64>());
            assert_eq!(slope, Some(vec![f64::INFINITY, 0.0, 0.0]));
        }
    }

    #[test]
    fn all_three_broadcast() {
        let mask = Tensor::from_slice(&[true, false], [2, 1]);
        let x = Tensor::arange(3);
        assert_eq!(mask.where_cond(&x, 7.0).to_vec::<i64>(), [0, 1, 2, 7, 7, 7]);
        assert_eq!(x.masked_fill(&mask, 9.0).to_vec::<i64>(), [9, 9, 9, 0, 1, 2]);
        let none = Tensor::zeros([0, 3]);
        assert_eq!(none.masked_fill(&none.gt(0.0), 1.0).shape(), [0, 3].into());
    }

    #[test]
    #[should_panic(expected = "masked_fill: the mask is f32, not bool")]
    fn a_mask_is_bool() {
        let x = Tensor::zeros([2]);
        let _ = x.masked_fill(&x, 1.0);
    }

    #[test]
    #[should_panic(
        expected = "where_cond: Number(1.0) and Number(2.0) say nothing of the type; make one a tensor"
    )]
    fn two_numbers_have_no_type() {
        let _ = Tensor::zeros([2]).gt(0.0).where_cond(1.0, 2.0);
    }

    #[test]
    #[should_panic(
        expected = "where_cond: the mask is on naive, the values on cpu; move one with .to(device)"
    )]
    fn one_device() {
        let x = Tensor::zeros([2]);
        let _ = x.gt(0.0).to(Device::Naive).where_cond(&x, 1.0);
    }
}
