//! `versant export`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use serde_json::{Map, json};
use versant::io::{npz, onnx, safetensors};
use versant_course::trained::{Trained, Weights};

use crate::Global;

/// Write a trained model for other programs
///
/// ONNX holds the model and its weights; safetensors the weights alone, which PyTorch loads by their names.
#[derive(Args)]
#[command(group = ArgGroup::new("formats").args(["onnx", "safetensors", "sample"]).multiple(true).required(true))]
pub struct Export {
    /// `last`, or a run's name or folder
    #[arg(default_value = "last")]
    run: String,

    /// Write the model as ONNX, opset 20
    #[arg(long, value_name = "FILE")]
    onnx: Option<PathBuf>,

    /// Write the weights as safetensors, under PyTorch's names
    #[arg(long, value_name = "FILE")]
    safetensors: Option<PathBuf>,

    /// Write random inputs and the model's outputs for them as npz: `input`, `output`
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,

    /// Take the checkpoint with the best test accuracy instead of the last
    #[arg(long)]
    best: bool,

    /// Take these weights instead: a safetensors file, PyTorch's too
    #[arg(long, value_name = "FILE", conflicts_with = "best")]
    weights: Option<PathBuf>,
}

impl Export {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let weights = Weights::choose(self.best, self.weights.clone());
        let trained = Trained::open(&global.places(), &self.run, &weights)?;
        let mut written = Map::new();
        if let Some(path) = &self.onnx {
            onnx::export(trained.model(), trained.input(), path)?;
            written.insert("onnx".into(), json!(path));
        }
        if let Some(path) = &self.safetensors {
            safetensors::save(path, &trained.model().state_dict(), &BTreeMap::new())?;
            written.insert("safetensors".into(), json!(path));
        }
        if let Some(path) = &self.sample {
            npz::save(path, &trained.sample())?;
            written.insert("sample".into(), json!(path));
        }
        for path in [&self.onnx, &self.safetensors, &self.sample].into_iter().flatten() {
            global.text(format_args!("wrote {}", path.display()))?;
        }
        global.json(|| json!(written))?;
        Ok(ExitCode::SUCCESS)
    }
}
