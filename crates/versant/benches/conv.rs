//! Speed of convolutions on the shapes of small networks: `cargo bench -p versant --bench conv [-- NAME]`, where NAME
//! selects the rows of the table that contain it.
//!
//! Prints for a batch of 64 images milliseconds and GFLOP/s (the best of short bursts) of the convolution, of its
//! gradient in the image, and of its gradient in the kernel.

use std::hint::black_box;
use std::time::Instant;

use versant::cpu::isa::isa;
use versant::cpu::threads::set_threads;
use versant::device::{ConvShape, Epilogue};
use versant::rng::Rng;
use versant::{Array, DType, Device};

const BATCH: usize = 64;

/// Channels in and out, length of the image, of the kernel, stride, padding, groups.
const SHAPES: [(&str, [usize; 7]); 22] = [
    ("lenet 1", [3, 6, 32, 5, 1, 0, 1]),
    ("lenet 2", [6, 16, 14, 5, 1, 0, 1]),
    ("vgg 1", [3, 32, 32, 3, 1, 1, 1]),
    ("vgg 2", [32, 32, 32, 3, 1, 1, 1]),
    ("vgg 3", [32, 64, 32, 3, 1, 1, 1]),
    ("vgg 4", [64, 128, 16, 3, 1, 1, 1]),
    ("vgg 5", [128, 128, 16, 3, 1, 1, 1]),
    ("vgg 6", [128, 256, 8, 3, 1, 1, 1]),
    ("vgg 7", [256, 256, 8, 3, 1, 1, 1]),
    ("strided 1", [1, 16, 28, 3, 2, 1, 1]),
    ("strided 2", [16, 32, 14, 3, 2, 1, 1]),
    ("strided 3", [64, 128, 32, 3, 2, 1, 1]),
    // The gradient in the image is the transposed convolution from 32 to 16 channels, and so on.
    ("transposed 1", [16, 32, 28, 2, 2, 0, 1]),
    ("transposed 2", [64, 128, 32, 2, 2, 0, 1]),
    ("transposed 3", [16, 32, 14, 2, 2, 0, 1]),
    ("transposed 4", [1, 16, 28, 2, 2, 0, 1]),
    ("pointwise 1", [64, 128, 16, 1, 1, 0, 1]),
    ("pointwise 2", [64, 128, 32, 1, 2, 0, 1]),
    // Sizes that fit no vector.
    ("odd 1", [5, 7, 29, 5, 1, 2, 1]),
    ("odd 2", [9, 13, 11, 3, 2, 1, 1]),
    ("depthwise 1", [64, 64, 32, 3, 1, 1, 64]),
    ("depthwise 2", [128, 128, 16, 3, 2, 1, 128]),
];

/// The time of one call in seconds: the least of many bursts of a millisecond, for what else runs on the machine only
/// ever adds to it.
fn least_seconds(mut call: impl FnMut()) -> f64 {
    call();
    let start = Instant::now();
    call();
    let calls = (1e-3 / start.elapsed().as_secs_f64().max(1e-8)).ceil() as usize;
    let burst = |_| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed().as_secs_f64() / calls as f64
    };
    (0..40).map(burst).fold(f64::INFINITY, f64::min)
}

fn shape_of([inputs, outputs, length, kernel, stride, padding, groups]: [usize; 7]) -> ConvShape {
    let output = (length + 2 * padding - kernel) / stride + 1;
    ConvShape {
        batch: BATCH,
        groups,
        inputs,
        outputs,
        image: [length; 2],
        kernel: [kernel; 2],
        output: [output; 2],
        stride: [stride; 2],
        before: [padding; 2],
        dilation: [1; 2],
    }
}

fn main() {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let mut rng = Rng::new(1);
    let backend = Device::Cpu.backend();
    for threads in [1, 2] {
        set_threads(threads);
        println!("{}, {threads} thread(s)", isa());
        println!("{:<14}{:>20}{:>20}{:>20}", "ms, GFLOP/s", "forward", "in the image", "in the kernel");
        for (name, sizes) in SHAPES.into_iter().filter(|row| row.0.contains(&wanted)) {
            let s = shape_of(sizes);
            let mut random = |shape| Array::rand(shape, -0.5, 0.5, DType::F32, &mut rng);
            let [mut x, mut w, mut y] = [s.x(), s.weight(), s.y()].map(&mut random);
            let flops = 2 * s.y().numel() * s.weight().numel() / s.outputs;
            let show = |seconds: f64| format!("{:>11.3}{:>9.0}", seconds * 1e3, flops as f64 / seconds / 1e9);
            let forward =
                least_seconds(|| backend.conv2d(&s, &x, &w, Epilogue::default(), black_box(&mut y)));
            let image =
                least_seconds(|| backend.conv2d_input(&s, &y, &w, Epilogue::default(), black_box(&mut x)));
            let kernel = least_seconds(|| backend.conv2d_weight(&s, &x, &y, black_box(&mut w)));
            println!("{name:<14}{}{}{}", show(forward), show(image), show(kernel));
        }
    }
}
