//! Several runs over one another: test loss and test accuracy against the epoch.

use super::{MARGIN, TOP, WIDTH, percent, sheet};
use crate::draw::{Brush, Chart, Curve, Font, GREY, Picture, Rect, SERIES, Scale, Svg, WHITE};

/// One run's test series, one value an epoch, the first epoch being 1.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// Mean loss on the test set.
    pub test_loss: &'a [f32],
    /// Share of right predictions on the test set, 0 to 1.
    pub test_accuracy: &'a [f32],
}

const DASHES: [&[f64]; 3] = [&[], &[9.0, 6.0], &[2.5, 5.0]];
const ROW: f64 = 30.0;
const NAME: Font = Font::new(16.0);
const BEST: Font = Font::new(16.0).bold();

/// Test loss and accuracy of runs overlaid, with a legend below that tells each one's best accuracy. The
/// first seven runs differ in colour, the next ones also in their dashes.
pub fn compare(runs: &[Run]) -> Picture {
    const PANEL_HEIGHT: f64 = 430.0;
    let longest = runs.iter().map(|run| NAME.width(run.name)).fold(0.0, f64::max);
    // Names that would be cut in two columns get the whole width, as long as the figure remains a page.
    let columns = if runs.len() > 4 && (longest < 270.0 || runs.len() > 12) { 2 } else { 1 };
    let rows = runs.len().div_ceil(columns);
    let height = TOP + PANEL_HEIGHT + 30.0 + rows as f64 * ROW + 22.0;
    let title = if runs.len() == 1 { "One run".to_owned() } else { format!("{} runs compared", runs.len()) };
    let mut svg = sheet(&title, "Loss and accuracy on the test set against the epoch", height);

    let mut loss = Chart::new("Test loss", "Epoch");
    loss.scale = Scale::Auto;
    loss.curves = overlaid(runs, |run| run.test_loss);
    if loss.curves.iter().flat_map(|c| &c.points).all(|p| p.1 >= 0.0) {
        loss.bounds.0 = 0.0;
    }
    let mut accuracy = Chart::new("Test accuracy", "Epoch");
    accuracy.percent = true;
    accuracy.bounds = (0.0, 1.0);
    accuracy.curves = overlaid(runs, |run| run.test_accuracy);
    let gap = 40.0;
    let panel = Rect::new(MARGIN, TOP, 0.5 * (WIDTH - 2.0 * MARGIN - gap), PANEL_HEIGHT);
    for (mut chart, x) in [(loss, panel.x), (accuracy, panel.x + panel.w + gap)] {
        chart.names = false;
        chart.draw(&mut svg, Rect { x, ..panel });
    }
    let area = Rect::new(MARGIN, panel.bottom() + 30.0, WIDTH - 2.0 * MARGIN, rows as f64 * ROW);
    legend(&mut svg, runs, columns, area);
    svg.finish()
}

fn overlaid<'a>(runs: &[Run<'a>], series: impl Fn(&Run<'a>) -> &'a [f32]) -> Vec<Curve> {
    runs.iter()
        .enumerate()
        .map(|(i, run)| Curve {
            name: run.name.to_owned(),
            points: series(run).iter().enumerate().map(|(e, &v)| (e as f64 + 1.0, v as f64)).collect(),
            color: SERIES[i % SERIES.len()],
            dash: DASHES[i / SERIES.len() % DASHES.len()],
        })
        .collect()
}

/// Runs in columns, each filled from the top: a piece of the curve, the name, the best accuracy one below the
/// other.
fn legend(svg: &mut Svg, runs: &[Run], columns: usize, area: Rect) {
    let rows = runs.len().div_ceil(columns);
    const SAMPLE: f64 = 66.0;
    let width = area.w / columns as f64;
    for (i, (run, curve)) in runs.iter().zip(overlaid(runs, |run| run.test_loss)).enumerate() {
        let (x, y) = (area.x + (i / rows) as f64 * width, area.y + (i % rows) as f64 * ROW + 0.5 * ROW);
        svg.polyline(&[(x, y), (x + 52.0, y)], Brush::line(curve.color, 3.0).dashed(curve.dash));
        let fill = if curve.dash.is_empty() { curve.color } else { WHITE };
        svg.circle((x + 26.0, y), 4.5, Brush::fill(fill).outlined(curve.color, 2.0));
        let room = width - SAMPLE - 20.0 - BEST.width("best 99.9 % (epoch 999)");
        svg.text(x + SAMPLE, y, &NAME.fit(run.name, room), NAME);
        let longest = runs.iter().map(|run| NAME.width(run.name)).fold(0.0, f64::max).min(room);
        svg.text(x + SAMPLE + longest + 20.0, y, &best(run.test_accuracy), BEST.color(GREY));
    }
}

fn best(accuracies: &[f32]) -> String {
    let finite = accuracies.iter().enumerate().filter(|(_, a)| a.is_finite());
    // The earliest of equals.
    match finite.rev().max_by(|a, b| a.1.total_cmp(b.1)) {
        Some((epoch, &accuracy)) => format!("best {} (epoch {})", percent(accuracy as f64), epoch + 1),
        None => "no accuracy".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn any_number_of_runs_of_any_length() {
        let series: [&[f32]; 4] = [&[0.5, 0.25, 0.2], &[], &[f32::NAN, 0.1], &[0.9]];
        for count in [0, 1, 2, 5, 24] {
            let runs: Vec<Run> = (0..count)
                .map(|i| Run {
                    name: "a name as long as a folder's <20261124-015727-mnist-mlp> lr=0.1 batch=64 seed=7 wd=1e-4",
                    test_loss: series[i % 4],
                    test_accuracy: series[(i + 1) % 4],
                })
                .collect();
            check(&compare(&runs));
        }
    }

    #[test]
    fn curves_differ_in_colour_or_dash() {
        let runs = [Run { name: "", test_loss: &[1.0], test_accuracy: &[] }; 21];
        let curves = overlaid(&runs, |run| run.test_loss);
        for (i, a) in curves.iter().enumerate() {
            assert!(curves[..i].iter().all(|b| (a.color, a.dash) != (b.color, b.dash)), "run {i}");
        }
    }

    #[test]
    fn the_best_is_the_earliest_of_the_highest() {
        assert_eq!(best(&[0.5, 0.9, f32::NAN, 0.9, 0.8]), "best 90.0 % (epoch 2)");
        assert_eq!(best(&[f32::NAN]), "no accuracy");
    }
}
