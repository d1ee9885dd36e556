//! The time of a step by phase and kernel.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use versant::data::Batch;
use versant::nn::Context;
use versant::optim::Optimizer;
use versant::profile::{Call, record};

use super::{Training, Workload};

/// A part of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// From the batch to the loss.
    Forward,
    /// From the loss to the gradients.
    Backward,
    /// From the gradients to new parameters.
    Update,
}

/// Calls of one kernel in one phase with one shape; of a step.
#[derive(Clone, Debug)]
pub struct Row {
    /// In which phase.
    pub phase: Phase,
    /// The kernel, and what it did if it does several things: "conv2d", "unary Relu".
    pub kernel: String,
    /// The shape of its first array.
    pub shape: String,
    /// How many such calls a step makes.
    pub calls: usize,
    /// Their milliseconds.
    pub ms: f64,
    /// Their arithmetic, where it is counted.
    pub gflop: f64,
    /// Their traffic.
    pub gb: f64,
}

/// Where the time of a step goes.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The dearest first within each phase.
    pub rows: Vec<Row>,
    /// Milliseconds of the phases outside of kernels: the graph, shapes, memory.
    pub rest_ms: [f64; 3],
}

const PHASES: [Phase; 3] = [Phase::Forward, Phase::Backward, Phase::Update];

impl Profile {
    /// The mean of steps for that many seconds, of one at least.
    pub(super) fn of(training: &mut Training, seconds: f64) -> Profile {
        let mut sums: BTreeMap<(Phase, String, String), Row> = BTreeMap::new();
        let (mut rest, mut steps) = ([Duration::ZERO; 3], 0);
        let start = Instant::now();
        while steps == 0 || start.elapsed().as_secs_f64() < seconds {
            for ((phase, whole, calls), rest) in step(training, steps).into_iter().zip(&mut rest) {
                *rest += whole.saturating_sub(calls.iter().map(|call| call.time).sum());
                for call in calls {
                    let kernel = format!("{} {}", call.kernel, call.detail).trim_end().to_string();
                    let key = (phase, kernel, call.shape.to_string());
                    let row = sums.entry(key.clone()).or_insert_with(|| Row {
                        phase,
                        kernel: key.1,
                        shape: key.2,
                        calls: 0,
                        ms: 0.0,
                        gflop: 0.0,
                        gb: 0.0,
                    });
                    row.calls += 1;
                    row.ms += call.time.as_secs_f64() * 1e3;
                    row.gflop += call.flops as f64 * 1e-9;
                    row.gb += call.bytes as f64 * 1e-9;
                }
            }
            steps += 1;
        }
        let n = steps as f64;
        let mut rows: Vec<Row> = sums.into_values().collect();
        for row in &mut rows {
            row.calls = row.calls.div_ceil(steps);
            (row.ms, row.gflop, row.gb) = (row.ms / n, row.gflop / n, row.gb / n);
        }
        rows.sort_by(|a, b| a.phase.cmp(&b.phase).then(b.ms.total_cmp(&a.ms)));
        Profile { rows, rest_ms: rest.map(|rest| rest.as_secs_f64() * 1e3 / n) }
    }

    /// Arithmetic of a step.
    pub fn gflop(&self) -> f64 {
        self.rows.iter().map(|row| row.gflop).sum()
    }

    /// Traffic of a step.
    pub fn gb(&self) -> f64 {
        self.rows.iter().map(|row| row.gb).sum()
    }

    /// Milliseconds of a phase, what is outside of kernels included.
    pub fn phase_ms(&self, phase: Phase) -> f64 {
        let kernels: f64 = self.rows.iter().filter(|row| row.phase == phase).map(|row| row.ms).sum();
        kernels + self.rest_ms[phase as usize]
    }
}

/// One step, phase by phase: how long each took and what it called.
fn step(training: &mut Training, i: usize) -> [(Phase, Duration, Vec<Call>); 3] {
    let Training { workload: Workload { model, batches, objective }, optimizer } = training;
    let Batch { x, y } = &batches[i % batches.len()];
    let (loss, forward) = watched(Phase::Forward, || {
        let output = model.forward(x, &mut Context::train(1, i as u64));
        objective.loss(&output, y)
    });
    let (grads, backward) = watched(Phase::Backward, || loss.backward());
    let ((), update) = watched(Phase::Update, || {
        optimizer.step(model.as_mut(), &grads);
        drop(grads);
    });
    [forward, backward, update]
}

fn watched<R>(phase: Phase, run: impl FnOnce() -> R) -> (R, (Phase, Duration, Vec<Call>)) {
    let start = Instant::now();
    let (result, calls) = record(run);
    (result, (phase, start.elapsed(), calls))
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: f64 = PHASES.iter().map(|&phase| self.phase_ms(phase)).sum();
        let width = self.rows.iter().map(|row| row.kernel.len()).max().unwrap_or(0).max(24);
        for phase in PHASES {
            let ms = self.phase_ms(phase);
            let name = format!("{phase:?}").to_lowercase();
            writeln!(f, "  {name:<w$}{:>26}{ms:>10.3} ms{:>5.0} %", "", 100.0 * ms / total, w = width)?;
            let rest = self.rest_ms[phase as usize];
            for row in self.rows.iter().filter(|row| row.phase == phase) {
                let speed = |amount: f64, unit: &str| match amount / row.ms * 1e3 {
                    speed if speed > 0.0 => format!("{speed:>7.1} {unit}"),
                    _ => String::new(),
                };
                let rates =
                    [speed(row.gflop, "GFLOP/s"), speed(row.gb, "GB/s")].map(|text| format!("{text:>17}"));
                let line = format!(
                    "    {:<width$}{:<18}{:>4}x{:>11.3} ms{:>5.0} %{}",
                    row.kernel,
                    row.shape,
                    row.calls,
                    row.ms,
                    100.0 * row.ms / total,
                    rates.concat(),
                );
                writeln!(f, "{}", line.trim_end())?;
            }
            let (text, share) = ("graph, shapes, memory", 100.0 * rest / total);
            writeln!(f, "    {text:<width$}{:>23}{rest:>11.3} ms{share:>5.0} %", "")?;
        }
        Ok(())
    }
}
