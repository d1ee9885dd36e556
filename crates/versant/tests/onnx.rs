//! Models of every kind of layer as ONNX. `scripts/onnx_check.py` has run the files of `fixtures/onnx` in onnxruntime
//! and found the outputs beside them; these tests hold what Versant writes, and what it computes, to both.

use std::fs;
use std::path::Path;

use versant::io::{npz, onnx};
use versant::nn::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool1d, AvgPool2d, BatchNorm1d, BatchNorm2d, ChannelShuffle,
    Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Dropout2d, Elu, Flatten, Gelu, GroupNorm,
    InstanceNorm2d, LayerNorm, LeakyRelu, MaxPool1d, MaxPool2d, PixelShuffle, PixelUnshuffle, Relu, Sigmoid,
    Silu, Softmax, Tanh, Upsample,
};
use versant::prelude::*;
use versant::{Interpolation, Pad, Padding, Pool};

/// The model's file must be the one that python has run, and its outputs those that python was shown.
fn check(name: &str, model: impl Layer, input: &[usize]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnx");
    fs::create_dir_all(&folder).unwrap();
    let (file, sample) = (folder.join(format!("{name}.onnx")), folder.join(format!("{name}.npz")));
    let x = Tensor::randn(Shape::new(input).with_axis(0, 3), &mut Rng::new(1));
    let y = model.forward(&x, &mut Context::eval());
    onnx::export(&model, input, &file).unwrap();
    let arrays =
        [("input", &x), ("output", &y)].map(|(name, tensor)| (name.to_string(), tensor.array().clone()));
    npz::save(&sample, &arrays.into()).unwrap();

    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx");
    let advice = format!(
        "copy {name}.* from {} to tests/fixtures/onnx and run scripts/onnx_check.py",
        folder.display()
    );
    let checked = fs::read(fixtures.join(format!("{name}.onnx"))).unwrap_or_default();
    assert!(fs::read(&file).unwrap() == checked, "{name}.onnx is not what python has run: {advice}");
    let checked = npz::load(fixtures.join(format!("{name}.npz"))).unwrap();
    assert_eq!(checked["output"].shape(), y.shape(), "{name}: {advice}");
    let (found, wanted) = (y.to_vec::<f32>(), checked["output"].to_vec::<f32>());
    let scale = wanted.iter().fold(0f32, |scale, value| scale.max(value.abs()));
    for (found, wanted) in found.into_iter().zip(wanted) {
        // Other instruction sets round otherwise.
        assert!((found - wanted).abs() <= 1e-5 * scale, "{name}: {found}, not {wanted}: {advice}");
    }
}

#[test]
fn activations() {
    let rng = &mut Rng::new(0);
    // Weights so large that no layer flattens what the next one is to see.
    let mut linear = || Linear::from_parts(Tensor::randn([6, 6], rng), Some(Tensor::randn([6], rng)));
    let model = Sequential::new()
        .push(Flatten)
        .push(linear())
        .push(Gelu)
        .push(linear())
        .push(Silu)
        .push(Dropout(0.5))
        .push(linear())
        .push(LeakyRelu(0.1))
        .push(linear())
        .push(Elu(0.7))
        .push(linear())
        .push(Tanh)
        .push(linear())
        .push(Relu)
        .push(linear())
        .push(Sigmoid)
        .push(Linear::without_bias(6, 4, &mut Rng::new(2)))
        .push(Softmax(-1));
    check("activations", model, &[1, 2, 3]);
}

#[test]
fn products_along_more_axes() {
    let rng = &mut Rng::new(0);
    let model = Sequential::new()
        .push(Linear::new(4, 6, rng))
        .push(LayerNorm::new([5, 6]).eps(EPS))
        .push(Linear::without_bias(6, 3, rng))
        .push(LayerNorm::new(3).without_affine().eps(EPS));
    check("products", shaken(model), &[1, 5, 4]);
}

