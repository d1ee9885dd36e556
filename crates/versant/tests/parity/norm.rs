//! Normalisation, and running statistics over several steps.

use versant::nn::{BatchNorm, Context, Layer, Module};
use versant::{DType, Tensor};

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let affine = |from: usize| {
        let parts: String = a.get("parts");
        ['w', 'b'].map(|part| parts.find(part).map(|i| &x[from + i]))
    };
    Some(match op {
        "batch_norm" => {
            let [weight, bias] = affine(1);
            vec![x[0].batch_norm(weight, bias, a.number("eps")).0]
        }
        "batch_norm statistics" => {
            let batch = x[0].batch_norm(None, None, 1e-5).1;
            vec![batch.mean.cast(x[0].dtype()), batch.unbiased_var().cast(x[0].dtype())]
        }
        "batch_norm_eval" => {
            let [weight, bias] = affine(3);
            vec![x[0].batch_norm_eval(&x[1], &x[2], weight, bias, a.number("eps"))]
        }
        "layer_norm" => {
            let ([weight, bias], axes) = (affine(1), a.get::<usize>("axes"));
            vec![x[0].layer_norm(&x[0].shape()[x[0].rank() - axes..], weight, bias, a.number("eps"))]
        }
        "group_norm" => {
            let [weight, bias] = affine(1);
            vec![x[0].group_norm(a.get("groups"), weight, bias, a.number("eps"))]
        }
        "instance_norm" => {
            let [weight, bias] = affine(1);
            vec![x[0].instance_norm(weight, bias, a.number("eps"))]
        }
        "batch_norm layer" if x[0].rank() == 4 => steps::<2>(x, a),
        "batch_norm layer" => steps::<1>(x, a),
        _ => return None,
    })
}

/// All but the last batch in training, the last in evaluation; what the layer gives, and what it remembers.
fn steps<const D: usize>(x: &[Tensor], a: &Args) -> Vec<Tensor> {
    let momentum: Option<f64> = a.get("momentum");
    let layer = BatchNorm::<D>::new(x[0].shape()[1]).eps(a.number("eps")).momentum(momentum);
    let mut layer = if a.flag("affine") { layer } else { layer.without_affine() };
    layer.for_each_mut(&mut |_, tensor| {
        let dtype = if tensor.dtype() == DType::I64 { DType::I64 } else { x[0].dtype() };
        *tensor = tensor.cast(dtype).to(x[0].device()).detach();
    });
    let (last, batches) = x.split_last().expect("a batch");
    let mut all: Vec<Tensor> =
        (0..).zip(batches).map(|(step, x)| layer.forward(x, &mut Context::train(0, step)).detach()).collect();
    all.push(layer.forward(last, &mut Context::eval()));
    let state = layer.state_dict();
    let remembered = ["running_mean", "running_var", "num_batches_tracked"];
    all.extend(remembered.map(|name| Tensor::from(state[name].clone())));
    all
}
