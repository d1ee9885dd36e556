//! Dropout [course: B15].

use crate::array::Array;
use crate::rng::Rng;
use crate::tensor::Tensor;

impl Tensor {
    /// Sets each element to 0 with probability p and divides the others by 1 - p, so that the mean is preserved.
    /// Gradient: g with the same mask. (Srivastava et al. 2014)
    ///
    /// # Panics
    /// When p is not in [0, 1] or the elements are not floating point.
    #[track_caller]
    pub fn dropout(&self, p: f64, rng: &mut Rng) -> Tensor {
        self.masked_at_random("dropout", p, self.rank(), rng)
    }

    /// Dropout of whole channels of x [n, c, ...]: each of the n c planes is set to 0 with probability p, the others are
    /// divided by 1 - p. Neighbours in a plane resemble one another, so that single elements would hardly be missed.
    /// Gradient: g with the same mask. (Tompson et al. 2015)
    ///
    /// # Panics
    /// When x has fewer than two axes, p is not in [0, 1] or the elements are not floating point.
    #[track_caller]
    pub fn feature_dropout(&self, p: f64, rng: &mut Rng) -> Tensor {
        assert!(self.rank() >= 2, "feature_dropout: needs an input [n, c, ...], not {}", self.shape());
        self.masked_at_random("feature_dropout", p, 2, rng)
    }

    /// What is dropped is drawn for each element along the first axes, and shared along the others.
    #[track_caller]
    fn masked_at_random(&self, operation: &str, p: f64, axes: usize, rng: &mut Rng) -> Tensor {
        assert!((0.0..=1.0).contains(&p), "{operation}: p is {p}, not between 0 and 1");
        assert!(
            self.dtype().is_float(),
            "{operation}: needs f32 or f64, not {}; cast it first",
            self.dtype()
        );
        if p == 0.0 {
            return self.clone();
        }
        let shape = (axes..self.rank()).fold(self.shape(), |shape, axis| shape.with_axis(axis, 1));
        let scale = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
        let values: Vec<f64> =
            (0..shape.numel()).map(|_| if rng.uniform() < p { 0.0 } else { scale }).collect();
        let mask = Array::from_slice(&values, shape).cast(self.dtype()).to(self.device());
        self * Tensor::from(mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;

    #[test]
    fn the_mean_is_preserved_and_the_gradient_has_the_mask() {
        let x = Tensor::full([100_000], 3.0, DType::F32).requires_grad();
        let y = x.dropout(0.3, &mut Rng::new(5));
        let mean = y.mean().item::<f32>();
        assert!((mean - 3.0).abs() < 0.05, "{mean}");
        let zeros = y.to_vec::<f32>().iter().filter(|&&v| v == 0.0).count();
        assert!((29_000..31_000).contains(&zeros), "{zeros}");
        let grads = y.sum().backward();
        let expected: Vec<f32> = y.to_vec::<f32>().iter().map(|v| v / 3.0).collect();
        let got = grads.get(&x).map(Tensor::to_vec::<f32>).unwrap_or_default();
        assert!(got.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn the_limits() {
        let x = Tensor::ones([4]);
        assert_eq!(x.dropout(0.0, &mut Rng::new(1)).to_vec::<f32>(), [1.0; 4]);
        assert_eq!(x.dropout(1.0, &mut Rng::new(1)).to_vec::<f32>(), [0.0; 4]);
    }

    #[test]
    fn whole_channels_are_dropped_and_the_mean_is_preserved() {
        let x = Tensor::full([200, 50, 3, 4], 3.0, DType::F32).requires_grad();
        let y = x.feature_dropout(0.3, &mut Rng::new(5));
        let planes = y.reshape([200 * 50, 12]);
        assert_eq!(planes.max_axes(1).to_vec::<f32>(), planes.min_axes(1).to_vec::<f32>());
        let dropped = planes.max_axes(1).to_vec::<f32>().iter().filter(|&&v| v == 0.0).count();
        assert!((2_850..3_150).contains(&dropped), "{dropped}");
        let mean = y.mean().item::<f32>();
        assert!((mean - 3.0).abs() < 0.06, "{mean}");
        let grads = y.sum().backward();
        let got = grads.get(&x).map(|g| (g * 3.0 - y.detach()).abs().max().item::<f32>());
        assert!(got.is_some_and(|gap| gap < 1e-5), "{got:?}");
        assert_eq!(x.feature_dropout(1.0, &mut Rng::new(0)).sum().item::<f32>(), 0.0);
    }
}
