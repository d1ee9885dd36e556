//! Variance, norms, and the logarithm of a sum of exponentials.

use crate::autograd::no_grad;
use crate::axes::{Axes, Reduced, keepdim};
use crate::tensor::Tensor;

/// g is the gradient of the result y.
impl Tensor {
    /// The variance of all elements: [`var_axes`](Tensor::var_axes).
    #[track_caller]
    pub fn var(&self, correction: usize) -> Tensor {
        self.var_axes(.., correction)
    }

    /// The sum of (x - mean)^2 over n - correction along axes: correction 1 for a sample (Bessel), 0 for a population.
    /// As in PyTorch a divisor below 0 counts as 0. Gradient: 2 g (x - mean) / (n - correction).
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]);
    /// assert_eq!(x.var(1).item::<f32>(), 1.0);
    /// ```
    ///
    /// # Panics
    /// When the elements are not floating point.
    #[track_caller]
    pub fn var_axes(&self, axes: impl Into<Axes>, correction: usize) -> Tensor {
        self.variance("var", axes.into(), correction)
    }

    #[track_caller]
    fn variance(&self, operation: &str, axes: Axes, correction: usize) -> Tensor {
        let along = self.floats_along(operation, &axes);
        let divisor = along.count().saturating_sub(correction) as f64;
        let (x, ones) = (self.clone(), along.with_ones());
        let value = no_grad(|| self.centred(&along, &axes).square().sum_axes(axes.clone()) / divisor);
        Tensor::from_op("var", value.array().clone(), [self], move |back| {
            // That the mean moves too adds nothing: the distances sum to 0.
            [back.want(0, || back.grad().reshape(ones) * x.centred(&along, &axes) * (2.0 / divisor))]
        })
    }

    /// How far each element lies from the mean along axes. The mean is taken of the distances from the first element: a
    /// mean of numbers far from 0 would be rounded by more than they differ, and numbers all equal would not be 0
    /// apart.
    fn centred(&self, along: &Reduced, axes: &Axes) -> Tensor {
        let first = along.order().1.into_iter().fold(self.detach(), |x, axis| {
            let len = x.shape()[axis].min(1);
            x.narrow(axis as isize, 0, len)
        });
        // The distance between two infinities would be NaN.
        let moved = self - first.isfinite().where_cond(&first, 0.0);
        &moved - moved.mean_axes(keepdim(axes.clone()))
    }

    /// The standard deviation of all elements: [`std_axes`](Tensor::std_axes).
    #[track_caller]
    pub fn std(&self, correction: usize) -> Tensor {
        self.std_axes(.., correction)
    }

    /// The root of the variance along axes. Gradient: that of the variance over 2 y; 0 where y is 0, as in PyTorch.
    #[track_caller]
    pub fn std_axes(&self, axes: impl Into<Axes>, correction: usize) -> Tensor {
        let variance = self.variance("std", axes.into(), correction);
        let value = no_grad(|| variance.sqrt()).array().clone();
        Tensor::from_op_with_output("std", value, [&variance], |back, y| {
            [back.want(0, || back.grad() * y.power_or_zero(-1.0) * 0.5)]
        })
    }

    /// x^c, and 0 where x is 0, however the power ends there; of its gradient likewise.
    fn power_or_zero(&self, c: f64) -> Tensor {
        let zero = self.equal(0.0);
        zero.where_cond(0.0, &zero.where_cond(1.0, self).powf(c))
    }

    /// The p-norm of all elements: [`norm_axes`](Tensor::norm_axes).
    #[track_caller]
    pub fn norm(&self, p: f64) -> Tensor {
        self.norm_axes(p, ..)
    }

    /// The p-norm along axes, (sum |x|^p)^(1/p); for p = 0 how many are not 0, for p = inf the largest |x|, for
    /// p = -inf the smallest. Gradient: g sign(x) (|x| / y)^(p - 1); 0 where x or y is 0; for p = inf and -inf shared
    /// evenly by the extreme ones. PyTorch's `linalg.vector_norm`.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[3.0f32, -4.0], [2]);
    /// assert_eq!(x.norm(2.0).item::<f32>(), 5.0);
    /// assert_eq!(x.norm(f64::INFINITY).item::<f32>(), 4.0);
    /// ```
    ///
    /// # Panics
    /// When the elements are not floating point, p is NaN, or there are no elements and p is infinite or below 0.
    #[track_caller]
    pub fn norm_axes(&self, p: f64, axes: impl Into<Axes>) -> Tensor {
        let axes = axes.into();
        let along = self.floats_along("norm", &axes);
        assert!(!p.is_nan(), "norm: p is NaN, not a number");
        let empty = along.count() == 0 && along.result().numel() > 0;
        assert!(
            (0.0..f64::INFINITY).contains(&p) || !empty,
            "norm: {} has no elements, hence no norm of order {p}",
            self.shape()
        );
        if p == f64::INFINITY {
            return self.abs().max_axes(axes);
        }
        if p == f64::NEG_INFINITY {
            return self.abs().min_axes(axes);
        }
        let (x, ones) = (self.clone(), along.with_ones());
        let value = no_grad(|| match p {
            0.0 => self.not_equal(0.0).cast(self.dtype()).sum_axes(axes),
            1.0 => self.abs().sum_axes(axes),
            2.0 => self.square().sum_axes(axes).sqrt(),
            p => self.abs().powf(p).sum_axes(axes).powf(1.0 / p),
        });
        Tensor::from_op_with_output("norm", value.array().clone(), [self], move |back, y| {
            let (g, y) = (back.grad().reshape(ones), y.reshape(ones));
            [back.want(0, || match p {
                0.0 => x.zeros_like(),
                1.0 => x.sign() * g,
                2.0 => &x * (g * y.power_or_zero(-1.0)),
                p => x.sign() * x.abs().power_or_zero(p - 1.0) * (g * y.power_or_zero(1.0 - p)),
            })]
        })
    }

    /// log sum e^x along axes, without overflow; minus infinity of nothing. Gradient: g e^(x - y), that is g
    /// softmax(x).
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1000.0f32, 1000.0], [2]);
    /// assert_eq!(x.logsumexp_axes(0).item::<f32>(), 1000.0 + 2f32.ln());
    /// ```
    ///
    /// # Panics
    /// When the elements are not floating point.
    #[track_caller]
    pub fn logsumexp_axes(&self, axes: impl Into<Axes>) -> Tensor {
        let axes = axes.into();
        let along = self.floats_along("logsumexp", &axes);
        let (x, ones) = (self.clone(), along.with_ones());
        let value = no_grad(|| {
            if along.count() == 0 {
                return self.sum_axes(axes.clone()).log();
            }
            let top = self.max_axes(keepdim(axes.clone()));
            // Infinities less themselves would be NaN.
            let top = top.isfinite().where_cond(&top, 0.0);
            (self - &top).exp().sum_axes(axes.clone()).log() + top.reshape(along.result())
        });
        Tensor::from_op_with_output("logsumexp", value.array().clone(), [self], move |back, y| {
            [back.want(0, || back.grad().reshape(ones) * (&x - y.reshape(ones)).exp())]
        })
    }
}

