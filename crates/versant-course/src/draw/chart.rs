//! A panel of curves: axes with round marks, light grid lines, and the curves' names at their ends.

use super::color::{Color, GREY, INK, WHITE};
use super::font::Font;
use super::svg::{Brush, Rect, Svg};
use super::ticks::{linear_ticks, log_ticks, tick_labels};

const TITLE: Font = Font::new(19.0).bold();
const LABEL: Font = Font::new(16.0);
const NAME: Font = LABEL.bold();
const TICK: Font = Font::new(15.0).color(GREY);
const GRID: Brush = Brush::line(Color(228, 228, 228), 1.0);
const AXIS: Brush = Brush::line(Color(140, 140, 140), 1.2);

/// Room for the marks' labels even where they are short, so that neighbouring panels line up.
const LEAST_LABEL_ROOM: f64 = 36.0;

/// Up to this many points of a curve are marked one by one.
const MOST_MARKED: usize = 30;

/// How a value becomes a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equal distances.
    Linear,
    /// Logarithmic where all values are positive and differ by more than a factor of 50, else linear.
    Auto,
}

/// One curve of a chart.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What stands at its end.
    pub name: String,
    /// The points from left to right. One with a coordinate that is no finite number leaves a gap.
    pub points: Vec<(f64, f64)>,
    /// Its colour.
    pub color: Color,
    /// Lengths of dashes and gaps in px; none is a solid line. Points of a dashed curve are marked by open
    /// circles.
    pub dash: &'static [f64],
}

/// A panel of curves over one pair of axes. Set the fields, then [`draw`](Chart::draw).
#[derive(Clone, Debug)]
pub struct Chart {
    /// What is seen: stands above the panel in place of a turned y-axis label.
    pub title: String,
    /// What runs to the right.
    pub x_label: String,
    /// The curves, the later over the earlier.
    pub curves: Vec<Curve>,
    /// The height of a value.
    pub scale: Scale,
    /// Values never leave this range, and the axis only by a hair.
    pub bounds: (f64, f64),
    /// Values are shares, and shown as percentages.
    pub percent: bool,
    /// Marks of the x-axis are whole numbers: epochs, steps.
    pub whole_x: bool,
    /// Equal factors are equal distances to the right; points at 0 or below are left out.
    pub log_x: bool,
    /// Names stand at the ends of the curves.
    pub names: bool,
    /// Points are marked one by one where they are few.
    pub marked: bool,
    /// Lines through zero in both directions.
    pub zero_lines: bool,
    /// A dotted upright line and what stands above it.
    pub mark: Option<(f64, String)>,
}

impl Chart {
    /// Curves against whole numbers, linear, named at their ends, points marked where they are few.
    pub fn new(title: &str, x_label: &str) -> Chart {
        Chart {
            title: title.to_owned(),
            x_label: x_label.to_owned(),
            curves: Vec::new(),
            scale: Scale::Linear,
            bounds: (f64::NEG_INFINITY, f64::INFINITY),
            percent: false,
            whole_x: true,
            log_x: false,
            names: true,
            marked: true,
            zero_lines: false,
            mark: None,
        }
    }

    /// Draws the panel, labels and all, into `area`.
    pub fn draw(&self, svg: &mut Svg, area: Rect) {
        svg.text(area.x, area.y + 10.0, &TITLE.fit(&self.title, area.w), TITLE);
        let top = if self.mark.is_some() { 50.0 } else { 32.0 };
        let foot = if self.x_label.is_empty() { 26.0 } else { 52.0 };
        let rows = Rect { y: area.y + top, h: area.h - top - foot, ..area };
        let Some(axes) = Axes::new(self, rows) else {
            svg.rect(rows, Brush::fill(Color(247, 247, 247)));
            let (x, y) = rows.center();
            svg.text(x, y, "no finite values", LABEL.middle().color(GREY));
            return;
        };
        axes.draw(svg);
        if !self.x_label.is_empty() {
            svg.text(axes.plot.center().0, area.bottom() - 10.0, &self.x_label, LABEL.middle());
        }
        if self.zero_lines {
            axes.draw_zero_lines(svg);
        }
        if let Some((x, note)) = &self.mark {
            axes.draw_mark(svg, *x, note);
        }
        for curve in &self.curves {
            self.draw_curve(svg, &axes, curve);
        }
        if self.names {
            draw_names(svg, &axes, self, area.right());
        }
    }

