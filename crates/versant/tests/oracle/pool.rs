//! Windows of images and images at another size, of any lengths.

use proptest::prelude::*;
use versant::rng::Rng;
use versant::{Array, DType, Device, Interpolation, Pool, Tensor};

use crate::compare::{eps, exact, naive, wide, within};
use crate::views::{Values, draw, values};

/// Images of up to 3 x 2 x 40 x 40 elements, row-major or turned.
#[derive(Clone, Debug)]
struct Images {
    dims: [usize; 4],
    turned: bool,
    dtype: DType,
    values: Values,
    seed: u64,
}

fn images() -> impl Strategy<Value = Images> {
    let lengths = (0usize..4, 1usize..3, 1usize..41, 1usize..41);
    let dtype = prop::sample::select(&[DType::F32, DType::F64][..]);
    (lengths, any::<bool>(), dtype, values(), any::<u64>()).prop_map(
        |((n, c, h, w), turned, dtype, values, seed)| Images {
            dims: [n, c, h, w],
            turned,
            dtype,
            values,
            seed,
        },
    )
}

impl Images {
    fn tensor(&self) -> Tensor {
        let ([n, c, h, w], mut rng) = (self.dims, Rng::new(self.seed));
        match self.turned {
            false => draw(&[n, c, h, w], self.dtype, self.values, &mut rng).into(),
            true => Tensor::from(draw(&[n, c, w, h], self.dtype, self.values, &mut rng)).transpose(2, 3),
        }
    }

    /// The same of whole numbers, of which many are equal.
    fn with_ties(&self) -> Tensor {
        let x = Tensor::from(draw(&self.dims, DType::I64, Values::Ordinary, &mut Rng::new(self.seed)));
        (x.cast(self.dtype) / 10.0).round()
    }

    /// The same without numbers whose sums are not finite.
    fn ordinary(&self) -> Images {
        Images { values: Values::Ordinary, ..self.clone() }
    }
}

fn pool() -> impl Strategy<Value = Pool> {
    let pair = |range| (range, 1usize..5).prop_map(|(a, b): (usize, usize)| [a, b]);
    (pair(1usize..5), pair(1usize..5), pair(1usize..3), any::<[bool; 5]>()).prop_map(
        |(kernel, stride, dilation, [apart, padded, dilated, ceil_mode, count])| {
            let pool = Pool::new(kernel).ceil_mode(ceil_mode).count_include_pad(count);
            let pool = if apart { pool.stride(stride) } else { pool };
            let pool = if padded { pool.padding(kernel.map(|k| k / 2)) } else { pool };
            if dilated { pool.dilation(dilation) } else { pool }
        },
    )
}

/// Whether the pooling is one of these images.
fn fits(pool: &Pool, dims: [usize; 4]) -> bool {
    let (image, window) = ([dims[2], dims[3]], pool.window);
    let sees = (0..2).all(|i| window.padding[i] == 0 || window.dilation[i] <= image[i]);
    sees && pool.output(image).is_some()
}

/// `f` and the gradient of its input on the fast device and on the oracle.
fn both(x: &Tensor, f: impl Fn(&Tensor) -> Tensor) -> [[Array; 2]; 2] {
    let [fast, slow] = [Device::Cpu, Device::Naive].map(|device| {
        let x = x.to(device).requires_grad();
        let y = f(&x);
        let g = draw(&y.shape(), x.dtype(), Values::Ordinary, &mut Rng::new(7));
        let grads = y.backward_from(&Tensor::from(g).to(device));
        [y.array().clone(), grads.get(&x).expect("a gradient").array().clone()]
    });
    let [[y, dx], [wanted, wanted_dx]] = [fast, slow];
    [[y, wanted], [dx, wanted_dx]]
}

/// A linear map: 8 sqrt(terms) units in the last place of the sum of magnitudes, forward and backward.
fn linear(x: &Tensor, terms: usize, f: impl Fn(&Tensor) -> Tensor) {
    let error = 8.0 * (terms as f64).sqrt() * eps(x.dtype());
    let magnitudes = both(&Tensor::from(naive(x.array()).cast(DType::F64)).abs(), &f);
    let [[y, wanted], [dx, wanted_dx]] = both(x, &f);
    // Numbers too small for all their digits are off by one of their last.
    let smallest = f64::from(f32::MIN_POSITIVE);
    let size: Vec<f64> = wide(&magnitudes[0][1]).into_iter().map(|v| v.max(smallest)).collect();
    within(&y, &wanted, |i, _| error * size[i]);
    // No weight is above 1, and no upstream gradient above 100.
    within(&dx, &wanted_dx, |_, _| error * 100.0 * terms as f64);
}

oracle! {
    #[test]
    fn largest(images in images(), pool in pool(), ties in any::<bool>()) {
        let pool = pool.count_include_pad(true);
        if fits(&pool, images.dims) {
            let x = if ties { images.with_ties() } else { images.tensor() };
            let [_, [dx, wanted_dx]] = both(&x, |x| x.max_pool2d(pool));
            within(&dx, &wanted_dx, |_, _| 100.0 * 25.0 * eps(x.dtype()));
            let [fast, slow] =
                [Device::Cpu, Device::Naive].map(|device| x.to(device).max_pool2d_with_indices(pool));
            exact(fast.0.array(), slow.0.array());
            exact(fast.1.array(), slow.1.array());
        }
    }

    #[test]
    fn means(images in images(), pool in pool()) {
        let pool = pool.dilation(1);
        if fits(&pool, images.dims) {
            linear(&images.tensor(), 16, |x| x.avg_pool2d(pool));
        }
    }

    #[test]
    fn adaptive(images in images(), oh in 0usize..9, ow in 0usize..50) {
        let [.., h, w] = images.dims;
        linear(&images.ordinary().tensor(), h * w, |x| x.adaptive_avg_pool2d([oh, ow]));
        let [[y, wanted], [dx, wanted_dx]] = both(&images.with_ties(), |x| x.adaptive_max_pool2d([oh, ow]));
        exact(&y, &wanted);
        let most = (oh * ow) as f64;
        within(&dx, &wanted_dx, |_, _| 100.0 * most * eps(images.dtype));
    }

    #[test]
    fn at_another_size(images in images(), oh in 1usize..50, ow in 1usize..50, mode in 0usize..3) {
        let x = images.tensor();
        match mode {
            0 => {
                let [[y, wanted], _] = both(&x, |x| x.interpolate([oh, ow], Interpolation::Nearest));
                exact(&y, &wanted);
                linear(&images.ordinary().tensor(), oh * ow, |x| x.interpolate([oh, ow], Interpolation::Nearest));
            }
            _ => {
                let bilinear = Interpolation::Bilinear { align_corners: mode == 1 };
                linear(&images.ordinary().tensor(), 4 * oh * ow, |x| x.interpolate([oh, ow], bilinear));
            }
        }
    }

    #[test]
    fn pixels_go_to_channels_and_back(images in images(), r in 1usize..4) {
        let [n, c, h, w] = images.dims;
        let x = Images { dims: [n, c, h * r, w * r], ..images }.tensor();
        let there = x.pixel_unshuffle(r);
        assert_eq!(there.shape(), [n, c * r * r, h, w].into());
        assert_eq!(there.pixel_shuffle(r).array().to_bytes(), x.array().to_bytes());
    }
}
