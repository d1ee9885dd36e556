//! Layers one after another.

use super::{Context, Layer, Module, Path};
use crate::tensor::Tensor;

/// Layers one after another, each with a name: its index unless one is given.
///
/// ```
/// use versant::prelude::*;
/// let mut rng = Rng::new(0);
/// let net = Sequential::new()
///     .add("fc1", Linear::new(4, 8, &mut rng))
///     .add("relu", nn::Relu)
///     .push(Linear::new(8, 2, &mut rng));
/// let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["fc1.weight", "fc1.bias", "2.weight", "2.bias"]);
/// let y = net.forward(&Tensor::ones([3, 4]), &mut Context::eval());
/// assert_eq!(y.shape(), [3, 2].into());
/// ```
#[derive(Default)]
pub struct Sequential {
    layers: Vec<(String, Box<dyn Layer>)>,
}

impl Sequential {
    /// No layers yet.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// Appends a layer with a name.
    ///
    /// # Panics
    /// When the name is taken.
    #[track_caller]
    pub fn add(mut self, name: &str, layer: impl Layer + 'static) -> Sequential {
        assert!(self.get(name).is_none(), "Sequential: there is already a layer named {name}");
        self.layers.push((name.to_string(), Box::new(layer)));
        self
    }

    /// Appends a layer named by its index, as PyTorch does.
    #[track_caller]
    pub fn push(self, layer: impl Layer + 'static) -> Sequential {
        let index = self.layers.len().to_string();
        self.add(&index, layer)
    }

    /// The layer of that name.
    pub fn get(&self, name: &str) -> Option<&dyn Layer> {
        self.layers.iter().find(|(n, _)| n == name).map(|(_, layer)| layer.as_ref())
    }
}

impl Module for Sequential {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Tensor)) {
        for (name, layer) in &self.layers {
            path.enter(name, |path| layer.visit(path, f));
        }
    }
    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut Tensor)) {
        for (name, layer) in &mut self.layers {
            path.enter(name, |path| layer.visit_mut(path, f));
        }
    }
}

impl Layer for Sequential {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let mut x = x.clone();
        for (name, layer) in &self.layers {
            x = cx.enter(name, |cx| layer.forward(&x, cx));
        }
        x
    }
}
