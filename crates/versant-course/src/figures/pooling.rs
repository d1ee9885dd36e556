//! Three ways to halve an image: the largest of each 2x2, their mean, or all four as channels.   [course: B6-B8]

use super::cells::{Cells, inset};
use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{
    BLUE, Brush, Color, Font, GREEN, GREY, INK, ORANGE, PURPLE, Picture, Svg, WHITE, tick_labels,
};

/// A 4x4 image and what the three poolings with 2x2 windows make of it.
#[derive(Clone, Copy, Debug)]
pub struct Pooling {
    /// The image, row by row.
    pub input: [f32; 16],
    /// The largest of each window, 2x2.
    pub max: [f32; 4],
    /// The places of the largest among the 16.
    pub winners: [usize; 4],
    /// The mean of each window, 2x2.
    pub average: [f32; 4],
    /// The image of the invertible pooling, row by row.
    pub numbered: [f32; 16],
    /// Its four channels of 2x2.
    pub squeezed: [f32; 16],
}

const SIDE: f64 = 62.0;
const LINE: Color = Color(130, 130, 130);
const HEADING: Font = Font::new(21.0).bold();
const NOTE: Font = Font::new(16.0);
const NUMBER: f64 = 21.0;
const GROUPS: [Color; 4] = [BLUE, ORANGE, GREEN, PURPLE];

/// Max pooling, average pooling and invertible pooling side by side. The colours of the first two are the windows;
/// those of the third are the channels that each value goes to.
///
/// # Panics
/// If a winner is none of the 16 places.
#[track_caller]
pub fn pooling(values: &Pooling) -> Picture {
    assert!(values.winners.iter().all(|&w| w < 16), "pooling: places {:?} of 16", values.winners);
    let mut svg = sheet(
        "Pooling: 2 × 2 windows, stride 2",
        "Colours show which values of the input (above) make which values of the output (below)",
        TOP + 640.0,
    );
    let width = (WIDTH - 2.0 * MARGIN) / 3.0;
    let center = |column: usize| MARGIN + (column as f64 + 0.5) * width;
    let headings = ["Max pooling", "Average pooling", "Invertible pooling (squeeze)"];
    for (column, heading) in headings.into_iter().enumerate() {
        svg.text(center(column), TOP + 14.0, heading, HEADING.middle());
    }
    for column in [1.0, 2.0] {
        let x = MARGIN + column * width;
        svg.line((x, TOP), (x, TOP + 600.0), Brush::line(Color(222, 222, 222), 1.0));
    }
    let max = Reduced {
        values: values.max,
        rule: "largest value of each window",
        note: "ringed: the first largest value",
        winners: &values.winners,
    };
    let average = Reduced {
        values: values.average,
        rule: "mean of each window",
        note: "every value counts a quarter",
        winners: &[],
    };
    max.draw(&mut svg, center(0), &values.input);
    average.draw(&mut svg, center(1), &values.input);
    squeeze(&mut svg, center(2), &values.numbered, &values.squeezed);
    svg.finish()
}

fn tint(group: usize) -> Color {
    GROUPS[group].mix(WHITE, 0.55)
}

/// What a pooling made that gives one value for each window.
struct Reduced<'a> {
    values: [f32; 4],
    rule: &'a str,
    note: &'a str,
    /// Places of the input that are ringed.
    winners: &'a [usize],
}

impl Reduced<'_> {
    fn draw(&self, svg: &mut Svg, x: f64, input: &[f32; 16]) {
        let window = |row: usize, column: usize| row / 2 * 2 + column / 2;
        let top = Cells::centered((x, TOP + 180.0), SIDE, 4);
        top.draw(svg, |r, c| Brush::fill(tint(window(r, c))).outlined(LINE, 1.0));
        outline(svg, &top, 2);
        for place in self.winners {
            let (x, y) = top.cell(place / 4, place % 4).center();
            svg.circle((x, y), 0.4 * SIDE, Brush::fill(WHITE).outlined(INK, 3.0));
        }
        top.write(svg, NUMBER, |r, c| short(input[r * 4 + c], 1));
        size(svg, top.area().x, top.area().center().1, "4 × 4");
        svg.arrow((x, TOP + 320.0), (x, TOP + 384.0), INK, 3.0);
        svg.text(x, TOP + 410.0, self.rule, NOTE.middle());
        let bottom = Cells::centered((x, TOP + 500.0), SIDE, 2);
        bottom.draw(svg, |r, c| Brush::fill(tint(r * 2 + c)).outlined(LINE, 1.0));
        bottom.write(svg, NUMBER, |r, c| short(self.values[r * 2 + c], 1));
        svg.rect(bottom.area(), Brush::line(INK, 2.5));
        size(svg, bottom.area().x, bottom.area().center().1, "2 × 2");
        svg.text(x, TOP + 596.0, self.note, NOTE.middle().color(GREY));
    }
}

