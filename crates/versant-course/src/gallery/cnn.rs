//! The part on convolutional networks.

use versant::rng::Rng;
use versant::{Conv, Pad, Tensor};

use crate::draw::Picture;
use crate::figures::batch_norm::BatchNorm;
use crate::figures::convolution::Geometry;
use crate::figures::dropout::Dropout;
use crate::figures::padding::Padded;
use crate::figures::pooling::Pooling;
use crate::figures::sliding_window::SlidingWindow;
use crate::figures::{batch_norm, convolution, dropout, padding, pooling, sliding_window};

/// The course's five slides on a 7x7 input.   [course: B2]
const SLIDES: [Geometry; 5] = [
    Geometry { input: 7, kernel: 3, padding: 0, stride: 1 },
    Geometry { input: 7, kernel: 5, padding: 0, stride: 1 },
    Geometry { input: 7, kernel: 3, padding: 1, stride: 1 },
    Geometry { input: 7, kernel: 3, padding: 1, stride: 2 },
    Geometry { input: 7, kernel: 3, padding: 1, stride: 3 },
];

pub(super) fn convolutions() -> Picture {
    convolution::convolutions(&SLIDES)
}

pub(super) fn convolution(slide: usize) -> Picture {
    convolution::convolution(&SLIDES[slide])
}

/// A kernel that finds edges between dark at the left and bright at the right.
pub(super) fn sliding_window() -> Picture {
    let input = [0, 0, 1, 2, 2, 0, 0, 1, 2, 2, 0, 1, 2, 2, 1, 1, 2, 2, 1, 0, 2, 2, 1, 0, 0].map(|v| v as f32);
    let kernel = [-1f32, 0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 0.0, 1.0];
    let x = Tensor::from_slice(&input, [1, 1, 5, 5]);
    let output = x.conv2d(&Tensor::from_slice(&kernel, [1, 1, 3, 3]), None, &Conv::new()).to_vec::<f32>();
    let window = SlidingWindow { input: &input, kernel: &kernel, output: &output, sides: [5, 3, 3] };
    sliding_window::sliding_window(&window, &[0, 1, 3, 8])
}

pub(super) fn padding() -> Picture {
    const SIDE: usize = 4;
    const WIDTH: usize = 2;
    let numbered: Vec<f32> = (1..=SIDE * SIDE).map(|i| i as f32).collect();
    let image = Tensor::from_slice(&numbered, [1, 1, SIDE, SIDE]);
    let modes = [
        (Pad::Constant(0.0), "zeros", "0 everywhere"),
        (Pad::Reflect, "reflect", "mirrored, the edge cell once"),
        (Pad::Replicate, "replicate", "the nearest cell of the image"),
        (Pad::Circular, "circular", "the image begins again"),
    ]
    .map(|(mode, name, rule)| (image.pad(&[(WIDTH, WIDTH); 2], mode).to_vec::<f32>(), name, rule));
    let panels = modes.each_ref().map(|(values, mode, rule)| Padded { mode, rule, values });
    padding::padding(&panels, SIDE, WIDTH)
}

pub(super) fn pooling() -> Picture {
    let input = [1.0, 0.8, 0.8, 0.9, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.9, 0.9, 0.7, 0.6, 0.9];
    let numbered: [f32; 16] = std::array::from_fn(|i| i as f32 + 1.0);
    let image = |values: &[f32; 16]| Tensor::from_slice(values, [1, 1, 4, 4]);
    let x = image(&input);
    let (max, places) = x.max_pool2d_with_indices(2);
    pooling::pooling(&Pooling {
        input,
        max: numbers(&max),
        winners: std::array::from_fn(|i| places.to_vec::<i64>()[i] as usize),
        average: numbers(&x.avg_pool2d(2)),
        numbered,
        squeezed: numbers(&image(&numbered).pixel_unshuffle(2)),
    })
}

/// The first N numbers of a tensor that has as many.
fn numbers<const N: usize>(tensor: &Tensor) -> [f32; N] {
    let values = tensor.to_vec::<f32>();
    std::array::from_fn(|i| values[i])
}

/// The library's own dropout decides what is dropped; input and output units always stay.
pub(super) fn dropout() -> Picture {
    const P: f64 = 0.4;
    const SIDE: usize = 24;
    let layers = [4, 6, 6, 3];
    let mut rng = Rng::new(5);
    let kept = |x: Tensor| -> Vec<bool> { x.to_vec::<f32>().iter().map(|&v| v > 0.0).collect() };
    let mut step = || [vec![true; 4], kept(Tensor::ones([12]).dropout(P, &mut rng)), vec![true; 3]].concat();
    let steps = [step(), step()];
    let mut channels = || kept(Tensor::ones([1, 8]).feature_dropout(P, &mut rng));
    let channels = [channels(), channels()];
    let maps: Vec<f32> = (0..8).flat_map(|channel| edges(channel, SIDE)).collect();
    dropout::dropout(&Dropout {
        p: P,
        layers: &layers,
        steps: &[&steps[0], &steps[1]],
        maps: &maps,
        map_size: (SIDE, SIDE),
        channels: &[&channels[0], &channels[1]],
    })
}

/// What a ReLU leaves of a bright ring's slope in one of eight directions, as a channel that finds edges would.
fn edges(direction: usize, side: usize) -> Vec<f32> {
    const H: f32 = std::f32::consts::FRAC_1_SQRT_2;
    const DIRECTIONS: [(f32, f32); 8] =
        [(1.0, 0.0), (H, H), (0.0, 1.0), (-H, H), (-1.0, 0.0), (-H, -H), (0.0, -1.0), (H, -H)];
    let (to_x, to_y) = DIRECTIONS[direction];
    let middle = 0.5 * (side as f32 - 1.0);
    (0..side * side)
        .map(|i| {
            let (x, y) = ((i % side) as f32 - middle, (i / side) as f32 - middle);
            let radius = (x * x + y * y).sqrt().max(1e-3);
            let distance = (radius - 0.3 * side as f32) / 2.0;
            // The slope of 1 / (1 + distance^2), without roundings that differ between machines.
            let falling = 1.0 + distance * distance;
            (-distance / (falling * falling) * (x * to_x + y * to_y) / radius).max(0.0)
        })
        .collect()
}

/// Values with mean 3 and deviation 1.8.
pub(super) fn batch_norm() -> Picture {
    const EPS: f64 = 1e-5;
    let (gamma, beta) = (1.5f32, -1.0f32);
    let mut rng = Rng::new(16);
    let input: Vec<f32> = (0..1024).map(|_| (3.0 + 1.8 * rng.normal()) as f32).collect();
    let x = Tensor::from_slice(&input, [input.len(), 1]);
    let (normalized, batch) = x.batch_norm(None, None, EPS);
    let weight = |value: f32| Tensor::from_slice(&[value], [1]);
    let (output, _) = x.batch_norm(Some(&weight(gamma)), Some(&weight(beta)), EPS);
    batch_norm::batch_norm(&BatchNorm {
        input: &input,
        normalized: &normalized.to_vec::<f32>(),
        output: &output.to_vec::<f32>(),
        mean: batch.mean.item::<f64>() as f32,
        variance: batch.var.item::<f64>() as f32,
        gamma,
        beta,
    })
}
