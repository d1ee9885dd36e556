//! Initial values of parameters. Each function gives a leaf that requires a gradient, f32.
//!
//! The fans of a weight are those of PyTorch: for [out, in] fan_in = in and fan_out = out; further axes (a
//! convolution's kernel) multiply both.

use crate::array::Array;
use crate::dtype::DType;
use crate::rng::Rng;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// All equal.
#[track_caller]
pub fn constant(shape: impl Into<Shape>, value: f64) -> Tensor {
    Tensor::from(Array::full(shape, value, DType::F32).contiguous()).requires_grad()
}

/// Uniform in [low, high).
#[track_caller]
pub fn uniform(shape: impl Into<Shape>, low: f64, high: f64, rng: &mut Rng) -> Tensor {
    Tensor::from(Array::rand(shape, low, high, DType::F32, rng)).requires_grad()
}

/// Normal.
#[track_caller]
pub fn normal(shape: impl Into<Shape>, mean: f64, std: f64, rng: &mut Rng) -> Tensor {
    (Tensor::from(Array::randn(shape, DType::F32, rng)) * std + mean).requires_grad()
}

/// Uniform with variance 2 / (fan_in + fan_out). (Glorot and Bengio 2010)
#[track_caller]
pub fn xavier_uniform(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let (fan_in, fan_out) = fans("xavier_uniform", &shape);
    let bound = (6.0 / (fan_in + fan_out)).sqrt();
    uniform(shape, -bound, bound, rng)
}

/// Normal with variance 2 / (fan_in + fan_out). (Glorot and Bengio 2010)
#[track_caller]
pub fn xavier_normal(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let (fan_in, fan_out) = fans("xavier_normal", &shape);
    normal(shape, 0.0, (2.0 / (fan_in + fan_out)).sqrt(), rng)
}

/// Uniform with variance 2 / fan_in, for ReLU. (He et al. 2015)
#[track_caller]
pub fn kaiming_uniform(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let bound = (6.0 / fans("kaiming_uniform", &shape).0).sqrt();
    uniform(shape, -bound, bound, rng)
}

/// Normal with variance 2 / fan_in, for ReLU. (He et al. 2015)
#[track_caller]
pub fn kaiming_normal(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    normal(shape, 0.0, (2.0 / fans("kaiming_normal", &shape).0).sqrt(), rng)
}

#[track_caller]
fn fans(operation: &str, shape: &Shape) -> (f64, f64) {
    assert!(shape.rank() >= 2, "{operation}: a weight has two axes or more, {shape} has {}", shape.rank());
    let field: usize = shape[2..].iter().product();
    ((shape[1] * field).max(1) as f64, (shape[0] * field).max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variances_are_as_promised() {
        let mut rng = Rng::new(11);
        let shape = [300, 200];
        for (weight, variance) in [
            (xavier_uniform(shape, &mut rng), 2.0 / 500.0),
            (xavier_normal(shape, &mut rng), 2.0 / 500.0),
            (kaiming_uniform(shape, &mut rng), 2.0 / 200.0),
            (kaiming_normal(shape, &mut rng), 2.0 / 200.0),
            (normal(shape, 0.0, 0.5, &mut rng), 0.25),
        ] {
            let found = weight.square().mean().item::<f32>() as f64;
            assert!((found / variance - 1.0).abs() < 0.03, "{found} is not {variance}");
            assert!(weight.tracks_grad());
        }
    }
}
