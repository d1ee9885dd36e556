//! Layers that do the work of a ReLU behind them.

use versant::nn::{
    BatchNorm1d, BatchNorm2d, Context, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Layer, Linear,
    Module, Relu, Sequential,
};
use versant::{Conv, Tensor};

use super::{Case, any, case};

/// The layer and a ReLU, as one operation.
fn ended(layer: impl Layer + 'static, x: &Tensor, cx: &mut Context) -> Tensor {
    Sequential::new().push(layer).push(Relu).forward(x, cx)
}

pub fn cases() -> Vec<Case> {
    let images = || any([2, 2, 3, 4]).large([9, 19, 17, 21]);
    let (w, b) = (|| any([3, 2, 2, 3]).large([35, 19, 2, 3]), || any([3]).large([35]));
    let conv = || Conv::new().stride([1, 2]).padding(1);
    let mut all = vec![
        case("conv2d, relu", [images(), w(), b()], move |x| {
            let layer = Conv2d::from_parts(x[1].clone(), Some(x[2].clone()), conv());
            ended(layer, &x[0], &mut Context::eval())
        }),
        case("conv2d without bias, relu", [images(), w()], move |x| {
            ended(Conv2d::from_parts(x[1].clone(), None, conv()), &x[0], &mut Context::eval())
        }),
    ];
    let w = || any([2, 3, 2, 3]).large([19, 35, 2, 3]);
    all.push(case("conv_transpose2d, relu", [images(), w(), b()], move |x| {
        let layer = ConvTranspose2d::from_parts(x[1].clone(), Some(x[2].clone()), conv());
        ended(layer, &x[0], &mut Context::eval())
    }));
    all.push(case("conv_transpose2d without bias, relu", [images(), w()], move |x| {
        ended(ConvTranspose2d::from_parts(x[1].clone(), None, conv()), &x[0], &mut Context::eval())
    }));
    let signals = || any([2, 2, 4]).large([9, 19, 200]);
    let w = [any([3, 2, 2]).large([35, 19, 2]), any([2, 3, 2]).large([19, 35, 2])];
    let [forward, transposed] = w.map(|w| [signals(), w, b()]);
    all.push(case("conv1d, relu", forward, |x| {
        let layer = Conv1d::from_parts(x[1].clone(), Some(x[2].clone()), Conv::new());
        ended(layer, &x[0], &mut Context::eval())
    }));
    all.push(case("conv_transpose1d, relu", transposed, |x| {
        let layer = ConvTranspose1d::from_parts(x[1].clone(), Some(x[2].clone()), Conv::new());
        ended(layer, &x[0], &mut Context::eval())
    }));
    let (x, w) = (|| any([5, 3]).large([333, 400]), || any([4, 3]).large([256, 400]));
    all.push(case("linear, relu", [x(), w(), any([4]).large([256])], |x| {
        ended(Linear::from_parts(x[1].clone(), Some(x[2].clone())), &x[0], &mut Context::eval())
    }));
    all.push(case("linear without bias, relu", [x(), w()], |x| {
        ended(Linear::from_parts(x[1].clone(), None), &x[0], &mut Context::eval())
    }));
    all.extend(normalisations());
    all
}

/// The layer with that weight and bias, and the rest of its state of their type and on their device.
fn with_parts<M: Module>(mut layer: M, weight: &Tensor, bias: &Tensor) -> M {
    layer.for_each_mut(&mut |name, tensor| match name {
        "weight" => *tensor = weight.clone(),
        "bias" => *tensor = bias.clone(),
        _ if tensor.dtype().is_float() => *tensor = tensor.cast(weight.dtype()).to(weight.device()),
        _ => (),
    });
    layer
}

fn normalisations() -> Vec<Case> {
    let mut all = Vec::new();
    let part = || any([3]).large([90]);
    for (name, x) in
        [("a matrix", any([4, 3]).large([700, 90])), ("signals", any([2, 3, 5]).large([60, 90, 35]))]
    {
        all.push(case(format!("batch_norm of {name}, relu"), [x, part(), part()], |x| {
            let layer = with_parts(BatchNorm1d::new(x[1].numel()).without_running_stats(), &x[1], &x[2]);
            ended(layer, &x[0], &mut Context::train(0, 0))
        }));
    }
    let images = || any([3, 3, 2, 4]).large([40, 90, 5, 7]);
    all.push(case("batch_norm without affine, relu", [images()], |x| {
        let layer = BatchNorm2d::new(x[0].shape()[1]).without_affine().without_running_stats();
        ended(layer, &x[0], &mut Context::train(0, 0))
    }));
    all.push(case("batch_norm_eval, relu", [images(), part(), part()], |x| {
        ended(with_parts(BatchNorm2d::new(x[1].numel()), &x[1], &x[2]), &x[0], &mut Context::eval())
    }));
    all
}
