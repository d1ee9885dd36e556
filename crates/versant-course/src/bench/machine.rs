//! What the machine can do at most, measured: the two bounds of every kernel.

use std::hint::black_box;
use std::time::Instant;

use versant::cpu::gemm::{Epilogue, MatRef, gemm};
use versant::cpu::threads::for_each_piece;
use versant::rng::Rng;

/// The best of some tries, with the threads that are set.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// GFLOP/s of the product of two f32 matrices of 768 rows and columns.
    pub gemm_gflops: f64,
    /// GB/s read and written by scaling 64 MiB in place.
    pub memory_gb_s: f64,
}

const TRIES: usize = 7;

/// The least seconds that `run` took.
fn least(mut run: impl FnMut()) -> f64 {
    let mut once = || {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..TRIES).map(|_| once()).fold(f64::INFINITY, f64::min)
}

impl Machine {
    /// Takes about a fifth of a second.
    pub fn measure() -> Machine {
        const SIDE: usize = 768;
        const LEN: usize = 16 << 20;
        let mut rng = Rng::new(1);
        let a: Vec<f32> = (0..SIDE * SIDE).map(|_| rng.uniform() as f32).collect();
        let (m, mut c) = (MatRef::row_major(&a, SIDE, SIDE), vec![0.0f32; SIDE * SIDE]);
        let gemm = least(|| gemm(m, m, black_box(&mut c), SIDE, Epilogue::default()));
        let mut data = vec![1.0f32; LEN];
        let scale = least(|| {
            for_each_piece(&mut data, 64 * 1024, |_, piece| {
                for v in piece {
                    *v *= 1.000_001;
                }
            });
        });
        Machine {
            gemm_gflops: 2.0 * (SIDE as f64).powi(3) / gemm / 1e9,
            memory_gb_s: 2.0 * (LEN * size_of::<f32>()) as f64 / scale / 1e9,
        }
    }
}
