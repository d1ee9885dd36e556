//! Models as [ONNX](https://onnx.ai) files, which onnxruntime, OpenCV and Netron read.
//!
//! The graph is what one forward pass shows: each layer reports what went in and what came out (see
//! [`Context::observing`]), and an output that goes into another layer, recognised by its memory, is an edge. So all
//! that a model computes must be in layers; a view of an output ([`Tensor::flatten`]) is known for what it is. The
//! layers known are those of [`nn`](crate::nn), as they are in evaluation: dropout is gone, batch normalisation has its
//! running statistics.
//!
//! The file is of opset 20 (IR version 9), with one input `input` and one output `output`, whose first axes are free
//! and called `batch`. Weights have the names of the state dict: `conv1.weight`. The same model gives the same bytes.

mod graph;
mod layers;

use std::collections::HashMap;
use std::path::Path;

use crate::autograd::no_grad;
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::nn::{Context, Layer, Observation};
use crate::shape::Shape;
use crate::tensor::Tensor;
use graph::{Attribute, Graph};

/// Writes a model for inputs of a shape [n, ...], of which the first axis stays free; atomically: `path` is replaced
/// whole or not at all.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("mlp.onnx");
/// use versant::{io::onnx, prelude::*};
/// let mut rng = Rng::new(0);
/// let model = Sequential::new()
///     .add("fc1", Linear::new(4, 8, &mut rng))
///     .add("relu", nn::Relu)
///     .add("fc2", Linear::new(8, 3, &mut rng));
/// onnx::export(&model, [1, 4], &path)?;
/// # Ok::<(), versant::Error>(())
/// ```
///
/// # Errors
/// When the model computes something between two layers that is no layer, has a layer that ONNX has no form for, or
/// takes more than 2 GiB; or the file cannot be written.
///
/// # Panics
/// When the model does not take inputs of this shape.
#[track_caller]
pub fn export(model: &dyn Layer, input: impl Into<Shape>, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let graph = trace(model, input.into()).map_err(|reason| Error::format(path, reason))?;
    let encoded = graph.encoded().map_err(|reason| Error::format(path, reason))?;
    atomic::write(path, |w| w.write_all(&encoded))
}

/// The graph of a forward pass, or why there is none.
#[track_caller]
fn trace(model: &dyn Layer, input: Shape) -> std::result::Result<Graph, String> {
    if input.rank() == 0 || input.numel() == 0 {
        return Err(format!("an input {input} cannot be sent through the model; give its shape as [1, ...]"));
    }
    let x = Tensor::zeros(input);
    let mut cx = Context::eval().observing();
    let y = no_grad(|| model.forward(&x, &mut cx));
    let names = Names::of(model);
    let mut graph = Graph::new(&x);
    let mut values = Values { known: vec![(x, "input".to_string())] };
    let mut before = "the input".to_string();
    for (index, seen) in cx.observations().iter().enumerate() {
        let name = names.layer(seen, index);
        let this = format!("{name} ({})", seen.kind);
        let from = values.find(&seen.input, &mut graph).ok_or_else(|| gap(&before, &this))?;
        if !same(&seen.input, &seen.output) {
            let mut site = Site { graph: &mut graph, seen, names: &names, name };
            let to = layers::nodes(&mut site, &from).map_err(|reason| format!("{this}: {reason}"))?;
            values.known.push((seen.output.clone(), to));
        }
        before = this;
    }
    let last = values.find(&y, &mut graph).ok_or_else(|| gap(&before, "the output"))?;
    graph.finish(&last, &y);
    Ok(graph)
}

/// The model computes something that nobody reported.
fn gap(before: &str, after: &str) -> String {
    format!(
        "between {before} and {after} the model computes something that is no layer, so that ONNX's graph would have a \
         gap; make it a layer (nn::Relu instead of .relu()) or a layer of your own that reports to Context::observe"
    )
}

/// Whether two tensors are one: the same elements of the same memory, in the same shape.
fn same(a: &Tensor, b: &Tensor) -> bool {
    a.array().storage_address() == b.array().storage_address() && a.array().layout() == b.array().layout()
}

/// The tensors that the graph has, by the names of their values. They are held, so that no other tensor can have their
/// memory.
struct Values {
    known: Vec<(Tensor, String)>,
}

