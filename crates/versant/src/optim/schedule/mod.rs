//! Learning rates that change on the way [course: F6].
//!
//! A schedule is a function of the place in the training: `t` of `total`, in steps or in epochs, as whoever calls it
//! counts. So nothing is to be saved, and a resumed run has the rates of one that was never stopped; [`Plateau`] alone,
//! which watches a metric, has a state. Names and formulas are PyTorch's.
//!
//! ```
//! use versant::optim::schedule::{Cosine, MultiStep, Schedule};
//! // Ten steps up, then half a cosine down to 0.
//! let schedule = Cosine::new().warmup(10);
//! let rates: Vec<f64> = [0, 9, 10, 55, 100].map(|t| schedule.lr(0.1, t, 100)).into();
//! assert!((rates[0] - 0.1 / 11.0).abs() < 1e-12 && (rates[1] - 1.0 / 11.0).abs() < 1e-12);
//! assert_eq!(rates[2], 0.1);
//! assert!((rates[3] - 0.05).abs() < 1e-12 && rates[4] == 0.0);
//! // As for ImageNet, in epochs.
//! let schedule = MultiStep::new([30, 60, 80], 0.1);
//! assert_eq!(schedule.lr(1.0, 59, 90), 0.1);
//! ```

mod one_cycle;
mod plateau;
mod shapes;

pub use one_cycle::OneCycle;
pub use plateau::Plateau;
pub use shapes::{
    Constant, Cosine, Exponential, Lambda, LinearRamp, MultiStep, Polynomial, StepDecay, WarmRestarts,
};

use crate::error::{Error, Result};
use crate::train::EpochRecord;

/// Says the learning rate, and if it cycles it the momentum, from the place in the training.
pub trait Schedule {
    /// The learning rate at `t`, from 0, of `total` for an optimiser whose own is `base`.
    fn lr(&self, base: f64, t: u64, total: u64) -> f64;

    /// The momentum at `t` of `total`; nothing if it stays as it is.
    fn momentum(&self, _t: u64, _total: u64) -> Option<f64> {
        None
    }

    /// Is told of each epoch.
    fn observe(&mut self, _epoch: &EpochRecord) {}

    /// All that the next rates depend on besides the place.
    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Takes back what [`state`](Schedule::state) gave.
    ///
    /// # Errors
    /// When it is of another schedule.
    fn load_state(&mut self, state: &[f64]) -> Result<()> {
        if state.is_empty() { Ok(()) } else { Err(other_state(0, state.len())) }
    }

    /// Begins with a straight rise to this schedule's first rate: (k + 1) / (n + 1) of it at step k of n. A whole number
    /// counts steps or epochs, a number with a point is the share of the whole: `warmup(500)`, `warmup(0.05)`.
    #[track_caller]
    fn warmup(self, span: impl Into<Span>) -> Warmup<Self>
    where
        Self: Sized,
    {
        Warmup { span: span.into(), then: self }
    }

    /// This one for a while, then another, which counts from there.
    #[track_caller]
    fn then<S: Schedule>(self, span: impl Into<Span>, next: S) -> Then<Self, S>
    where
        Self: Sized,
    {
        Then { span: span.into(), first: self, next }
    }

    /// Both at once: the other is given this one's rate for its own. For factors, that is their product.
    fn times<S: Schedule>(self, other: S) -> Product<Self, S>
    where
        Self: Sized,
    {
        Product(self, other)
    }
}

fn other_state(wanted: usize, found: usize) -> Error {
    Error::Checkpoint(format!(
        "the state of a schedule has {found} numbers, this one's has {wanted}; resume with the settings of the run"
    ))
}

/// A part of the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// So many steps, or epochs.
    Count(u64),
    /// A share of the whole, 0 to 1.
    Share(f64),
}

impl Span {
    /// In steps, or epochs, of a training of so many.
    pub fn of(self, total: u64) -> u64 {
        match self {
            Span::Count(n) => n,
            Span::Share(share) => (share * total as f64).round() as u64,
        }
    }
}

impl From<u64> for Span {
    fn from(n: u64) -> Span {
        Span::Count(n)
    }
}

/// # Panics
/// If it is negative.
impl From<i32> for Span {
    #[track_caller]
    fn from(n: i32) -> Span {
        match u64::try_from(n) {
            Ok(n) => Span::Count(n),
            Err(_) => panic!("Span: {n} is no number of steps or epochs"),
        }
    }
}

/// # Panics
/// Unless it is from 0 to 1.
impl From<f64> for Span {
    #[track_caller]
    fn from(share: f64) -> Span {
        assert!(
            (0.0..=1.0).contains(&share),
            "Span: {share} is no share of the training; it must be from 0 to 1, or a whole number of steps or epochs"
        );
        Span::Share(share)
    }
}

/// A straight rise, then a schedule: [`Schedule::warmup`].
#[derive(Clone, Debug)]
pub struct Warmup<S> {
    span: Span,
    then: S,
}

impl<S: Schedule> Schedule for Warmup<S> {
    fn lr(&self, base: f64, t: u64, total: u64) -> f64 {
        let n = self.span.of(total);
        let left = total.saturating_sub(n);
        if t < n {
            (t + 1) as f64 / (n + 1) as f64 * self.then.lr(base, 0, left)
        } else {
            self.then.lr(base, t - n, left)
        }
    }

    fn momentum(&self, t: u64, total: u64) -> Option<f64> {
        let n = self.span.of(total);
        self.then.momentum(t.saturating_sub(n), total.saturating_sub(n))
    }

