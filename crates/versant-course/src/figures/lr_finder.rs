//! Loss against a rising learning rate, and the rate it suggests.

use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{BLUE, Chart, Color, Curve, Picture, Rect};

/// What a search for a learning rate measured.
#[derive(Clone, Copy, Debug)]
pub struct LrSearch<'a> {
    /// The learning rates, rising.
    pub rates: &'a [f32],
    /// The loss of one batch at each.
    pub losses: &'a [f32],
    /// The losses smoothed.
    pub smoothed: &'a [f32],
    /// The learning rate that the search suggests.
    pub suggestion: Option<f32>,
}

/// The loss of single batches and the smoothed one against the learning rate, with the suggested rate marked. Losses
/// beyond twice the first smoothed one are left out: they are where training breaks, and would flatten the rest.
///
/// # Panics
/// If the three slices differ in length.
#[track_caller]
pub fn lr_finder(name: &str, search: &LrSearch) -> Picture {
    const HEIGHT: f64 = 640.0;
    let LrSearch { rates, losses, smoothed, suggestion } = *search;
    let (r, l, s) = (rates.len(), losses.len(), smoothed.len());
    assert!(r == l && r == s, "lr_finder: {r} rates, {l} losses, {s} smoothed losses");
    let first = smoothed.iter().copied().find(|v| v.is_finite()).unwrap_or(f32::INFINITY);
    let highest = if first > 0.0 { 2.0 * first as f64 } else { f64::INFINITY };
    let curve = |name: &str, values: &[f32], color: Color| Curve {
        name: name.to_owned(),
        points: rates
            .iter()
            .zip(values)
            .map(|(&rate, &loss)| (rate as f64, if loss as f64 <= highest { loss as f64 } else { f64::NAN }))
            .collect(),
        color,
        dash: &[],
    };
    let mut chart = Chart::new("Loss", "Learning rate (logarithmic)");
    (chart.log_x, chart.whole_x, chart.marked) = (true, false, false);
    chart.curves = vec![curve("each batch", losses, Color(190, 198, 206)), curve("smoothed", smoothed, BLUE)];
    let told = suggestion.filter(|s| s.is_finite() && *s > 0.0).map(short);
    chart.mark = told.clone().zip(suggestion).map(|(text, at)| (at as f64, format!("suggested: {text}")));
    let reading = match told {
        Some(text) => {
            format!("{r} batches, each with a higher rate; suggested: {text}")
        }
        None => format!("{r} batches, each with a higher rate; no suggestion"),
    };
    let mut svg = sheet(&format!("{name}: search for a learning rate"), &reading, HEIGHT);
    chart.draw(&mut svg, Rect::new(MARGIN, TOP, WIDTH - 2.0 * MARGIN, HEIGHT - TOP - 16.0));
    svg.finish()
}

/// Two significant digits.
fn short(rate: f32) -> String {
    let rounded: f64 = format!("{rate:.1e}").parse().unwrap_or(rate as f64);
    crate::draw::tick_labels(&[rounded]).remove(0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn the_suggestion_is_marked() {
        let search = LrSearch {
            rates: &[1e-5, 1e-3, 1e-1, 10.0],
            losses: &[2.3, 2.0, 1.0, 99.0],
            smoothed: &[2.3, 2.1, 1.2, 80.0],
            suggestion: Some(0.0213),
        };
        let picture = lr_finder("LeNet", &search);
        check(&picture);
        for text in [">suggested: 0.021<", "4 batches", "smoothed"] {
            assert!(picture.svg().contains(text), "{text}");
        }
        let none = lr_finder("LeNet", &LrSearch { suggestion: None, ..search });
        assert!(none.svg().contains("no suggestion"));
    }

    #[test]
    fn any_number_can_be_drawn() {
        let values = [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-30, 1e30, 2.0];
        for suggestion in values.map(Some) {
            check(&lr_finder(
                "any",
                &LrSearch { rates: &values, losses: &values, smoothed: &values, suggestion },
            ));
            check(&lr_finder("none", &LrSearch { rates: &[], losses: &[], smoothed: &[], suggestion }));
        }
    }

    #[test]
    #[should_panic(expected = "1 rates, 0 losses, 1 smoothed losses")]
    fn lengths_must_agree() {
        lr_finder("x", &LrSearch { rates: &[1.0], losses: &[], smoothed: &[1.0], suggestion: None });
    }
}
