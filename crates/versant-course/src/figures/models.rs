//! Models of different kinds against one another: accuracy, size, work and time.   [course: B9, B14]

use super::{MARGIN, TOP, WIDTH, grouped, percent, sheet};
use crate::draw::{Brush, Chart, Color, Curve, Font, GREY, INK, Picture, Rect, SERIES, Svg, tick_labels};

/// A trained model.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its trained numbers.
    pub parameters: usize,
    /// Multiply-adds for one input.
    pub multiply_adds: u64,
    /// How long its training took.
    pub seconds: f64,
    /// Share of right predictions on the test set, 0 to 1, one value an epoch, the first epoch being 1.
    pub test_accuracy: &'a [f32],
}

const PANEL: f64 = 420.0;
const ROW: f64 = 38.0;
const HEAD: Font = Font::new(16.0).color(GREY);
const CELL: Font = Font::new(18.0);
const DASHES: [&[f64]; 3] = [&[], &[9.0, 6.0], &[2.5, 5.0]];

/// Test accuracy by epoch, the best accuracy against the number of parameters, and a table of both with multiply-adds
/// and seconds. The colours are the same in all three.
pub fn models(name: &str, models: &[Model]) -> Picture {
    let table = TOP + PANEL + 34.0;
    let mut svg = sheet(
        &format!(
            "{name}: {} compared",
            if models.len() == 1 { "1 model".into() } else { format!("{} models", models.len()) }
        ),
        "Accuracy on the test set, by epoch and against the number of parameters",
        table + (models.len() + 1) as f64 * ROW + 24.0,
    );
    let (gap, wide) = (44.0, 0.56 * (WIDTH - 2.0 * MARGIN));
    let mut by_epoch = accuracy_chart("Test accuracy", "Epoch");
    by_epoch.curves = curves(models, |m| m.epochs());
    by_epoch.draw(&mut svg, Rect::new(MARGIN, TOP, wide, PANEL));
    let mut by_size = accuracy_chart("Best test accuracy", "Parameters (logarithmic)");
    (by_size.log_x, by_size.whole_x, by_size.names) = (true, false, false);
    by_size.curves = curves(models, |m| m.best().map(|a| (m.parameters as f64, a)).into_iter().collect());
    let left = MARGIN + wide + gap;
    by_size.draw(&mut svg, Rect::new(left, TOP, WIDTH - MARGIN - left, PANEL));
    draw_table(&mut svg, models, table);
    svg.finish()
}

fn accuracy_chart(title: &str, x_label: &str) -> Chart {
    let mut chart = Chart::new(title, x_label);
    chart.percent = true;
    chart.bounds = (0.0, 1.0);
    chart
}

fn curves(models: &[Model], points: impl Fn(&Model) -> Vec<(f64, f64)>) -> Vec<Curve> {
    models
        .iter()
        .enumerate()
        .map(|(i, model)| Curve {
            name: model.name.to_owned(),
            points: points(model),
            color: SERIES[i % SERIES.len()],
            dash: DASHES[i / SERIES.len() % DASHES.len()],
        })
        .collect()
}

impl Model<'_> {
    fn epochs(&self) -> Vec<(f64, f64)> {
        self.test_accuracy.iter().enumerate().map(|(e, &a)| (e as f64 + 1.0, a as f64)).collect()
    }

    fn best(&self) -> Option<f64> {
        self.test_accuracy.iter().filter(|a| a.is_finite()).map(|&a| a as f64).reduce(f64::max)
    }
}

fn draw_table(svg: &mut Svg, models: &[Model], top: f64) {
    /// The right ends of the columns of numbers.
    const ENDS: [f64; 5] = [560.0, 750.0, 900.0, 1030.0, WIDTH - MARGIN];
    let heads = ["parameters", "multiply-adds", "best accuracy", "last", "training"];
    svg.text(MARGIN + 34.0, top + 0.5 * ROW, "model", HEAD);
    for (end, head) in ENDS.into_iter().zip(heads) {
        svg.text(end, top + 0.5 * ROW, head, HEAD.end());
    }
    for (i, (model, curve)) in models.iter().zip(curves(models, |_| Vec::new())).enumerate() {
        let y = top + (i as f64 + 1.5) * ROW;
        let line = y - 0.5 * ROW;
        svg.line((MARGIN, line), (WIDTH - MARGIN, line), Brush::line(Color(222, 222, 222), 1.0));
        let sample = Brush::line(curve.color, 4.0).dashed(curve.dash);
        svg.line((MARGIN, y), (MARGIN + 24.0, y), sample);
        let name = CELL.bold().color(curve.color.mix(INK, 0.3));
        svg.text(MARGIN + 34.0, y, &name.fit(model.name, 370.0), name);
        let last = model.test_accuracy.last().map_or("–".to_owned(), |&a| percent(a as f64));
        let cells = [
            grouped(model.parameters),
            usize::try_from(model.multiply_adds).map_or("–".to_owned(), grouped),
            model.best().map_or("–".to_owned(), percent),
            last,
            duration(model.seconds),
        ];
        for (end, cell) in ENDS.into_iter().zip(cells) {
            svg.text(end, y, &CELL.fit(&cell, 190.0), CELL.end());
        }
    }
}

/// Seconds with three digits, then minutes, then hours.
fn duration(seconds: f64) -> String {
    if !(0.0..1e12).contains(&seconds) {
        return "–".to_owned();
    }
    let minutes = (seconds / 60.0).round() as u64;
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        _ if minutes < 100 => format!("{minutes} min"),
        s => format!("{} h", tick_labels(&[(s / 360.0).round() / 10.0]).remove(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn every_number_is_in_the_table() {
        let all = [
            Model {
                name: "fully connected",
                parameters: 3_426_250,
                multiply_adds: 3_424_896,
                seconds: 42.0,
                test_accuracy: &[0.4, 0.5, 0.48],
            },
            Model {
                name: "LeNet <5>",
                parameters: 62_006,
                multiply_adds: 651_720,
                seconds: 420.0,
                test_accuracy: &[0.5, 0.61],
            },
        ];
        let picture = models("CIFAR-10", &all);
        check(&picture);
        for text in [
            "CIFAR-10: 2 models compared",
            ">3\u{a0}426\u{a0}250<",
            ">651\u{a0}720<",
            ">50.0 %<",
            ">48.0 %<",
            ">61.0 %<",
            ">42 s<",
            ">7 min<",
            "LeNet &lt;5&gt;",
        ] {
            assert!(picture.svg().contains(text), "{text}");
        }
    }

    #[test]
    fn any_number_of_models_with_any_numbers() {
        let series: [&[f32]; 4] = [&[], &[f32::NAN, f32::INFINITY], &[0.5], &[0.1, f32::NAN, 0.9]];
        for count in [0, 1, 3, 22] {
            let all: Vec<Model> = (0..count)
                .map(|i| Model {
                    name: "a model with a name as long as a folder's path, and then some more of it",
                    parameters: [0, 1, usize::MAX][i % 3],
                    multiply_adds: [0, u64::MAX, 7][i % 3],
                    seconds: [f64::NAN, -1.0, 1e300, 1e11][i % 4],
                    test_accuracy: series[i % 4],
                })
                .collect();
            check(&models("any", &all));
        }
    }

    #[test]
    fn durations_are_short() {
        let found = [0.04, 9.96, 42.0, 99.4, 119.0, 5970.0, 6000.0, 36_000.0, f64::NAN].map(duration);
        assert_eq!(found, ["0.0 s", "10.0 s", "42 s", "99 s", "2 min", "1.7 h", "1.7 h", "10 h", "–"]);
    }
}
