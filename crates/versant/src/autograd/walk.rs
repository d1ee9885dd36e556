//! The walk back from a result to what it depends on.
//!
//! A parent always has a smaller id than its child: taking the highest id of those that wait visits every node after
//! all that depend on it, without a topological sort.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::gradients::{Gradients, add_to};
use super::graph::Node;
use super::recording;
use crate::array::Array;
use crate::tensor::Tensor;

impl Tensor {
    /// The gradients of this one value with respect to every leaf that asked for them. Frees what the graph has
    /// saved, so that a second call panics; see [`backward_retain_graph`](Tensor::backward_retain_graph).
    ///
    /// # Panics
    /// When the tensor has more than one element, or no leaf that it depends on requires a gradient.
    #[track_caller]
    pub fn backward(&self) -> Gradients {
        backward(self, &one("backward", self), After::Free)
    }

    /// The same, keeping what the graph has saved, so that it can be walked again: from this tensor, or from another
    /// that shares a part of the graph.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::scalar(3.0f64).requires_grad();
    /// let features = x.square();
    /// let first = (&features * 2.0).backward_retain_graph();
    /// let second = features.exp().backward();
    /// assert_eq!(first.get(&x).unwrap().item::<f64>(), 12.0);
    /// assert_eq!(second.get(&x).unwrap().item::<f64>(), 6.0 * 9f64.exp());
    /// ```
    #[track_caller]
    pub fn backward_retain_graph(&self) -> Gradients {
        backward(self, &one("backward", self), After::Keep)
    }

    /// [`backward`](Tensor::backward) with a given gradient of this tensor, of its shape: a vector-Jacobian product.
    #[track_caller]
    pub fn backward_from(&self, grad: &Tensor) -> Gradients {
        backward(self, grad, After::Free)
    }

    /// [`backward_from`](Tensor::backward_from), keeping the graph.
    #[track_caller]
    pub fn backward_from_retain_graph(&self, grad: &Tensor) -> Gradients {
        backward(self, grad, After::Keep)
    }
}

/// The gradients of `y` (one value) with respect to any tensors of its graph, leaves or not. Only what lies between
/// `y` and `xs` is walked and freed.
///
/// # Panics
/// When `y` is not one value or does not depend on one of `xs`.
#[track_caller]
pub fn grad(y: &Tensor, xs: &[&Tensor]) -> Vec<Tensor> {
    grad_of(y, xs, After::Free)
}

/// As [`grad`], keeping the graph and recording the gradients themselves, so that they can be differentiated
/// again: gradient penalties, Hessian-vector products.
///
/// ```
/// use versant::{Tensor, autograd};
/// let x = Tensor::scalar(3.0f64).requires_grad();
/// let y = &x * &x * &x;
/// let dy = autograd::grad_with_graph(&y, &[&x]).remove(0);
/// let ddy = autograd::grad(&dy, &[&x]).remove(0);
/// assert_eq!((dy.item::<f64>(), ddy.item::<f64>()), (27.0, 18.0));
/// ```
#[track_caller]
pub fn grad_with_graph(y: &Tensor, xs: &[&Tensor]) -> Vec<Tensor> {
    grad_of(y, xs, After::Record)
}

#[track_caller]
fn grad_of(y: &Tensor, xs: &[&Tensor], after: After) -> Vec<Tensor> {
    let seed = one("grad", y);
    let root = root("grad", y);
    let ids: Vec<u64> = xs.iter().filter_map(|x| Some(x.node()?.id)).collect();
    // Nothing older than the oldest target can matter, and its own backward leads to nothing that is asked for.
    let floor = ids.iter().min().map_or(0, |oldest| oldest + 1);
    let route = Route::to(root, ids.into_iter().collect(), floor);
    for (i, x) in xs.iter().enumerate() {
        assert!(
            x.node().is_some_and(|x| route.leads_over(x)),
            "grad: y {} does not depend on xs[{i}] {} (or xs[{i}] does not require a gradient)",
            y.shape(),
            x.shape()
        );
    }
    let found = walk(root, seed, &route, after);
    // A path may end at an operation that gives no gradient by nature.
    xs.iter().map(|x| found.get(x).cloned().unwrap_or_else(|| x.zeros_like())).collect()
}

/// What becomes of the graph behind the walk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Free,
    Keep,
    /// Kept, and the gradients have graphs themselves.
    Record,
}

