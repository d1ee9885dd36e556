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

/// Normal, drawn again where it falls outside of [low, high].
///
/// # Panics
/// Unless `std` is above 0, low below high, and the mean at most two standard deviations outside of them: further out
/// hardly any number would be left.
#[track_caller]
pub fn trunc_normal(
    shape: impl Into<Shape>,
    mean: f64,
    std: f64,
    low: f64,
    high: f64,
    rng: &mut Rng,
) -> Tensor {
    let shape = shape.into();
    assert!(std > 0.0 && std.is_finite(), "trunc_normal: std is {std}; it must be above 0");
    assert!(low < high, "trunc_normal: between the bounds of [{low}, {high}] is nothing");
    assert!(
        mean >= low - 2.0 * std && mean <= high + 2.0 * std,
        "trunc_normal: the mean {mean} is more than two standard deviations of {std} outside of [{low}, {high}]"
    );
    let (a, b) = ((low - mean) / std, (high - mean) / std);
    let values: Vec<f32> = (0..shape.numel()).map(|_| (mean + std * truncated(a, b, rng)) as f32).collect();
    Tensor::from_slice(&values, shape).requires_grad()
}

/// A standard normal number in [a, b]. From a short interval it is drawn uniformly and kept with the probability of its
/// density, from a long one normally; either way a few draws do.
fn truncated(a: f64, b: f64, rng: &mut Rng) -> f64 {
    let density = |x: f64| (-0.5 * x * x).exp();
    let most = density(0f64.clamp(a, b));
    loop {
        if b - a < 2.5 {
            let x = rng.uniform_in(a, b);
            if rng.uniform() * most <= density(x) {
                return x;
            }
        } else {
            let x = rng.normal();
            if (a..=b).contains(&x) {
                return x;
            }
        }
    }
}

/// Rows (or columns, if there are more rows) at right angles to each other and of length `gain`; further axes than the
/// first count as columns. (Saxe et al. 2014)
///
/// # Panics
/// If there are fewer than two axes.
#[track_caller]
pub fn orthogonal(shape: impl Into<Shape>, gain: f64, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    assert!(shape.rank() >= 2, "orthogonal: a weight has two axes or more, {shape} has {}", shape.rank());
    let (rows, columns) = (shape[0], shape[1..].iter().product::<usize>());
    let (short, long) = (rows.min(columns), rows.max(columns));
    // Each vector loses its part along the ones before, twice: once leaves the rounding of a near parallel pair.
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(short);
    while basis.len() < short {
        let mut v: Vec<f64> = (0..long).map(|_| rng.normal()).collect();
        for _ in 0..2 {
            for e in &basis {
                let along: f64 = e.iter().zip(&v).map(|(e, v)| e * v).sum();
                v.iter_mut().zip(e).for_each(|(v, e)| *v -= along * e);
            }
        }
        let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        // A vector within the span of the others gives no direction; another one will.
        if norm > 1e-6 {
            basis.push(v.into_iter().map(|v| v / norm).collect());
        }
    }
    let at =
        |row: usize, column: usize| if rows <= columns { basis[row][column] } else { basis[column][row] };
    let values: Vec<f32> =
        (0..rows * columns).map(|i| (gain * at(i / columns, i % columns)) as f32).collect();
    Tensor::from_slice(&values, shape).requires_grad()
}

/// What follows a layer: it says how much larger its weights must be for the spread to stay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// Nothing, or a sigmoid.
    Linear,
    /// tanh
    Tanh,
    /// max(x, 0)
    Relu,
    /// With this slope below 0.
    LeakyRelu(f64),
    /// SELU
    Selu,
}

impl Nonlinearity {
    /// PyTorch's `calculate_gain`.
    pub fn gain(self) -> f64 {
        match self {
            Nonlinearity::Linear => 1.0,
            Nonlinearity::Tanh => 5.0 / 3.0,
            Nonlinearity::Relu => 2f64.sqrt(),
            Nonlinearity::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
            Nonlinearity::Selu => 0.75,
        }
    }
}

/// What Kaiming's initial values keep: the spread of the signal forward, or of the gradient backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// Forward.
    In,
    /// Backward.
    Out,
}

/// Settings of [`kaiming_uniform_with`] and [`kaiming_normal_with`]; by default the forward spread behind a ReLU.
#[derive(Clone, Copy, Debug)]
pub struct Kaiming {
    /// Which fan.
    pub fan: Fan,
    /// What follows the layer.
    pub nonlinearity: Nonlinearity,
}

impl Default for Kaiming {
    fn default() -> Kaiming {
        Kaiming { fan: Fan::In, nonlinearity: Nonlinearity::Relu }
    }
}

