//! What stands in the cells around an image: the padding modes of a convolution.   [course: B3]

use super::cells::{Cells, write_in};
use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{BLUE, Brush, Color, Font, GREEN, INK, ORANGE, PURPLE, Picture, Svg, WHITE, tick_labels};

/// A square image with padding around it.
#[derive(Clone, Copy, Debug)]
pub struct Padded<'a> {
    /// The name of the mode.
    pub mode: &'a str,
    /// The rule in a few words.
    pub rule: &'a str,
    /// The padded image, row by row.
    pub values: &'a [f32],
}

const LINE: Color = Color(150, 150, 150);
const DASH: &[f64] = &[4.0, 3.0];
const COLORS: [Color; 4] = [BLUE, ORANGE, GREEN, PURPLE];

/// One panel a mode, four to a row: the image of `side` x `side` cells in the middle, `padding` cells on each side of
/// it. The quarters of the image are coloured, and so is the padding that repeats them.
///
/// # Panics
/// If a mode has not (side + 2 padding)^2 values, or the side is 0.
#[track_caller]
pub fn padding(modes: &[Padded], side: usize, padding: usize) -> Picture {
    const COLUMNS: usize = 4;
    const GAP: f64 = 28.0;
    let whole = side + 2 * padding;
    for Padded { mode, values, .. } in modes {
        assert!(
            side > 0 && values.len() == whole * whole,
            "padding: {} values of {mode} are no {whole} x {whole} image",
            values.len()
        );
    }
    let width = (WIDTH - 2.0 * MARGIN - GAP * (COLUMNS - 1) as f64) / COLUMNS as f64;
    let rows = modes.len().div_ceil(COLUMNS).max(1);
    let pitch = width + 92.0;
    let mut svg = sheet(
        "Padding modes of a convolution",
        &format!("A {side} × {side} image with padding {padding}; dashed cells are added, as the mode says"),
        TOP + rows as f64 * pitch + 8.0,
    );
    for (i, mode) in modes.iter().enumerate() {
        let x = MARGIN + (i % COLUMNS) as f64 * (width + GAP);
        let y = TOP + (i / COLUMNS) as f64 * pitch;
        let heading = Font::new(20.0).bold().middle();
        svg.text(x + 0.5 * width, y + 10.0, &heading.fit(mode.mode, width), heading);
        let middle = (x + 0.5 * width, y + 34.0 + 0.5 * width);
        mode.draw(&mut svg, Cells::centered(middle, width / whole as f64, whole), side, padding);
        let rule = Font::new(15.0).middle();
        svg.text(x + 0.5 * width, y + width + 58.0, &rule.fit(mode.rule, width + GAP - 4.0), rule);
    }
    svg.finish()
}

impl Padded<'_> {
    fn draw(&self, svg: &mut Svg, grid: Cells, side: usize, padding: usize) {
        let whole = side + 2 * padding;
        let value = |r: usize, c: usize| self.values[r * whole + c];
        let inner = padding..padding + side;
        let inside = |r: usize, c: usize| inner.contains(&r) && inner.contains(&c);
        // The quarter that a value is first found in: padding shows by its colour where it was taken from.
        let quarter = |wanted: f32| {
            let place = |i: usize| (i / side, i % side);
            (0..side * side)
                .map(place)
                .find(|&(r, c)| value(padding + r, padding + c) == wanted)
                .map(|(r, c)| COLORS[2 * usize::from(2 * r >= side) + usize::from(2 * c >= side)])
        };
        let paper = |r: usize, c: usize| quarter(value(r, c)).unwrap_or(WHITE);
        grid.draw(svg, |r, c| {
            if inside(r, c) {
                Brush::fill(paper(r, c).mix(WHITE, 0.5)).outlined(LINE, 1.0)
            } else {
                Brush::fill(paper(r, c).mix(WHITE, 0.82)).outlined(LINE, 1.0).dashed(DASH)
            }
        });
        for r in 0..whole {
            for c in 0..whole {
                let text = if value(r, c).is_finite() {
                    tick_labels(&[value(r, c) as f64]).remove(0)
                } else {
                    "–".to_owned()
                };
                write_in(svg, grid.cell(r, c), &text, 17.0, INK);
            }
        }
        svg.rect(grid.span(padding, padding, side, side), Brush::line(INK, 2.5));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn every_value_is_written() {
        let values = [0.0, 0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0];
        let picture = padding(&[Padded { mode: "zeros", rule: "nothing <around>", values: &values }], 1, 1);
        check(&picture);
        for (text, times) in [(">0<", 8), (">7<", 1), (">zeros<", 1), ("nothing &lt;around&gt;", 1)] {
            assert_eq!(picture.svg().matches(text).count(), times, "{text}");
        }
    }

    #[test]
    fn any_number_of_modes_and_any_values() {
        check(&padding(&[], 1, 0));
        for value in [f32::NAN, f32::INFINITY, -123.456, 1e-30] {
            let values = vec![value; 400];
            check(&padding(&[Padded { mode: "a mode", rule: "its rule", values: &values }; 5], 4, 8));
        }
    }

    #[test]
    #[should_panic(expected = "3 values of zeros are no 3 x 3 image")]
    fn values_must_fit() {
        padding(&[Padded { mode: "zeros", rule: "", values: &[0.0; 3] }], 1, 1);
    }
}
