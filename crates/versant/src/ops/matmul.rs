//! Matrix products: `matmul`, and `linear` with its bias in one pass.

use super::ending::Ending;
use crate::array::Array;
use crate::device::Epilogue;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Array {
    /// The matrix product of the last two axes, batched and broadcast over the axes before.
    ///
    /// # Panics
    /// When inner sizes, batches, types or devices do not fit, or an operand has fewer than two axes.
    #[track_caller]
    pub fn matmul(&self, other: &Array) -> Array {
        let (sa, sb) = (self.shape(), other.shape());
        assert!(
            self.dtype() == other.dtype() && self.dtype().is_float(),
            "matmul: {} {sa} and {} {sb}; both must be f32 or both f64",
            self.dtype(),
            other.dtype()
        );
        assert!(
            self.device() == other.device(),
            "matmul: one side is on {}, the other on {}; move one with .to(device)",
            self.device(),
            other.device()
        );
        assert!(sa.rank() >= 2 && sb.rank() >= 2, "matmul: {sa} and {sb}; matrices have two axes or more");
        let ([m, k], [k2, n]) = (last_two(&sa), last_two(&sb));
        assert!(k == k2, "matmul: {sa} has {k} columns, {sb} has {k2} rows");
        let Some((batch, rank)) = batch_of(&sa).stretched(&batch_of(&sb)) else {
            panic!("matmul: the batches of {sa} and {sb} do not broadcast")
        };
        let of = |rows, columns| {
            let mut dims = batch;
            [dims[rank], dims[rank + 1]] = [rows, columns];
            Shape::checked(&dims[..rank + 2])
        };
        let (Some(result), Some(left), Some(right)) = (of(m, n), of(m, k), of(k, n)) else {
            panic!(
                "matmul: the product of {sa} and {sb}, {:?}, takes more memory than there can be",
                [&batch[..rank], &[m, n]].concat()
            )
        };
        let mut out = Array::recycled(result, self.dtype(), self.device());
        let (a, b) = (self.broadcast_to(left), other.broadcast_to(right));
        self.device().backend().matmul(&a, &b, Epilogue::default(), &mut out);
        out
    }
}

fn last_two(shape: &Shape) -> [usize; 2] {
    [shape[shape.rank() - 2], shape[shape.rank() - 1]]
}

fn batch_of(shape: &Shape) -> Shape {
    Shape::new(&shape[..shape.rank() - 2])
}

impl Tensor {
    /// The matrix product by PyTorch's rules: vectors are a row on the left and a column on the right, axes before
    /// the last two are a batch and broadcast.
    ///
    /// Gradients: dA = G B^T, dB = A^T G, summed over broadcast batches.
    ///
    /// ```
    /// use versant::Tensor;
    /// let a = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]);
    /// let v = Tensor::from_slice(&[1.0f32, 10.0], [2]);
    /// assert_eq!(a.matmul(&v).to_vec::<f32>(), [21.0, 43.0]);
    /// ```
    #[track_caller]
    pub fn matmul(&self, other: &Tensor) -> Tensor {
        let (sa, sb) = (self.shape(), other.shape());
        let (ra, rb) = (sa.rank(), sb.rank());
        assert!(ra > 0 && rb > 0, "matmul: {sa} and {sb}; a scalar is multiplied with *");
        let (columns, rows) = (sa[ra - 1], sb[rb.saturating_sub(2)]);
        assert!(columns == rows, "matmul: {sa} has {columns} columns, {sb} has {rows} rows");
        if ra == 1 {
            let row = self.reshape([1, self.numel()]).matmul(other);
            return row.squeeze(if rb == 1 { -1 } else { -2 });
        }
        if rb == 1 {
            return self.matmul(&other.reshape([other.numel(), 1])).squeeze(-1);
        }
        let (a, b) = (self.clone(), other.clone());
        Tensor::from_op("matmul", self.array().matmul(other.array()), [self, other], move |back| {
            let g = back.grad();
            [
                back.want(0, || g.matmul(&b.transpose(-2, -1)).sum_to(a.shape())),
                back.want(1, || a.transpose(-2, -1).matmul(g).sum_to(b.shape())),
            ]
        })
    }

    /// y = x W^T + b for x [.., in], W [out, in], b `[out]`; y is [.., out]. [course: A8]
    ///
    /// Gradients: dx = G W, dW = G^T x, db = the sum of G over all but the last axis.
    ///
    /// # Panics
    /// When the sizes do not fit.
    #[track_caller]
    pub fn linear(&self, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
        self.linear_ending(weight, bias, false)
    }

