//! A learning rate for a recipe, by the range test [course: F6].

use std::fmt;
use std::path::Path;

use versant::Result;
use versant::train::{LrCurve, LrFinder};

use crate::experiment::Experiment;
use crate::figures::lr_finder::{LrSearch, lr_finder};
use crate::session::{Places, check_fit, samples_of, train_loader};
use crate::ui::Ui;

/// What the test found.
pub struct FoundLr {
    recipe: &'static str,
    /// Rates and losses.
    pub curve: LrCurve,
    /// Where the loss falls most steeply.
    pub steepest: Option<f64>,
    /// A tenth of the rate with the lowest loss.
    pub tenth: Option<f64>,
}

/// Runs the test with a recipe's model, optimiser and data; nothing is kept of that training.
///
/// # Errors
/// When settings or data are wrong.
pub fn find_lr(experiment: &Experiment, places: &Places, ui: &mut dyn Ui) -> Result<FoundLr> {
    let mut plan = experiment.plan()?;
    let samples = samples_of(&plan, places, ui)?;
    check_fit(&plan, &samples)?;
    let train = train_loader(&plan, &samples);
    let curve = LrFinder::new().range(1e-6, 10.0).seed(plan.seed).run(
        plan.model.as_mut(),
        plan.optimizer.as_mut(),
        &plan.objective,
        &train,
        &mut |done, steps| ui.progress("rates tried", done, steps),
    )?;
    let (steepest, tenth) = (curve.steepest(), curve.tenth_of_lowest());
    Ok(FoundLr { recipe: experiment.recipe.name(), curve, steepest, tenth })
}

impl FoundLr {
    /// Draws the curve into a folder, as `lr-finder`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn draw(&self, folder: &Path) -> Result<()> {
        let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<f32>>();
        let search = LrSearch {
            rates: &narrow(&self.curve.rates),
            losses: &narrow(&self.curve.losses),
            smoothed: &narrow(&self.curve.smoothed),
            suggestion: self.steepest.map(|lr| lr as f32),
        };
        lr_finder(self.recipe, &search).save(folder, "lr-finder")
    }
}

impl fmt::Display for FoundLr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none =
            |lr: Option<f64>| lr.map_or("none: the loss never falls".to_string(), |lr| format!("{lr:.2e}"));
        writeln!(f, "steepest fall of the loss  {}", or_none(self.steepest))?;
        write!(f, "a tenth of its lowest      {}", or_none(self.tenth))
    }
}
