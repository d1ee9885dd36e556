//! The sheet of paper: shapes, text and pixels at places in px, written as SVG.

use std::fmt::Write;

use super::color::{Color, WHITE};
use super::font::{Align, FAMILY, Font};
use super::picture::Picture;
use super::pixels::Pixels;

/// A box in px: x to the right, y downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// A box by its left upper corner and its size.
    pub const fn new(x: f64, y: f64, w: f64, h: f64) -> Rect {
        Rect { x, y, w, h }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.w
    }

    /// Bottom edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }

    /// The middle.
    pub fn center(&self) -> (f64, f64) {
        (self.x + 0.5 * self.w, self.y + 0.5 * self.h)
    }
}

/// How a shape is filled and outlined.
#[derive(Clone, Copy, Debug)]
pub struct Brush {
    fill: Option<Color>,
    stroke: Option<(Color, f64)>,
    dash: &'static [f64],
}

impl Brush {
    /// Filled, without an outline.
    pub const fn fill(color: Color) -> Brush {
        Brush { fill: Some(color), stroke: None, dash: &[] }
    }

    /// A line of `width` px, not filled.
    pub const fn line(color: Color, width: f64) -> Brush {
        Brush { fill: None, stroke: Some((color, width)), dash: &[] }
    }

    /// With an outline of `width` px.
    pub const fn outlined(mut self, color: Color, width: f64) -> Brush {
        self.stroke = Some((color, width));
        self
    }

    /// With the line broken into dashes and gaps of these lengths in px; none is a solid line.
    pub const fn dashed(mut self, lengths: &'static [f64]) -> Brush {
        self.dash = lengths;
        self
    }

    fn attributes(&self) -> String {
        let mut out = match self.fill {
            Some(color) => format!(" fill=\"{color}\""),
            None => " fill=\"none\"".to_owned(),
        };
        if let Some((color, width)) = self.stroke {
            let _ = write!(out, " stroke=\"{color}\" stroke-width=\"{}\"", number(width));
            if !self.dash.is_empty() {
                let lengths: Vec<String> = self.dash.iter().map(|&l| number(l)).collect();
                let _ = write!(out, " stroke-dasharray=\"{}\"", lengths.join(" "));
            }
        }
        out
    }
}

/// A picture in the making.
///
/// Places must be finite numbers: a place that is not is a mistake of the figure, and panics.
#[derive(Clone, Debug)]
pub struct Svg {
    title: String,
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty white sheet. The title is for those who hear the picture instead of seeing it.
    #[track_caller]
    pub fn new(title: &str, width: f64, height: f64) -> Svg {
        assert!(width > 0.0 && height > 0.0, "a picture of {width} x {height} px cannot be drawn");
        let mut svg = Svg { title: title.to_owned(), width, height, body: String::new() };
        svg.rect(Rect::new(0.0, 0.0, width, height), Brush::fill(WHITE));
        svg
    }