    /// [`linear`](Tensor::linear), and max(y, 0) of its result if asked.
    #[track_caller]
    pub(crate) fn linear_ending(&self, weight: &Tensor, bias: Option<&Tensor>, relu: bool) -> Tensor {
        let (sx, sw) = (self.shape(), weight.shape());
        assert!(
            sw.rank() == 2 && sx.rank() >= 1,
            "linear: input {sx} and weight {sw}; the weight is [out, in]"
        );
        let [outputs, inputs] = last_two(&sw);
        let width = sx[sx.rank() - 1];
        assert!(width == inputs, "linear: input {sx} has {width} features, weight {sw} expects {inputs}");
        if let Some(b) = bias {
            assert!(b.shape() == [outputs].into(), "linear: bias {} does not fit weight {sw}", b.shape());
        }
        let rows = sx[..sx.rank() - 1].iter().product();
        let result = [&sx[..sx.rank() - 1], &[outputs]].concat();
        assert!(
            Shape::checked(&result).is_some(),
            "linear: input {sx} and weight {sw} give {result:?}, more elements than memory can hold"
        );
        let y = self.reshape([rows, inputs]).linear_rows(weight, bias, relu);
        y.reshape(sx.with_axis(sx.rank() - 1, outputs))
    }

    /// [`linear_ending`](Tensor::linear_ending) for x [n, in].
    #[track_caller]
    fn linear_rows(&self, weight: &Tensor, bias: Option<&Tensor>, relu: bool) -> Tensor {
        let (x, w) = (self.clone(), weight.clone());
        let same = |t: &Tensor| t.dtype() == x.dtype() && t.device() == x.device();
        assert!(
            x.dtype().is_float() && same(&w) && bias.is_none_or(same),
            "linear: input is {} on {}, weight {} on {}, bias {}; type and device of all must be one",
            x.dtype(),
            x.device(),
            w.dtype(),
            w.device(),
            bias.map_or("missing".into(), |b| format!("{} on {}", b.dtype(), b.device()))
        );
        let mut y = Array::recycled([x.shape()[0], w.shape()[0]].into(), x.dtype(), x.device());
        let contiguous = bias.map(|b| b.array().contiguous());
        let epilogue = Epilogue { bias: contiguous.as_ref(), relu };
        x.device().backend().matmul(x.array(), &w.array().transpose(0, 1), epilogue, &mut y);

        let ending = Ending { names: ["linear", "linear_relu"], bias, relu, sums: |g| g.sum_axes([0]) };
        ending.node(y, [self, weight], move |back, g| {
            [back.want(0, || g.matmul(&w)), back.want(1, || g.transpose(0, 1).matmul(&x))]
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Shape, Tensor};

    fn ramp(shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        Tensor::from_slice(&(0..shape.numel()).map(|i| i as f64 - 3.0).collect::<Vec<_>>(), shape)
    }

    #[test]
    fn every_broadcasting_rule_of_pytorch() {
        for device in [Device::Cpu, Device::Naive] {
            let mul = |a: Tensor, b: Tensor| a.to(device).matmul(&b.to(device));
            assert_eq!(mul(ramp([3]), ramp([3])).shape(), Shape::from(()));
            assert_eq!(mul(ramp([3]), ramp([3, 2])).to_vec::<f64>(), [10.0, 4.0]);
            assert_eq!(mul(ramp([2, 3]), ramp([3])).to_vec::<f64>(), [14.0, -4.0]);
            assert_eq!(mul(ramp([5, 1, 2, 3]), ramp([4, 3, 6])).shape(), Shape::from([5, 4, 2, 6]));
            assert_eq!(mul(ramp([3]), ramp([4, 3, 6])).shape(), Shape::from([4, 6]));
            assert_eq!(mul(ramp([4, 6, 3]), ramp([3])).shape(), Shape::from([4, 6]));
            assert_eq!(mul(ramp([2, 0]), ramp([0, 3])).to_vec::<f64>(), [0.0; 6]);
        }
    }

    #[test]
    fn linear_is_a_product_with_the_transpose_and_a_bias() {
        for device in [Device::Cpu, Device::Naive] {
            let (x, w, b) = (ramp([2, 5, 3]).to(device), ramp([4, 3]).to(device), ramp([4]).to(device));
            let expected = &x.matmul(&w.transpose(0, 1)) + &b;
            assert_eq!(x.linear(&w, Some(&b)).to_vec::<f64>(), expected.to_vec::<f64>());
            assert_eq!(ramp([0, 3]).to(device).linear(&w, Some(&b)).shape(), Shape::from([0, 4]));
            let no_inputs = Tensor::zeros([2, 0]).to(device).linear(&Tensor::zeros([4, 0]).to(device), None);
            assert_eq!(no_inputs.to_vec::<f32>(), [0.0; 8]);
        }
    }

    #[test]
    #[should_panic(expected = "matmul: [2, 3] has 3 columns, [2, 3] has 2 rows")]
    fn inner_sizes_that_differ() {
        ramp([2, 3]).matmul(&ramp([2, 3]));
    }

    #[test]
    #[should_panic(expected = "linear: input [2, 3] has 3 features, weight [4, 5] expects 5")]
    fn features_that_differ() {
        ramp([2, 3]).linear(&ramp([4, 5]), None);
    }
}