#[test]
fn pools() {
    let model = Sequential::new()
        .push(MaxPool2d::new(Pool::new([3, 2]).stride([2, 1]).padding(1)))
        .push(AvgPool2d::new(Pool::new(3).stride(2).padding(1)))
        .push(MaxPool2d::new(Pool::new(3).stride(2).ceil_mode(true).dilation([1, 2])))
        .push(AvgPool2d::new(Pool::new(3).stride(1).padding([1, 0]).count_include_pad(false)))
        .push(AvgPool2d::new(Pool::new(2).stride(2).ceil_mode(true)))
        .push(AdaptiveMaxPool2d::new([1, 3]));
    check("pools", model, &[1, 1, 31, 34]);
}

#[test]
fn adaptive_pools() {
    let model = Sequential::new()
        .push(AdaptiveAvgPool2d::new([4, 3]))
        .push(Relu)
        .push(AdaptiveAvgPool2d::new(1))
        .push(Flatten);
    check("global_pool", model, &[1, 5, 8, 6]);
}

#[test]
fn the_global_maximum() {
    check("global_max_pool", Sequential::new().push(AdaptiveMaxPool2d::new(1)), &[1, 5, 8, 6]);
}

/// The last window lies half outside.
fn mean(counts_padding: bool) -> AvgPool2d {
    AvgPool2d::new(Pool::new(3).stride(2).padding(1).ceil_mode(true).count_include_pad(counts_padding))
}

#[test]
fn a_mean_that_counts_its_padding() {
    check("mean_with_padding", mean(true), &[1, 2, 8, 7]);
}

#[test]
fn a_mean_that_does_not_count_its_padding() {
    check("mean_without_padding", mean(false), &[1, 2, 8, 7]);
}

/// With weights, biases and running statistics that are not those of the beginning.
fn shaken<L: Layer>(mut layer: L) -> L {
    let rng = &mut Rng::new(3);
    layer.for_each_mut(&mut |name, tensor| {
        if name.ends_with("running_var") {
            *tensor = Tensor::rand(tensor.shape(), rng) + 0.5;
        } else if tensor.dtype().is_float() {
            *tensor = &*tensor + &Tensor::randn(tensor.shape(), rng);
        }
    });
    layer
}

/// A term below the root that shows.
const EPS: f64 = 0.3;

#[test]
fn batch_normalisation() {
    let plain = BatchNorm2d::new(4).without_affine().eps(EPS);
    let model = Sequential::new()
        .add("bn", BatchNorm2d::new(4).eps(EPS))
        .add("drop", Dropout2d(0.3))
        .add("plain", plain);
    check("batch_norm", shaken(model), &[1, 4, 5, 3]);
}

#[test]
fn group_normalisation() {
    check("group_norm", shaken(GroupNorm::new(2, 4).eps(EPS)), &[1, 4, 5, 3]);
}

#[test]
fn group_normalisation_without_weights() {
    check("group_norm_plain", GroupNorm::new(3, 6).without_affine().eps(EPS), &[1, 6, 5]);
}

#[test]
fn instance_normalisation() {
    check("instance_norm", shaken(InstanceNorm2d::new(3).with_affine().eps(EPS)), &[1, 3, 5, 3]);
}

#[test]
fn instance_normalisation_without_weights() {
    check("instance_norm_plain", InstanceNorm2d::new(3).eps(EPS), &[1, 3, 5, 3]);
}

#[test]
fn along_one_axis() {
    let model = Sequential::new()
        .push(BatchNorm1d::new(3).eps(EPS))
        .push(MaxPool1d::new(Pool::new(3).stride(2).padding(1)))
        .push(AvgPool1d::new(Pool::new(2).stride(1)))
        .push(Flatten)
        .push(BatchNorm1d::new(12).eps(EPS));
    check("one_axis", shaken(model), &[1, 3, 9]);
}

#[test]
fn sizes_and_shuffles() {
    let model = Sequential::new()
        .push(Upsample::by(2.0))
        .push(Upsample::by([1.5, 2.0]).mode(Interpolation::Bilinear { align_corners: false }))
        .push(Upsample::to([5, 7]))
        .push(Upsample::to([8, 6]).mode(Interpolation::Bilinear { align_corners: true }))
        .push(PixelUnshuffle(2))
        .push(ChannelShuffle(4))
        .push(PixelShuffle(2));
    check("sizes", model, &[1, 2, 4, 3]);
}

