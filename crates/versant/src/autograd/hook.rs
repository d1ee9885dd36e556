//! Looking at gradients as they pass.

use crate::tensor::Tensor;

impl Tensor {
    /// The same values; `look` is shown their whole gradient whenever a backward passes: to print it, to keep its
    /// norm, to stop where it is no longer finite. The gradient goes on unchanged, and what `look` sees has no graph.
    ///
    /// The gradient is that of the tensor *returned*: what is computed from `self` directly is not part of it. Not
    /// called when no gradient is needed here (nothing below requires one, or [`autograd::grad`](crate::autograd::grad)
    /// asks for something else).
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use versant::Tensor;
    /// let seen = Arc::new(Mutex::new(Vec::new()));
    /// let x = Tensor::from_slice(&[1.0f64, 2.0], [2]).requires_grad();
    /// let list = seen.clone();
    /// let h = x.square().on_grad(move |g| list.lock().unwrap().push(g.to_vec::<f64>()));
    /// (&h * 3.0 + &h).sum().backward();
    /// assert_eq!(*seen.lock().unwrap(), [[4.0, 4.0]]);
    /// ```
    pub fn on_grad(&self, look: impl Fn(&Tensor) + Send + Sync + 'static) -> Tensor {
        Tensor::from_op("on_grad", self.array().clone(), [self], move |back| {
            // Without its graph: a closure that keeps a recorded gradient would close a cycle over this node.
            look(&back.grad().detach());
            [back.want(0, || back.grad().clone())]
        })
    }
}
