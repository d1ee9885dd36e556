//! Reverse-mode differentiation: the graph, the walk back through it, and what may be switched on and off.
//!
//! Node ids grow as the graph is built. A node holds its parents and a closure; the closure never holds the node's own
//! output, so there are no cycles, by type.

mod checkpoint;
mod clip;
mod gradients;
mod graph;
mod hook;
#[cfg(test)]
pub(crate) mod planted;
#[cfg(test)]
mod tests;
mod walk;

use std::cell::Cell;

pub use checkpoint::checkpoint;
pub(crate) use checkpoint::forget;
pub use gradients::Gradients;
pub(crate) use graph::next_id;
pub use graph::{Back, Grad, Node};
pub use walk::{grad, grad_with_graph};

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
    let _restored = recording(on);
    f()
}

/// Switches recording on or off until the value is dropped.
fn recording(on: bool) -> impl Drop {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            RECORDING.set(self.0);
        }
    }
    Restore(RECORDING.replace(on))
}
