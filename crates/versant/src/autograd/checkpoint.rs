//! Checkpoints: memory for time.

use std::sync::Arc;

use super::graph::{Back, Grad, Node, next_id};
use super::walk::{After, Route, nodes_down_to, walk};
use super::{is_recording, with_grad};
use crate::tensor::Tensor;

/// The value of `f`, without the graph behind it: the backward computes `f` again and then walks through that. What
/// the intermediate results of `f` would occupy until the backward is free at once; the price is one more forward.
/// (Chen et al. 2016, *Training Deep Nets with Sublinear Memory Cost*)
///
/// Gradients flow to everything that `f` uses, inputs and parameters alike, as if it had been computed plainly, and can
/// be differentiated again. They are the same bits, save that a tensor used inside *and* outside sums its parts in
/// another order. Checkpoints may lie within checkpoints.
///
/// `f` must compute the same every time: a dropout within makes its generator of random numbers inside `f`. The layer
/// [`nn::Checkpoint`](crate::nn::Checkpoint) sees to that itself.
///
/// ```
/// use versant::{Tensor, autograd::checkpoint};
/// let x = Tensor::from_slice(&[0.5f64, -1.0], [2]).requires_grad();
/// let inner = x.clone();
/// let y = checkpoint(move || (inner.exp() * 2.0).sigmoid());
/// assert!(y.sum().backward().get(&x).is_some());
/// ```
///
/// # Panics
/// In the backward, when `f` gives another shape or type, or depends on other tensors, than the first time.
pub fn checkpoint(f: impl Fn() -> Tensor + Send + Sync + 'static) -> Tensor {
    let start = next_id();
    let y = f();
    forget(y, start, f)
}

/// `y` cut off from the part of its graph that was made since `start`, which `again` makes anew for the backward.
pub(crate) fn forget(y: Tensor, start: u64, again: impl Fn() -> Tensor + Send + Sync + 'static) -> Tensor {
    let Some(root) = y.node().filter(|_| is_recording()) else { return y.detach() };
    let used = older_than(start, root);
    if used.is_empty() {
        return y.detach();
    }
    let (of, ids) = ((y.shape(), y.dtype()), ids(&used));
    let parents = used.into_iter().map(Some).collect();
    let backward = move |back: &mut Back| {
        let start = next_id();
        let y = with_grad(&again);
        let used = y.node().map_or(Vec::new(), |root| older_than(start, root));
        assert!(
            (y.shape(), y.dtype()) == of && self::ids(&used) == ids,
            "checkpoint: the closure gave {} {} from {} tensors and, when computed again, {} {} from {} tensors; it \
             must compute the same every time",
            of.1,
            of.0,
            ids.len(),
            y.dtype(),
            y.shape(),
            used.len()
        );
        let Some(root) = y.node() else { unreachable!("a result that uses a graph is part of it") };
        let wanted = (0..ids.len()).filter(|&i| back.needs(i)).map(|i| ids[i]).collect();
        let after = if is_recording() { After::Record } else { After::Free };
        let mut found = walk(root, back.take_grad(), &Route::to(root, wanted, start), after);
        ids.iter().map(|id| Grad(found.by_id.remove(id))).collect()
    };
    let node = Node::new("checkpoint", of, parents, None, Arc::new(backward));
    Tensor::from_parts(y.array().clone(), Some(node))
}

/// Where the part of a graph that was made since `start` ends: the nodes that were there before, as far as `root`
/// depends on them directly.
fn older_than(start: u64, root: &Arc<Node>) -> Vec<Arc<Node>> {
    nodes_down_to(root, start).into_iter().take_while(|node| node.id < start).cloned().collect()
}

fn ids(nodes: &[Arc<Node>]) -> Vec<u64> {
    nodes.iter().map(|node| node.id).collect()
}
