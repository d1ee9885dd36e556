//! Each kind of layer as ONNX's operators.

use super::Site;
use super::graph::Attribute::{Float, Int, Ints, Text};
use crate::array::Array;
use crate::dtype::DType;
use crate::shape::Shape;

/// The name of a layer's output, or why it has none.
type Nodes = Result<String, String>;

/// Appends the nodes of a layer whose input is the value `x`.
pub(super) fn nodes(site: &mut Site, x: &str) -> Nodes {
    match site.seen.kind {
        "Linear" => linear(site, x),
        "Conv1d" | "Conv2d" => conv(site, x),
        "ConvTranspose1d" | "ConvTranspose2d" => conv_transpose(site, x),
        "BatchNorm1d" | "BatchNorm2d" => batch_norm(site, x),
        "LayerNorm" => layer_norm(site, x),
        "GroupNorm" => group_norm(site, x),
        "InstanceNorm1d" | "InstanceNorm2d" => instance_norm(site, x),
        "MaxPool1d" | "MaxPool2d" => max_pool(site, x),
        "AvgPool1d" | "AvgPool2d" => avg_pool(site, x),
        "AdaptiveAvgPool2d" => adaptive_pool(site, x, "GlobalAveragePool", "AveragePool"),
        "AdaptiveMaxPool2d" => adaptive_pool(site, x, "GlobalMaxPool", "MaxPool"),
        "Upsample" => upsample(site, x),
        "PixelShuffle" => {
            let factor = site.number("upscale_factor")? as i64;
            Ok(site.node("DepthToSpace", &[x], &[("blocksize", Int(factor)), ("mode", Text("CRD"))]))
        }
        "PixelUnshuffle" => pixel_unshuffle(site, x),
        "ChannelShuffle" => channel_shuffle(site, x),
        "Flatten" => Ok(site.node("Flatten", &[x], &[("axis", Int(1))])),
        "Relu" => Ok(site.node("Relu", &[x], &[])),
        "Sigmoid" => Ok(site.node("Sigmoid", &[x], &[])),
        "Tanh" => Ok(site.node("Tanh", &[x], &[])),
        "Gelu" => Ok(site.node("Gelu", &[x], &[])),
        "Silu" => {
            let gate = site.node("Sigmoid", &[x], &[]);
            Ok(site.node("Mul", &[x, &gate], &[]))
        }
        "LeakyRelu" => {
            let slope = site.number("negative_slope")?;
            Ok(site.node("LeakyRelu", &[x], &[("alpha", Float(slope))]))
        }
        "Elu" => {
            let alpha = site.number("alpha")?;
            Ok(site.node("Elu", &[x], &[("alpha", Float(alpha))]))
        }
        "Softmax" => {
            let axis = site.number("dim")? as i64;
            Ok(site.node("Softmax", &[x], &[("axis", Int(axis))]))
        }
        _ => Err("ONNX has no form for this kind of layer yet; build it of layers that have one".into()),
    }
}

/// Gemm for [n, in]; for more axes MatMul, which knows no transposed weight, and Add.
fn linear(site: &mut Site, x: &str) -> Nodes {
    let weight = site.needed("weight")?;
    let bias = site.parameter("bias");
    if site.seen.input.rank() == 2 {
        let inputs: Vec<&str> = [x, &weight].into_iter().chain(bias.as_deref()).collect();
        return Ok(site.node("Gemm", &inputs, &[("transB", Int(1))]));
    }
    let weight = site.node("Transpose", &[&weight], &[("perm", Ints(vec![1, 0]))]);
    let product = site.node("MatMul", &[x, &weight], &[]);
    Ok(match bias {
        Some(bias) => site.node("Add", &[&product, &bias], &[]),
        None => product,
    })
}

/// PyTorch's one number an axis stands for both of its ends; two numbers are [begins, ends], which is ONNX's order.
fn pads(site: &Site) -> Result<Vec<i64>, String> {
    let padding = site.ints("padding")?;
    let axes = site.seen.input.rank().saturating_sub(2);
    Ok(if padding.len() == axes { padding.repeat(2) } else { padding })
}

