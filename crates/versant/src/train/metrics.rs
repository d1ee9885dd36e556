//! What a classifier's answers are worth.

use serde::{Deserialize, Serialize};

use crate::tensor::Tensor;

/// Counts of (true class, predicted class). [course: A20]
///
/// ```
/// use versant::train::Confusion;
/// let mut confusion = Confusion::new(2);
/// confusion.add_all(&[0, 0, 1, 1], &[0, 1, 1, 1]);
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!(confusion.class(1).recall, 1.0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    classes: usize,
    /// Row-major: true class times `classes` plus predicted class.
    counts: Vec<u64>,
}

/// The measures of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Of what was taken for this class, the share that was; 0 when nothing was.
    pub precision: f64,
    /// Of this class, the share that was found; 0 when there is none.
    pub recall: f64,
    /// Their harmonic mean; 0 when both are.
    pub f1: f64,
    /// Samples of this class.
    pub support: u64,
}

impl Confusion {
    /// All zero.
    pub fn new(classes: usize) -> Confusion {
        Confusion { classes, counts: vec![0; classes * classes] }
    }

    /// Counts answers.
    ///
    /// # Panics
    /// When a label or prediction is not a class.
    #[track_caller]
    pub fn add_all(&mut self, labels: &[i64], predictions: &[i64]) {
        for (&label, &prediction) in labels.iter().zip(predictions) {
            let classes = 0..self.classes as i64;
            assert!(
                classes.contains(&label) && classes.contains(&prediction),
                "Confusion: ({label}, {prediction}) with {} classes",
                self.classes
            );
            self.counts[label as usize * self.classes + prediction as usize] += 1;
        }
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often class `label` was taken for `prediction`.
    pub fn count(&self, label: usize, prediction: usize) -> u64 {
        self.counts[label * self.classes + prediction]
    }

    /// All counts, a row for each true class.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The share of right answers, 0 to 1; 0 of nothing.
    pub fn accuracy(&self) -> f64 {
        let right = (0..self.classes).map(|c| self.count(c, c)).sum();
        ratio(right, self.counts.iter().sum())
    }

    /// Precision, recall and F1 of one class.
    pub fn class(&self, class: usize) -> ClassMetrics {
        let right = self.count(class, class);
        let support = (0..self.classes).map(|p| self.count(class, p)).sum();
        let predicted = (0..self.classes).map(|l| self.count(l, class)).sum();
        let (precision, recall) = (ratio(right, predicted), ratio(right, support));
        let f1 = if right == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
        ClassMetrics { precision, recall, f1, support }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// How many rows of `logits` [n, classes] have their largest value at the label `[n]`, or where the target probabilities
/// [n, classes] have theirs.
pub fn count_correct(logits: &Tensor, target: &Tensor) -> u64 {
    let labels = if target.dtype().is_float() { target.argmax(-1) } else { target.clone() };
    let (predictions, labels) = (logits.argmax(-1).to_vec::<i64>(), labels.to_vec::<i64>());
    predictions.iter().zip(&labels).filter(|(p, l)| p == l).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_never_occur_or_are_never_predicted() {
        let mut confusion = Confusion::new(3);
        confusion.add_all(&[0, 0, 1], &[0, 0, 0]);
        assert_eq!(confusion.class(1), ClassMetrics { precision: 0.0, recall: 0.0, f1: 0.0, support: 1 });
        assert_eq!(confusion.class(2).support, 0);
        assert_eq!(confusion.class(0).precision, 2.0 / 3.0);
        assert!((confusion.class(0).f1 - 0.8).abs() < 1e-15);
        assert_eq!(Confusion::new(2).accuracy(), 0.0);
    }

    #[test]
    fn correct_rows_are_counted() {
        let logits = Tensor::from_slice(&[1.0f32, 2.0, 5.0, 1.0], [2, 2]);
        assert_eq!(count_correct(&logits, &Tensor::from_slice(&[1i64, 1], [2])), 1);
        assert_eq!(count_correct(&logits, &Tensor::from_slice(&[0.4f32, 0.6, 0.7, 0.3], [2, 2])), 2);
    }
}