    fn draw_curve(&self, svg: &mut Svg, axes: &Axes, curve: &Curve) {
        let few = self.marked && curve.points.len() <= MOST_MARKED;
        for run in curve.points.split(|p| !self.drawable(*p)) {
            let places: Vec<_> = run.iter().map(|&p| axes.place(p)).collect();
            svg.polyline(&places, Brush::line(curve.color, 3.0).dashed(curve.dash));
            // A lone point between gaps has no line to be seen by.
            if few || places.len() == 1 {
                let fill = if curve.dash.is_empty() { curve.color } else { WHITE };
                for place in places {
                    svg.circle(place, 4.5, Brush::fill(fill).outlined(curve.color, 2.0));
                }
            }
        }
    }

    /// Coordinates beyond this are no measurements, and their differences might overflow.
    fn drawable(&self, (x, y): (f64, f64)) -> bool {
        x.abs() < 1e100 && y.abs() < 1e100 && (!self.log_x || x > 1e-100)
    }

    /// Room at the right for the curves' names.
    fn name_room(&self, width: f64) -> f64 {
        let longest = self.curves.iter().map(|c| NAME.width(&c.name)).fold(0.0, f64::max).ceil();
        if self.names && longest > 0.0 { NAME_GAP + longest.min(0.36 * width) } else { 10.0 }
    }
}

/// From data to px.
struct Axes {
    plot: Rect,
    x: (f64, f64),
    y: (f64, f64),
    log: bool,
    log_x: bool,
    x_marks: Vec<(f64, String)>,
    y_marks: Vec<(f64, String)>,
}

impl Axes {
    /// `None` without a single finite point.
    fn new(chart: &Chart, rows: Rect) -> Option<Axes> {
        let points: Vec<_> =
            chart.curves.iter().flat_map(|c| &c.points).copied().filter(|p| chart.drawable(*p)).collect();
        let x = extent(points.iter().map(|p| p.0))?;
        let y = extent(points.iter().map(|p| p.1))?;
        let log = chart.scale == Scale::Auto && y.0 > 0.0 && y.1 / y.0 > 50.0;
        let y = if log { (y.0.log10(), y.1.log10()) } else { y };
        let y = padded(y, 0.07, if chart.percent { 0.02 } else { 0.05 * y.1.abs().max(1e-6) });
        let hair = 0.025 * (y.1 - y.0);
        let y = if log { y } else { (y.0.max(chart.bounds.0 - hair), y.1.min(chart.bounds.1 + hair)) };
        let most = ((rows.h / 40.0) as usize).clamp(3, 8);
        let at = if log {
            log_ticks(10f64.powf(y.0), 10f64.powf(y.1), most)
        } else {
            linear_ticks(y.0, y.1, most, false)
        };
        let y_marks = if chart.percent {
            let hundredfold: Vec<f64> = at.iter().map(|v| v * 100.0).collect();
            let labels = tick_labels(&hundredfold).into_iter().map(|l| format!("{l} %"));
            at.into_iter().zip(labels).collect()
        } else {
            marks(at)
        };
        let left = y_marks.iter().map(|(_, l)| TICK.width(l)).fold(LEAST_LABEL_ROOM, f64::max) + 12.0;
        let plot = Rect { x: rows.x + left, w: rows.w - left - chart.name_room(rows.w), ..rows };
        let most = ((plot.w / 50.0) as usize).max(2);
        let wide = if chart.log_x { (x.0.log10(), x.1.log10()) } else { x };
        let seen = padded(wide, if chart.marked { 0.03 } else { 0.0 }, if chart.log_x { 0.2 } else { 0.5 });
        let x_at = if chart.log_x {
            log_ticks(10f64.powf(seen.0), 10f64.powf(seen.1), most)
        } else {
            // There is no epoch 0: whole marks stand only where something was measured.
            let mut at = linear_ticks(seen.0, seen.1, most, chart.whole_x);
            at.retain(|at| !chart.whole_x || (x.0..=x.1).contains(at));
            at
        };
        Some(Axes { plot, x: seen, y, log, log_x: chart.log_x, x_marks: marks(x_at), y_marks })
    }

    fn place_x(&self, x: f64) -> f64 {
        let x = if self.log_x { x.log10() } else { x };
        self.plot.x + (x - self.x.0) / (self.x.1 - self.x.0) * self.plot.w
    }

