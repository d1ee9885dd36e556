//! A trained model, taken out of its run: evaluated again, or asked about pictures.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use versant::autograd::no_grad;
use versant::data::ImageFolder;
use versant::io::safetensors;
use versant::nn::{Context, Layer, Module};
use versant::rng::Rng;
use versant::train::{Confusion, RunDir, meta_of};
use versant::{Array, Error, Result, Shape, Tensor};

use crate::data::{Family, Samples};
use crate::digit_image::read_digit;
use crate::experiment::{Asked, Experiment};
use crate::recipe::Plan;
use crate::report::{ClassTable, answers};
use crate::session::{Places, other_data, samples_of, test_loader};
use crate::suite;
use crate::ui::Ui;

/// How many inputs a sample has.
const SAMPLE: usize = 5;

/// Which weights of a run.
pub enum Weights {
    /// Those of the last checkpoint.
    Last,
    /// Those with the best test accuracy.
    Best,
    /// Those of any safetensors file.
    File(PathBuf),
}

impl Weights {
    /// By the words of a command line.
    pub fn choose(best: bool, file: Option<PathBuf>) -> Weights {
        match file {
            Some(file) => Weights::File(file),
            None if best => Weights::Best,
            None => Weights::Last,
        }
    }

    fn path(&self, run: &Path) -> PathBuf {
        match self {
            Weights::Last => run.join("checkpoints/last.safetensors"),
            Weights::Best => run.join("checkpoints/best.safetensors"),
            Weights::File(file) => file.clone(),
        }
    }
}

/// A run's model with trained weights.
pub struct Trained {
    recipe: &'static str,
    plan: Plan,
    run: PathBuf,
    weights: PathBuf,
}

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The recipe's name.
    pub recipe: String,
    /// The run's directory.
    pub run: String,
    /// The file of the weights.
    pub checkpoint: String,
    /// The data's name.
    pub dataset: String,
    /// Test samples.
    pub samples: usize,
    /// 0 to 1.
    pub test_accuracy: f64,
    /// Mean cross-entropy.
    pub test_loss: f64,
}

/// An evaluation, to be shown.
pub struct Evaluation {
    /// The numbers.
    pub numbers: Found,
    /// Answers by class.
    pub confusion: Confusion,
    /// The classes' names.
    pub classes: Vec<String>,
}

impl Trained {
    /// Opens a run (`last`, a name or a folder) without locking it: it may still be training.
    ///
    /// # Errors
    /// When there is no such run, or the weights are damaged or of another model.
    pub fn open(places: &Places, run: &str, weights: &Weights) -> Result<Trained> {
        let run = RunDir::find(&places.runs, run)?;
        if suite::of_run(&run).is_some() {
            let members = suite::members_of(&run);
            return Err(Error::Config(format!(
                "{} compares several models; give the folder of one, below {}",
                run.display(),
                members.display()
            )));
        }
        let experiment = Experiment::from_file(&run.join("config.toml"), &Asked::default())?;
        let mut plan = experiment.plan()?;
        let path = weights.path(&run);
        let state: BTreeMap<String, Array> = safetensors::load(&path)?.tensors;
        plan.model.load_state_dict(&state).map_err(|e| Error::format(&path, e.to_string()))?;
        Ok(Trained { recipe: experiment.recipe.name(), plan, run, weights: path })
    }

    /// The model.
    pub fn model(&self) -> &dyn Layer {
        self.plan.model.as_ref()
    }

    /// The shape of one input, with a batch of 1.
    pub fn input(&self) -> Shape {
        self.plan.input
    }

    /// A few random inputs and the model's outputs, as `input` and `output`: for other programs that run the model.
    pub fn sample(&self) -> BTreeMap<String, Array> {
        let x = Tensor::randn(self.plan.input.with_axis(0, SAMPLE), &mut Rng::new(0));
        let y = no_grad(|| self.plan.model.forward(&x, &mut Context::eval()));
        [("input", x), ("output", y)].map(|(name, tensor)| (name.to_string(), tensor.array().clone())).into()
    }

    /// Answers on the whole test part.
    ///
    /// # Errors
    /// When the data cannot be had.
    pub fn evaluate(&self, places: &Places, ui: &mut dyn Ui) -> Result<Evaluation> {
        let samples = self.samples(places, ui)?;
        let test = test_loader(&samples);
        let found = answers(self.plan.model.as_ref(), &test, samples.classes.len(), ui);
        let sums = versant::train::evaluate(self.plan.model.as_ref(), &test, &self.plan.objective);
        Ok(Evaluation {
            numbers: Found {
                recipe: self.recipe.into(),
                run: self.run.display().to_string(),
                checkpoint: self.weights.display().to_string(),
                dataset: samples.test.source.clone(),
                samples: samples.test.count(),
                test_accuracy: found.confusion.accuracy(),
                test_loss: sums.mean("loss").unwrap_or(f64::NAN),
            },
            confusion: found.confusion,
            classes: samples.classes,
        })
    }

    /// The classes of what a picture shows with their probabilities, the likeliest first.
    ///
    /// # Errors
    /// When the picture cannot be read.
    pub fn predict(&self, picture: &Path) -> Result<Vec<(String, f32)>> {
        let family = self.plan.source.family;
        let pixels = match family {
            Family::Mnist => read_digit(picture)?,
            Family::Cifar10 => {
                let [_, height, width] = family.shape();
                let (bytes, _) = ImageFolder::new("").size(height, width).read(picture)?;
                bytes.into_iter().map(|byte| byte as f32 / 255.0).collect()
            }
        };
        let (mean, std) = family.normalization();
        let per_channel = pixels.len() / mean.len();
        let values: Vec<f32> = pixels
            .iter()
            .enumerate()
            .map(|(i, v)| (v - mean[i / per_channel]) / std[i / per_channel])
            .collect();
        let x = Tensor::from_slice(&values, self.plan.input);
        let p = no_grad(|| self.plan.model.forward(&x, &mut Context::eval()).softmax(-1));
        let mut ranked: Vec<(String, f32)> = self.classes()?.into_iter().zip(p.to_vec::<f32>()).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(ranked)
    }

    /// The classes' names, as the run noted them.
    fn classes(&self) -> Result<Vec<String>> {
        let meta = meta_of(&self.run)?;
        let names = meta["dataset"]["classes"].as_array();
        let names = names.map(|all| all.iter().filter_map(|name| name.as_str().map(String::from)).collect());
        names.ok_or_else(|| Error::format(self.run.join("meta.json"), "does not name the classes"))
    }

    /// The data of the run.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(crate) fn samples(&self, places: &Places, ui: &mut dyn Ui) -> Result<Samples> {
        let samples = samples_of(&self.plan, places, ui)?;
        if let Some(difference) = other_data(&self.run, &samples)? {
            ui.warn(&difference);
        }
        Ok(samples)
    }

    /// The recipe's name.
    pub fn recipe(&self) -> &str {
        self.recipe
    }

    /// The run's directory.
    pub fn run(&self) -> &Path {
        &self.run
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = &self.numbers;
        writeln!(f, "{}", ClassTable { confusion: &self.confusion, classes: &self.classes })?;
        writeln!(f, "test accuracy  {:.2} %  (loss {:.4})", 100.0 * n.test_accuracy, n.test_loss)?;
        writeln!(f, "data           {} ({} samples)", n.dataset, n.samples)?;
        write!(f, "weights        {}", n.checkpoint)
    }
}
