//! Speed of convolutions on the shapes of small networks: `cargo bench -p versant --bench conv [-- NAME]`, where NAME is
//! a part of a row's name.
//!
//! For a batch of 64 images the convolution, its gradient in the image, and its gradient in the kernel. Elements are
//! operations of the direct sum: 100 Gelem/s are 100 GFLOP/s, and Winograd's algorithm can be above the peak.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
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

fn convolutions(c: &mut Criterion) {
    let backend = Device::Cpu.backend();
    for threads in [1, 2] {
        set_threads(threads);
        let mut group = c.benchmark_group(format!("{}, {threads} thread(s)", isa().name()));
        for (name, sizes) in SHAPES {
            let s = shape_of(sizes);
            let mut rng = Rng::new(1);
            let mut random = |shape| Array::rand(shape, -0.5, 0.5, DType::F32, &mut rng);
            let [mut x, mut w, mut y] = [s.x(), s.weight(), s.y()].map(&mut random);
            group.throughput(Throughput::Elements((2 * y.numel() * w.numel() / s.outputs) as u64));
            group.bench_function(format!("{name}: forward"), |b| {
                b.iter(|| backend.conv2d(&s, &x, &w, Epilogue::default(), black_box(&mut y)));
            });
            group.bench_function(format!("{name}: in the image"), |b| {
                b.iter(|| backend.conv2d_input(&s, &y, &w, Epilogue::default(), black_box(&mut x)));
            });
            group.bench_function(format!("{name}: in the kernel"), |b| {
                b.iter(|| backend.conv2d_weight(&s, &x, &y, black_box(&mut w)));
            });
        }
    }
}

/// Short, for a table of some dozen rows.
fn settings() -> Criterion {
    Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
}

criterion_group!(name = benches; config = settings(); targets = convolutions);
criterion_main!(benches);
