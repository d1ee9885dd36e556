//! The figures of the course, one file a figure. Each is a function from plain numbers and names to a
//! [`Picture`](crate::draw::Picture) and knows nothing of models.
//!
//! All are 1200 px wide and set in letters of 14 px or more, so that the last row of a lecture hall can read
//! them. Lengths that do not fit together are a mistake of the caller and panic; numbers that are not finite
//! are not, for they are what a diverged training leaves: they are left out, or drawn in grey.

pub mod activations;
pub mod batch_norm;
mod cells;
pub mod channel_gallery;
pub mod compare;
pub mod confusion;
mod confusion_large;
pub mod convolution;
pub mod curves;
pub mod dropout;
pub mod feature_maps;
pub mod filters;
pub mod images;
pub mod lr_finder;
mod maps;
pub mod models;
pub mod network;
pub mod padding;
pub mod pooling;
pub mod predictions;
pub mod samples;
pub mod schedules;
pub mod sliding_window;
pub mod weights;

use crate::draw::{Font, GREY, Svg};

/// Width of every figure in px.
const WIDTH: f64 = 1200.0;
/// White space at the edges in px.
const MARGIN: f64 = 36.0;
/// Height of the heading in px: the figure's first panel begins here.
const TOP: f64 = 108.0;

/// A sheet with its heading: a title, and a line below that says how to read the figure.
fn sheet(title: &str, reading: &str, height: f64) -> Svg {
    const TITLE: Font = Font::new(27.0).bold();
    const READING: Font = Font::new(17.0).color(GREY);
    let mut svg = Svg::new(title, WIDTH, height.ceil());
    svg.text(MARGIN, 42.0, &TITLE.fit(title, WIDTH - 2.0 * MARGIN), TITLE);
    svg.text(MARGIN, 74.0, &READING.fit(reading, WIDTH - 2.0 * MARGIN), READING);
    svg
}

/// A share as a percentage with one decimal; never rounded up to 100 %, nor down to 0 %.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if !percent.is_finite() {
        return "–".to_owned();
    }
    match format!("{percent:.1} %").as_str() {
        "100.0 %" if share < 1.0 => "99.9 %".to_owned(),
        "0.0 %" if share > 0.0 => "<0.1 %".to_owned(),
        "100.0 %" => "100 %".to_owned(),
        "0.0 %" | "-0.0 %" => "0 %".to_owned(),
        text => text.to_owned(),
    }
}

/// 12345 as 12 345, with a thin gap as the standards of typesetting ask.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Picture;

    /// What every figure must be: readable as SVG, of the right size as PNG, not blank, free of numbers that
    /// are none.
    pub(super) fn check(picture: &Picture) {
        let svg = picture.svg();
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
        let png = image::load_from_memory(&picture.to_png(0.5).unwrap()).unwrap().to_luma8();
        assert_eq!(png.width(), 600);
        let dark = png.pixels().filter(|p| p.0[0] < 128).count();
        assert!(dark > 300, "only {dark} dark pixels");
    }

    #[test]
    fn percentages_do_not_round_mistakes_away() {
        let shares = [0.0, 1.0, 0.9999, 0.0001, 0.981, 0.5, f64::NAN];
        let expected = ["0 %", "100 %", "99.9 %", "<0.1 %", "98.1 %", "50.0 %", "–"];
        assert_eq!(shares.map(percent), expected);
    }

    #[test]
    fn long_numbers_are_grouped() {
        let expected = ["7", "9999", "10\u{a0}000", "1\u{a0}234\u{a0}567"];
        assert_eq!([7, 9999, 10_000, 1_234_567].map(grouped), expected);
    }
}
