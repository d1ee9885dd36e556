//! The part on convolutional networks.

use versant::Tensor;
use versant::rng::Rng;

use crate::draw::Picture;
use crate::figures::batch_norm::BatchNorm;
use crate::figures::convolution::Geometry;
use crate::figures::dropout::Dropout;
use crate::figures::pooling::Pooling;
use crate::figures::sliding_window::SlidingWindow;
use crate::figures::{batch_norm, convolution, dropout, pooling, sliding_window};

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
    let kernel = [-1.0, 0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 0.0, 1.0];
    let output: Vec<f32> = (0..9)
        .map(|i| (0..9).map(|k| kernel[k] * input[(i / 3 + k / 3) * 5 + i % 3 + k % 3]).sum())
        .collect();
    let window = SlidingWindow { input: &input, kernel: &kernel, output: &output, sides: [5, 3, 3] };
    sliding_window::sliding_window(&window, &[0, 1, 3, 8])
}

pub(super) fn pooling() -> Picture {
    let input = [1.0, 0.8, 0.8, 0.9, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.9, 0.9, 0.7, 0.6, 0.9];
    let numbered: [f32; 16] = std::array::from_fn(|i| i as f32 + 1.0);
    let windows = |image: &[f32; 16]| -> [[f32; 4]; 4] {
        std::array::from_fn(|w| std::array::from_fn(|k| image[(w / 2 * 2 + k / 2) * 4 + w % 2 * 2 + k % 2]))
    };
    let squeezed = windows(&numbered);
    pooling::pooling(&Pooling {
        input,
        max: windows(&input).map(|w| w.into_iter().fold(f32::NEG_INFINITY, f32::max)),
        average: windows(&input).map(|w| w.iter().sum::<f32>() / 4.0),
        numbered,
        squeezed: std::array::from_fn(|i| squeezed[i % 4][i / 4]),
    })
}

/// The library's own dropout decides what is dropped; input and output units always stay.
pub(super) fn dropout() -> Picture {
    const P: f64 = 0.4;
    const SIDE: usize = 24;
    let layers = [4, 6, 6, 3];
    let mut rng = Rng::new(5);
    let mut kept = |count: usize| -> Vec<bool> {
        Tensor::ones([count]).dropout(P, &mut rng).to_vec::<f32>().iter().map(|&v| v > 0.0).collect()
    };
    let mut step = || [vec![true; 4], kept(12), vec![true; 3]].concat();
    let steps = [step(), step()];
    let channels = [kept(8), kept(8)];
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

/// Values with mean 3 and deviation 1.8, normalised by formulas of the library's operations.
pub(super) fn batch_norm() -> Picture {
    let (gamma, beta) = (1.5f32, -1.0f32);
    let mut rng = Rng::new(16);
    let input: Vec<f32> = (0..1024).map(|_| (3.0 + 1.8 * rng.normal()) as f32).collect();
    let x = Tensor::from_slice(&input, [input.len()]);
    let mean = x.mean();
    let centered = &x - &mean;
    let variance = (&centered * &centered).mean();
    let normalized = &centered / (&variance + 1e-5).sqrt();
    batch_norm::batch_norm(&BatchNorm {
        input: &input,
        normalized: &normalized.to_vec::<f32>(),
        output: &(&normalized * gamma as f64 + beta as f64).to_vec::<f32>(),
        mean: mean.to_vec::<f32>()[0],
        variance: variance.to_vec::<f32>()[0],
        gamma,
        beta,
    })
}
