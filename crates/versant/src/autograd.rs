//! Reverse-mode differentiation: the graph's nodes, the walk back, and the checks.
//!
//! Node ids grow as the graph is built, so a parent always has a smaller id than its child: taking the highest
//! id from a heap visits every node after all that depend on it, without a topological sort. A node holds its
//! parents and a closure; the closure never holds the node's own output, so there are no cycles, by type.

use std::cell::{Cell, RefCell};
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::array::Array;
use crate::dtype::DType;
use crate::shape::Shape;
use crate::tensor::Tensor;

type Backward = Arc<dyn Fn(&Back) -> Vec<Grad> + Send + Sync>;

/// One operation in the graph, or a leaf.
pub struct Node {
    id: u64,
    operation: &'static str,
    shape: Shape,
    dtype: DType,
    parents: Box<[Option<Arc<Node>>]>,
    /// None in a leaf. Emptied by the walk unless the graph is kept, which frees what the backward has saved.
    saved: Mutex<Option<Saved>>,
}

#[derive(Clone)]
struct Saved {
    backward: Backward,
    output: Option<Array>,
}

impl Node {
    pub(crate) fn leaf(shape: Shape, dtype: DType) -> Arc<Node> {
        Node::with("leaf", (shape, dtype), Box::default(), None)
    }

    pub(crate) fn new(
        operation: &'static str,
        of: (Shape, DType),
        parents: Box<[Option<Arc<Node>>]>,
        output: Option<Array>,
        backward: Backward,
    ) -> Arc<Node> {
        Node::with(operation, of, parents, Some(Saved { backward, output }))
    }

    fn with(
        operation: &'static str,
        (shape, dtype): (Shape, DType),
        parents: Box<[Option<Arc<Node>>]>,
        saved: Option<Saved>,
    ) -> Arc<Node> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Arc::new(Node { id, operation, shape, dtype, parents, saved: Mutex::new(saved) })
    }

    /// The operation's name.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    fn is_leaf(&self) -> bool {
        self.parents.is_empty()
    }

    /// The operations of the graph below, each with the numbers of the parents that are part of it.
    #[cfg(test)]
    pub(crate) fn edges(self: &Arc<Node>) -> std::collections::BTreeSet<(&'static str, usize)> {
        let (mut edges, mut open) = (std::collections::BTreeSet::new(), vec![self.clone()]);
        while let Some(node) = open.pop() {
            for (i, parent) in node.parents.iter().enumerate() {
                edges.extend(parent.as_ref().map(|_| (node.operation, i)));
                open.extend(parent.clone());
            }
        }
        edges
    }

    fn saved(&self) -> std::sync::MutexGuard<'_, Option<Saved>> {
        self.saved.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// What a node holds of others.
type Content = (Box<[Option<Arc<Node>>]>, Option<Saved>);

/// Dropping a node drops its parents in turn. A graph can be a million nodes deep, so nodes that fall free while
/// another is being dropped wait in a list instead of recursing.
impl Drop for Node {
    fn drop(&mut self) {
        thread_local! {
            static WAITING: RefCell<Vec<Content>> = const { RefCell::new(Vec::new()) };
            static DROPPING: Cell<bool> = const { Cell::new(false) };
        }
        if self.is_leaf() {
            return;
        }
        let content = (std::mem::take(&mut self.parents), self.saved().take());
        // A thread that is ending has no list any more; what is left then is dropped directly.
        let waits = WAITING.try_with(|waiting| waiting.borrow_mut().push(content)).is_ok();
        if !waits || DROPPING.replace(true) {
            return;
        }
        // Also when what a closure holds panics as it is dropped: else this thread would never free a graph again.
        struct Done;
        impl Drop for Done {
            fn drop(&mut self) {
                DROPPING.set(false);
            }
        }
        let _done = Done;
        while let Some(content) = WAITING.with(|waiting| waiting.borrow_mut().pop()) {
            drop(content);
        }
    }
}

/// The gradient of one parent; made by [`Back::want`], so that none is forgotten.
pub struct Grad(Option<Tensor>);

impl Grad {
    /// For a parent that has no gradient by nature (an index, a mask).
    pub fn none() -> Grad {
        Grad(None)
    }
}

/// A mistake put into one backward on purpose, to see that the gradient checks find it.
#[cfg(test)]
pub(crate) mod planted {
    use std::cell::Cell;

    use super::{Grad, Node};

