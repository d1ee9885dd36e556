//! What batch normalisation does to one feature.   [course: B16]

use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{
    BLUE, Brush, Color, Font, GREEN, GREY, INK, ORANGE, Picture, Rect, Svg, WHITE, linear_ticks, tick_labels,
};

/// One feature over a batch, before and after.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// What comes in.
    pub input: &'a [f32],
    /// With mean 0 and variance 1.
    pub normalized: &'a [f32],
    /// What goes out.
    pub output: &'a [f32],
    /// The batch's mean.
    pub mean: f32,
    /// The batch's variance, divided by the number of values.
    pub variance: f32,
    /// The learned scale.
    pub gamma: f32,
    /// The learned shift.
    pub beta: f32,
}

const ROW: f64 = 204.0;
const PLOT: f64 = 128.0;
const LEFT: f64 = 400.0;
const BINS: usize = 72;
const LABEL: Font = Font::new(18.0);
const NOTE: Font = Font::new(16.0).color(GREY);

/// Three histograms over one axis: the input, the normalised values, and the output, each with its mean and the
/// range of one standard deviation around it.
///
/// # Panics
/// If the three differ in length.
#[track_caller]
pub fn batch_norm(feature: &BatchNorm) -> Picture {
    let BatchNorm { input, normalized, output, .. } = *feature;
    assert!(
        input.len() == normalized.len() && input.len() == output.len(),
        "batch_norm: {}, {} and {} values of one batch",
        input.len(),
        normalized.len(),
        output.len()
    );
    let mut svg = sheet(
        "Batch normalisation of one feature",
        &format!(
            "{} values of a batch; the mark is their mean, the band one standard deviation to each side",
            input.len()
        ),
        TOP + 3.0 * ROW + 50.0,
    );
    let axis = Axis::new(&[input, normalized, output]);
    let row = |i: usize| Rect::new(LEFT, TOP + i as f64 * ROW + 30.0, WIDTH - MARGIN - LEFT, PLOT);
    let [mean, variance, gamma, beta] =
        [feature.mean, feature.variance, feature.gamma, feature.beta].map(decimal);
    let words: [(&str, &[String]); 3] = [
        ("1  input x", &[format!("μ = mean of x = {mean}"), format!("σ^{{2}} = variance of x = {variance}")]),
        ("2  normalised z", &["z = (x − μ) / √(σ^{2} + ε)".into(), "mean 0, variance 1".into()]),
        ("3  output y", &["y = γ z + β".into(), format!("γ = {gamma}, β = {beta}: learned")]),
    ];
    for (i, (values, color)) in [(input, BLUE), (normalized, ORANGE), (output, GREEN)].into_iter().enumerate()
    {
        let (heading, lines) = words[i];
        let area = row(i);
        svg.text(MARGIN, area.y + 4.0, heading, Font::new(20.0).bold());
        for (line, text) in lines.iter().enumerate() {
            svg.formula(MARGIN + 24.0, area.y + 44.0 + 34.0 * line as f64, text, Font::new(20.0));
        }
        axis.draw_histogram(&mut svg, area, values, color);
        if i < 2 {
            let x = MARGIN + 8.0;
            svg.arrow((x, area.y + 30.0), (x, area.y + ROW - 20.0), Color(120, 120, 120), 2.5);
        }
    }
    svg.text(row(2).center().0, row(2).bottom() + 52.0, "value of the feature", LABEL.middle());
    svg.finish()
}

