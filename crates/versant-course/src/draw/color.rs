//! Colours that stay apart for every kind of colour vision, on white.

use std::fmt;

/// An sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

/// Text and axes: softer than black, contrast 15:1 on white.
pub const INK: Color = Color(34, 34, 34);
/// Secondary text, contrast 5.7:1 on white.
pub const GREY: Color = Color(100, 100, 100);
/// Paper.
pub const WHITE: Color = Color(255, 255, 255);
/// Okabe and Ito's blue.
pub const BLUE: Color = Color(0, 114, 178);
/// Okabe and Ito's vermillion.
pub const VERMILLION: Color = Color(213, 94, 0);
/// Okabe and Ito's bluish green.
pub const GREEN: Color = Color(0, 158, 115);
/// Okabe and Ito's orange.
pub const ORANGE: Color = Color(230, 159, 0);
/// Okabe and Ito's reddish purple.
pub const PURPLE: Color = Color(204, 121, 167);
/// Okabe and Ito's sky blue.
const SKY: Color = Color(86, 180, 233);

/// The order in which curves get their colours: Okabe and Ito's palette (*Color Universal Design*, 2008)
/// without yellow, which is not seen on white.
pub const SERIES: [Color; 7] = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK];

impl Color {
    /// The colour at `t` in 0..=1 on the way to `other`.
    pub fn mix(self, other: Color, t: f64) -> Color {
        let channel = |a: u8, b: u8| (a as f64 + (b as f64 - a as f64) * t.clamp(0.0, 1.0)).round() as u8;
        Color(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }

    /// Relative luminance in 0..=1 (WCAG 2, <https://www.w3.org/TR/WCAG21/#dfn-relative-luminance>).
    pub fn luminance(self) -> f64 {
        let linear = |c: u8| {
            let c = c as f64 / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// White or ink, whichever is easier to read on this colour.
    pub fn text_on(self) -> Color {
        let contrast = |text: Color| {
            let (a, b) = (text.luminance() + 0.05, self.luminance() + 0.05);
            a.max(b) / a.min(b)
        };
        if contrast(WHITE) > contrast(INK) { WHITE } else { INK }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// A signed value in -1..=1: positive red, negative blue, zero white. A value that is no number is grey.
pub fn diverging(value: f64) -> Color {
    // The ends and halves of ColorBrewer's RdBu, whose red and blue differ in hue for every kind of colour
    // vision.
    const RED: [Color; 2] = [Color(214, 96, 77), Color(103, 0, 31)];
    const BLUE: [Color; 2] = [Color(67, 147, 195), Color(5, 48, 97)];
    if value.is_nan() {
        return Color(170, 170, 170);
    }
    let [half, end] = if value > 0.0 { RED } else { BLUE };
    let t = value.abs().min(1.0);
    if t < 0.5 { WHITE.mix(half, 2.0 * t) } else { half.mix(end, 2.0 * t - 1.0) }
}

/// A value in 0..=1 from dark blue over green to yellow, evenly lighter all the way: viridis (van der Walt and
/// Smith, 2015, <https://bids.github.io/colormap>) by nine of its colours. A value that is no number is grey.
pub fn viridis(value: f64) -> Color {
    const STOPS: [Color; 9] = [
        Color(68, 1, 84),
        Color(71, 44, 122),
        Color(59, 81, 139),
        Color(44, 113, 142),
        Color(33, 144, 141),
        Color(39, 173, 129),
        Color(92, 200, 99),
        Color(170, 220, 50),
        Color(253, 231, 37),
    ];
    if value.is_nan() {
        return Color(170, 170, 170);
    }
    let place = value.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let below = (place as usize).min(STOPS.len() - 2);
    STOPS[below].mix(STOPS[below + 1], place - below as f64)
}

/// A share in 0..=1 as a tint of `hue`, from white to somewhat darker than the hue itself.
pub fn share(hue: Color, share: f64) -> Color {
    let t = share.clamp(0.0, 1.0);
    if t < 0.75 { WHITE.mix(hue, t / 0.75) } else { hue.mix(Color(0, 0, 0), (t - 0.75) * 1.2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_decides_red_or_blue_and_magnitude_darkens() {
        assert_eq!(diverging(0.0), WHITE);
        assert_eq!(diverging(-0.0), WHITE);
        let mut last = (1.0, 1.0);
        for step in 1..=20 {
            let v = step as f64 / 20.0;
            let (red, blue) = (diverging(v), diverging(-v));
            assert!(red.0 > red.2, "{v}: {red} is not red");
            assert!(blue.2 > blue.0, "{v}: {blue} is not blue");
            let now = (red.luminance(), blue.luminance());
            assert!(now.0 < last.0 && now.1 < last.1, "{v} is not darker than the step before");
            last = now;
        }
        assert_eq!(diverging(7.0), diverging(1.0));
        assert_eq!(diverging(f64::NEG_INFINITY), diverging(-1.0));
        assert_eq!(diverging(f64::NAN), Color(170, 170, 170));
    }

    #[test]
    fn viridis_is_evenly_lighter_all_the_way() {
        let lightness = |step: usize| viridis(step as f64 / 40.0).luminance().cbrt();
        let steps: Vec<f64> = (0..40).map(|i| lightness(i + 1) - lightness(i)).collect();
        assert!(steps.iter().all(|s| (0.006..0.04).contains(s)), "{steps:?}");
        assert_eq!(viridis(7.0), Color(253, 231, 37));
        assert_eq!(viridis(f64::NEG_INFINITY), Color(68, 1, 84));
        assert_eq!(viridis(f64::NAN), Color(170, 170, 170));
    }

    #[test]
    fn text_is_readable_on_every_shade() {
        for i in 0..=100 {
            let t = i as f64 / 100.0;
            for paper in [share(BLUE, t), share(VERMILLION, t), diverging(2.0 * t - 1.0)] {
                let (a, b) = (paper.luminance() + 0.05, paper.text_on().luminance() + 0.05);
                assert!(a.max(b) / a.min(b) > 3.9, "{paper}");
            }
        }
    }
}
