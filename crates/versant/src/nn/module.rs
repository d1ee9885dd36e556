//! What every model is: a tree of named tensors.

use std::collections::BTreeMap;

use crate::array::Array;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Where the visitor stands: `encoder.fc1.weight`.
#[derive(Default)]
pub struct Path(String);

impl Path {
    /// Runs `f` one level deeper.
    pub fn enter<R>(&mut self, name: &str, f: impl FnOnce(&mut Path) -> R) -> R {
        let len = self.0.len();
        if len > 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        let result = f(self);
        self.0.truncate(len);
        result
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A struct of parameters and layers. Derive it: `#[derive(Module)]` visits the fields in their order, with
/// PyTorch's names (`fc1.weight`). A tensor that requires a gradient is a parameter and is trained; one that does
/// not is carried along with the model (a running mean, a frozen weight). Numbers, strings and flags are passed
/// over.
///
/// ```
/// use versant::prelude::*;
/// #[derive(Module)]
/// struct Net {
///     fc1: Linear,
///     fc2: Linear,
///     slope: f64,
/// }
/// let mut rng = Rng::new(0);
/// let net = Net { fc1: Linear::new(3, 4, &mut rng), fc2: Linear::new(4, 2, &mut rng), slope: 0.1 };
/// let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
/// assert_eq!(net.parameter_count(), 3 * 4 + 4 + 4 * 2 + 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a Module",
    note = "derive it with #[derive(Module)], or mark the field #[module(skip)] if it holds no parameters"
)]
pub trait Module {
    /// Calls `f` with the path and each tensor, in the order of declaration.
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Tensor));

    /// The same, to change them. What `f` is given may be kept as long as the model is borrowed.
    fn visit_mut<'a>(&'a mut self, path: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor));

    /// Calls `f` with the name of each tensor and the tensor.
    fn for_each(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        self.visit(&mut Path::default(), f);
    }

    /// Calls `f` with the name of each tensor and the tensor, to change it.
    fn for_each_mut<'a>(&'a mut self, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
        self.visit_mut(&mut Path::default(), f);
    }

    /// The tensors that are trained, by name.
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        let mut all = Vec::new();
        self.for_each(&mut |name, tensor| {
            if tensor.tracks_grad() {
                all.push((name.to_string(), tensor.clone()));
            }
        });
        all
    }

    /// How many numbers are trained.
    fn parameter_count(&self) -> usize {
        self.named_parameters().iter().map(|(_, p)| p.numel()).sum()
    }

    /// Every tensor's values, by name, as files hold them.
    fn state_dict(&self) -> BTreeMap<String, Array> {
        let mut all = BTreeMap::new();
        self.for_each(&mut |name, tensor| {
            all.insert(name.to_string(), tensor.array().clone());
        });
        all
    }

    /// Takes values by name. All or nothing: on an error the model is as before.
    ///
    /// # Errors
    /// When a name is missing or unknown, or a shape or type differs; the message lists what does not fit.
    fn load_state_dict(&mut self, state: &BTreeMap<String, Array>) -> Result<()> {
        let mut wrong = Vec::new();
        let mut known = 0;
        self.for_each(&mut |name, tensor| match state.get(name) {
            None => wrong.push(format!("{name} {} is missing", tensor.shape())),
            Some(array) => {
                known += 1;
                if array.shape() != tensor.shape() || array.dtype() != tensor.dtype() {
                    let (t, a) = (tensor, array);
                    wrong.push(format!(
                        "{name} is {} {} in the file, {} {} in the model",
                        a.dtype(),
                        a.shape(),
                        t.dtype(),
                        t.shape()
                    ));
                }
            }
        });
        if wrong.is_empty() && known < state.len() {
            let mine = self.state_dict();
            wrong.extend(
                state.keys().filter(|k| !mine.contains_key(*k)).map(|k| format!("{k} is not in the model")),
            );
        }
        if !wrong.is_empty() {
            let more = wrong.len().saturating_sub(4);
            wrong.truncate(4);
            let tail = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            return Err(Error::Checkpoint(format!(
                "the weights are of another model: {}{tail}",
                wrong.join("; ")
            )));
        }
        self.for_each_mut(&mut |name, tensor| {
            if let Some(array) = state.get(name) {
                *tensor.array_mut() = array.to(tensor.device());
            }
        });
        Ok(())
    }

    /// The parameters stop being trained; the gradient no longer flows to them.
    fn freeze(&mut self) {
        self.for_each_mut(&mut |_, tensor| *tensor = tensor.detach());
    }
}

impl Module for Tensor {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Tensor)) {
        f(path.as_str(), self);
    }
    fn visit_mut<'a>(&'a mut self, path: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
        f(path.as_str(), self);
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Tensor)) {
        (**self).visit(path, f);
    }
    fn visit_mut<'a>(&'a mut self, path: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
        (**self).visit_mut(path, f);
    }
}

impl<M: Module> Module for Option<M> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Tensor)) {
        if let Some(module) = self {
            module.visit(path, f);
        }
    }
    fn visit_mut<'a>(&'a mut self, path: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
        if let Some(module) = self {
            module.visit_mut(path, f);
        }
    }
}

/// The names are the indices: `layers.0.weight`.
impl<M: Module> Module for Vec<M> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Tensor)) {
        for (i, module) in self.iter().enumerate() {
            path.enter(&i.to_string(), |path| module.visit(path, f));
        }
    }
    fn visit_mut<'a>(&'a mut self, path: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
        for (i, module) in self.iter_mut().enumerate() {
            path.enter(&i.to_string(), |path| module.visit_mut(path, f));
        }
    }
}

macro_rules! no_parameters {
    ($($t:ty),*) => {$(
        impl Module for $t {
            fn visit(&self, _: &mut Path, _: &mut dyn FnMut(&str, &Tensor)) {}
            fn visit_mut<'a>(&'a mut self, _: &mut Path, _: &mut dyn FnMut(&str, &'a mut Tensor)) {}
        }
    )*};
}
no_parameters!((), bool, f32, f64, i32, i64, u8, u32, u64, usize, String, &'static str, crate::Shape);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Layer, Linear};
    use crate::rng::Rng;

    #[test]
    fn loading_another_models_weights_changes_nothing() {
        let mut model = Linear::new(3, 2, &mut Rng::new(1));
        let before = model.state_dict();
        let error = model.load_state_dict(&Linear::new(3, 4, &mut Rng::new(2)).state_dict()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the weights are of another model: weight is f32 [4, 3] in the file, f32 [2, 3] in the model; \
             bias is f32 [4] in the file, f32 [2] in the model"
        );
        let mut more = before.clone();
        more.insert("extra".into(), Array::zeros([1], crate::DType::F32));
        assert!(model.load_state_dict(&more).unwrap_err().to_string().ends_with("extra is not in the model"));
        assert_eq!(model.state_dict()["weight"].to_vec::<f32>(), before["weight"].to_vec::<f32>());
    }

    #[test]
    fn a_frozen_layer_gets_no_gradient() {
        let mut layer = Linear::new(3, 2, &mut Rng::new(1));
        layer.freeze();
        assert_eq!(layer.parameter_count(), 0);
        assert_eq!(layer.state_dict().len(), 2);
        let y = layer.forward(&Tensor::ones([1, 3]), &mut crate::nn::Context::eval());
        assert!(!y.tracks_grad());
    }
}
