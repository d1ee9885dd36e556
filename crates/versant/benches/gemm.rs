//! Speed of matrix products on the shapes of small models: `cargo bench -p versant --bench gemm [-- NAME]`, where NAME is
//! a part of a row's name.
//!
//! Elements are operations: 100 Gelem/s are 100 GFLOP/s. The row "peak" is what one core does at most, independent
//! multiply-adds in registers; "hand-off" is what two empty chunks on two threads take.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use versant::cpu::gemm::{Epilogue, MatRef, gemm};
use versant::cpu::isa::isa;
use versant::cpu::threads::{parallel_for, set_threads};
use versant::rng::Rng;

/// How an operand lies in memory.
#[derive(Clone, Copy)]
enum Layout {
    Rows,
    Transposed,
}

use Layout::{Rows, Transposed};

const SHAPES: [(&str, [usize; 3], Layout, Layout); 26] = [
    ("mlp forward 1", [64, 784, 64], Rows, Transposed),
    ("mlp forward 2", [64, 64, 32], Rows, Transposed),
    ("mlp forward 3", [64, 32, 10], Rows, Transposed),
    ("mlp weight grad 1", [64, 64, 784], Transposed, Rows),
    ("mlp weight grad 2", [32, 64, 64], Transposed, Rows),
    ("mlp weight grad 3", [10, 64, 32], Transposed, Rows),
    ("mlp input grad 2", [64, 32, 64], Rows, Rows),
    ("mlp input grad 3", [64, 10, 32], Rows, Rows),
    ("cifar forward", [64, 3072, 1024], Rows, Transposed),
    ("cifar input grad", [64, 1024, 3072], Rows, Rows),
    ("cifar weight grad", [1024, 64, 3072], Transposed, Rows),
    ("narrow forward", [64, 3072, 96], Rows, Transposed),
    ("odd forward", [17, 3072, 1000], Rows, Transposed),
    ("agent forward", [64, 128, 128], Rows, Transposed),
    ("agent input grad", [64, 128, 128], Rows, Rows),
    ("agent weight grad", [128, 64, 128], Transposed, Rows),
    ("one sample", [1, 784, 64], Rows, Transposed),
    ("one sample, wide", [1, 3072, 1024], Rows, Transposed),
    ("four samples", [4, 3072, 1024], Rows, Transposed),
    ("conv weight grad", [32, 65536, 27], Rows, Transposed),
    ("square", [256, 256, 256], Rows, Rows),
    ("square", [512, 512, 512], Rows, Rows),
    ("square", [1024, 1024, 1024], Rows, Rows),
    ("square, B transposed", [1024, 1024, 1024], Rows, Transposed),
    ("square, A transposed", [1024, 1024, 1024], Transposed, Rows),
    ("square", [2048, 2048, 2048], Rows, Rows),
];

fn matrix(data: &[f32], rows: usize, cols: usize, layout: Layout) -> MatRef<'_, f32> {
    match layout {
        Rows => MatRef::row_major(data, rows, cols),
        Transposed => MatRef::row_major(data, cols, rows).t(),
    }
}

#[cfg(target_arch = "x86_64")]
mod peak {
    use std::arch::x86_64::*;

    const STEPS: usize = 20_000;

    /// Ten independent chains: two units with a latency of four or five steps are kept busy.
    macro_rules! chains {
        ($fma:ident, $factor:expr, $($sum:ident)*) => {{
            let factor = $factor;
            $(let mut $sum = factor;)*
            for _ in 0..STEPS {
                $($sum = $fma($sum, factor, factor);)*
            }
            [$($sum),*]
        }};
    }

    /// # Safety
    /// The machine has AVX-512F.
    #[target_feature(enable = "avx512f")]
    unsafe fn fma_512(x: f32) -> f32 {
        let sums = chains!(_mm512_fmadd_ps, _mm512_set1_ps(x), a b c d e f g h i j);
        sums.iter().map(|&sum| _mm512_reduce_add_ps(sum)).sum()
    }

    /// # Safety
    /// The machine has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn fma_256(x: f32) -> f32 {
        let sums = chains!(_mm256_fmadd_ps, _mm256_set1_ps(x), a b c d e f g h i j);
        sums.iter().map(|&sum| _mm256_cvtss_f32(sum)).sum()
    }

    /// A loop of multiply-adds.
    pub struct Loop {
        pub flops: u64,
        pub run: fn(f32) -> f32,
    }

    /// The loop for an instruction set.
    pub fn loop_of(isa: &str) -> Option<Loop> {
        match isa {
            // SAFETY: the library has found these instructions.
            "avx512" => Some(Loop { flops: (STEPS * 10 * 32) as u64, run: |x| unsafe { fma_512(x) } }),
            // SAFETY: as above.
            "avx2" => Some(Loop { flops: (STEPS * 10 * 16) as u64, run: |x| unsafe { fma_256(x) } }),
            _ => None,
        }
    }
}

fn peak(c: &mut Criterion) {
    #[cfg(target_arch = "x86_64")]
    if let Some(peak::Loop { flops, run }) = peak::loop_of(isa().name()) {
        let mut group = c.benchmark_group("one core");
        group.throughput(Throughput::Elements(flops));
        group.bench_function("peak", |b| b.iter(|| run(black_box(0.5))));
    }
}

fn products(c: &mut Criterion) {
    for threads in [1, 2] {
        set_threads(threads);
        let mut group = c.benchmark_group(format!("{}, {threads} thread(s)", isa().name()));
        group.bench_function("hand-off", |b| b.iter(|| parallel_for(2, &|i| _ = black_box(i))));
        for (name, [m, k, n], a_layout, b_layout) in SHAPES {
            group.throughput(Throughput::Elements(2 * (m * n * k) as u64));
            group.bench_function(format!("{name} {m}x{k}x{n}"), |bencher| {
                let mut rng = Rng::new(1);
                let mut random =
                    |len: usize| (0..len).map(|_| rng.uniform() as f32 - 0.5).collect::<Vec<f32>>();
                let (a, b, mut out) = (random(m * k), random(k * n), vec![0.0f32; m * n]);
                let (a, b) = (matrix(&a, m, k, a_layout), matrix(&b, k, n, b_layout));
                bencher.iter(|| gemm(a, b, black_box(&mut out), n, Epilogue::default()));
            });
        }
    }
}

/// Short, for a table of some dozen rows.
fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
}

criterion_group!(name = benches; config = settings(); targets = peak, products);
criterion_main!(benches);