#[test]
fn convolutions() {
    let rng = &mut Rng::new(0);
    let model = Sequential::new()
        .push(Conv2d::new(2, 4, [2, 3], rng).padding(Padding::Same))
        .push(Conv2d::grouped(4, 6, 3, 2, rng).stride([1, 2]).padding(1))
        .push(Conv2d::grouped(6, 6, 3, 6, rng).dilation(2).padding([2, 1]).without_bias())
        .push(Conv2d::new(6, 3, 1, rng))
        .push(Conv2d::new(3, 3, 3, rng).padding(1).padding_mode(Pad::Reflect))
        .push(Conv2d::new(3, 3, 3, rng).padding([0, 2]).padding_mode(Pad::Replicate))
        .push(Conv2d::new(3, 3, [3, 2], rng).padding(Padding::Same).padding_mode(Pad::Circular))
        .push(Conv2d::new(3, 2, 3, rng).padding(1).padding_mode(Pad::Constant(0.5)));
    check("convolutions", model, &[1, 2, 9, 12]);
}

#[test]
fn transposed_convolutions() {
    let rng = &mut Rng::new(0);
    let model = Sequential::new()
        .push(ConvTranspose2d::new(3, 4, 3, rng).stride(2).padding(1).output_padding([1, 0]))
        .push(ConvTranspose2d::grouped(4, 6, [2, 3], 2, rng).dilation([2, 1]).without_bias())
        .push(ConvTranspose2d::new(6, 2, 2, rng).stride([1, 2]));
    check("transposed", model, &[1, 3, 3, 4]);
}

#[test]
fn convolutions_along_one_axis() {
    let rng = &mut Rng::new(0);
    let model = Sequential::new()
        .push(Conv1d::new(2, 4, 4, rng).padding(Padding::Same))
        .push(BatchNorm1d::new(4).eps(EPS))
        .push(Conv1d::grouped(4, 4, 3, 2, rng).stride(2).padding(1))
        .push(Conv1d::new(4, 3, 3, rng).dilation(2).padding(2).padding_mode(Pad::Reflect))
        .push(ConvTranspose1d::new(3, 2, 3, rng).stride(2).output_padding(1));
    check("convolutions_1d", shaken(model), &[1, 2, 10]);
}

/// A struct of layers, with a view between.
#[derive(Module)]
struct LeNet {
    conv1: Conv2d,
    conv2: Conv2d,
    fc1: Linear,
    fc2: Linear,
}

impl Layer for LeNet {
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let pool = MaxPool2d::new(2);
        let h = pool.forward(&Relu.forward(&self.conv1.forward(x, cx), cx), cx);
        let h = pool.forward(&Relu.forward(&self.conv2.forward(&h, cx), cx), cx);
        let h = Relu.forward(&self.fc1.forward(&h.flatten(1), cx), cx);
        self.fc2.forward(&h, cx)
    }
}

#[test]
fn lenet() {
    let rng = &mut Rng::new(0);
    let model = LeNet {
        conv1: Conv2d::new(1, 3, 5, rng),
        conv2: Conv2d::new(3, 4, 5, rng),
        fc1: Linear::new(64, 12, rng),
        fc2: Linear::new(12, 10, rng),
    };
    check("lenet", model, &[1, 1, 28, 28]);
}

#[test]
fn convolutions_with_batch_normalisation() {
    let rng = &mut Rng::new(0);
    let features = Sequential::new()
        .push(Conv2d::new(3, 4, 3, rng).padding(1))
        .push(BatchNorm2d::new(4).eps(EPS))
        .push(Relu)
        .push(Conv2d::new(4, 6, 3, rng).padding(1))
        .push(Relu)
        .push(MaxPool2d::new(2))
        .push(Dropout2d(0.05));
    let classifier =
        Sequential::new().push(Flatten).push(Linear::new(96, 8, rng)).push(Relu).push(Linear::new(8, 5, rng));
    check(
        "vgg",
        shaken(Sequential::new().add("features", features).add("classifier", classifier)),
        &[1, 3, 8, 8],
    );
}
