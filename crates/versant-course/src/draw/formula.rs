//! A line of text with lowered and raised signs.

use super::font::{Align, Font};
use super::svg::Svg;

/// Size of lowered and raised signs, as a share of the line's.
const SMALL: f64 = 0.72;

/// A part of a formula and the height it stands at.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece<'a> {
    text: &'a str,
    /// Downwards, as a share of the font size.
    shift: f64,
}

/// `a_{i} + b^{2}` by its pieces. Braces that are never closed are text.
fn pieces<'a>(mut rest: &'a str) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut push = |text: &'a str, shift| {
        if !text.is_empty() {
            pieces.push(Piece { text, shift });
        }
    };
    let opening = |text: &str| {
        let lowered = text.find("_{").map(|at| (at, 0.3));
        let raised = text.find("^{").map(|at| (at, -0.42));
        [lowered, raised].into_iter().flatten().min_by_key(|o| o.0)
    };
    while let Some((at, shift)) = opening(rest) {
        let Some(length) = rest[at + 2..].find('}') else { break };
        push(&rest[..at], 0.0);
        push(&rest[at + 2..at + 2 + length], shift);
        rest = &rest[at + 3 + length..];
    }
    push(rest, 0.0);
    pieces
}

impl Piece<'_> {
    fn font(&self, font: Font) -> Font {
        let size = if self.shift == 0.0 { font.size } else { SMALL * font.size };
        Font { size, align: Align::Start, ..font }
    }
}

impl Font {
    /// The width of a formula in px, as [`Svg::formula`] sets it.
    pub fn formula_width(&self, formula: &str) -> f64 {
        pieces(formula).iter().map(|p| p.font(*self).width(p.text)).sum()
    }
}

impl Svg {
    /// A line of text in which `_{i}` is lowered and `^{2}` raised, in letters of 0.72 times the size. A turned
    /// font is set level.
    ///
    /// ```
    /// use versant_course::draw::{Font, Svg};
    /// let mut svg = Svg::new("a formula", 200.0, 60.0);
    /// svg.formula(20.0, 30.0, "y_{i} = x_{i}^{2}", Font::new(20.0));
    /// ```
    #[track_caller]
    pub fn formula(&mut self, x: f64, y: f64, formula: &str, font: Font) {
        let width = font.formula_width(formula);
        let mut x = match font.align {
            Align::Start => x,
            Align::Middle => x - 0.5 * width,
            Align::End => x - width,
        };
        for piece in pieces(formula) {
            let small = Font { degrees: 0.0, ..piece.font(font) };
            // SVG drops blanks at the start of a text.
            let blank = piece.text.len() - piece.text.trim_start().len();
            let at = x + small.width(&piece.text[..blank]);
            self.text(at, y + piece.shift * font.size, piece.text.trim_start(), small);
            x += small.width(piece.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(formula: &str) -> Vec<(&str, i32)> {
        pieces(formula).iter().map(|p| (p.text, p.shift.total_cmp(&0.0) as i32)).collect()
    }

    #[test]
    fn signs_are_lowered_and_raised() {
        assert_eq!(parts("a_{ij} + b^{2}"), [("a", 0), ("ij", 1), (" + b", 0), ("2", -1)]);
        assert_eq!(parts("_{x}"), [("x", 1)]);
        assert_eq!(parts(""), []);
        assert_eq!(parts("a_{b"), [("a_{b", 0)]);
        assert_eq!(parts("snake_case^2"), [("snake_case^2", 0)]);
    }

    #[test]
    fn small_signs_take_less_room() {
        let font = Font::new(20.0);
        let expected = font.width("x") + 0.72 * font.width("in");
        assert!((font.formula_width("x_{in}") - expected).abs() < 1e-9);
    }
}
