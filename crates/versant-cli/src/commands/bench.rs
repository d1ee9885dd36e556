//! `versant bench`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use versant::cpu::{isa, threads};
use versant_course::bench::{ENTRIES, Entry, Machine, Measured, Sizes, measure};
use versant_course::ui::Ui;

use crate::Global;
use crate::terminal::Terminal;

/// Measure training steps and inference of the course's models on random data
///
/// Example: `versant bench lenet_cifar --profile`. A step is forward, loss, backward and SGD with momentum; times are
/// medians. With --json, one object a line.
#[derive(Args)]
pub struct Bench {
    /// Models to measure [default: all]
    #[arg(value_name = "MODEL", value_parser = ENTRIES.iter().map(|entry| entry.name).collect::<Vec<_>>())]
    models: Vec<String>,

    /// Seconds of training steps a model
    #[arg(long, value_name = "S", default_value_t = 4.0, value_parser = seconds)]
    secs: f64,

    /// Show the time of each operation, forward and backward
    #[arg(long)]
    profile: bool,

    /// Samples in a batch [default: 64, unet64: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: Option<u32>,

    /// Height and width of images, for models with convolutions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=1024))]
    image: Option<u32>,

    /// Width of the first hidden layer, for multilayer perceptrons
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65536))]
    hidden: Option<u32>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: Option<f64> = text.parse().ok();
    seconds
        .filter(|s| (0.0..=3600.0).contains(s))
        .ok_or_else(|| "seconds are a number from 0 to 3600".to_string())
}

impl Bench {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let mut terminal = Terminal::new(global.quiet, global.json)?;
        let wanted =
            |entry: &&Entry| self.models.is_empty() || self.models.iter().any(|name| name == entry.name);
        let entries: Vec<&Entry> = ENTRIES.iter().filter(wanted).collect();
        let size = |n: Option<u32>| n.map(|n| n as usize);
        let sizes = Sizes { batch: size(self.batch), image: size(self.image), hidden: size(self.hidden) };
        let machine = Machine::measure();
        global.text(format_args!(
            "{} thread(s), {}; matrix product {:.0} GFLOP/s, memory {:.0} GB/s",
            threads::threads(),
            isa::isa(),
            machine.gemm_gflops,
            machine.memory_gb_s
        ))?;
        let head =
            ["step", "samples/s", "inference", "of one", "GFLOP/s", "of peak", "of memory", "peak RSS"];
        global.text(format_args!("{:<13}{}", "", head.map(|head| format!("{head:>11}")).concat()))?;
        for (i, entry) in entries.iter().enumerate() {
            terminal.progress(entry.name, i, entries.len());
            let measured = measure(entry, &sizes, self.secs, self.profile);
            terminal.clear_bar();
            global.text(line(&measured, &machine))?;
            if let Some(profile) = &measured.profile {
                global.text(profile)?;
            }
            global.json(|| object(&measured, &machine))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line(m: &Measured, machine: &Machine) -> String {
    let cells = [
        format!("{:.3} ms", m.step_ms),
        format!("{:.0}", m.samples_s()),
        format!("{:.3} ms", m.infer_ms),
        format!("{:.3} ms", m.infer_one_ms),
        format!("{:.0}", m.gflops()),
        format!("{:.0} %", 100.0 * m.gflops() / machine.gemm_gflops),
        format!("{:.0} %", 100.0 * m.gb_s() / machine.memory_gb_s),
        m.rss_mb.map_or("?".into(), |mb| format!("{mb} MiB")),
    ];
    format!("{:<13}{}", m.model, cells.map(|cell| format!("{cell:>11}")).concat())
}

fn object(m: &Measured, machine: &Machine) -> Value {
    let round = |value: f64| (value * 1e4).round() / 1e4;
    let mut object = json!({
        "model": m.model,
        "params": m.params,
        "step_ms": round(m.step_ms),
        "best_ms": round(m.best_ms),
        "samples_s": m.samples_s().round(),
        "infer_ms": round(m.infer_ms),
        "infer_one_ms": round(m.infer_one_ms),
        "rss_mb": m.rss_mb,
        "batch": m.batch,
        "threads": threads::threads(),
        "isa": isa::isa().name(),
        "step_gflop": round(m.step_gflop),
        "step_gb": round(m.step_gb),
        "gemm_gflops": round(machine.gemm_gflops),
        "memory_gb_s": round(machine.memory_gb_s),
    });
    if let Some(profile) = &m.profile {
        let rows = profile.rows.iter().map(|row| {
            json!({
                "phase": format!("{:?}", row.phase).to_lowercase(),
                "kernel": row.kernel, "shape": row.shape, "calls": row.calls, "ms": round(row.ms),
                "gflop": round(row.gflop), "gb": round(row.gb),
            })
        });
        object["profile"] = rows.collect();
        object["rest_ms"] = profile.rest_ms.map(round).to_vec().into();
    }
    object
}
