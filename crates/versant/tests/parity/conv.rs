//! Convolutions, transposed ones, and their layers.

use versant::nn::{Context, Conv1d, Conv2d, ConvTranspose2d, Layer};
use versant::{Conv, Pad, Padding, Pair, Tensor};

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let (bias, conv) = (x.get(2), options(a));
    let layer = |layer: &dyn Layer| layer.forward(&x[0], &mut Context::eval());
    let (w, b) = (x.get(1).cloned()?, bias.cloned());
    Some(vec![match op {
        "conv2d" => x[0].conv2d(&w, bias, &conv),
        "conv1d" => x[0].conv1d(&w, bias, &conv),
        "conv_transpose2d" => x[0].conv_transpose2d(&w, bias, &conv),
        "conv_transpose1d" => x[0].conv_transpose1d(&w, bias, &conv),
        "Conv2d" => layer(&Conv2d::from_parts(w, b, conv).padding_mode(mode(a))),
        "Conv1d" => layer(&Conv1d::from_parts(w, b, conv).padding_mode(mode(a))),
        "ConvTranspose2d" => layer(&ConvTranspose2d::from_parts(w, b, conv)),
        _ => return None,
    }])
}

/// One number or two.
fn pair(a: &Args, name: &str) -> Option<Pair<usize>> {
    match a.maybe::<serde_json::Value>(name)? {
        serde_json::Value::Array(_) => Some(<[usize; 2]>::try_from(a.get::<Vec<usize>>(name)).ok()?.into()),
        _ => Some(a.get::<usize>(name).into()),
    }
}

fn options(a: &Args) -> Conv {
    let or = |name: &str, default: usize| pair(a, name).unwrap_or(default.into());
    let conv = Conv::new()
        .stride(or("stride", 1))
        .dilation(or("dilation", 1))
        .output_padding(or("output_padding", 0))
        .groups(a.maybe("groups").unwrap_or(1));
    match a.maybe::<serde_json::Value>("padding") {
        Some(serde_json::Value::String(name)) if name == "same" => conv.padding(Padding::Same),
        Some(serde_json::Value::String(_)) => conv.padding(Padding::Valid),
        _ => conv.padding(or("padding", 0).0),
    }
}

fn mode(a: &Args) -> Pad {
    match a.get::<String>("padding_mode").as_str() {
        "reflect" => Pad::Reflect,
        "replicate" => Pad::Replicate,
        "circular" => Pad::Circular,
        _ => Pad::Constant(0.0),
    }
}
