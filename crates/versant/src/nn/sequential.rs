//! Layers one after another.

use super::{Context, Layer, Module, Path};
use crate::tensor::Tensor;

/// Layers one after another, each with a name: its index unless one is given. A [`Relu`](super::Relu) is done along
/// with the layer before it ([`Layer::forward_relu`]), unless the context is observing.
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
    fn visit_mut<'a>(&'a mut self, path: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
        for (name, layer) in &mut self.layers {
            path.enter(name, |path| layer.visit_mut(path, f));
        }
    }
}

impl Layer for Sequential {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let mut x = x.clone();
        let mut layers = self.layers.iter().peekable();
        while let Some((name, layer)) = layers.next() {
            // Who observes sees each layer by itself.
            let relu = layers.next_if(|(_, next)| next.is_relu() && !cx.is_observing()).is_some();
            x = cx.enter(name, |cx| match relu {
                true => layer.forward_relu(&x, cx),
                false => layer.forward(&x, cx),
            });
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{grad, grad_with_graph};
    use crate::nn::{
        BatchNorm1d, BatchNorm2d, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Linear, Relu, Tanh,
    };
    use crate::rng::Rng;
    use crate::{Device, Pad};

    /// Layers that do a ReLU's work, some that do not, and inputs for them.
    fn layers() -> Vec<(Box<dyn Fn() -> Sequential>, Tensor)> {
        fn of<L: Layer + Clone + 'static>(layer: L) -> Box<dyn Fn() -> Sequential> {
            Box::new(move || Sequential::new().push(layer.clone()))
        }
        let rng = &mut Rng::new(3);
        let draw = |shape: &[usize]| Tensor::randn(shape, &mut Rng::new(shape.len() as u64)) + 0.3;
        let (images, signals, rows) = (draw(&[3, 4, 9, 7]), draw(&[3, 4, 19]), draw(&[40, 4]));
        vec![
            (of(Conv2d::new(4, 5, 3, rng).padding(1)), images.clone()),
            (of(Conv2d::new(4, 1, 3, rng).stride(2).padding(1).padding_mode(Pad::Reflect)), images.clone()),
            (of(Conv2d::grouped(4, 8, 3, 4, rng).without_bias()), images.clone()),
            (of(ConvTranspose2d::new(4, 3, 2, rng).stride(2)), images.clone()),
            (of(ConvTranspose2d::new(4, 3, 3, rng).without_bias()), images.clone()),
            (of(Conv1d::new(4, 5, 3, rng)), signals.clone()),
            (of(ConvTranspose1d::new(4, 5, 3, rng)), signals.clone()),
            (of(Linear::new(4, 6, rng)), rows.clone()),
            (of(Linear::without_bias(7, 6, rng)), images.clone()),
            (of(BatchNorm1d::new(4)), rows.clone()),
            (of(BatchNorm1d::new(4).without_affine()), signals.clone()),
            (of(BatchNorm2d::new(4)), images.clone()),
            (of(Tanh), rows),
        ]
    }

    fn with_device(mut model: Sequential, device: Device) -> Sequential {
        model.for_each_mut(&mut |_, tensor| {
            let tracks = tensor.tracks_grad();
            *tensor = tensor.detach().to(device);
            if tracks {
                *tensor = tensor.requires_grad();
            }
        });
        model
    }

    /// The result, its gradients, and those of a penalty on the gradient of x.
    fn all(model: &Sequential, x: &Tensor, relu: bool, mut cx: Context) -> Vec<Vec<u32>> {
        let x = x.requires_grad();
        let forward = |cx: &mut Context| {
            let y = model.forward(&x, cx);
            if relu { y.relu() } else { y }
        };
        let y = forward(&mut cx);
        let weights = Tensor::randn(y.shape(), &mut Rng::new(8)).to(x.device());
        let parameters: Vec<Tensor> = model.named_parameters().into_iter().map(|(_, p)| p).collect();
        let leaves: Vec<&Tensor> = std::iter::once(&x).chain(&parameters).collect();
        let first = grad(&(&y * &weights).sum(), &leaves);
        let slope = grad_with_graph(&(forward(&mut cx).square() * &weights).sum(), &[&x]).remove(0);
        let second = grad(&slope.square().sum(), &leaves);
        // What kind of NaN it is depends on the order of operands.
        let bits = |v: f32| if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() };
        let bits = |t: &Tensor| t.to_vec::<f32>().into_iter().map(bits).collect();
        std::iter::once(&y).chain(&first).chain(&second).map(bits).collect()
    }

    /// Also where there are NaN, infinities and zeros.
    #[test]
    fn a_layer_does_the_relu_behind_it_with_the_same_bits() {
        for device in [Device::Cpu, Device::Naive] {
            for (i, (layer, x)) in layers().into_iter().enumerate() {
                for special in [false, true] {
                    let mut values = x.to_vec::<f32>();
                    if special {
                        (values[1], values[5], values[6]) = (f32::NAN, f32::INFINITY, 0.0);
                    }
                    let x = Tensor::from_slice(&values, x.shape()).to(device);
                    for cx in [Context::train(1, 1), Context::eval()] {
                        let one = with_device(layer().push(Relu), device);
                        let two = with_device(layer(), device);
                        let (one, two) = (all(&one, &x, false, cx.clone()), all(&two, &x, true, cx));
                        assert!(one == two, "layer {i} on {device}, special values: {special}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_observer_sees_each_layer() {
        let model = Sequential::new().push(Linear::new(3, 4, &mut Rng::new(1))).push(Relu).push(Relu);
        let mut cx = Context::eval().observing();
        let y = model.forward(&Tensor::ones([2, 3]), &mut cx);
        let seen: Vec<(&str, &str)> = cx.observations().iter().map(|o| (o.path.as_str(), o.kind)).collect();
        assert_eq!(seen, [("0", "Linear"), ("1", "Relu"), ("2", "Relu")]);
        let alone = model.forward(&Tensor::ones([2, 3]), &mut Context::eval());
        assert_eq!(alone.to_vec::<f32>(), y.to_vec::<f32>());
    }
}