    thread_local! {
        static MISTAKE: Cell<Option<(&'static str, usize)>> = const { Cell::new(None) };
    }

    /// Runs `f` on this thread with a wrong gradient of parent `parent` in every backward of `operation`.
    pub(crate) fn with<R>(operation: &'static str, parent: usize, f: impl FnOnce() -> R) -> R {
        MISTAKE.set(Some((operation, parent)));
        let result = f();
        MISTAKE.set(None);
        result
    }

    /// Half a per mille too much, and something where there should be nothing.
    pub(super) fn spoil(node: &Node, grads: &mut [Grad]) {
        if let Some((operation, parent)) = MISTAKE.get()
            && node.operation == operation
            && let Some(Grad(Some(grad))) = grads.get_mut(parent)
        {
            *grad = &*grad * 1.0005 + 0.0005;
        }
    }
}

/// What a backward is given.
pub struct Back<'a> {
    grad: &'a Tensor,
    node: &'a Arc<Node>,
    output: Option<&'a Array>,
}

impl Back<'_> {
    /// The gradient of the operation's result.
    pub fn grad(&self) -> &Tensor {
        self.grad
    }

    /// Whether anyone wants the gradient of parent `i`.
    pub fn needs(&self, i: usize) -> bool {
        self.node.parents[i].is_some()
    }

    /// The gradient of parent `i`, computed only if anyone wants it.
    pub fn want(&self, i: usize, gradient: impl FnOnce() -> Tensor) -> Grad {
        Grad(self.needs(i).then(gradient))
    }

    pub(crate) fn output(&self) -> Tensor {
        let array = self.output.unwrap_or_else(|| unreachable!("saved by from_op_with_output"));
        Tensor::from_parts(array.clone(), is_recording().then(|| self.node.clone()))
    }
}

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(true) };
}

/// Whether operations on this thread are recorded.
pub fn is_recording() -> bool {
    RECORDING.get()
}

/// Runs `f` without recording: its results have no graph, and nothing is saved for a backward.
///
/// ```
/// use versant::{Tensor, no_grad};
/// let w = Tensor::ones([3]).requires_grad();
/// assert!(!no_grad(|| w.sum()).tracks_grad());
/// ```
pub fn no_grad<R>(f: impl FnOnce() -> R) -> R {
    with_recording(false, f)
}

/// Runs `f` with recording, also inside [`no_grad`].
pub fn with_grad<R>(f: impl FnOnce() -> R) -> R {
    with_recording(true, f)
}

fn with_recording<R>(on: bool, f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            RECORDING.set(self.0);
        }
    }
    let _restore = Restore(RECORDING.replace(on));
    f()
}

/// The gradients that a walk found, by tensor.
#[derive(Default)]
pub struct Gradients {
    by_id: HashMap<u64, Tensor>,
}

impl Gradients {
    /// The gradient of `x`, of its shape; `None` when `x` had no influence or is no leaf.
    pub fn get(&self, x: &Tensor) -> Option<&Tensor> {
        self.by_id.get(&x.node()?.id)
    }

    /// Takes the gradient of `x` out.
    pub fn remove(&mut self, x: &Tensor) -> Option<Tensor> {
        self.by_id.remove(&x.node()?.id)
    }

    /// Adds the gradients of another walk: gradient accumulation over several batches.
    pub fn accumulate(&mut self, other: Gradients) {
        for (id, grad) in other.by_id {
            add_to(self.by_id.entry(id), grad);
        }
    }
}

/// Moves the first gradient in, adds later ones in place where nobody else holds the memory.
fn add_to(entry: std::collections::hash_map::Entry<'_, u64, Tensor>, grad: Tensor) {
    use std::collections::hash_map::Entry;
    match entry {
        Entry::Vacant(slot) => {
            slot.insert(grad);
        }
        Entry::Occupied(mut slot) => {
            let sum = slot.get_mut();
            if is_recording() {
                *sum = &*sum + &grad;
            } else {
                sum.array_mut().add_assign(grad.array());
            }
        }
    }
}

impl Tensor {
    /// The gradients of this one value with respect to every leaf that asked for them. Frees what the graph has
    /// saved; a second call panics (see [`grad_with_graph`]).
    ///
    /// # Panics
    /// When the tensor has more than one element, or no leaf that it depends on requires a gradient.
    #[track_caller]
    pub fn backward(&self) -> Gradients {
        assert!(
            self.numel() == 1,
            "backward: shape {} is not one value; reduce it first (.sum() or .mean()), or give a gradient to \
             backward_from",
            self.shape()
        );
        self.backward_from(&Array::full(self.shape(), 1.0, self.dtype()).to(self.device()).into())
    }

    /// The same with a given gradient of this tensor, of its shape: a vector-Jacobian product.
    #[track_caller]
    pub fn backward_from(&self, grad: &Tensor) -> Gradients {
        walk(self, grad, None, false)
    }
}

/// The gradients of `y` (one value) with respect to any tensors of its graph, leaves or not.
///
/// # Panics
/// When `y` is not one value or does not depend on one of `xs`.
#[track_caller]
pub fn grad(y: &Tensor, xs: &[&Tensor]) -> Vec<Tensor> {
    grad_of(y, xs, false)
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
    grad_of(y, xs, true)
}

