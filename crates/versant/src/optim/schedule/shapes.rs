//! Schedules that a formula gives.

use std::f64::consts::PI;

use super::{Schedule, Span};

/// A factor for a while, then none: PyTorch's `ConstantLR`.
#[derive(Clone, Debug)]
pub struct Constant {
    factor: f64,
    span: Span,
}

impl Constant {
    /// `factor` times the rate until the end of the span.
    #[track_caller]
    pub fn new(factor: f64, span: impl Into<Span>) -> Constant {
        Constant { factor, span: span.into() }
    }
}

impl Schedule for Constant {
    fn lr(&self, base: f64, t: u64, total: u64) -> f64 {
        if t < self.span.of(total) { base * self.factor } else { base }
    }
}

/// Times gamma after every so many: PyTorch's `StepLR`.
#[derive(Clone, Debug)]
pub struct StepDecay {
    every: u64,
    gamma: f64,
}

impl StepDecay {
    /// base gamma^floor(t / every)
    ///
    /// # Panics
    /// If `every` is 0.
    #[track_caller]
    pub fn new(every: u64, gamma: f64) -> StepDecay {
        assert!(every > 0, "StepDecay: every 0 steps is no period");
        StepDecay { every, gamma }
    }
}

impl Schedule for StepDecay {
    fn lr(&self, base: f64, t: u64, _: u64) -> f64 {
        base * power(self.gamma, t / self.every)
    }
}

/// Times gamma at each milestone: PyTorch's `MultiStepLR`.
#[derive(Clone, Debug)]
pub struct MultiStep {
    milestones: Vec<u64>,
    gamma: f64,
}

impl MultiStep {
    /// base gamma^(the number of milestones up to t)
    pub fn new(milestones: impl IntoIterator<Item = u64>, gamma: f64) -> MultiStep {
        MultiStep { milestones: milestones.into_iter().collect(), gamma }
    }
}

impl Schedule for MultiStep {
    fn lr(&self, base: f64, t: u64, _: u64) -> f64 {
        base * power(self.gamma, self.milestones.iter().filter(|&&m| m <= t).count() as u64)
    }
}

/// Times gamma each time: PyTorch's `ExponentialLR`.
#[derive(Clone, Debug)]
pub struct Exponential {
    gamma: f64,
}

impl Exponential {
    /// base gamma^t
    pub fn new(gamma: f64) -> Exponential {
        Exponential { gamma }
    }
}

impl Schedule for Exponential {
    fn lr(&self, base: f64, t: u64, _: u64) -> f64 {
        base * power(self.gamma, t)
    }
}

fn power(gamma: f64, n: u64) -> f64 {
    gamma.powi(i32::try_from(n).unwrap_or(i32::MAX))
}

/// From one factor to another on a straight line: PyTorch's `LinearLR`.
#[derive(Clone, Debug)]
pub struct LinearRamp {
    start: f64,
    end: f64,
    span: Span,
}

impl LinearRamp {
    /// base (start + (end - start) t / n), and `end` from n on.
    #[track_caller]
    pub fn new(start: f64, end: f64, span: impl Into<Span>) -> LinearRamp {
        LinearRamp { start, end, span: span.into() }
    }
}

impl Schedule for LinearRamp {
    fn lr(&self, base: f64, t: u64, total: u64) -> f64 {
        base * (self.start + (self.end - self.start) * share(t, self.span.of(total)))
    }
}

/// How much of n is done at t: 0 to 1.
fn share(t: u64, n: u64) -> f64 {
    if t < n { t as f64 / n as f64 } else { 1.0 }
}

/// Down to 0 as a power: PyTorch's `PolynomialLR`.
#[derive(Clone, Debug)]
pub struct Polynomial {
    power: f64,
    span: Span,
}

