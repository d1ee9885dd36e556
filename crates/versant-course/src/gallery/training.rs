//! Figures of networks and of their training, from recipes and schedules.

use versant::nn::Summary;
use versant::optim::schedule::{
    Cosine, Exponential, MultiStep, OneCycle, Polynomial, Schedule, StepDecay, WarmRestarts,
};

use crate::draw::Picture;
use crate::experiment::find;
use crate::figures::schedules;
use crate::pictures::draw_network;

/// The model of a recipe with its default settings.
pub(super) fn network(title: &str, recipe: &str) -> Picture {
    let plan = find(recipe).and_then(|recipe| recipe.plan(&recipe.defaults()));
    match plan {
        Ok(plan) => draw_network(title, &Summary::of(plan.model.as_ref(), plan.input)),
        Err(error) => unreachable!("{recipe} with its own defaults: {error}"),
    }
}

/// Sixty epochs under each schedule, from a rate of 0.1.
pub(super) fn schedules() -> Picture {
    const EPOCHS: u64 = 60;
    let all: [(&str, Box<dyn Schedule>); 9] = [
        ("step: / 10 every 20", Box::new(StepDecay::new(20, 0.1))),
        ("multi-step: / 5 at 30 and 50", Box::new(MultiStep::new([30, 50], 0.2))),
        ("exponential: 0.95 an epoch", Box::new(Exponential::new(0.95))),
        ("cosine", Box::new(Cosine::new())),
        ("cosine with restarts", Box::new(WarmRestarts::new(9).growth(2))),
        ("one-cycle", Box::new(OneCycle::new(0.1))),
        ("polynomial, power 2", Box::new(Polynomial::new(2.0))),
        ("warm-up, then cosine", Box::new(Cosine::new().warmup(0.15))),
        ("warm-up, then step", Box::new(StepDecay::new(20, 0.3).warmup(6))),
    ];
    let rates: Vec<Vec<f32>> =
        all.iter().map(|(_, s)| (0..EPOCHS).map(|t| s.lr(0.1, t, EPOCHS) as f32).collect()).collect();
    let panels: Vec<schedules::Schedule> =
        all.iter().zip(&rates).map(|((name, _), rates)| schedules::Schedule { name, rates }).collect();
    schedules::schedules(&panels, "epoch")
}
