//! Speed of matrix products on the shapes of small models: `cargo bench -p versant --bench gemm [-- NAME]`,
//! where NAME selects the rows of the table that contain it.
//!
//! Prints GFLOP/s (the best of short bursts) and the share of the processor's peak, which is measured first: the
//! best of some runs of independent fused multiply-adds.

use std::hint::black_box;
use std::time::Instant;

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

/// The time of one call in seconds, the shortest of bursts of some milliseconds: other programs only add to it.
fn best_seconds(mut call: impl FnMut()) -> f64 {
    call();
    let start = Instant::now();
    call();
    let calls = (2e-3 / start.elapsed().as_secs_f64().max(1e-8)).ceil() as usize;
    let bursts = (0..25).map(|_| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed().as_secs_f64() / calls as f64
    });
    bursts.fold(f64::INFINITY, f64::min)
}

#[cfg(target_arch = "x86_64")]
mod peak {
    use std::arch::x86_64::*;

    const STEPS: usize = 200_000;

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
        pub flops: f64,
        pub run: fn(f32) -> f32,
    }

    /// The loop for an instruction set.
    pub fn loop_of(isa: &str) -> Option<Loop> {
        match isa {
            // SAFETY: the library has found these instructions.
            "avx512" => Some(Loop { flops: (STEPS * 10 * 32) as f64, run: |x| unsafe { fma_512(x) } }),
            // SAFETY: as above.
            "avx2" => Some(Loop { flops: (STEPS * 10 * 16) as f64, run: |x| unsafe { fma_256(x) } }),
            _ => None,
        }
    }
}

/// The most GFLOP/s that one core reaches, where there is a loop to measure it.
fn peak() -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if let Some(peak::Loop { flops, run }) = peak::loop_of(isa().name()) {
        let best = (0..10).map(|_| {
            let start = Instant::now();
            black_box(run(black_box(0.5)));
            flops / start.elapsed().as_secs_f64() / 1e9
        });
        return Some(best.fold(0.0, f64::max));
    }
    None
}

fn main() {
    let peak = peak();
    let text = peak.map_or("unknown".to_string(), |p| format!("{p:.0} GFLOP/s"));
    println!("{}, peak of one core: {text}", isa());
    println!("{:<22}{:>16}   {:>9} {:>9} {:>6}", "", "m x k x n", "us", "GFLOP/s", "peak");
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let mut rng = Rng::new(1);
    for threads in [1, 2] {
        set_threads(threads);
        let hand_off = best_seconds(|| parallel_for(2, &|i| _ = black_box(i)));
        println!("{threads} thread(s), hand-off of two empty chunks: {:.2} us", hand_off * 1e6);
        for (name, [m, k, n], a_layout, b_layout) in SHAPES.into_iter().filter(|row| row.0.contains(&wanted))
        {
            let a: Vec<f32> = (0..m * k).map(|_| rng.uniform() as f32 - 0.5).collect();
            let b: Vec<f32> = (0..k * n).map(|_| rng.uniform() as f32 - 0.5).collect();
            let mut c = vec![0.0f32; m * n];
            let (a, b) = (matrix(&a, m, k, a_layout), matrix(&b, k, n, b_layout));
            let seconds = best_seconds(|| gemm(a, b, black_box(&mut c), n, Epilogue::default()));
            let speed = (2 * m * n * k) as f64 / seconds / 1e9;
            let share =
                peak.map_or(String::new(), |p| format!("{:.0} %", 100.0 * speed / (p * threads as f64)));
            println!(
                "{name:<22}{:>16}   {:>9.2} {speed:>9.1} {share:>6}",
                format!("{m}x{k}x{n}"),
                seconds * 1e6
            );
        }
    }
}