/// The gradient that a walk from one value begins with.
#[track_caller]
fn one(operation: &str, y: &Tensor) -> Tensor {
    assert!(
        y.numel() == 1,
        "{operation}: shape {} is not one value; reduce it first (.sum() or .mean()), or give a gradient to \
         backward_from",
        y.shape()
    );
    Array::full(y.shape(), 1.0, y.dtype()).to(y.device()).into()
}

#[track_caller]
fn root<'a>(operation: &str, y: &'a Tensor) -> &'a Arc<Node> {
    let Some(root) = y.node() else {
        panic!(
            "{operation}: nothing that this {} {} depends on requires a gradient (was it detached, or computed \
             under no_grad?)",
            y.dtype(),
            y.shape()
        );
    };
    root
}

#[track_caller]
fn backward(y: &Tensor, seed: &Tensor, after: After) -> Gradients {
    assert!(
        seed.shape() == y.shape() && seed.dtype() == y.dtype() && seed.device() == y.device(),
        "backward: the gradient is {} {} on {}, the tensor {} {} on {}",
        seed.dtype(),
        seed.shape(),
        seed.device(),
        y.dtype(),
        y.shape(),
        y.device()
    );
    walk(root("backward", y), seed.clone(), &Route::ToLeaves, after)
}

/// Which nodes a walk visits.
pub(super) enum Route {
    /// All: whatever is part of a graph leads to a leaf that requires a gradient.
    ToLeaves,
    /// Those from which a target can be reached without passing through a node older than `floor`.
    To { targets: HashSet<u64>, passed: HashSet<u64>, floor: u64 },
}

impl Route {
    pub(super) fn to(root: &Arc<Node>, targets: HashSet<u64>, floor: u64) -> Route {
        let mut passed = HashSet::new();
        for node in nodes_down_to(root, floor) {
            let leads_on = || node.parents.iter().flatten().any(|parent| passed.contains(&parent.id));
            if targets.contains(&node.id) || (node.id >= floor && leads_on()) {
                passed.insert(node.id);
            }
        }
        Route::To { targets, passed, floor }
    }

    pub(super) fn leads_over(&self, node: &Node) -> bool {
        match self {
            Route::ToLeaves => true,
            Route::To { passed, .. } => passed.contains(&node.id),
        }
    }

    fn leads_to(&self, node: &Node) -> bool {
        match self {
            Route::ToLeaves => node.is_leaf(),
            Route::To { targets, .. } => targets.contains(&node.id),
        }
    }

    fn goes_on_from(&self, node: &Node) -> bool {
        let floor = if let Route::To { floor, .. } = self { *floor } else { 0 };
        node.id >= floor && node.parents.iter().flatten().any(|parent| self.leads_over(parent))
    }
}

/// The nodes on which `root` depends, and itself, parents before children. Nodes older than `floor` are named, but
/// what lies behind them is not.
pub(super) fn nodes_down_to(root: &Arc<Node>, floor: u64) -> Vec<&Arc<Node>> {
    let (mut all, mut seen, mut open) = (Vec::new(), HashSet::from([root.id]), vec![root]);
    while let Some(node) = open.pop() {
        all.push(node);
        if node.id >= floor {
            open.extend(node.parents.iter().flatten().filter(|parent| seen.insert(parent.id)));
        }
    }
    all.sort_unstable_by_key(|node| node.id);
    all
}

/// The walk from `root`, whose gradient is `seed`. Gives the gradients at the ends of the route.
#[track_caller]
pub(super) fn walk(root: &Arc<Node>, seed: Tensor, route: &Route, after: After) -> Gradients {
    let record = after == After::Record;
    let gradient = |grad: Tensor| if record { grad } else { grad.detach() };
    // The nodes that have got a gradient and wait for their turn.
    let mut pending = BTreeMap::from([(root.id, (root.clone(), gradient(seed)))]);
    let mut found = Gradients::default();
    let _restored = recording(record);
    while let Some((id, (node, grad))) = pending.pop_last() {
        if route.leads_to(&node) {
            found.by_id.insert(id, grad.clone());
        }
        if !route.goes_on_from(&node) {
            continue;
        }
        let grads = node.run(grad, route, after != After::Free);
        for (parent, grad) in node.parents.iter().zip(grads) {
            if let (Some(parent), Some(grad)) = (parent, grad) {
                let grad = gradient(grad);
                match pending.entry(parent.id) {
                    Entry::Vacant(entry) => _ = entry.insert((parent.clone(), grad)),
                    Entry::Occupied(mut entry) => add_to(&mut entry.get_mut().1, grad),
                }
            }
        }
    }
    found
}
