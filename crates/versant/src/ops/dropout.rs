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
        assert!((0.0..=1.0).contains(&p), "dropout: p is {p}, not between 0 and 1");
        assert!(self.dtype().is_float(), "dropout: needs f32 or f64, not {}; cast it first", self.dtype());
        if p == 0.0 {
            return self.clone();
        }
        let scale = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
        let values: Vec<f64> =
            (0..self.numel()).map(|_| if rng.uniform() < p { 0.0 } else { scale }).collect();
        let mask = Array::from_slice(&values, self.shape()).cast(self.dtype()).to(self.device());
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
}
