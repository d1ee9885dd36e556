//! The graph: nodes, and what a backward is given and gives.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::is_recording;
use super::walk::Route;
use crate::array::Array;
use crate::dtype::DType;
use crate::shape::Shape;
use crate::tensor::Tensor;

type Backward = Arc<dyn Fn(&mut Back) -> Vec<Grad> + Send + Sync>;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// What no node has yet: all that exists now lies below, all that is made from now on does not.
pub(crate) fn next_id() -> u64 {
    NEXT_ID.load(Ordering::Relaxed)
}

/// One operation in the graph, or a leaf.
pub struct Node {
    pub(super) id: u64,
    operation: &'static str,
    shape: Shape,
    dtype: DType,
    pub(super) parents: Box<[Option<Arc<Node>>]>,
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
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Arc::new(Node { id, operation, shape, dtype, parents, saved: Mutex::new(saved) })
    }

    /// The operation's name.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    pub(super) fn is_leaf(&self) -> bool {
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

    fn saved(&self) -> MutexGuard<'_, Option<Saved>> {
        self.saved.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Runs the backward, freeing it unless the graph is kept. Gives a gradient for each parent that has one.
    #[track_caller]
    pub(super) fn run(self: &Arc<Node>, grad: Tensor, route: &Route, keep: bool) -> Vec<Option<Tensor>> {
        // The lock is not held while the backward runs: it, or another thread, may walk this graph itself.
        let saved = if keep { self.saved().clone() } else { self.saved().take() };
        let Some(saved) = saved else {
            panic!(
                "backward: the graph of this {} {} was freed by an earlier backward; compute it again, or keep it \
                 in the first (backward_retain_graph, grad_with_graph)",
                self.operation, self.shape
            )
        };
        let mut back = Back { grad: Some(grad), node: self, output: saved.output, route };
        #[cfg_attr(not(test), expect(unused_mut))]
        let mut grads = (saved.backward)(&mut back);
        #[cfg(test)]
        super::planted::spoil(self.operation, &mut grads);
        assert!(
            grads.len() == self.parents.len(),
            "{}: the backward gave {} gradients for {} parents",
            self.operation,
            grads.len(),
            self.parents.len()
        );
        for (grad, parent) in grads.iter().zip(&self.parents) {
            if let (Grad(Some(grad)), Some(parent)) = (grad, parent) {
                self.check(parent, grad);
            }
        }
        grads.into_iter().map(|grad| grad.0).collect()
    }

    #[track_caller]
    fn check(&self, parent: &Node, grad: &Tensor) {
        assert!(
            grad.shape() == parent.shape && grad.dtype() == parent.dtype,
            "{}: the backward gave a gradient {} {} for a parent {} {}",
            self.operation,
            grad.dtype(),
            grad.shape(),
            parent.dtype,
            parent.shape
        );
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
pub struct Grad(pub(super) Option<Tensor>);

impl Grad {
    /// For a parent that has no gradient by nature (an index, a mask).
    pub fn none() -> Grad {
        Grad(None)
    }
}

/// What a backward is given.
pub struct Back<'a> {
    grad: Option<Tensor>,
    node: &'a Arc<Node>,
    output: Option<Array>,
    route: &'a Route,
}

impl Back<'_> {
    /// The gradient of the operation's result.
    ///
    /// # Panics
    /// When it has been taken.
    pub fn grad(&self) -> &Tensor {
        self.grad.as_ref().expect("the gradient was taken before")
    }

    /// The gradient of the operation's result, given away: its memory can be written over if nobody else holds it.
    ///
    /// # Panics
    /// When it has been taken before.
    pub fn take_grad(&mut self) -> Tensor {
        self.grad.take().expect("the gradient was taken before")
    }

    /// Whether anyone wants the gradient of parent `i`: it leads to a leaf that requires one or, in
    /// [`grad`](super::grad), to a tensor that was asked for.
    pub fn needs(&self, i: usize) -> bool {
        self.node.parents[i].as_ref().is_some_and(|parent| self.route.leads_over(parent))
    }

    /// The gradient of parent `i`, computed only if anyone wants it.
    pub fn want(&self, i: usize, gradient: impl FnOnce() -> Tensor) -> Grad {
        Grad(self.needs(i).then(gradient))
    }

    /// The operation's result, given away.
    pub(crate) fn take_output(&mut self) -> Tensor {
        let array = self.output.take().unwrap_or_else(|| unreachable!("saved by from_op_with_output"));
        Tensor::from_parts(array, is_recording().then(|| self.node.clone()))
    }
}
