//! One cycle.

use super::Schedule;
use super::shapes::cosine;

/// Up to a large rate and down below where it began, over the whole training (Smith and Topin 2017): PyTorch's
/// `OneCycleLR`. It says the rate itself; the optimiser's own does not matter. Made for steps, not epochs.
///
/// ```
/// use versant::optim::schedule::{OneCycle, Schedule};
/// let schedule = OneCycle::new(0.5).cycle_momentum(0.85, 0.95);
/// let rates = [0, 299, 999].map(|t| schedule.lr(0.0, t, 1000));
/// assert!((rates[0] - 0.02).abs() < 1e-12 && (rates[1] - 0.5).abs() < 1e-12 && rates[2] < 1e-5);
/// assert!((schedule.momentum(299, 1000).unwrap() - 0.85).abs() < 1e-12);
/// ```
#[derive(Clone, Debug)]
pub struct OneCycle {
    max_lr: f64,
    pct_start: f64,
    div_factor: f64,
    final_div_factor: f64,
    linear: bool,
    three_phase: bool,
    momentum: Option<(f64, f64)>,
}

impl OneCycle {
    /// From max_lr / 25 up to `max_lr` in the first 30 %, then down to max_lr / 250,000, as half cosines.
    pub fn new(max_lr: f64) -> OneCycle {
        OneCycle {
            max_lr,
            pct_start: 0.3,
            div_factor: 25.0,
            final_div_factor: 1e4,
            linear: false,
            three_phase: false,
            momentum: None,
        }
    }

    /// Another share of the training for the way up.
    ///
    /// # Panics
    /// Unless it is from 0 to 1.
    #[track_caller]
    pub fn pct_start(mut self, share: f64) -> OneCycle {
        assert!((0.0..=1.0).contains(&share), "OneCycle: pct_start is {share}; it must be from 0 to 1");
        self.pct_start = share;
        self
    }

    /// Begins at max_lr / `factor`.
    pub fn div_factor(mut self, factor: f64) -> OneCycle {
        self.div_factor = factor;
        self
    }

    /// Ends at the first rate / `factor`.
    pub fn final_div_factor(mut self, factor: f64) -> OneCycle {
        self.final_div_factor = factor;
        self
    }

    /// On straight lines.
    pub fn linear(mut self) -> OneCycle {
        self.linear = true;
        self
    }

    /// Down to the first rate as fast as it went up, and only then below.
    pub fn three_phase(mut self) -> OneCycle {
        self.three_phase = true;
        self
    }

    /// The momentum (or Adam's beta1) goes the other way: from `high` to `low` and back. PyTorch does so without being
    /// asked, with 0.85 and 0.95.
    pub fn cycle_momentum(mut self, low: f64, high: f64) -> OneCycle {
        self.momentum = Some((low, high));
        self
    }

    /// A value at `t`, which is `start` at the beginning, `peak` at the top, and `end` at the end.
    fn at(&self, t: u64, total: u64, start: f64, peak: f64, end: f64) -> f64 {
        let (n, up) = (total as f64, self.pct_start * total as f64);
        // Each phase: where it ends, and the value there.
        let phases = match self.three_phase {
            false => vec![(up - 1.0, peak), (n - 1.0, end)],
            true => vec![(up - 1.0, peak), (2.0 * up - 2.0, start), (n - 1.0, end)],
        };
        let (mut begin, mut from) = (0.0, start);
        for (i, &(stop, to)) in phases.iter().enumerate() {
            if t as f64 <= stop || i + 1 == phases.len() {
                let share =
                    if stop > begin { ((t as f64 - begin) / (stop - begin)).clamp(0.0, 1.0) } else { 1.0 };
                return if self.linear { from + (to - from) * share } else { cosine(from, to, share) };
            }
            (begin, from) = (stop, to);
        }
        unreachable!("the last phase takes what is left")
    }
}

impl Schedule for OneCycle {
    fn lr(&self, _: f64, t: u64, total: u64) -> f64 {
        let start = self.max_lr / self.div_factor;
        self.at(t, total, start, self.max_lr, start / self.final_div_factor)
    }

    fn momentum(&self, t: u64, total: u64) -> Option<f64> {
        self.momentum.map(|(low, high)| self.at(t, total, high, low, high))
    }
}
