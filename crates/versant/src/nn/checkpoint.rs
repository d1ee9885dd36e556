//! Layers that are computed twice instead of remembered.

use super::{Context, Layer, Module, Path};
use crate::autograd::{forget, next_id};
use crate::tensor::Tensor;

/// The same layer, whose intermediate results are not kept for the backward but computed again: memory for time, see
/// [`autograd::checkpoint`](crate::autograd::checkpoint). The second time sees the same randomness (dropout gives the
/// same mask) and reports nothing to an observing [`Context`]. The names of the parameters stay as they are.
///
/// ```
/// use versant::nn::Checkpoint;
/// use versant::prelude::*;
/// #[derive(Module, Clone)]
/// struct Block {
///     fc: Linear,
///     dropout: Dropout,
/// }
/// impl Layer for Block {
///     fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
///         let h = self.fc.forward(x, cx).gelu();
///         self.dropout.forward(&h, cx) + x
///     }
/// }
/// let mut rng = Rng::new(0);
/// let mut net = Sequential::new();
/// for _ in 0..4 {
///     net = net.push(Checkpoint(Block { fc: Linear::new(16, 16, &mut rng), dropout: Dropout(0.1) }));
/// }
/// let loss = net.forward(&Tensor::ones([2, 16]), &mut Context::train(0, 0)).square().mean();
/// let grads = loss.backward().of(&net);
/// assert_eq!((grads.len(), grads[0].0.as_str()), (8, "0.fc.weight"));
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint<L>(pub L);

impl<L: Module> Module for Checkpoint<L> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Tensor)) {
        self.0.visit(path, f);
    }
    fn visit_mut<'a>(&'a mut self, path: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
        self.0.visit_mut(path, f);
    }
}

impl<L: Layer + Clone + 'static> Layer for Checkpoint<L> {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let (layer, input, replay) = (self.0.clone(), x.clone(), cx.replay());
        let start = next_id();
        let y = self.0.forward(x, cx);
        forget(y, start, move || layer.forward(&input, &mut replay.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Dropout, Linear};
    use crate::rng::Rng;

    /// Dropout twice, with a layer between.
    #[derive(Module, Clone)]
    struct Block(Dropout, Linear, Dropout);

    impl Layer for Block {
        fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
            let x = self.0.forward(x, cx);
            let x = self.1.forward(&x, cx).tanh();
            self.2.forward(&x, cx)
        }
    }

    #[test]
    fn a_checkpointed_layer_is_the_layer() {
        let plain = Block(Dropout(0.5), Linear::new(20, 30, &mut Rng::new(1)), Dropout(0.3));
        let checkpointed = Checkpoint(plain.clone());
        let x = Tensor::randn([8, 20], &mut Rng::new(2)).requires_grad();
        let run = |layer: &dyn Layer| {
            let mut cx = Context::train(7, 3).observing();
            let y = layer.forward(&x, &mut cx);
            // The randomness of what follows is untouched.
            let next = y.dropout(0.5, cx.rng());
            let kinds: Vec<&str> = cx.observations().iter().map(|o| o.kind).collect();
            let mut grads = next.sum().backward();
            let values = |g: Tensor| g.to_vec::<f32>();
            let dx = grads.remove(&x).map(values);
            let rest: Vec<_> = grads.of(layer).into_iter().map(|(name, g)| (name, values(g))).collect();
            (values(next), kinds.join(" "), dx, rest)
        };
        let (got, wanted) = (run(&checkpointed), run(&plain));
        assert_eq!(got, wanted);
        assert_eq!(got.1, "Dropout Linear Dropout");
        assert_eq!(got.3.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["1.weight", "1.bias"]);
    }
}
