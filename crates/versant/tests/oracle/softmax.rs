//! Softmax, its logarithm, cross-entropy, and their gradients.

use proptest::prelude::*;
use versant::rng::Rng;
use versant::{Array, CrossEntropy, DType, Device, Reduction, Tensor};

use crate::compare::{eps, within};
use crate::views::{Values, dim, draw, values};

/// Logits whose exponentials neither all vanish nor all are one.
fn logits(n: usize, classes: usize, dtype: DType, values: Values, rng: &mut Rng) -> Tensor {
    let values = if values == Values::All { Values::Ordinary } else { values };
    Tensor::from(draw(&[n, classes], dtype, values, rng))
}

fn roughly(n: usize, dtype: DType) -> f64 {
    8.0 * (n.max(1) as f64).sqrt() * eps(dtype)
}

/// The values of `f` and the gradient of its input, on both devices.
fn both(x: &Tensor, f: impl Fn(&Tensor) -> Tensor) -> [[Array; 2]; 2] {
    [Device::Cpu, Device::Naive].map(|device| {
        let x = x.to(device).requires_grad();
        let y = f(&x);
        let weights = Array::rand(y.shape(), -1.0, 1.0, DType::F64, &mut Rng::new(7)).cast(y.dtype());
        let grads = y.backward_from(&Tensor::from(weights).to(device));
        [y.array().clone(), grads.get(&x).map(|g| g.array().contiguous()).unwrap_or(y.array().clone())]
    })
}

oracle! {
    #[test]
    fn softmax(
        (n, classes, transposed, log) in (dim(), dim(), any::<bool>(), any::<bool>()),
        (double, values, seed) in (any::<bool>(), values(), any::<u64>()),
    ) {
        let dtype = if double { DType::F64 } else { DType::F32 };
        let x = logits(n, classes, dtype, values, &mut Rng::new(seed));
        let axis = if transposed { 0 } else { 1 };
        let len = if transposed { n } else { classes };
        let [fast, plain] = both(&x, |x| if log { x.log_softmax(axis) } else { x.softmax(axis) });
        let error = roughly(len, dtype);
        // The rounding of x - max(x), at most 1000 here before the exponential vanishes, is amplified by e^x.
        let value_error = |w: f64| if log { error * (1.0 + w.abs()) } else { error * w * 16.0 + 1e-37 };
        within(&fast[0], &plain[0], |_, w| value_error(w));
        // A gradient is a difference of terms up to the number of elements (log) or 1.
        let size = if log { 2.0 * len as f64 } else { 2.0 };
        within(&fast[1], &plain[1], |_, _| 16.0 * error * size);
    }

    #[test]
    fn cross_entropy(
        (n, classes, smoothing) in (dim(), dim(), prop::sample::select(vec![0.0, 0.1, 1.0])),
        (double, values, seed) in (any::<bool>(), values(), any::<u64>()),
    ) {
        let classes = classes.max(1);
        let dtype = if double { DType::F64 } else { DType::F32 };
        let mut rng = Rng::new(seed);
        let x = logits(n, classes, dtype, values, &mut rng);
        let labels: Vec<i64> = (0..n).map(|_| rng.below(classes as u64) as i64).collect();
        let labels = Tensor::from_slice(&labels, [n]);
        let options = CrossEntropy { label_smoothing: smoothing, reduction: Reduction::None, ..CrossEntropy::default() };
        let [fast, plain] = both(&x, |x| x.cross_entropy_with(&labels.to(x.device()), &options));
        let error = roughly(classes, dtype);
        within(&fast[0], &plain[0], |_, w| error * (1.0 + w.abs()));
        within(&fast[1], &plain[1], |_, _| 32.0 * error);
    }

    #[test]
    fn cross_entropy_of_places(
        (n, classes, places, smoothing) in (0usize..4, 1usize..12, dim(), prop::sample::select(vec![0.0, 0.1, 1.0])),
        (double, values, seed) in (any::<bool>(), values(), any::<u64>()),
    ) {
        let dtype = if double { DType::F64 } else { DType::F32 };
        let mut rng = Rng::new(seed);
        let x = logits(n, classes * places, dtype, values, &mut rng).reshape([n, classes, places]);
        let labels: Vec<i64> = (0..n * places).map(|_| rng.below(classes as u64) as i64).collect();
        let labels = Tensor::from_slice(&labels, [n, places]);
        let options = CrossEntropy { label_smoothing: smoothing, reduction: Reduction::None, ..CrossEntropy::default() };
        let [fast, plain] = both(&x, |x| x.cross_entropy_with(&labels.to(x.device()), &options));
        let error = roughly(classes, dtype);
        within(&fast[0], &plain[0], |_, w| error * (1.0 + w.abs()));
        within(&fast[1], &plain[1], |_, _| 32.0 * error);
    }
}

/// What PyTorch gives: any NaN or plus infinity in a row, or nothing but minus infinity, makes the row NaN.
#[test]
fn rows_that_are_not_finite() {
    const INF: f32 = f32::INFINITY;
    let nan_rows = [[INF, 1.0, 2.0], [-INF, -INF, -INF], [f32::NAN, 1.0, 2.0], [INF, INF, 1.0]];
    for device in [Device::Cpu, Device::Naive] {
        let label = Tensor::from_slice(&[1i64], [1]).to(device);
        for row in nan_rows {
            let x = Tensor::from_slice(&row, [1, 3]).to(device);
            for y in [x.softmax(1), x.log_softmax(1), x.cross_entropy(&label)] {
                assert!(y.to_vec::<f32>().iter().all(|v| v.is_nan()), "{row:?} on {device}: {y}");
            }
        }
        let masked = Tensor::from_slice(&[-INF, 1.0, 2.0], [1, 3]).to(device);
        assert_eq!(masked.softmax(1).to_vec::<f32>()[0], 0.0);
        assert_eq!(masked.log_softmax(1).to_vec::<f32>()[0], -INF);
        assert!((masked.cross_entropy(&label).item::<f32>() - 1.313_261_6).abs() < 1e-6);
        let smoothed = CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
        assert_eq!(masked.cross_entropy_with(&label, &smoothed).item::<f32>(), INF);
    }
}

/// Large logits that differ by little: the difference is what counts.
#[test]
fn large_logits_keep_their_differences() {
    for device in [Device::Cpu, Device::Naive] {
        let x = Tensor::from_slice(&[10_000.0f32, 9_990.0], [1, 2]).to(device);
        let wanted = (-10f64).exp().ln_1p();
        let label = Tensor::from_slice(&[0i64], [1]).to(device);
        for loss in [x.cross_entropy(&label), -x.log_softmax(1).narrow(1, 0, 1)] {
            assert!((loss.item::<f32>() as f64 / wanted - 1.0).abs() < 2e-3, "{loss} on {device}");
        }
    }
}
