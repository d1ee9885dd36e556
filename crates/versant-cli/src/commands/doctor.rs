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
        let report = || {
            json!({
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
            })
        };
        global.json(report)?;
        let mnist = if has_mnist { "MNIST is there" } else { "no MNIST yet: it is downloaded when needed" };
        let version = env!("CARGO_PKG_VERSION");
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let (kernels, has, used) = (isa::isa(), supported.join(", "), threads::threads());
        let (data, runs) = (places.data.display(), places.runs.display());
        let lines = [
            format!("versant   {version}"),
            format!("system    {os} on {arch}"),
            format!("kernels   {kernels} (this machine has: {has}; VERSANT_ISA forces one)"),
            format!("threads   {used} of {cores} cores (--threads or VERSANT_THREADS changes it)"),
            format!("data      {data} ({}; {mnist})", state(&places.data)),
            format!("runs      {runs} ({})", state(&places.runs)),
        ];
        global.text(lines.join("\n"))?;
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
