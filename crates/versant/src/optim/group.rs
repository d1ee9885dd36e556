//! Groups of parameters with settings of their own.

use crate::shape::Shape;

type Predicate = Box<dyn Fn(&str, Shape) -> bool + Send + Sync>;

/// Parameters, chosen by name, that are trained with another learning rate or weight decay. Of the groups of an
/// optimiser the first one that a parameter belongs to counts; what belongs to none has the optimiser's own settings.
///
/// ```
/// use versant::optim::{Adam, Group, Optimizer};
/// // No decay of biases and of the weights of norms; a body that learns ten times slower than the head.
/// let optimizer = Adam::adamw(1e-3)
///     .group(Group::vectors().weight_decay(0.0))
///     .group(Group::named("body.*").lr_factor(0.1));
/// ```
pub struct Group {
    /// How it was chosen, where a slip of the pen could make it empty.
    pub(super) about: Option<String>,
    belongs: Predicate,
    lr_factor: f64,
    weight_decay: Option<f64>,
}

impl Group {
    /// The parameters whose names fit a pattern: `*` stands for any letters, dots too, and `?` for one. A pattern that
    /// fits none is refused at the first step.
    pub fn named(pattern: impl Into<String>) -> Group {
        let pattern = pattern.into();
        let about = format!("Group::named({pattern:?})");
        Group::new(Some(about), move |name, _| fits(pattern.as_bytes(), name.as_bytes()))
    }

    /// The parameters of at most one axis: biases, and the weights of norms.
    pub fn vectors() -> Group {
        Group::new(None, |_, shape| shape.rank() <= 1)
    }

    /// The parameters for whose name and shape `belongs` says so: some, at the first step.
    pub fn when(belongs: impl Fn(&str, Shape) -> bool + Send + Sync + 'static) -> Group {
        Group::new(Some("Group::when(..)".into()), belongs)
    }

    fn new(about: Option<String>, belongs: impl Fn(&str, Shape) -> bool + Send + Sync + 'static) -> Group {
        Group { about, belongs: Box::new(belongs), lr_factor: 1.0, weight_decay: None }
    }

    /// Times the optimiser's learning rate, whatever a schedule makes of that.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn lr_factor(mut self, factor: f64) -> Group {
        self.lr_factor = super::not_negative("Group", "lr_factor", factor);
        self
    }

    /// In place of the optimiser's weight decay.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn weight_decay(mut self, weight_decay: f64) -> Group {
        self.weight_decay = Some(super::not_negative("Group", "weight_decay", weight_decay));
        self
    }

    /// Whether a parameter belongs to it.
    pub fn contains(&self, name: &str, shape: Shape) -> bool {
        (self.belongs)(name, shape)
    }

    /// The learning rate and weight decay of its parameters, from those of the optimiser.
    pub(super) fn settings(&self, lr: f64, weight_decay: f64) -> (f64, f64) {
        (lr * self.lr_factor, self.weight_decay.unwrap_or(weight_decay))
    }
}

/// Whether a name fits a pattern of `*` and `?`. On a mismatch the last star takes one letter more.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|&c| c == b'?' || c == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, n) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let fits = |pattern: &str, name: &str| Group::named(pattern).contains(name, Shape::from([2, 3]));
        for (pattern, name) in [
            ("fc.bias", "fc.bias"),
            ("*", ""),
            ("*.bias", "body.fc1.bias"),
            ("body.*", "body.fc1.bias"),
            ("*.fc?.*", "body.fc1.fc2.weight"),
            ("*a*b*", "xaxxbx"),
            ("**", "x"),
            ("*ab", "aab"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("", "x"), ("*.bias", "bias"), ("body.*", "bod.y"), ("?", ""), ("*ab", "aba"), ("a*b", "ac")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        assert!(Group::vectors().contains("w", Shape::from([3])));
        assert!(!Group::vectors().contains("w", Shape::from([3, 1])));
    }
}
