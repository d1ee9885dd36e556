//! `versant predict`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use versant_course::trained::{Trained, Weights};

use crate::Global;

/// Say what a trained model sees in pictures
///
/// Pictures may be PNG or JPEG of any size, dark on light or light on dark.
#[derive(Args)]
pub struct Predict {
    /// The pictures
    #[arg(required = true)]
    images: Vec<PathBuf>,

    /// `last`, or a run's name or folder
    #[arg(long, default_value = "last")]
    run: String,

    /// Take the checkpoint with the best test accuracy instead of the last
    #[arg(long)]
    best: bool,

    /// Take these weights instead: a safetensors file, PyTorch's too
    #[arg(long, value_name = "FILE", conflicts_with = "best")]
    weights: Option<PathBuf>,
}

/// How many classes are shown for a picture.
const SHOWN: usize = 3;

impl Predict {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let weights = Weights::choose(self.best, self.weights.clone());
        let trained = Trained::open(&global.places(), &self.run, &weights)?;
        let mut all = Vec::new();
        for image in &self.images {
            let ranked = trained.predict(image)?;
            let shown: Vec<String> =
                ranked.iter().take(SHOWN).map(|(name, p)| format!("{name} {:.1} %", 100.0 * p)).collect();
            global.text(format_args!("{}: {}", image.display(), shown.join(", ")))?;
            let classes: Vec<_> =
                ranked.iter().map(|(name, p)| json!({ "class": name, "probability": p })).collect();
            all.push(json!({ "image": image, "prediction": ranked[0].0, "classes": classes }));
        }
        global.json(|| json!({ "predictions": all }))?;
        Ok(ExitCode::SUCCESS)
    }
}
