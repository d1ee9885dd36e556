//! Normalisation and its gradients.

use proptest::prelude::*;
use versant::rng::Rng;
use versant::{Array, DType, Device, Tensor};

use crate::compare::{eps, within};
use crate::views::{Values, dim, draw};

/// Added to the variance: no root is below 0.3.
const EPS: f64 = 0.1;

/// What is normalised over what.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Batch,
    BatchEval,
    Layer,
    Group,
    Instance,
}

const KINDS: [Kind; 5] = [Kind::Batch, Kind::BatchEval, Kind::Layer, Kind::Group, Kind::Instance];

fn apply(kind: Kind, [x, weight, bias]: [&Tensor; 3], parts: [bool; 2]) -> Tensor {
    let (weight, bias) = (parts[0].then_some(weight), parts[1].then_some(bias));
    match kind {
        Kind::Batch => x.batch_norm(weight, bias, EPS).0,
        Kind::BatchEval => {
            let given = [0.3, 1.5].map(|v| Tensor::full([x.shape()[1]], v, x.dtype()).to(x.device()));
            x.batch_norm_eval(&given[0], &given[1], weight, bias, EPS)
        }
        Kind::Layer => {
            let expand = |part: Option<&Tensor>| {
                part.map(|part| part.reshape([x.shape()[1], 1]).broadcast_to(&x.shape()[1..]))
            };
            x.layer_norm(&x.shape()[1..], expand(weight).as_ref(), expand(bias).as_ref(), EPS)
        }
        Kind::Group => x.group_norm(if x.shape()[1].is_multiple_of(2) { 2 } else { 1 }, weight, bias, EPS),
        Kind::Instance => x.instance_norm(weight, bias, EPS),
    }
}

/// The result and the gradients of x, weight and bias.
fn all(kind: Kind, inputs: &[Array; 3], parts: [bool; 2], device: Device) -> [Array; 4] {
    let leaves = inputs.each_ref().map(|x| Tensor::from(x.to(device)).requires_grad());
    let y = apply(kind, leaves.each_ref(), parts);
    let g = Array::rand(y.shape(), -1.0, 1.0, DType::F64, &mut Rng::new(7)).cast(y.dtype());
    let grads = y.backward_from(&Tensor::from(g).to(device));
    let grad = |i: usize| grads.get(&leaves[i]).map_or(inputs[i].clone(), |g| g.array().contiguous());
    [y.array().contiguous(), grad(0), grad(1), grad(2)]
}

/// Few samples, or so many that a loop over the channels of one pays.
fn batch() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0usize..6, 1 => 16usize..80]
}

oracle! {
    #[test]
    fn normalisation(
        (kind, n, channels, len) in (prop::sample::select(&KINDS[..]), batch(), 1usize..10, dim()),
        (weighted, biased) in (any::<bool>(), any::<bool>()),
        (double, finite, turned, seed) in (any::<bool>(), any::<bool>(), any::<bool>(), any::<u64>()),
    ) {
        // Of a single element there is no variance.
        let n = if len == 1 { n + 2 } else { n };
        let len = if len == 1 && matches!(kind, Kind::Instance) { 2 } else { len };
        let dtype = if double { DType::F64 } else { DType::F32 };
        let (mut rng, values) = (Rng::new(seed), if finite { Values::Ordinary } else { Values::NotFinite });
        let x = match turned {
            true => draw(&[len, channels, n], dtype, values, &mut rng).permute(&[2, 1, 0]),
            false => draw(&[n, channels, len], dtype, values, &mut rng),
        };
        let [weight, bias] = [0.5, -1.0].map(|low| Array::rand([channels], low, low + 1.0, dtype, &mut rng));
        let inputs = [x, weight, bias];
        let [fast, plain] =
            [Device::Cpu, Device::Naive].map(|device| all(kind, &inputs, [weighted, biased], device));
        let terms = (n * channels * len).max(1) as f64;
        let error = 8.0 * terms.sqrt() * eps(dtype);
        for (fast, plain) in fast.iter().zip(&plain).take(2) {
            within(fast, plain, |_, w| 4.0 * error * (1.0 + w.abs()));
        }
        // Sums of as many terms, none far above 1.
        for (fast, plain) in fast.iter().zip(&plain).skip(2) {
            within(fast, plain, |_, w| error * (terms.sqrt() + w.abs()));
        }
    }
}

/// The numbers and the bound of the course: f32 with mean 10,000 and standard deviation 1.
#[test]
fn far_from_zero() {
    let x = Array::randn([40, 3, 25], DType::F64, &mut Rng::new(3));
    let x = Tensor::from((Tensor::from(x) + 1e4).array().cast(DType::F32));
    for kind in KINDS.into_iter().filter(|kind| !matches!(kind, Kind::BatchEval)) {
        let ones = Tensor::ones([3]);
        let run = |x: &Tensor| {
            let part = ones.cast(x.dtype());
            apply(kind, [x, &part, &part], [true, false]).array().cast(DType::F64)
        };
        within(&run(&x), &run(&x.cast(DType::F64)), |_, w| 1e-6 * (1.0 + w.abs()));
    }
}
