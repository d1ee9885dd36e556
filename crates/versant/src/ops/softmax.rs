//! Softmax and its logarithm along one axis.

use crate::array::Array;
use crate::tensor::Tensor;

impl Array {
    fn softmax_last(&self, log: bool) -> Array {
        let x = self.contiguous();
        let mut out = Array::recycled(x.shape(), x.dtype(), x.device());
        x.device().backend().softmax(log, &x, &mut out);
        out
    }

    fn softmax_last_backward(log: bool, y: &Array, g: &Array) -> Array {
        let (y, g) = (y.contiguous(), g.contiguous());
        let mut out = Array::recycled(y.shape(), y.dtype(), y.device());
        y.device().backend().softmax_backward(log, &y, &g, &mut out);
        out
    }
}

/// g is the gradient of the result y.
impl Tensor {
    /// e^x_i / sum_j e^x_j along an axis, without overflow. Gradient: y (g - sum_j g_j y_j). [course: A9]
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Tensor {
        self.along_last("softmax", axis, |x| x.softmax_of_rows(false))
    }

    /// log(softmax(x)) along an axis, accurate where the softmax vanishes. Gradient: g - e^y sum_j g_j.
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Tensor {
        self.along_last("log_softmax", axis, |x| x.softmax_of_rows(true))
    }

    fn softmax_of_rows(&self, log: bool) -> Tensor {
        let name = if log { "log_softmax" } else { "softmax" };
        Tensor::from_op_with_output(name, self.array().softmax_last(log), [self], move |back, y| {
            [back.want(0, || softmax_gradient(log, y, back.grad()))]
        })
    }

    /// Applies `f`, which works along the last axis, along any.
    #[track_caller]
    fn along_last(&self, operation: &str, axis: isize, f: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
        let axis = self.shape().axis(operation, axis) as isize;
        assert!(
            self.dtype().is_float(),
            "{operation}: needs f32 or f64, not {}; cast it first",
            self.dtype()
        );
        if axis + 1 == self.rank() as isize {
            return f(self);
        }
        f(&self.transpose(axis, -1)).transpose(axis, -1)
    }
}

/// The gradient of softmax's input is itself an operation; its own gradient is that of the formula, composed.
fn softmax_gradient(log: bool, y: &Tensor, g: &Tensor) -> Tensor {
    if crate::autograd::is_recording() {
        let ones = y.shape().with_axis(y.rank() - 1, 1);
        return match log {
            true => g - y.exp() * g.sum_axes([-1]).reshape(ones),
            false => y * (g - (g * y).sum_axes([-1]).reshape(ones)),
        };
    }
    Array::softmax_last_backward(log, y.array(), g.array()).into()
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    #[test]
    fn rows_sum_to_one_along_any_axis() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 1000.0, 0.0, -1000.0], [2, 3]).to(device);
            for axis in [0, 1, -1] {
                let y = x.softmax(axis);
                for total in y.sum_axes([axis]).to_vec::<f64>() {
                    assert!((total - 1.0).abs() < 1e-14);
                }
            }
            let log = x.log_softmax(1).to_vec::<f64>();
            assert_eq!(log[3..], [0.0, -1000.0, -2000.0]);
        }
    }
}
