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

/// What one layer did in an observed forward pass: enough to draw it, to count it, and to export it.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The layer's place in a [`Sequential`](super::Sequential), or empty.
    pub path: String,
    /// The kind of layer: "Linear".
    pub kind: &'static str,
    /// What went in.
    pub input: Tensor,
    /// What came out.
    pub output: Tensor,
    /// The layer's own tensors by their names within it: "weight".
    pub parameters: Vec<(&'static str, Tensor)>,
    /// The layer's settings by name: "stride", [2, 2].
    pub settings: Vec<(&'static str, Vec<f64>)>,
    /// Multiply-adds done.
    pub multiply_adds: u64,
}

impl Observation {
    /// With a tensor of the layer, if it has it.
    pub fn parameter<'a>(mut self, name: &'static str, tensor: impl Into<Option<&'a Tensor>>) -> Observation {
        self.parameters.extend(tensor.into().map(|tensor| (name, tensor.clone())));
        self
    }

    /// With a setting: one number or several.
    pub fn setting(mut self, name: &'static str, values: &[f64]) -> Observation {
        self.settings.push((name, values.to_vec()));
        self
    }

    /// With the multiply-adds done.
    pub fn multiply_adds(self, multiply_adds: u64) -> Observation {
        Observation { multiply_adds, ..self }
    }
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

    /// Whether somebody wants to see what every layer gives.
    pub fn is_observing(&self) -> bool {
        self.observations.is_some()
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

    /// Layers report here what they did; it costs nothing unless someone observes, for only then is `describe` called.
    pub fn observe(
        &mut self,
        kind: &'static str,
        input: &Tensor,
        output: &Tensor,
        describe: impl FnOnce(Observation) -> Observation,
    ) {
        if let Some(all) = &mut self.observations {
            all.push(describe(Observation {
                path: self.path.clone(),
                kind,
                input: input.detach(),
                output: output.detach(),
                parameters: Vec::new(),
                settings: Vec::new(),
                multiply_adds: 0,
            }));
        }
    }

    /// What the layers gave, in the order of the pass; empty unless [`observing`](Context::observing).
    pub fn observations(&self) -> &[Observation] {
        self.observations.as_deref().unwrap_or_default()
    }
}