/// Conv; before it Pad where the padding is not of zeros.
fn conv(site: &mut Site, x: &str) -> Nodes {
    let mut padded = x.to_string();
    let mut pads = pads(site)?;
    let modes = [
        ("padding_reflect", "reflect"),
        ("padding_replicate", "edge"),
        ("padding_circular", "wrap"),
        ("padding_value", "constant"),
    ];
    if let Some(&(setting, mode)) = modes.iter().find(|(setting, _)| site.setting(setting).is_some()) {
        let half = pads.len() / 2;
        // Batch and channels are not padded.
        let widths = [&[0, 0], &pads[..half], &[0, 0], &pads[half..]].concat();
        let widths = Array::from_slice(&widths, [widths.len()]);
        let widths = site.graph.constant(&format!("{}.pads", site.name), &widths);
        let mut inputs = vec![x, &widths];
        let value;
        if mode == "constant" {
            let fill = Array::from_slice(&[site.number(setting)?], ()).cast(site.seen.input.dtype());
            value = site.graph.constant(&format!("{}.value", site.name), &fill);
            inputs.push(&value);
        }
        padded = site.node("Pad", &inputs, &[("mode", Text(mode))]);
        pads.fill(0);
    }
    let weight = site.needed("weight")?;
    let bias = site.parameter("bias");
    let inputs: Vec<&str> =
        [&padded, &weight].into_iter().map(String::as_str).chain(bias.as_deref()).collect();
    let attributes = [
        ("kernel_shape", Ints(site.ints("kernel_size")?)),
        ("strides", Ints(site.ints("stride")?)),
        ("pads", Ints(pads)),
        ("dilations", Ints(site.ints("dilation")?)),
        ("group", Int(site.number("groups")? as i64)),
    ];
    Ok(site.node("Conv", &inputs, &attributes))
}

fn conv_transpose(site: &mut Site, x: &str) -> Nodes {
    let weight = site.needed("weight")?;
    let bias = site.parameter("bias");
    let inputs: Vec<&str> = [x, &weight].into_iter().chain(bias.as_deref()).collect();
    let attributes = [
        ("kernel_shape", Ints(site.ints("kernel_size")?)),
        ("strides", Ints(site.ints("stride")?)),
        ("pads", Ints(pads(site)?)),
        ("dilations", Ints(site.ints("dilation")?)),
        ("group", Int(site.number("groups")? as i64)),
        ("output_padding", Ints(site.ints("output_padding")?)),
    ];
    Ok(site.node("ConvTranspose", &inputs, &attributes))
}

/// Weight and bias of a normalisation; ones and zeros of this shape where it has none.
fn affine(site: &mut Site, shape: impl Into<Shape>) -> [String; 2] {
    let shape = shape.into();
    [("weight", 1.0), ("bias", 0.0)].map(|(local, neutral)| {
        site.parameter(local).unwrap_or_else(|| {
            let array = Array::full(shape, neutral, site.seen.input.dtype());
            site.graph.constant(&format!("{}.{local}", site.name), &array)
        })
    })
}

fn batch_norm(site: &mut Site, x: &str) -> Nodes {
    let (Some(mean), Some(var)) = (site.parameter("running_mean"), site.parameter("running_var")) else {
        return Err(
            "without running statistics the result for one sample depends on the rest of its batch".into()
        );
    };
    let [weight, bias] = affine(site, site.seen.input.shape()[1]);
    let eps = site.number("eps")?;
    Ok(site.node("BatchNormalization", &[x, &weight, &bias, &mean, &var], &[("epsilon", Float(eps))]))
}

fn layer_norm(site: &mut Site, x: &str) -> Nodes {
    let rank = site.setting("normalized_shape").map_or(0, <[f64]>::len);
    let shape = site.seen.input.shape();
    let [weight, bias] = affine(site, &shape[shape.rank().saturating_sub(rank)..]);
    let attributes = [("axis", Int(-(rank as i64))), ("epsilon", Float(site.number("eps")?))];
    Ok(site.node("LayerNormalization", &[x, &weight, &bias], &attributes))
}

fn instance_norm(site: &mut Site, x: &str) -> Nodes {
    let [weight, bias] = affine(site, site.seen.input.shape()[1]);
    let eps = site.number("eps")?;
    Ok(site.node("InstanceNormalization", &[x, &weight, &bias], &[("epsilon", Float(eps))]))
}

/// Each group as one channel of an instance normalisation; then weight and bias of the true channels.
fn group_norm(site: &mut Site, x: &str) -> Nodes {
    let (shape, dtype) = (site.seen.input.shape(), site.seen.input.dtype());
    let groups = site.number("num_groups")? as usize;
    let grouped = site.graph.reshape(x, &[groups, shape[1..].iter().product::<usize>() / groups.max(1)]);
    let [ones, zeros] = [("ones", 1.0), ("zeros", 0.0)].map(|(name, value)| {
        site.graph.constant(&format!("{}.{name}", site.name), &Array::full([groups], value, dtype))
    });
    let eps = site.number("eps")?;
    let normal = site.node("InstanceNormalization", &[&grouped, &ones, &zeros], &[("epsilon", Float(eps))]);
    let mut y = site.graph.reshape(&normal, &shape[1..]);
    // [c] to [c, 1, ...], to stretch along positions.
    let positions = Array::from_slice(&(1..shape.rank() as i64 - 1).collect::<Vec<_>>(), [shape.rank() - 2]);
    for (local, op) in [("weight", "Mul"), ("bias", "Add")] {
        if let Some(mut parameter) = site.parameter(local) {
            if shape.rank() > 2 {
                let axes = site.graph.constant(&format!("{}.{local}.axes", site.name), &positions);
                parameter = site.node("Unsqueeze", &[&parameter, &axes], &[]);
            }
            y = site.node(op, &[&y, &parameter], &[]);
        }
    }
    Ok(y)
}