impl Values {
    /// The value's name. Known elements in another shape get a node that gives them that shape.
    fn find(&mut self, tensor: &Tensor, graph: &mut Graph) -> Option<String> {
        if let Some((_, name)) = self.known.iter().rev().find(|(known, _)| same(known, tensor)) {
            return Some(name.clone());
        }
        let reshaped = |known: &Tensor| {
            let (a, b) = (known.array(), tensor.array());
            a.storage_address() == b.storage_address()
                && (a.layout().offset, a.numel()) == (b.layout().offset, b.numel())
                && a.is_contiguous()
                && b.is_contiguous()
                && a.shape().first() == b.shape().first()
        };
        let (_, name) = self.known.iter().rev().find(|(known, _)| reshaped(known))?;
        let name = graph.reshape(&name.clone(), &tensor.shape()[1..]);
        self.known.push((tensor.clone(), name.clone()));
        Some(name)
    }
}

/// What a model's tensors are called, by their memory. Several may share one until they are trained.
struct Names(HashMap<*const u8, Vec<String>>);

impl Names {
    fn of(model: &dyn Layer) -> Names {
        let mut names: HashMap<*const u8, Vec<String>> = HashMap::new();
        model.for_each(&mut |name, tensor| {
            names.entry(tensor.array().storage_address()).or_default().push(name.to_string());
        });
        Names(names)
    }

    /// The full name of a tensor that its layer calls `local`.
    fn tensor(&self, local: &str, tensor: &Tensor) -> Option<&str> {
        let names = self.0.get(&tensor.array().storage_address())?;
        let fits = |name: &&String| {
            name.strip_suffix(local).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        names.iter().find(fits).map(String::as_str)
    }

    /// The name of a layer: that of the part of the model that holds its parameters, else its path, else its kind and
    /// its place in the pass.
    fn layer(&self, seen: &Observation, index: usize) -> String {
        let held = seen.parameters.iter().find_map(|(local, tensor)| self.tensor(local, tensor));
        match held.and_then(|name| name.rsplit_once('.')) {
            Some((parent, _)) => parent.to_string(),
            None if !seen.path.is_empty() => seen.path.clone(),
            None => format!("{}_{index}", seen.kind),
        }
    }
}

/// One layer, about to become nodes.
struct Site<'a> {
    graph: &'a mut Graph,
    seen: &'a Observation,
    names: &'a Names,
    name: String,
}

impl Site<'_> {
    /// A node of this layer; gives the name of its output.
    fn node(
        &mut self,
        op: &'static str,
        inputs: &[&str],
        attributes: &[(&'static str, Attribute)],
    ) -> String {
        self.graph.node(&self.name, op, inputs, attributes)
    }

    /// A parameter of the layer, if it has it, as an initialiser; gives its name.
    fn parameter(&mut self, local: &'static str) -> Option<String> {
        let (_, tensor) = self.seen.parameters.iter().find(|(name, _)| *name == local)?;
        let name = match self.names.tensor(local, tensor) {
            Some(name) => name.to_string(),
            None => format!("{}.{local}", self.name),
        };
        self.graph.initializer(&name, tensor.array());
        Some(name)
    }

    /// A parameter that the layer cannot do without.
    fn needed(&mut self, local: &'static str) -> std::result::Result<String, String> {
        self.parameter(local).ok_or_else(|| format!("the layer does not report its {local}"))
    }

    /// A setting.
    fn setting(&self, name: &str) -> Option<&[f64]> {
        self.seen.settings.iter().find(|(known, _)| *known == name).map(|(_, values)| values.as_slice())
    }

    /// A setting of whole numbers that the layer must have.
    fn ints(&self, name: &str) -> std::result::Result<Vec<i64>, String> {
        let values = self.setting(name).ok_or_else(|| format!("the layer does not report its {name}"))?;
        Ok(values.iter().map(|&value| value as i64).collect())
    }

    /// A setting of one number that the layer must have.
    fn number(&self, name: &str) -> std::result::Result<f64, String> {
        let first = self.setting(name).and_then(|values| values.first());
        first.copied().ok_or_else(|| format!("the layer does not report its {name}"))
    }
}

#[cfg(test)]
mod tests;