impl Polynomial {
    /// base (1 - t / n)^power, n the whole training. With power 1, a straight line.
    ///
    /// # Panics
    /// If the power is negative.
    #[track_caller]
    pub fn new(power: f64) -> Polynomial {
        assert!(power >= 0.0, "Polynomial: the power is {power}; it must be from 0 on");
        Polynomial { power, span: Span::Share(1.0) }
    }

    /// At 0 already after this part of it.
    #[track_caller]
    pub fn over(mut self, span: impl Into<Span>) -> Polynomial {
        self.span = span.into();
        self
    }
}

impl Schedule for Polynomial {
    fn lr(&self, base: f64, t: u64, total: u64) -> f64 {
        base * (1.0 - share(t, self.span.of(total))).powf(self.power)
    }
}

/// Half a cosine down (Loshchilov and Hutter 2017): PyTorch's `CosineAnnealingLR`.
#[derive(Clone, Debug)]
pub struct Cosine {
    min: f64,
    span: Span,
}

impl Cosine {
    /// From the optimiser's rate to 0: min + (base - min) (1 + cos(pi t / n)) / 2, n the whole training.
    pub fn new() -> Cosine {
        Cosine { min: 0.0, span: Span::Share(1.0) }
    }

    /// To another rate than 0.
    pub fn min(mut self, lr: f64) -> Cosine {
        self.min = lr;
        self
    }

    /// Down already after this part of the training, and there it stays.
    #[track_caller]
    pub fn over(mut self, span: impl Into<Span>) -> Cosine {
        self.span = span.into();
        self
    }
}

impl Default for Cosine {
    fn default() -> Cosine {
        Cosine::new()
    }
}

impl Schedule for Cosine {
    fn lr(&self, base: f64, t: u64, total: u64) -> f64 {
        cosine(base, self.min, share(t, self.span.of(total)))
    }
}

/// From `start` to `end` as half a cosine.
pub(super) fn cosine(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) * (1.0 + (PI * share).cos()) / 2.0
}

/// Half cosines, one after another (Loshchilov and Hutter 2017): PyTorch's `CosineAnnealingWarmRestarts`.
#[derive(Clone, Debug)]
pub struct WarmRestarts {
    first: u64,
    growth: u64,
    min: f64,
}

impl WarmRestarts {
    /// Each as long as the first, down to 0.
    ///
    /// # Panics
    /// If `first` is 0.
    #[track_caller]
    pub fn new(first: u64) -> WarmRestarts {
        assert!(first > 0, "WarmRestarts: a period of 0 is none");
        WarmRestarts { first, growth: 1, min: 0.0 }
    }

    /// Each so many times as long as the one before.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn growth(mut self, growth: u64) -> WarmRestarts {
        assert!(growth > 0, "WarmRestarts: periods cannot be 0 times as long as the one before");
        self.growth = growth;
        self
    }

    /// To another rate than 0.
    pub fn min(mut self, lr: f64) -> WarmRestarts {
        self.min = lr;
        self
    }
}

impl Schedule for WarmRestarts {
    fn lr(&self, base: f64, t: u64, _: u64) -> f64 {
        let (mut t, mut period) = (t, self.first);
        if self.growth == 1 {
            t %= period;
        }
        while t >= period {
            t -= period;
            period = period.saturating_mul(self.growth);
        }
        cosine(base, self.min, share(t, period))
    }
}

/// A factor from a function of (t, total): PyTorch's `LambdaLR`.
///
/// ```
/// use versant::optim::schedule::{Lambda, Schedule};
/// let inverse_root = Lambda(|t: u64, _: u64| 1.0 / ((t + 1) as f64).sqrt());
/// assert_eq!(inverse_root.lr(0.1, 3, 100), 0.05);
/// ```
#[derive(Clone, Debug)]
pub struct Lambda<F>(pub F);

impl<F: Fn(u64, u64) -> f64> Schedule for Lambda<F> {
    fn lr(&self, base: f64, t: u64, total: u64) -> f64 {
        base * (self.0)(t, total)
    }
}