fn max_pool(site: &mut Site, x: &str) -> Nodes {
    let attributes = [
        ("kernel_shape", Ints(site.ints("kernel_size")?)),
        ("strides", Ints(site.ints("stride")?)),
        ("pads", Ints(pads(site)?)),
        ("dilations", Ints(site.ints("dilation")?)),
        ("ceil_mode", Int(site.number("ceil_mode")? as i64)),
    ];
    Ok(site.node("MaxPool", &[x], &attributes))
}

fn avg_pool(site: &mut Site, x: &str) -> Nodes {
    let attributes = [
        ("kernel_shape", Ints(site.ints("kernel_size")?)),
        ("strides", Ints(site.ints("stride")?)),
        ("pads", Ints(pads(site)?)),
        ("ceil_mode", Int(site.number("ceil_mode")? as i64)),
        ("count_include_pad", Int(site.number("count_include_pad")? as i64)),
    ];
    Ok(site.node("AveragePool", &[x], &attributes))
}

/// To one place: a global pool. To sizes that divide the image's: a pool whose windows touch. Else the windows are of
/// several sizes, which ONNX lacks.
fn adaptive_pool(site: &mut Site, x: &str, global: &'static str, pool: &'static str) -> Nodes {
    let (from, to) = (site.seen.input.shape(), site.seen.output.shape());
    let (from, to) = (&from[2..], &to[2..]);
    if to.iter().all(|&len| len == 1) {
        return Ok(site.node(global, &[x], &[]));
    }
    if from.iter().zip(to).any(|(from, to)| from % to != 0) {
        return Err(format!(
            "from {from:?} to {to:?} its windows are of several sizes, which ONNX lacks; let it divide the image's"
        ));
    }
    let window: Vec<i64> = from.iter().zip(to).map(|(from, to)| (from / to) as i64).collect();
    Ok(site.node(pool, &[x], &[("kernel_shape", Ints(window.clone())), ("strides", Ints(window))]))
}

/// Resize. PyTorch's nearest takes the pixel at floor(i / scale).
fn upsample(site: &mut Site, x: &str) -> Nodes {
    let bilinear = site.number("mode")? == 1.0;
    let corners = site.setting("align_corners").is_some_and(|set| set == [1.0]);
    let coordinates = match (bilinear, corners) {
        (false, _) => "asymmetric",
        (true, true) => "align_corners",
        (true, false) => "half_pixel",
    };
    let mut attributes = vec![
        ("axes", Ints(vec![2, 3])),
        ("mode", Text(if bilinear { "linear" } else { "nearest" })),
        ("coordinate_transformation_mode", Text(coordinates)),
    ];
    if !bilinear {
        attributes.push(("nearest_mode", Text("floor")));
    }
    if let Some(factors) = site.setting("scale_factor") {
        let scales = Array::from_slice(factors, [factors.len()]).cast(DType::F32);
        let scales = site.graph.constant(&format!("{}.scales", site.name), &scales);
        return Ok(site.node("Resize", &[x, "", &scales], &attributes));
    }
    let sizes = site.ints("size")?;
    let sizes =
        site.graph.constant(&format!("{}.sizes", site.name), &Array::from_slice(&sizes, [sizes.len()]));
    Ok(site.node("Resize", &[x, "", "", &sizes], &attributes))
}

/// [n, c, h, w] as [n, c, h / r, r, w / r, r], the two r moved behind c. (SpaceToDepth would put them before it.)
fn pixel_unshuffle(site: &mut Site, x: &str) -> Nodes {
    let r = site.number("downscale_factor")?.max(1.0) as usize;
    let (from, to) = (site.seen.input.shape(), site.seen.output.shape());
    let [_, c, h, w] = *from else { return Err(format!("its input is {from}, not [n, c, h, w]")) };
    let split = site.graph.reshape(x, &[c, h / r, r, w / r, r]);
    let moved = site.node("Transpose", &[&split], &[("perm", Ints(vec![0, 1, 3, 5, 2, 4]))]);
    Ok(site.graph.reshape(&moved, &to[1..]))
}

/// [n, c, ...] as [n, g, c / g, ...], the two exchanged.
fn channel_shuffle(site: &mut Site, x: &str) -> Nodes {
    let groups = site.number("groups")?.max(1.0) as usize;
    let shape = site.seen.input.shape();
    let split = [&[groups, shape[1] / groups], &shape[2..]].concat();
    let mut order: Vec<i64> = (0..=shape.rank() as i64).collect();
    order.swap(1, 2);
    let split = site.graph.reshape(x, &split);
    let moved = site.node("Transpose", &[&split], &[("perm", Ints(order))]);
    Ok(site.graph.reshape(&moved, &shape[1..]))
}
