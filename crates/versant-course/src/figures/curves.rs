//! How training went: loss and accuracy on the training and the test set against the epoch.   [course: A20]

use super::{MARGIN, TOP, WIDTH, percent, sheet};
use crate::draw::{BLUE, Chart, Color, Curve, Picture, Rect, Scale, VERMILLION};

/// The series of one training run, one value an epoch, the first epoch being 1. Series may differ in length
/// or be empty; values that are not finite are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct History<'a> {
    /// Mean loss on the training set.
    pub train_loss: &'a [f32],
    /// Mean loss on the test set.
    pub test_loss: &'a [f32],
    /// Share of right predictions on the training set, 0 to 1.
    pub train_accuracy: &'a [f32],
    /// Share of right predictions on the test set, 0 to 1.
    pub test_accuracy: &'a [f32],
    /// The epoch, counted from 1, whose parameters were kept.
    pub best_epoch: Option<usize>,
}

/// Loss and accuracy side by side. A loss that spans orders of magnitude gets a logarithmic axis.
///
/// ```
/// use versant_course::figures::curves::{History, curves};
/// let history = History { train_loss: &[0.5, 0.2], test_accuracy: &[0.9, 0.95], ..History::default() };
/// assert!(curves("MNIST, two layers", &history).svg().contains("95.0 %"));
/// ```
pub fn curves(name: &str, history: &History) -> Picture {
    const HEIGHT: f64 = 560.0;
    let mut svg = sheet(&format!("{name}: loss and accuracy"), &summary(history), HEIGHT);
    let mut loss = Chart::new("Loss", "Epoch");
    loss.scale = Scale::Auto;
    loss.bounds.0 = if history.lowest_loss() >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
    loss.curves = pair(history.train_loss, history.test_loss);
    let mut accuracy = Chart::new("Accuracy", "Epoch");
    accuracy.percent = true;
    accuracy.bounds = (0.0, 1.0);
    accuracy.curves = pair(history.train_accuracy, history.test_accuracy);
    let gap = 30.0;
    let panel = Rect::new(MARGIN, TOP, 0.5 * (WIDTH - 2.0 * MARGIN - gap), HEIGHT - TOP - 16.0);
    for (mut chart, x) in [(loss, panel.x), (accuracy, panel.x + panel.w + gap)] {
        chart.mark = history.best_epoch.map(|epoch| (epoch as f64, format!("best: epoch {epoch}")));
        chart.draw(&mut svg, Rect { x, ..panel });
    }
    svg.finish()
}

impl History<'_> {
    fn lowest_loss(&self) -> f32 {
        self.train_loss.iter().chain(self.test_loss).copied().fold(f32::INFINITY, f32::min)
    }
}

/// The last test accuracy, and the best where that is another.
fn summary(history: &History) -> String {
    let Some(last) = history.test_accuracy.last() else {
        return "solid: test set, dashed: training set".to_owned();
    };
    let epochs = history.test_accuracy.len();
    let plural = if epochs == 1 { "" } else { "s" };
    let mut text = format!("Test accuracy {} after {epochs} epoch{plural}", percent(*last as f64));
    let best = history.best_epoch.filter(|&e| e != epochs);
    if let Some((epoch, value)) = best.and_then(|e| Some((e, history.test_accuracy.get(e.checked_sub(1)?)?)))
    {
        text += &format!("; best: {} after epoch {epoch}", percent(*value as f64));
    }
    text + " (solid: test set, dashed: training set)"
}

fn pair(train: &[f32], test: &[f32]) -> Vec<Curve> {
    let curve = |name: &str, values: &[f32], color: Color, dash: &'static [f64]| Curve {
        name: name.to_owned(),
        points: values.iter().enumerate().map(|(i, &v)| (i as f64 + 1.0, v as f64)).collect(),
        color,
        dash,
    };
    // The dashed one last: where both run together, both are seen.
    vec![curve("test", test, BLUE, &[]), curve("train", train, VERMILLION, &[9.0, 6.0])]
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn draws_every_length_and_every_number() {
        let values: [&[f32]; 7] = [
            &[],
            &[0.5],
            &[f32::NAN],
            &[1.0, f32::NAN, 0.5, f32::INFINITY],
            &[1.0; 12],
            &[0.0, 0.0],
            &[1e3, 1e-4, 1.0],
        ];
        for v in values {
            for best_epoch in [None, Some(0), Some(1), Some(99)] {
                let history =
                    History { train_loss: v, test_loss: v, train_accuracy: v, test_accuracy: v, best_epoch };
                check(&curves("a <name> & more", &history));
            }
        }
    }

    #[test]
    fn the_best_epoch_is_marked_and_its_accuracy_told() {
        let history = History {
            test_loss: &[0.3, 0.1, 0.2],
            test_accuracy: &[0.9, 0.971, 0.96],
            best_epoch: Some(2),
            ..History::default()
        };
        let picture = curves("run", &history);
        assert!(picture.svg().contains("Test accuracy 96.0 % after 3 epochs; best: 97.1 % after epoch 2"));
        assert_eq!(picture.svg().matches("best: epoch 2").count(), 2);
        assert_eq!(picture, curves("run", &history));
    }
}
