//! A mistake put into one backward on purpose, to see that the gradient checks find it.

use std::cell::Cell;

use super::Grad;

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
pub(super) fn spoil(operation: &str, grads: &mut [Grad]) {
    if let Some((spoiled, parent)) = MISTAKE.get()
        && operation == spoiled
        && let Some(Grad(Some(grad))) = grads.get_mut(parent)
    {
        *grad = &*grad * 1.0005 + 0.0005;
    }
}
