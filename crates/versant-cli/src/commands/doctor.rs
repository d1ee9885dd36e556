//! `versant doctor`

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use versant::cpu::{isa, threads};
use versant::data::{Part, mnist};

use crate::Global;

/// What this machine offers: instruction sets, threads, folders, versions
#[derive(Args)]
pub struct Doctor {}

impl Doctor {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let places = global.places();
        let supported: Vec<&str> = isa::Isa::supported().into_iter().map(isa::Isa::name).collect();
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let has_mnist = [Part::Train, Part::Test].iter().all(|&p| mnist::find(&places.data, p).is_some());
        if global.json {
            let report = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "os": std::env::consts::OS,
                "arch": std::env::consts::ARCH,
                "isa": isa::isa().name(),
                "isa_supported": supported,
                "cores": cores,
                "threads": threads::threads(),
                "data_dir": places.data,
                "runs_dir": places.runs,
                "mnist": has_mnist,
            });
            println!("{report}");
            return Ok(ExitCode::SUCCESS);
        }
        let mnist = if has_mnist { "MNIST is there" } else { "no MNIST yet: it is downloaded when needed" };
        println!("versant   {}", env!("CARGO_PKG_VERSION"));
        println!("system    {} on {}", std::env::consts::OS, std::env::consts::ARCH);
        println!(
            "kernels   {} (this machine has: {}; VERSANT_ISA forces one)",
            isa::isa(),
            supported.join(", ")
        );
        println!(
            "threads   {} of {cores} cores (--threads or VERSANT_THREADS changes it)",
            threads::threads()
        );
        println!("data      {} ({}; {mnist})", places.data.display(), state(&places.data));
        println!("runs      {} ({})", places.runs.display(), state(&places.runs));
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether a folder can be used.
fn state(folder: &Path) -> &'static str {
    match std::fs::metadata(folder) {
        Ok(meta) if !meta.is_dir() => "NOT A FOLDER",
        Ok(meta) if meta.permissions().readonly() => "read-only",
        Ok(_) => "exists",
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => "made when needed",
        Err(_) => "CANNOT BE READ",
    }
}