    /// A box.
    #[track_caller]
    pub fn rect(&mut self, r: Rect, brush: Brush) {
        let (x, y, w, h) = (number(r.x), number(r.y), number(r.w), number(r.h));
        let brush = brush.attributes();
        self.element(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{brush}/>"));
    }

    /// A straight line.
    #[track_caller]
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), brush: Brush) {
        let (x1, y1, x2, y2) = (number(from.0), number(from.1), number(to.0), number(to.1));
        let brush = brush.attributes();
        self.element(format_args!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{brush}/>"));
    }

    /// A line through points; fewer than two draw nothing.
    #[track_caller]
    pub fn polyline(&mut self, points: &[(f64, f64)], brush: Brush) {
        if points.len() >= 2 {
            let places = points.iter().map(|&(x, y)| format!("{},{}", number(x), number(y)));
            let (points, brush) = (places.collect::<Vec<_>>().join(" "), brush.attributes());
            self.element(format_args!(
                "<polyline points=\"{points}\"{brush} stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
            ));
        }
    }

    /// A closed shape of straight edges; fewer than three corners draw nothing.
    #[track_caller]
    pub fn polygon(&mut self, corners: &[(f64, f64)], brush: Brush) {
        if corners.len() >= 3 {
            let places = corners.iter().map(|&(x, y)| format!("{},{}", number(x), number(y)));
            let (points, brush) = (places.collect::<Vec<_>>().join(" "), brush.attributes());
            self.element(format_args!("<polygon points=\"{points}\"{brush} stroke-linejoin=\"round\"/>"));
        }
    }

    /// A straight line of `width` px with a filled head at its end; one too short for its head is the head alone.
    #[track_caller]
    pub fn arrow(&mut self, from: (f64, f64), to: (f64, f64), color: Color, width: f64) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        if length == 0.0 {
            return;
        }
        let (dx, dy) = (dx / length, dy / length);
        let (head, half) = (5.0 + 3.0 * width, 3.0 + 1.6 * width);
        let neck = (to.0 - head * dx, to.1 - head * dy);
        if length > head {
            self.line(from, neck, Brush::line(color, width));
        }
        let corners =
            [to, (neck.0 - half * dy, neck.1 + half * dx), (neck.0 + half * dy, neck.1 - half * dx)];
        self.polygon(&corners, Brush::fill(color));
    }

    /// A circle.
    #[track_caller]
    pub fn circle(&mut self, center: (f64, f64), radius: f64, brush: Brush) {
        let (x, y, r) = (number(center.0), number(center.1), number(radius));
        let brush = brush.attributes();
        self.element(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{brush}/>"));
    }

    /// A text whose capitals are centred on the height `y`.
    #[track_caller]
    pub fn text(&mut self, x: f64, y: f64, text: &str, font: Font) {
        let anchor = match font.align {
            Align::Start => "",
            Align::Middle => " text-anchor=\"middle\"",
            Align::End => " text-anchor=\"end\"",
        };
        let weight = if font.bold { " font-weight=\"bold\"" } else { "" };
        let turn = match font.degrees {
            0.0 => String::new(),
            d => format!(" transform=\"rotate({} {} {})\"", number(d), number(x), number(y)),
        };
        let (x, y, size) = (number(x), number(y + font.half_capital()), number(font.size));
        let (color, text) = (font.color, escaped(text));
        self.element(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\"{weight}{anchor}{turn}>{text}</text>"
        ));
    }

    /// An image stretched over a box, its pixels kept as sharp squares.
    #[track_caller]
    pub fn image(&mut self, r: Rect, pixels: &Pixels) {
        let (x, y, w, h) = (number(r.x), number(r.y), number(r.w), number(r.h));
        let href = pixels.data_uri();
        self.element(format_args!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"{href}\"/>"
        ));
    }

    /// The finished picture.
    pub fn finish(self) -> Picture {
        let (w, h, title) = (number(self.width), number(self.height), escaped(&self.title));
        Picture::new(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
             role=\"img\" font-family=\"{FAMILY}\">\n<title>{title}</title>\n{}</svg>\n",
            self.body
        ))
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "{element}");
    }
}

/// A hundredth of a px is finer than any screen.
#[track_caller]
fn number(value: f64) -> String {
    assert!(value.is_finite(), "a picture has no place for the number {value}");
    let text = format!("{value:.2}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        short => short.to_owned(),
    }
}

/// Text as XML wants it. Control characters, which XML forbids, become the replacement sign.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use resvg::usvg::roxmltree::Document;

    #[test]
    fn any_text_survives_as_well_formed_xml() {
        let nasty = "</text><script>&amp; \"quoted\" 'x' \u{1b}[31m \0 \n ]]> \u{FFFF} 猫 🐱";
        let mut svg = Svg::new(nasty, 100.0, 100.0);
        svg.text(10.0, 10.0, nasty, Font::new(16.0).bold().end().turned(-45.0));
        let picture = svg.finish();
        let document = Document::parse(picture.svg()).unwrap();
        let text = document.descendants().find(|n| n.has_tag_name("text")).unwrap();
        let expected =
            "</text><script>&amp; \"quoted\" 'x' \u{FFFD}[31m \u{FFFD} \u{FFFD} ]]> \u{FFFD} 猫 🐱";
        assert_eq!(text.text(), Some(expected));
        assert!(picture.to_png(1.0).is_ok());
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, -0.001, 12.0, 0.5, 1.0 / 3.0, -7.1, 100.0].map(number);
        assert_eq!(numbers, ["0", "0", "12", "0.5", "0.33", "-7.1", "100"]);
    }

    #[test]
    #[should_panic(expected = "no place for the number NaN")]
    fn places_must_be_numbers() {
        Svg::new("", 10.0, 10.0).line((0.0, f64::NAN), (1.0, 1.0), Brush::line(WHITE, 1.0));
    }

    #[test]
    fn pixels_stay_sharp_squares_in_the_png() {
        let mut svg = Svg::new("two pixels", 20.0, 10.0);
        let pixels = Pixels::from_bytes(1, 2, 1, &[0, 200]);
        svg.image(Rect::new(0.0, 0.0, 20.0, 10.0), &pixels);
        let png = image::load_from_memory(&svg.finish().to_png(1.0).unwrap()).unwrap().to_luma8();
        for (x, y, v) in png.enumerate_pixels() {
            assert_eq!(v.0[0], if x < 10 { 0 } else { 200 }, "at {x}, {y}");
        }
    }
}