impl Kaiming {
    /// gain / sqrt(fan)
    #[track_caller]
    fn std(&self, operation: &str, shape: &Shape) -> f64 {
        let (fan_in, fan_out) = fans(operation, shape);
        let fan = if self.fan == Fan::In { fan_in } else { fan_out };
        self.nonlinearity.gain() / fan.sqrt()
    }
}

/// Uniform with variance 2 / (fan_in + fan_out). (Glorot and Bengio 2010)
#[track_caller]
pub fn xavier_uniform(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
    xavier_uniform_gain(shape, 1.0, rng)
}

/// As [`xavier_uniform`], times a gain: that of a [`Nonlinearity`].
#[track_caller]
pub fn xavier_uniform_gain(shape: impl Into<Shape>, gain: f64, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let (fan_in, fan_out) = fans("xavier_uniform", &shape);
    let bound = gain * (6.0 / (fan_in + fan_out)).sqrt();
    uniform(shape, -bound, bound, rng)
}

/// Normal with variance 2 / (fan_in + fan_out). (Glorot and Bengio 2010)
#[track_caller]
pub fn xavier_normal(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
    xavier_normal_gain(shape, 1.0, rng)
}

/// As [`xavier_normal`], times a gain: that of a [`Nonlinearity`].
#[track_caller]
pub fn xavier_normal_gain(shape: impl Into<Shape>, gain: f64, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let (fan_in, fan_out) = fans("xavier_normal", &shape);
    normal(shape, 0.0, gain * (2.0 / (fan_in + fan_out)).sqrt(), rng)
}

/// Uniform with variance 2 / fan_in, for ReLU. (He et al. 2015)
#[track_caller]
pub fn kaiming_uniform(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
    kaiming_uniform_with(shape, &Kaiming::default(), rng)
}

/// Uniform with variance gain^2 / fan.
#[track_caller]
pub fn kaiming_uniform_with(shape: impl Into<Shape>, options: &Kaiming, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let bound = 3f64.sqrt() * options.std("kaiming_uniform", &shape);
    uniform(shape, -bound, bound, rng)
}

/// Normal with variance 2 / fan_in, for ReLU. (He et al. 2015)
#[track_caller]
pub fn kaiming_normal(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
    kaiming_normal_with(shape, &Kaiming::default(), rng)
}

/// Normal with variance gain^2 / fan.
#[track_caller]
pub fn kaiming_normal_with(shape: impl Into<Shape>, options: &Kaiming, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let std = options.std("kaiming_normal", &shape);
    normal(shape, 0.0, std, rng)
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

    #[test]
    fn orthogonal_vectors_have_right_angles() {
        let mut rng = Rng::new(3);
        for shape in [[7, 7], [4, 9], [9, 4], [1, 5], [5, 1]] {
            let w = orthogonal(shape, 2.0, &mut rng);
            let product = if shape[0] <= shape[1] {
                w.matmul(&w.transpose(0, 1))
            } else {
                w.transpose(0, 1).matmul(&w)
            };
            let identity = |i: usize, n: usize| if i / n == i % n { 4.0 } else { 0.0 };
            let n = product.shape()[0];
            for (i, got) in product.to_vec::<f32>().into_iter().enumerate() {
                assert!((got - identity(i, n)).abs() < 1e-5, "{shape:?}: {got} at {i}");
            }
        }
        assert_eq!(orthogonal([6, 2, 3, 1], 1.0, &mut rng).shape(), Shape::from([6, 2, 3, 1]));
        assert_eq!(orthogonal([0, 3], 1.0, &mut rng).numel(), 0);
    }

    #[test]
    fn truncated_numbers_stay_within_and_have_their_mean() {
        let mut rng = Rng::new(5);
        // The mean of a standard normal number within [a, b] is (phi(a) - phi(b)) / (Phi(b) - Phi(a)).
        for (low, high, mean) in [
            (-2.0, 2.0, 0.0),
            (0.0, 1.0, 0.459862),
            (1.5, 9.0, 1.938677),
            (1.9, 1.95, 1.924599),
            (-9.0, 9.0, 0.0),
        ] {
            let w = trunc_normal([200, 200], 0.0, 1.0, low, high, &mut rng);
            let values = w.to_vec::<f32>();
            assert!(values.iter().all(|&v| (low..=high).contains(&(v as f64))), "[{low}, {high}]");
            let found = values.iter().map(|&v| v as f64).sum::<f64>() / values.len() as f64;
            assert!(
                (found - mean).abs() < 0.02 * (high - low).min(1.0),
                "[{low}, {high}]: {found}, not {mean}"
            );
        }
    }
}
