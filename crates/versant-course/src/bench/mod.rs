//! How long a training step takes, and where its time goes.
//!
//! A step is what a training does with a batch: forward, loss, backward, SGD with momentum 0.9. The learning rate of
//! 1e-5 keeps the model near its start, so that no batch is overfitted and no gradient becomes subnormal, which slows
//! every processor.

mod machine;
mod models;
mod profile;

use std::time::{Duration, Instant};

use versant::autograd::no_grad;
use versant::data::Batch;
use versant::nn::Context;
use versant::optim::{Optimizer, Sgd};

pub use machine::Machine;
pub use models::{ENTRIES, Entry, Sizes, Workload};
pub use profile::{Phase, Profile, Row};

const LR: f64 = 1e-5;
const MOMENTUM: f64 = 0.9;
const WARM_UP: usize = 5;

/// What was measured of one model.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The model's name.
    pub model: &'static str,
    /// Its trained numbers.
    pub params: usize,
    /// Samples in a batch.
    pub batch: usize,
    /// The median time of a training step.
    pub step_ms: f64,
    /// The least time of a training step.
    pub best_ms: f64,
    /// The median time of a forward pass of a batch, in evaluation and without a graph.
    pub infer_ms: f64,
    /// The same of a single sample.
    pub infer_one_ms: f64,
    /// Arithmetic of products and convolutions in a step, counted by their definition.
    pub step_gflop: f64,
    /// Bytes of the arrays that the kernels of a step read and write.
    pub step_gb: f64,
    /// The most memory the process had meanwhile, in MiB, where the system tells; what earlier models left is in it.
    pub rss_mb: Option<u64>,
    /// Where the time goes, if asked for.
    pub profile: Option<Profile>,
}

impl Measured {
    /// Samples trained in a second.
    pub fn samples_s(&self) -> f64 {
        self.batch as f64 / self.step_ms * 1e3
    }

    /// GFLOP/s of a step.
    pub fn gflops(&self) -> f64 {
        self.step_gflop / self.step_ms * 1e3
    }

    /// GB/s of a step.
    pub fn gb_s(&self) -> f64 {
        self.step_gb / self.step_ms * 1e3
    }
}

/// One model in training.
struct Training {
    workload: Workload,
    optimizer: Sgd,
}

impl Training {
    fn step(&mut self, i: usize) {
        let Workload { model, batches, objective } = &mut self.workload;
        let Batch { x, y } = &batches[i % batches.len()];
        let output = model.forward(x, &mut Context::train(1, i as u64));
        let loss = objective.loss(&output, y);
        drop(output);
        let grads = loss.backward();
        self.optimizer.step(model.as_mut(), &grads);
    }

    fn infer(&self, x: &versant::Tensor) {
        drop(no_grad(|| self.workload.model.forward(x, &mut Context::eval())));
    }
}

/// The median and the least of the times of `run`, in milliseconds, called for that long but at least three times.
fn times(seconds: f64, mut run: impl FnMut(usize)) -> [f64; 2] {
    let limit = Duration::from_secs_f64(seconds);
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < limit || times.len() < 3 {
        let begin = Instant::now();
        run(times.len());
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    [times[times.len() / 2], times[0]]
}

/// Trains the model for so many seconds, and infers for a quarter of it.
pub fn measure(entry: &Entry, sizes: &Sizes, seconds: f64, profiled: bool) -> Measured {
    reset_peak_memory();
    let workload = entry.build(sizes, 1);
    let mut training = Training { workload, optimizer: Sgd::new(LR).momentum(MOMENTUM) };
    (0..WARM_UP).for_each(|i| training.step(i));
    let [step_ms, best_ms] = times(seconds, |i| training.step(i));
    let xs: Vec<_> = training.workload.batches.iter().map(|batch| batch.x.clone()).collect();
    let [infer_ms, _] = times(seconds / 8.0, |i| training.infer(&xs[i % xs.len()]));
    let ones: Vec<_> = xs.iter().map(|x| x.narrow(0, 0, 1)).collect();
    let [infer_one_ms, _] = times(seconds / 8.0, |i| training.infer(&ones[i % ones.len()]));
    let rss_mb = peak_memory();
    let profile = Profile::of(&mut training, if profiled { seconds } else { 0.0 });
    Measured {
        model: entry.name,
        params: training.workload.model.parameter_count(),
        batch: xs[0].shape()[0],
        step_ms,
        best_ms,
        infer_ms,
        infer_one_ms,
        step_gflop: profile.gflop(),
        step_gb: profile.gb(),
        rss_mb,
        profile: profiled.then_some(profile),
    }
}

/// Lets the peak of resident memory start anew, on Linux.
fn reset_peak_memory() {
    // Where this is refused, the peak is that of the process since its start.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The peak of resident memory as Linux keeps it, in MiB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_has_its_numbers_and_its_profile() {
        let entry = &ENTRIES[0];
        assert_eq!(entry.name, "mlp_mnist");
        let sizes = Sizes { batch: Some(16), ..Sizes::default() };
        let measured = measure(entry, &sizes, 0.01, true);
        assert!(measured.best_ms > 0.0 && measured.best_ms <= measured.step_ms);
        assert!(measured.infer_ms > 0.0 && measured.infer_one_ms > 0.0);
        // Three products a layer, but the first layer's input needs no gradient.
        let terms = 3 * (784 * 64 + 64 * 32 + 32 * 10) - 784 * 64;
        let gflop = 2e-9 * 16.0 * terms as f64;
        assert!((measured.step_gflop - gflop).abs() < 1e-9, "{} for {gflop}", measured.step_gflop);
        let profile = measured.profile.unwrap();
        let of = |phase| profile.rows.iter().filter(|row| row.phase == phase).count();
        assert!(of(Phase::Forward) > 0 && of(Phase::Backward) > 0 && of(Phase::Update) > 0);
        let text = profile.to_string();
        assert!(text.contains("matmul"), "{text}");
    }
}
