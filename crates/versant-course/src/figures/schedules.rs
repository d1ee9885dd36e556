//! Learning rates over the course of a training, one panel a schedule.

use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{BLUE, Chart, Curve, Picture, Rect};

/// A schedule's learning rates.
#[derive(Clone, Copy, Debug)]
pub struct Schedule<'a> {
    /// What stands above the panel.
    pub name: &'a str,
    /// The learning rate of each step, the first step being 0.
    pub rates: &'a [f32],
}

/// One small panel a schedule, three to a row; `steps` says what a step is: "epoch".
pub fn schedules(all: &[Schedule], steps: &str) -> Picture {
    const COLUMNS: usize = 3;
    const PANEL: f64 = 250.0;
    const GAP: f64 = 30.0;
    let rows = all.len().div_ceil(COLUMNS).max(1);
    let mut svg = sheet(
        "Schedules of the learning rate",
        &format!("Learning rate against the {steps}"),
        TOP + rows as f64 * (PANEL + GAP),
    );
    let width = (WIDTH - 2.0 * MARGIN - GAP * (COLUMNS - 1) as f64) / COLUMNS as f64;
    for (i, schedule) in all.iter().enumerate() {
        let x = MARGIN + (i % COLUMNS) as f64 * (width + GAP);
        let y = TOP + (i / COLUMNS) as f64 * (PANEL + GAP);
        let mut chart = Chart::new(schedule.name, steps);
        (chart.names, chart.marked) = (false, false);
        let points =
            schedule.rates.iter().enumerate().map(|(step, &rate)| (step as f64, rate as f64)).collect();
        chart.curves = vec![Curve { name: String::new(), points, color: BLUE, dash: &[] }];
        if schedule.rates.iter().all(|&rate| rate >= 0.0) {
            chart.bounds.0 = 0.0;
        }
        chart.draw(&mut svg, Rect::new(x, y, width, PANEL));
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn any_number_of_schedules_with_any_rates() {
        let series: [&[f32]; 5] =
            [&[0.1, 0.05, 0.01], &[], &[f32::NAN], &[1e-8; 40], &[-1.0, f32::INFINITY, 1.0]];
        for count in [0, 1, 3, 10] {
            let all: Vec<Schedule> =
                (0..count).map(|i| Schedule { name: "cosine <warm-up>", rates: series[i % 5] }).collect();
            let picture = schedules(&all, "epoch");
            check(&picture);
            assert_eq!(picture.svg().matches("cosine &lt;warm-up&gt;").count(), count);
        }
    }
}