    fn observe(&mut self, epoch: &EpochRecord) {
        self.then.observe(epoch);
    }

    fn state(&self) -> Vec<f64> {
        self.then.state()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<()> {
        self.then.load_state(state)
    }
}

/// One schedule, then another: [`Schedule::then`].
#[derive(Clone, Debug)]
pub struct Then<A, B> {
    span: Span,
    first: A,
    next: B,
}

impl<A: Schedule, B: Schedule> Schedule for Then<A, B> {
    fn lr(&self, base: f64, t: u64, total: u64) -> f64 {
        let n = self.span.of(total);
        if t < n { self.first.lr(base, t, n) } else { self.next.lr(base, t - n, total.saturating_sub(n)) }
    }

    fn momentum(&self, t: u64, total: u64) -> Option<f64> {
        let n = self.span.of(total);
        if t < n { self.first.momentum(t, n) } else { self.next.momentum(t - n, total.saturating_sub(n)) }
    }

    fn observe(&mut self, epoch: &EpochRecord) {
        self.first.observe(epoch);
        self.next.observe(epoch);
    }

    fn state(&self) -> Vec<f64> {
        [self.first.state(), self.next.state()].concat()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<()> {
        load_both(&mut self.first, &mut self.next, state)
    }
}

/// Two schedules at once: [`Schedule::times`].
#[derive(Clone, Debug)]
pub struct Product<A, B>(A, B);

impl<A: Schedule, B: Schedule> Schedule for Product<A, B> {
    fn lr(&self, base: f64, t: u64, total: u64) -> f64 {
        self.1.lr(self.0.lr(base, t, total), t, total)
    }

    fn momentum(&self, t: u64, total: u64) -> Option<f64> {
        self.1.momentum(t, total).or_else(|| self.0.momentum(t, total))
    }

    fn observe(&mut self, epoch: &EpochRecord) {
        self.0.observe(epoch);
        self.1.observe(epoch);
    }

    fn state(&self) -> Vec<f64> {
        [self.0.state(), self.1.state()].concat()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<()> {
        load_both(&mut self.0, &mut self.1, state)
    }
}

/// The first takes as many numbers as its own state has.
fn load_both(first: &mut impl Schedule, second: &mut impl Schedule, state: &[f64]) -> Result<()> {
    let n = first.state().len();
    let wanted = n + second.state().len();
    if state.len() != wanted {
        return Err(other_state(wanted, state.len()));
    }
    first.load_state(&state[..n])?;
    second.load_state(&state[n..])
}

impl<S: Schedule + ?Sized> Schedule for Box<S> {
    fn lr(&self, base: f64, t: u64, total: u64) -> f64 {
        (**self).lr(base, t, total)
    }
    fn momentum(&self, t: u64, total: u64) -> Option<f64> {
        (**self).momentum(t, total)
    }
    fn observe(&mut self, epoch: &EpochRecord) {
        (**self).observe(epoch);
    }
    fn state(&self) -> Vec<f64> {
        (**self).state()
    }
    fn load_state(&mut self, state: &[f64]) -> Result<()> {
        (**self).load_state(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_parts_come_back_in_their_places() {
        let make = || Plateau::new(0.5, 0).then(3, Cosine::new()).times(Plateau::new(0.1, 1).warmup(0.5));
        let mut schedule = make();
        schedule.1.then.update(1.0);
        schedule.1.then.update(2.0);
        schedule.0.first.update(3.0);
        let state = schedule.state();
        let mut again = make();
        again.load_state(&state).unwrap();
        assert_eq!(again.state(), state);
        assert_eq!(again.lr(1.0, 2, 10), schedule.lr(1.0, 2, 10));
        let error = again.load_state(&state[1..]).unwrap_err().to_string();
        assert!(error.contains("has 7 numbers, this one's has 8"), "{error}");
        let error = Cosine::new().load_state(&state).unwrap_err().to_string();
        assert!(error.contains("has 8 numbers, this one's has 0"), "{error}");
    }

    #[test]
    fn no_place_gives_a_rate_that_is_no_number() {
        let all: Vec<Box<dyn Schedule>> = vec![
            Box::new(Constant::new(0.5, 0)),
            Box::new(StepDecay::new(1, 0.5)),
            Box::new(MultiStep::new([], 0.5)),
            Box::new(Exponential::new(0.5)),
            Box::new(Polynomial::new(2.0)),
            Box::new(Polynomial::new(0.0).over(0)),
            Box::new(LinearRamp::new(0.0, 1.0, 0)),
            Box::new(Cosine::new().over(0)),
            Box::new(Cosine::new().warmup(1.0)),
            Box::new(WarmRestarts::new(1).growth(2)),
            Box::new(WarmRestarts::new(3)),
            Box::new(OneCycle::new(0.1).pct_start(0.0)),
            Box::new(OneCycle::new(0.1).pct_start(1.0)),
            Box::new(OneCycle::new(0.1).pct_start(0.5).three_phase()),
            Box::new(OneCycle::new(0.1).warmup(5).then(0.3, Exponential::new(0.9))),
        ];
        for (i, schedule) in all.iter().enumerate() {
            for total in 0..5 {
                for t in [0, 1, 2, 3, 4, 10, 1000, u64::MAX / 2] {
                    let lr = schedule.lr(0.3, t, total);
                    assert!((0.0..=0.3).contains(&lr), "schedule {i}, step {t} of {total}: {lr}");
                }
            }
        }
    }
}