/// The horizontal axis that the histograms share.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// All finite values but those far off, which would squeeze the rest.
    fn new(series: &[&[f32]]) -> Axis {
        let all = series.iter().copied().flatten().filter(|v| v.abs() < 1e30).map(|&v| v as f64);
        let (low, high) = all.fold((0f64, 0f64), |(low, high), v| (low.min(v), high.max(v)));
        let pad = (0.05 * (high - low)).max(1e-6);
        Axis { low: low - pad, high: high + pad }
    }

    fn place(&self, area: Rect, value: f64) -> f64 {
        area.x + (value - self.low) / (self.high - self.low) * area.w
    }

    fn draw_histogram(&self, svg: &mut Svg, area: Rect, values: &[f32], color: Color) {
        let finite: Vec<f64> = values.iter().map(|&v| v as f64).filter(|v| v.abs() < 1e30).collect();
        self.draw_grid(svg, area);
        let mut counts = [0usize; BINS];
        for v in &finite {
            let bin = (v - self.low) / (self.high - self.low) * BINS as f64;
            counts[(bin as usize).min(BINS - 1)] += 1;
        }
        if finite.is_empty() {
            svg.text(area.center().0, area.center().1, "no finite values", LABEL.middle().color(GREY));
            return;
        }
        let n = finite.len() as f64;
        let mean = finite.iter().sum::<f64>() / n;
        let deviation = (finite.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
        let band = |v: f64| self.place(area, v).clamp(area.x, area.right());
        let (from, to) = (band(mean - deviation), band(mean + deviation));
        svg.rect(Rect::new(from, area.y, to - from, area.h), Brush::fill(color.mix(WHITE, 0.85)));
        let tallest = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
        let width = area.w / BINS as f64;
        for (i, &count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            let h = (area.h - 12.0) * count as f64 / tallest;
            let bar = Rect::new(area.x + i as f64 * width + 0.5, area.bottom() - h, width - 1.0, h);
            svg.rect(bar, Brush::fill(color));
        }
        let x = band(mean);
        svg.line((x, area.y - 4.0), (x, area.bottom()), Brush::line(INK, 2.5));
        // What is left of a mean by rounding is 0.
        let shown = if mean.abs() < 1e-4 * deviation { 0.0 } else { mean };
        let text =
            format!("mean {}, standard deviation {}", decimal(shown as f32), decimal(deviation as f32));
        let half = 0.5 * NOTE.width(&text);
        let middle = x.clamp(area.x + half, (area.right() - half).max(area.x + half));
        svg.text(middle, area.y - 16.0, &text, NOTE.middle().color(INK));
    }

    fn draw_grid(&self, svg: &mut Svg, area: Rect) {
        let ticks = linear_ticks(self.low, self.high, 9, false);
        let bottom = area.bottom();
        for (&value, label) in ticks.iter().zip(tick_labels(&ticks)) {
            let x = self.place(area, value);
            svg.line((x, area.y), (x, bottom), Brush::line(Color(228, 228, 228), 1.0));
            svg.text(x, bottom + 16.0, &label, Font::new(15.0).color(GREY).middle());
        }
        svg.line((area.x, bottom), (area.right(), bottom), Brush::line(Color(140, 140, 140), 1.2));
    }
}

/// Two decimals, of what is small three digits.
fn decimal(value: f32) -> String {
    let text = match value.abs() {
        v if !v.is_finite() => return "–".to_owned(),
        v if v > 0.0 && !(0.005..1e5).contains(&v) => {
            let short: f64 = format!("{value:.2e}").parse().unwrap_or(0.0);
            return tick_labels(&[short]).remove(0);
        }
        _ => format!("{value:.2}"),
    };
    if text == "-0.00" { "0.00".to_owned() } else { text.replace('-', "−") }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn the_statistics_are_written() {
        let feature = BatchNorm {
            input: &[1.0, 3.0],
            normalized: &[-1.0, 1.0],
            output: &[0.0, 1.0],
            mean: 2.0,
            variance: 1.0,
            gamma: 0.5,
            beta: 0.5,
        };
        let picture = batch_norm(&feature);
        check(&picture);
        for text in
            ["= 2.00", "γ = 0.50, β = 0.50", "mean 0.00, standard deviation 1.00", "2 values of a batch"]
        {
            assert!(picture.svg().contains(text), "{text}");
        }
    }

    #[test]
    fn any_number_can_be_drawn() {
        for value in [0.0, f32::NAN, f32::INFINITY, f32::MAX, -1e-30, 1e20] {
            for count in [0, 1, 3] {
                let v = vec![value; count];
                let feature = BatchNorm {
                    input: &v,
                    normalized: &v,
                    output: &v,
                    mean: value,
                    variance: value,
                    gamma: value,
                    beta: value,
                };
                check(&batch_norm(&feature));
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, -0.001, 1e-5, -2.345, 123_456.0, f32::NAN].map(decimal);
        assert_eq!(numbers, ["0.00", "−0.001", "10⁻⁵", "−2.35", "1.23·10⁵", "–"]);
    }
}