fn squeeze(svg: &mut Svg, x: f64, input: &[f32; 16], output: &[f32; 16]) {
    let top = Cells::centered((x, TOP + 180.0), SIDE, 4);
    let channel = |row: usize, column: usize| row % 2 * 2 + column % 2;
    top.draw(svg, |r, c| Brush::fill(tint(channel(r, c))).outlined(LINE, 1.0));
    outline(svg, &top, 2);
    top.write(svg, NUMBER, |r, c| short(input[r * 4 + c], 0));
    size(svg, top.area().x, top.area().center().1, "1 × 4 × 4");
    svg.arrow((x - 14.0, TOP + 320.0), (x - 14.0, TOP + 384.0), INK, 3.0);
    svg.arrow((x + 14.0, TOP + 384.0), (x + 14.0, TOP + 320.0), INK, 3.0);
    svg.text(x - 34.0, TOP + 352.0, "squeeze", NOTE.end());
    svg.text(x + 34.0, TOP + 352.0, "unsqueeze", NOTE);
    const SMALL: f64 = 40.0;
    for k in 0..4 {
        let middle = x + (k as f64 - 1.5) * 86.0;
        let grid = Cells::centered((middle, TOP + 494.0), SMALL, 2);
        grid.draw(svg, |_, _| Brush::fill(tint(k)).outlined(LINE, 1.0));
        grid.write(svg, 19.0, |r, c| short(output[k * 4 + r * 2 + c], 0));
        svg.rect(grid.area(), Brush::line(INK, 2.0));
        svg.text(middle, TOP + 430.0, &format!("channel {k}"), Font::new(15.0).middle());
    }
    svg.text(x, TOP + 564.0, "4 × 2 × 2: nothing is lost", NOTE.bold().middle());
    svg.text(x, TOP + 596.0, "C × H × W → 4C × H/2 × W/2", NOTE.middle().color(GREY));
}

/// Heavy lines around the whole and between windows.
fn outline(svg: &mut Svg, grid: &Cells, window: usize) {
    for row in (0..grid.rows).step_by(window) {
        for column in (0..grid.columns).step_by(window) {
            svg.rect(grid.span(row, column, window, window), Brush::line(INK, 2.5));
        }
    }
    svg.rect(inset(grid.area(), 0.0), Brush::line(INK, 2.5));
}

/// A shape, turned, at the left of a grid.
fn size(svg: &mut Svg, x: f64, y: f64, text: &str) {
    svg.text(x - 20.0, y, text, NOTE.bold().middle().turned(-90.0));
}

/// At most three decimals, and at least `least`.
fn short(value: f32, least: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let rounded = (value as f64 * 1000.0).round() / 1000.0 + 0.0;
    let whole = rounded.fract() == 0.0 && rounded.abs() < 1000.0;
    if whole { format!("{rounded:.least$}") } else { tick_labels(&[rounded]).remove(0) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn every_value_and_one_winner_a_window() {
        let values = Pooling {
            input: [1.0, 0.8, 0.8, 0.9, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.9, 0.9, 0.7, 0.6, 0.9],
            max: [1.0, 0.9, 0.9, 0.9],
            winners: [0, 3, 8, 11],
            average: [0.875, 0.875, 0.85, 0.8],
            numbered: std::array::from_fn(|i| i as f32 + 1.0),
            squeezed: [1., 3., 9., 11., 2., 4., 10., 12., 5., 7., 13., 15., 6., 8., 14., 16.],
        };
        let picture = pooling(&values);
        check(&picture);
        assert_eq!(picture.svg().matches("<circle").count(), 4);
        for text in [">0.875<", ">0.85<", ">0.6<", ">16<", ">channel 3<"] {
            assert!(picture.svg().contains(text), "{text}");
        }
    }

    #[test]
    fn any_number_can_be_drawn() {
        for value in [f32::NAN, f32::INFINITY, -0.0, 1e-30, -123_456.0] {
            let (input, few) = ([value; 16], [value; 4]);
            check(&pooling(&Pooling {
                input,
                max: few,
                winners: [15; 4],
                average: few,
                numbered: input,
                squeezed: input,
            }));
        }
    }
}