impl Tensor {
    /// What axes mean here, once it is known that there are floating-point numbers.
    #[track_caller]
    fn floats_along(&self, operation: &str, axes: &Axes) -> Reduced {
        assert!(
            self.dtype().is_float(),
            "{operation}: needs f32 or f64, not {}; cast it first",
            self.dtype()
        );
        axes.of(operation, self.shape())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    #[test]
    fn variance_far_from_zero_keeps_its_digits() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[10_000.0f32, 10_001.0, 10_002.0, 10_003.0], [4]).to(device);
            assert_eq!(x.var(0).item::<f32>(), 1.25);
            assert!(x.narrow(0, 0, 1).var(1).item::<f32>().is_nan());
            // Steps of 2^-10, the finest there are at 10,000, about a mean that lies between two of them.
            let steps: Vec<f32> = (0..1000).map(|i| 10_000.0 + (i % 4) as f32 / 1024.0).collect();
            let x = Tensor::from_slice(&steps, [1000]).to(device);
            assert_eq!(x.var(0).item::<f32>(), 1.25 / 1024.0 / 1024.0);
        }
    }

    /// 0.1 is rounded, and so is the sum of a thousand.
    #[test]
    fn equal_numbers_do_not_vary() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::from_slice(&[0.1f32; 1000], [1000]).to(device).requires_grad();
            let y = x.std(1);
            assert_eq!(y.item::<f32>(), 0.0);
            assert_eq!(y.backward().get(&x).map(Tensor::to_vec), Some(vec![0.0f32; 1000]));
        }
    }

    #[test]
    fn distances_from_an_infinite_mean() {
        let inf = f64::INFINITY;
        let x = Tensor::from_slice(&[inf, 2.0, 5.0], [3]).requires_grad();
        let grads = x.var(1).backward();
        let grad = grads.get(&x).map(Tensor::to_vec::<f64>).unwrap_or_default();
        assert!(grad[0].is_nan() && grad[1..] == [-inf, -inf], "{grad:?}");
    }

    #[test]
    fn no_gradient_is_nan_at_zero() {
        let x = Tensor::from_slice(&[0.0f64, 0.0], [2]).requires_grad();
        for y in [x.std(0), x.norm(2.0), x.norm(0.5), x.norm(3.0), x.norm(1.0)] {
            assert_eq!(y.backward().get(&x).map(Tensor::to_vec), Some(vec![0.0, 0.0]));
        }
    }

    #[test]
    fn rows_of_infinities() {
        let inf = f32::INFINITY;
        let x = Tensor::from_slice(&[-inf, -inf, inf, 1.0], [2, 2]);
        assert_eq!(x.logsumexp_axes(1).to_vec::<f32>(), [-inf, inf]);
        assert_eq!(Tensor::zeros([2, 0]).logsumexp_axes(1).to_vec::<f32>(), [-inf, -inf]);
    }

    #[test]
    #[should_panic(expected = "norm: [2, 0] has no elements, hence no norm of order inf")]
    fn an_extreme_of_nothing() {
        Tensor::zeros([2, 0]).norm_axes(f64::INFINITY, 1);
    }

    #[test]
    #[should_panic(expected = "norm: [2, 0] has no elements, hence no norm of order -1")]
    fn a_negative_norm_of_nothing() {
        Tensor::zeros([2, 0]).norm_axes(-1.0, 1);
    }
}
