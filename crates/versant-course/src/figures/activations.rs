//! Activation functions with their derivatives, side by side.   [course: A9]

use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{BLUE, Brush, Chart, Curve, Font, Picture, Rect, Svg, VERMILLION};

/// A function and its derivative at the same places.
#[derive(Clone, Copy, Debug)]
pub struct Activation<'a> {
    /// What stands above the panel.
    pub name: &'a str,
    /// The places, rising.
    pub x: &'a [f32],
    /// The function.
    pub y: &'a [f32],
    /// Its derivative.
    pub dy: &'a [f32],
}

const DASH: &[f64] = &[8.0, 6.0];

/// One small panel a function, three or four to a row. All panels share one width, each has its own height of
/// values.
///
/// # Panics
/// If the slices of a function differ in length.
#[track_caller]
pub fn activations(functions: &[Activation]) -> Picture {
    for f in functions {
        let (x, y, dy) = (f.x.len(), f.y.len(), f.dy.len());
        assert!(x == y && x == dy, "activation {}: {x} places, {y} values, {dy} derivatives", f.name);
    }
    const PANEL_HEIGHT: f64 = 250.0;
    const GAP: f64 = 26.0;
    // Of rows of three and of four, those that leave fewer places empty.
    let empty = |columns: usize| functions.len().next_multiple_of(columns) - functions.len();
    let columns = if empty(3) < empty(4) { 3 } else { 4 };
    let rows = functions.len().div_ceil(columns);
    let height = TOP + rows as f64 * (PANEL_HEIGHT + GAP);
    let mut svg = sheet("Activation functions and their derivatives", "", height);
    legend(&mut svg);
    let width = (WIDTH - 2.0 * MARGIN - GAP * (columns - 1) as f64) / columns as f64;
    for (i, function) in functions.iter().enumerate() {
        let (column, row) = ((i % columns) as f64, (i / columns) as f64);
        let area =
            Rect::new(MARGIN + column * (width + GAP), TOP + row * (PANEL_HEIGHT + GAP), width, PANEL_HEIGHT);
        panel(function).draw(&mut svg, area);
    }
    svg.finish()
}

fn panel(function: &Activation) -> Chart {
    let curve = |values: &[f32], color, dash| Curve {
        name: String::new(),
        points: function.x.iter().zip(values).map(|(&x, &y)| (x as f64, y as f64)).collect(),
        color,
        dash,
    };
    let mut chart = Chart::new(function.name, "");
    chart.curves = vec![curve(function.y, BLUE, &[]), curve(function.dy, VERMILLION, DASH)];
    (chart.whole_x, chart.names, chart.marked, chart.zero_lines) = (false, false, false, true);
    chart
}

fn legend(svg: &mut Svg) {
    const FONT: Font = Font::new(17.0);
    let mut x = MARGIN;
    for (name, color, dash) in [("f(x)", BLUE, &[][..]), ("its derivative f′(x)", VERMILLION, DASH)] {
        svg.line((x, 74.0), (x + 48.0, 74.0), Brush::line(color, 3.0).dashed(dash));
        svg.text(x + 58.0, 74.0, name, FONT);
        x += 58.0 + FONT.width(name) + 36.0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn any_number_of_functions() {
        let x: Vec<f32> = (-40..=40).map(|i| i as f32 / 10.0).collect();
        let step: Vec<f32> = x.iter().map(|&x| if x > 0.0 { 1.0 } else { 0.0 }).collect();
        let zero = vec![0.0; x.len()];
        let steep: Vec<f32> = x.iter().map(|&x| 1.0 / x).collect();
        for count in [0, 1, 3, 4, 9] {
            let all: Vec<Activation> = (0..count)
                .map(|i| Activation {
                    name: "step <0",
                    x: &x,
                    y: if i % 2 == 0 { &step } else { &steep },
                    dy: &zero,
                })
                .collect();
            check(&activations(&all));
        }
    }

    #[test]
    #[should_panic(expected = "activation relu: 1 places, 2 values, 1 derivatives")]
    fn lengths_must_agree() {
        activations(&[Activation { name: "relu", x: &[0.0], y: &[0.0, 1.0], dy: &[0.0] }]);
    }
}