#[track_caller]
fn grad_of(y: &Tensor, xs: &[&Tensor], keep_graph: bool) -> Vec<Tensor> {
    assert!(y.numel() == 1, "grad: y of shape {} is not one value; reduce it first", y.shape());
    let ids: Vec<u64> = xs.iter().map(|x| x.node().map_or(u64::MAX, |n| n.id)).collect();
    let seed = Array::full(y.shape(), 1.0, y.dtype()).to(y.device()).into();
    let found = walk(y, &seed, Some(&ids), keep_graph);
    let pick = |(i, id): (usize, &u64)| match found.by_id.get(id) {
        Some(grad) => grad.clone(),
        None => panic!("grad: y does not depend on xs[{i}] (or xs[{i}] does not require a gradient)"),
    };
    ids.iter().enumerate().map(pick).collect()
}

/// A node in the heap, ordered by id.
struct Pending(Arc<Node>);

impl PartialEq for Pending {
    fn eq(&self, other: &Pending) -> bool {
        self.0.id == other.0.id
    }
}
impl Eq for Pending {}
impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Pending) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Pending {
    fn cmp(&self, other: &Pending) -> std::cmp::Ordering {
        self.0.id.cmp(&other.0.id)
    }
}

/// The walk from `y` back. Keeps the gradients of `targets`, or of all leaves; with `keep_graph` the backwards
/// are recorded and nothing is freed.
#[track_caller]
fn walk(y: &Tensor, seed: &Tensor, targets: Option<&[u64]>, keep_graph: bool) -> Gradients {
    assert!(
        seed.shape() == y.shape() && seed.dtype() == y.dtype(),
        "backward: the gradient is {} {}, the tensor {} {}",
        seed.dtype(),
        seed.shape(),
        y.dtype(),
        y.shape()
    );
    let Some(root) = y.node() else {
        panic!(
            "backward: nothing that this value depends on requires a gradient (was it detached, or computed \
                under no_grad?)"
        );
    };
    // Nothing older than the oldest target can matter.
    let oldest = targets.map_or(0, |ids| ids.iter().copied().min().unwrap_or(u64::MAX));
    let mut pending: HashMap<u64, Tensor> = HashMap::from([(root.id, seed.clone())]);
    let mut heap = BinaryHeap::from([Pending(root.clone())]);
    let mut found = Gradients::default();
    with_recording(keep_graph, || {
        while let Some(Pending(node)) = heap.pop() {
            if node.id < oldest {
                break;
            }
            let Some(grad) = pending.remove(&node.id) else { continue };
            if targets.map_or(node.is_leaf(), |ids| ids.contains(&node.id)) {
                found.by_id.insert(node.id, grad.clone());
            }
            // The oldest target's own backward leads to nothing that is asked for.
            if node.is_leaf() || node.id == oldest {
                continue;
            }
            for (parent, grad) in node.parents.iter().zip(run(&node, &grad, keep_graph)) {
                if let (Some(parent), Grad(Some(grad))) = (parent, grad) {
                    check(&node, parent, &grad);
                    let entry = pending.entry(parent.id);
                    if matches!(entry, std::collections::hash_map::Entry::Vacant(_)) {
                        heap.push(Pending(parent.clone()));
                    }
                    add_to(entry, grad);
                }
            }
        }
    });
    found
}

/// Runs a node's backward, freeing it unless the graph is kept.
fn run(node: &Arc<Node>, grad: &Tensor, keep_graph: bool) -> Vec<Grad> {
    let gone = || -> ! {
        panic!(
            "backward: the graph of this {} was freed by an earlier backward; compute it again, or use \
             grad_with_graph for the first",
            node.operation
        )
    };
    // The lock is not held while the backward runs: it, or another thread, may walk this graph itself.
    let saved = if keep_graph { node.saved().clone() } else { node.saved().take() };
    let saved = saved.unwrap_or_else(|| gone());
    #[cfg_attr(not(test), expect(unused_mut))]
    let mut grads = (saved.backward)(&Back { grad, node, output: saved.output.as_ref() });
    #[cfg(test)]
    planted::spoil(node, &mut grads);
    assert!(
        grads.len() == node.parents.len(),
        "the backward of {} gave {} gradients for {} parents",
        node.operation,
        grads.len(),
        node.parents.len()
    );
    grads
}

fn check(node: &Node, parent: &Node, grad: &Tensor) {
    assert!(
        grad.shape() == parent.shape && grad.dtype() == parent.dtype,
        "the backward of {} gave a gradient {} {} for a parent {} {}",
        node.operation,
        grad.dtype(),
        grad.shape(),
        parent.dtype,
        parent.shape
    );
}
