//! What a finished run has to say: numbers, a table, pictures.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use versant::autograd::no_grad;
use versant::data::Loader;
use versant::nn::{Context, Layer};
use versant::train::Confusion;
use versant::{DType, Tensor};

use crate::ui::Ui;

/// The numbers of a run, as `summary.json` and `--json` give them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// The recipe's name.
    pub recipe: String,
    /// The preset's name.
    pub preset: String,
    /// The run's directory.
    pub run: String,
    /// The data's name.
    pub dataset: String,
    /// Trained numbers of the model.
    pub parameters: usize,
    /// Multiply-adds for one sample.
    #[serde(default)]
    pub multiply_adds: u64,
    /// Passes over the data.
    pub epochs: u32,
    /// Of the last epoch, 0 to 1.
    pub test_accuracy: f64,
    /// The best of all epochs, 0 to 1.
    pub best_test_accuracy: f64,
    /// Of the last epoch.
    pub test_loss: f64,
    /// Training and evaluation, without pictures and data.
    pub seconds: f64,
    /// The last weights.
    pub checkpoint: String,
    /// Of all that is random.
    pub seed: u64,
}

/// A finished run.
pub struct Report {
    /// The numbers.
    pub numbers: Numbers,
    /// The test accuracy to expect, in words, where the settings are those of a preset.
    pub expected: Option<&'static str>,
    /// Answers on the test part by class.
    pub confusion: Confusion,
    /// The classes' names.
    pub classes: Vec<String>,
    /// The run's directory.
    pub folder: PathBuf,
    /// The pictures made, by file stem.
    pub pictures: Vec<String>,
}

/// A model's probabilities over a data set.
pub struct Answers {
    /// [n, classes], row-major.
    pub probabilities: Vec<f32>,
    /// The true classes.
    pub labels: Vec<usize>,
    /// Counts of (true, predicted).
    pub confusion: Confusion,
}

/// Lets a classifier answer on every sample.
pub fn answers(model: &dyn Layer, loader: &Loader, classes: usize, ui: &mut dyn Ui) -> Answers {
    let mut all =
        Answers { probabilities: Vec::new(), labels: Vec::new(), confusion: Confusion::new(classes) };
    no_grad(|| {
        for batch in loader.epoch(0) {
            let p: Tensor = model.forward(&batch.x, &mut Context::eval()).softmax(-1);
            let labels = batch.y.to_vec::<i64>();
            all.confusion.add_all(&labels, &p.argmax(-1).to_vec::<i64>());
            all.labels.extend(labels.iter().map(|&l| l as usize));
            all.probabilities.extend(p.cast(DType::F32).to_vec::<f32>());
            ui.progress("test images", all.labels.len(), loader.samples());
        }
    });
    all
}

/// Precision, recall and F1 of each class.
pub struct ClassTable<'a> {
    /// The counts.
    pub confusion: &'a Confusion,
    /// The classes' names.
    pub classes: &'a [String],
}

impl fmt::Display for ClassTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.classes.iter().map(|c| c.chars().count()).max().unwrap_or(0).max("class".len());
        writeln!(f, "{:<width$}  precision   recall       f1  samples", "class")?;
        for (i, name) in self.classes.iter().enumerate() {
            let m = self.confusion.class(i);
            let percent = |x: f64| format!("{:.2} %", 100.0 * x);
            let (precision, recall, f1) = (percent(m.precision), percent(m.recall), percent(m.f1));
            writeln!(f, "{name:<width$}  {precision:>9} {recall:>8} {f1:>8}  {:>7}", m.support)?;
        }
        Ok(())
    }
}

/// The closing table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = &self.numbers;
        writeln!(f, "{}", ClassTable { confusion: &self.confusion, classes: &self.classes })?;
        let (last, best) = (100.0 * n.test_accuracy, 100.0 * n.best_test_accuracy);
        writeln!(f, "test accuracy  {last:.2} %  (best epoch {best:.2} %)")?;
        if let Some(expected) = self.expected {
            writeln!(f, "expected       {expected}")?;
        }
        writeln!(f, "data           {}", n.dataset)?;
        writeln!(f, "time           {:.2} s for {} epochs", n.seconds, n.epochs)?;
        writeln!(f, "run            {}", self.folder.display())?;
        writeln!(f, "checkpoint     {}", n.checkpoint)?;
        let pictures = self.pictures.join(",");
        write!(f, "pictures       {}/{{{pictures}}}.{{svg,png}}", self.folder.join("media").display())
    }
}