    fn place_y(&self, y: f64) -> f64 {
        let y = if self.log { y.log10() } else { y };
        self.plot.bottom() - (y - self.y.0) / (self.y.1 - self.y.0) * self.plot.h
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.place_x(x), self.place_y(y))
    }

    fn draw(&self, svg: &mut Svg) {
        let Rect { x, y, .. } = self.plot;
        let (right, bottom) = (self.plot.right(), self.plot.bottom());
        for (value, label) in &self.y_marks {
            let at = self.place_y(*value);
            svg.line((x, at), (right, at), GRID);
            svg.text(x - 8.0, at, label, TICK.end());
        }
        for (value, label) in &self.x_marks {
            let at = self.place_x(*value);
            svg.line((at, y), (at, bottom), GRID);
            svg.line((at, bottom), (at, bottom + 5.0), AXIS);
            svg.text(at, bottom + 17.0, label, TICK.middle());
        }
        svg.line((x, bottom), (right, bottom), AXIS);
        svg.line((x, y), (x, bottom), AXIS);
    }

    fn draw_zero_lines(&self, svg: &mut Svg) {
        let inside = |range: (f64, f64)| range.0 < 0.0 && range.1 > 0.0;
        if inside(self.x) && !self.log_x {
            let at = self.place_x(0.0);
            svg.line((at, self.plot.y), (at, self.plot.bottom()), AXIS);
        }
        if inside(self.y) && !self.log {
            let at = self.place_y(0.0);
            svg.line((self.plot.x, at), (self.plot.right(), at), AXIS);
        }
    }

    fn draw_mark(&self, svg: &mut Svg, x: f64, note: &str) {
        let at = self.place_x(x);
        if !(self.plot.x..=self.plot.right()).contains(&at) {
            return;
        }
        svg.line((at, self.plot.y), (at, self.plot.bottom()), Brush::line(GREY, 1.5).dashed(&[2.0, 4.0]));
        let half = 0.5 * TICK.width(note);
        let middle = at.min(self.plot.right() - half).max(self.plot.x + half);
        svg.text(middle, self.plot.y - 13.0, note, TICK.middle());
    }
}

fn marks(at: Vec<f64>) -> Vec<(f64, String)> {
    let labels = tick_labels(&at);
    at.into_iter().zip(labels).collect()
}

/// The smallest and the largest; `None` of nothing.
fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((v.min(low), v.max(high))),
    })
}

/// The range widened by a share of itself; one that is a single value, by `least` on both sides.
fn padded((low, high): (f64, f64), share: f64, least: f64) -> (f64, f64) {
    // Differences that rounding could have made are none.
    let tiny = 1e-12 * low.abs().max(high.abs());
    let pad = if high - low > tiny { share * (high - low) } else { least.max(tiny) };
    (low - pad, high + pad)
}

/// From the plot's edge to a name: room for the line that leads there.
const NAME_GAP: f64 = 26.0;

/// Names at the ends of the curves, moved up or down until none covers another.
fn draw_names(svg: &mut Svg, axes: &Axes, chart: &Chart, right: f64) {
    let mut ends: Vec<(&Curve, (f64, f64))> = chart
        .curves
        .iter()
        .filter_map(|c| {
            let last = c.points.iter().rev().find(|p| chart.drawable(**p))?;
            Some((c, axes.place(*last)))
        })
        .collect();
    ends.sort_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let wanted: Vec<f64> = ends.iter().map(|e| e.1.1).collect();
    let heights = spread(&wanted, 22.0, axes.plot.y + 6.0, axes.plot.bottom() - 6.0);
    let left = axes.plot.right() + NAME_GAP;
    let room = (right - left).max(0.0);
    for ((curve, end), y) in ends.into_iter().zip(heights) {
        let points = [(end.0 + 8.0, end.1), (axes.plot.right() + 6.0, end.1), (left - 5.0, y)];
        svg.polyline(&points, Brush::line(curve.color.mix(WHITE, 0.45), 1.5));
        // Names are text and must be darker than the lightest curves are.
        let font = NAME.color(curve.color.mix(INK, 0.25));
        svg.text(left, y, &font.fit(&curve.name, room), font);
    }
}

