//! Finding where a number stopped being one.

use crate::array::Array;
use crate::autograd::no_grad;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::{Context, Layer};
use crate::tensor::Tensor;

/// Whether every element is finite.
fn is_finite(array: &Array) -> bool {
    match array.dtype() {
        DType::F32 => array.to_vec::<f32>().iter().all(|v| v.is_finite()),
        DType::F64 => array.to_vec::<f64>().iter().all(|v| v.is_finite()),
        _ => true,
    }
}

fn first_bad_parameter(model: &dyn Layer) -> Option<String> {
    let mut found = None;
    model.for_each(&mut |name, tensor| {
        if found.is_none() && !is_finite(tensor.array()) {
            found = Some(name.to_string());
        }
    });
    found
}

/// The first tensor, in the order of the forward pass, that holds a NaN or an infinity: the input, a parameter,
/// the output of a layer, or else the loss itself.
pub(super) fn first_not_finite(model: &dyn Layer, x: &Tensor, cx: Context) -> String {
    if !is_finite(x.array()) {
        return "the input batch".into();
    }
    if let Some(name) = first_bad_parameter(model) {
        return format!("the parameter {name}, which the step before made so");
    }
    let mut cx = cx.observing();
    no_grad(|| model.forward(x, &mut cx));
    let guilty = cx.observations().iter().find(|o| !is_finite(o.output.array()));
    match guilty {
        Some(o) if o.path.is_empty() => format!("the output of a {} layer", o.kind),
        Some(o) => format!("the output of {} ({})", o.path, o.kind),
        None => "the loss itself".into(),
    }
}

/// A model with a NaN in it is never saved.
pub(super) fn parameters_are_finite(model: &dyn Layer, step: u64) -> Result<()> {
    match first_bad_parameter(model) {
        None => Ok(()),
        Some(name) => Err(Error::NotFinite(format!(
            "step {step}: the first tensor that is not finite is the parameter {name}. A smaller learning rate often \
             helps; what was saved before is kept"
        ))),
    }
}
