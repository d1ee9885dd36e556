//! Joining tensors.

use crate::array::Array;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Joins tensors along an axis that they have. Gradients: the parts of g.
///
/// ```
/// use versant::{Tensor, cat};
/// let joined = cat(&[&Tensor::ones([2, 1]), &Tensor::zeros([2, 2])], 1);
/// assert_eq!(joined.to_vec::<f32>(), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
/// ```
///
/// # Panics
/// With no tensors, or when types, devices or the other axes differ.
#[track_caller]
pub fn cat(tensors: &[&Tensor], axis: isize) -> Tensor {
    assert!(!tensors.is_empty(), "cat: there is nothing to join");
    let first = tensors[0].array();
    let axis = first.shape().axis("cat", axis);
    let mut total = 0;
    for (i, tensor) in tensors.iter().enumerate() {
        let fits = tensor.rank() == first.rank()
            && tensor.shape().with_axis(axis, 0) == first.shape().with_axis(axis, 0)
            && tensor.dtype() == first.dtype()
            && tensor.device() == first.device();
        assert!(
            fits,
            "cat: tensor {i} is {}, tensor 0 is {}; all but axis {axis} must agree",
            kind(tensor.array()),
            kind(first)
        );
        total += tensor.shape()[axis];
    }
    let mut dims = first.shape().to_vec();
    dims[axis] = total;
    let Some(shape) = Shape::checked(&dims) else {
        panic!("cat: the {} tensors together are {dims:?}, more elements than memory can hold", tensors.len())
    };
    let mut out = Array::recycled(shape, first.dtype(), first.device());
    let mut parts = Vec::with_capacity(tensors.len());
    let mut start = 0;
    for tensor in tensors {
        let len = tensor.shape()[axis];
        let place = Layout::contiguous(shape).slice(axis, start, len, 1);
        out.device().backend().copy(tensor.array(), &mut out, &place);
        parts.push((start, len));
        start += len;
    }
    Tensor::from_op_many("cat", out, tensors, move |back| {
        let part = |(i, &(start, len)): (usize, &(usize, usize))| {
            back.want(i, || back.grad().narrow(axis as isize, start, len))
        };
        parts.iter().enumerate().map(part).collect()
    })
}

/// What must agree, for messages.
fn kind(x: &Array) -> String {
    format!("{} {} on {}", x.dtype(), x.shape(), x.device())
}

/// Joins tensors of one shape along a new axis before `axis`.
///
/// # Panics
/// With no tensors, or when shapes, types or devices differ.
#[track_caller]
pub fn stack(tensors: &[&Tensor], axis: isize) -> Tensor {
    assert!(!tensors.is_empty(), "stack: there is nothing to join");
    let first = tensors[0];
    for (i, tensor) in tensors.iter().enumerate() {
        let (this, that) = (tensor.array(), first.array());
        let same = (this.shape(), this.dtype(), this.device()) == (that.shape(), that.dtype(), that.device());
        assert!(same, "stack: tensor {i} is {}, tensor 0 is {}; all must agree", kind(this), kind(that));
    }
    let axis = first.new_axis("stack", axis) as isize;
    let raised: Vec<Tensor> = tensors.iter().map(|t| t.unsqueeze(axis)).collect();
    cat(&raised.iter().collect::<Vec<_>>(), axis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_makes_a_new_axis() {
        let a = Tensor::from_slice(&[1.0f32, 2.0], [2]);
        let b = Tensor::from_slice(&[3.0f32, 4.0], [2]);
        assert_eq!(stack(&[&a, &b], 0).to_vec::<f32>(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(stack(&[&a, &b], -1).to_vec::<f32>(), [1.0, 3.0, 2.0, 4.0]);
    }

    #[test]
    #[should_panic(
        expected = "cat: tensor 1 is f32 [3, 2] on cpu, tensor 0 is f32 [2, 3] on cpu; all but axis 0 must agree"
    )]
    fn parts_that_do_not_fit() {
        cat(&[&Tensor::zeros([2, 3]), &Tensor::zeros([3, 2])], 0);
    }
}