/// Sorted heights moved as little as a sweep down and a sweep up can, so that neighbours are `gap` apart and
/// all lie between `top` and `bottom`, as long as they fit.
fn spread(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut heights = wanted.to_vec();
    // Neighbours that are too close first part from their common middle.
    for _ in 0..heights.len() {
        for i in 1..heights.len() {
            let lack = gap - (heights[i] - heights[i - 1]);
            if lack > 0.0 {
                heights[i - 1] -= 0.5 * lack;
                heights[i] += 0.5 * lack;
            }
        }
    }
    let mut floor = bottom;
    for height in heights.iter_mut().rev() {
        *height = height.min(floor);
        floor = *height - gap;
    }
    let mut ceiling = top;
    for height in &mut heights {
        *height = height.max(ceiling);
        ceiling = *height + gap;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(chart: &Chart) -> String {
        let mut svg = Svg::new("chart", 600.0, 400.0);
        chart.draw(&mut svg, Rect::new(10.0, 10.0, 580.0, 380.0));
        let picture = svg.finish();
        assert!(picture.to_png(1.0).is_ok());
        picture.svg().to_owned()
    }

    fn curve(name: &str, y: &[f64]) -> Curve {
        let points = y.iter().enumerate().map(|(i, &y)| (i as f64 + 1.0, y)).collect();
        Curve { name: name.to_owned(), points, color: INK, dash: &[] }
    }

    #[test]
    fn gaps_break_the_line_and_lone_points_are_marked() {
        let mut chart = Chart::new("gaps", "epoch");
        chart.marked = false;
        chart.names = false;
        chart.curves = vec![curve("a", &[1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 4.0, 5.0, 6.0])];
        let svg = drawn(&chart);
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert_eq!(svg.matches("<circle").count(), 1);
    }

    #[test]
    fn nothing_finite_says_so() {
        let mut chart = Chart::new("nothing", "epoch");
        assert!(drawn(&chart).contains("no finite values"));
        chart.curves = vec![curve("a", &[f64::NAN, f64::NEG_INFINITY])];
        assert!(drawn(&chart).contains("no finite values"));
    }

    #[test]
    fn every_range_can_be_drawn() {
        let ranges: [&[f64]; 9] = [
            &[0.0],
            &[1.0],
            &[-3.5, -3.5],
            &[1e-30, 1e30],
            &[-1e38, 1e38],
            &[f64::MAX, 1.0],
            &[1e-310, 1.0],
            &[0.1 + 0.2, 0.3],
            &[5e-324],
        ];
        for y in ranges {
            for scale in [Scale::Linear, Scale::Auto] {
                for percent in [false, true] {
                    let mut chart = Chart::new("range", "epoch");
                    (chart.scale, chart.percent) = (scale, percent);
                    chart.mark = Some((1.0, "best".to_owned()));
                    chart.curves = vec![curve("a", y)];
                    drawn(&chart);
                }
            }
        }
    }

    #[test]
    fn wide_positive_ranges_become_logarithmic() {
        let mut chart = Chart::new("loss", "epoch");
        chart.scale = Scale::Auto;
        chart.curves = vec![curve("a", &[1e3, 1.0, 1e-4])];
        assert!(drawn(&chart).contains("10⁻⁴"));
        chart.curves[0].points[1].1 = 0.0;
        assert!(!drawn(&chart).contains("10⁻⁴"));
    }

    #[test]
    fn a_logarithmic_x_axis_leaves_out_what_it_cannot_hold() {
        let mut chart = Chart::new("loss", "learning rate");
        (chart.log_x, chart.whole_x, chart.zero_lines) = (true, false, true);
        for x in [[1e-7, 1e-3, 10.0], [0.0, -1.0, f64::NAN], [0.1, 0.1, 0.1], [1e-300, 1.0, 1e300]] {
            for mark in [1e-4, 0.0, -1.0, f64::NAN] {
                chart.mark = Some((mark, "here".to_owned()));
                let points = x.iter().map(|&x| (x, 1.0)).collect();
                chart.curves = vec![Curve { points, ..curve("a", &[]) }];
                assert_eq!(drawn(&chart).contains("10⁻³"), x[0] == 1e-7);
            }
        }
    }

    #[test]
    fn names_are_spread_inside_their_room_in_order() {
        let heights = spread(&[50.0, 50.0, 51.0, 190.0, 300.0], 20.0, 10.0, 200.0);
        assert!(heights.windows(2).all(|w| w[1] - w[0] >= 20.0 - 1e-9), "{heights:?}");
        assert!(heights[0] >= 10.0 && heights[4] <= 200.0, "{heights:?}");
        assert_eq!(spread(&[20.0, 80.0], 20.0, 0.0, 100.0), [20.0, 80.0]);
    }
}
