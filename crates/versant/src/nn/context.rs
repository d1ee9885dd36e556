//! What a forward pass is told, and what it tells.

use crate::rng::{Purpose, Rng};
use crate::tensor::Tensor;

/// Handed to every `forward`: train or evaluate, the randomness of this step, and a record of what the layers give.
#[derive(Clone)]
pub struct Context {
    training: bool,
    rng: Rng,
    path: String,
    observations: Option<Vec<Observation>>,
}

/// What one layer did in an observed forward pass.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The layer's place in a [`Sequential`](super::Sequential), or empty.
    pub path: String,
    /// The kind of layer: "Linear".
    pub kind: &'static str,
    /// What came out.
    pub output: Tensor,
    /// The layer's own parameters.
    pub parameters: Vec<Tensor>,
    /// Multiply-adds done.
    pub multiply_adds: u64,
}

impl Context {
    /// For training. Dropout's masks are a function of seed and step.
    pub fn train(seed: u64, step: u64) -> Context {
        let rng = Rng::keyed(seed, Purpose::Dropout, (step >> 32) as u32, step as u32);
        Context { training: true, rng, path: String::new(), observations: None }
    }

    /// For evaluation.
    pub fn eval() -> Context {
        Context { training: false, ..Context::train(0, 0) }
    }

    /// The same, keeping what every layer gives: [`observations`](Context::observations).
    pub fn observing(mut self) -> Context {
        self.observations = Some(Vec::new());
        self
    }

    /// For the same pass again: the same randomness, and nobody looks.
    pub(super) fn replay(&self) -> Context {
        Context { observations: None, path: String::new(), rng: self.rng.clone(), ..*self }
    }

    /// Whether this pass is for training.
    pub fn is_training(&self) -> bool {
        self.training
    }

    /// The randomness of this step.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Runs `f` inside the named part of a model.
    pub fn enter<R>(&mut self, name: &str, f: impl FnOnce(&mut Context) -> R) -> R {
        let len = self.path.len();
        if len > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let result = f(self);
        self.path.truncate(len);
        result
    }

    /// Layers report here; it costs nothing unless someone observes.
    pub fn observe(
        &mut self,
        kind: &'static str,
        output: &Tensor,
        parameters: &[&Tensor],
        multiply_adds: u64,
    ) {
        if let Some(all) = &mut self.observations {
            all.push(Observation {
                path: self.path.clone(),
                kind,
                output: output.detach(),
                parameters: parameters.iter().map(|&p| p.clone()).collect(),
                multiply_adds,
            });
        }
    }

    /// What the layers gave, in the order of the pass; empty unless [`observing`](Context::observing).
    pub fn observations(&self) -> &[Observation] {
        self.observations.as_deref().unwrap_or_default()
    }
}
