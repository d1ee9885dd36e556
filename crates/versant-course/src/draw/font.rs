//! The embedded font, and how much room a text takes.

use std::sync::{Arc, OnceLock};

use resvg::usvg::fontdb;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use super::color::{Color, INK};

const REGULAR: &[u8] = include_bytes!("../../fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../../fonts/DejaVuSans-Bold.ttf");

/// What an SVG asks for: the embedded font first, its wider relative where a browser lacks it.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Height of a capital letter, as a share of the font size.
const CAP_HEIGHT: f64 = 0.729;

/// The only fonts a PNG is made with, so that it does not depend on the machine.
pub(super) fn database() -> Arc<fontdb::Database> {
    static DATABASE: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    DATABASE
        .get_or_init(|| {
            let mut database = fontdb::Database::new();
            database.load_font_data(REGULAR.to_vec());
            database.load_font_data(BOLD.to_vec());
            database.set_sans_serif_family("DejaVu Sans");
            Arc::new(database)
        })
        .clone()
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// The text begins at the point.
    Start,
    /// The text is centred on the point.
    Middle,
    /// The text ends at the point.
    End,
}

/// Size in px, weight, colour and alignment of a text. Vertically, capitals are centred on the point.
#[derive(Clone, Copy, Debug)]
pub struct Font {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) color: Color,
    pub(super) align: Align,
    pub(super) degrees: f64,
}

impl Font {
    /// Regular, dark, starting at the point.
    pub const fn new(size: f64) -> Font {
        Font { size, bold: false, color: INK, align: Align::Start, degrees: 0.0 }
    }

    /// Bold.
    pub const fn bold(mut self) -> Font {
        self.bold = true;
        self
    }

    /// In another colour.
    pub const fn color(mut self, color: Color) -> Font {
        self.color = color;
        self
    }

    /// Centred on the point.
    pub const fn middle(mut self) -> Font {
        self.align = Align::Middle;
        self
    }

    /// Ending at the point.
    pub const fn end(mut self) -> Font {
        self.align = Align::End;
        self
    }

    /// Turned clockwise about the point.
    pub const fn turned(mut self, degrees: f64) -> Font {
        self.degrees = degrees;
        self
    }

    /// The distance from the baseline to the middle of a capital, in px.
    pub(super) fn half_capital(&self) -> f64 {
        0.5 * CAP_HEIGHT * self.size
    }

    /// The width of `text` in px. A letter that the font lacks counts as its box for missing letters.
    pub fn width(&self, text: &str) -> f64 {
        let units: u32 = text.chars().map(|c| advance(c, self.bold)).sum();
        units as f64 / UNITS_PER_EM * self.size
    }

    /// `text`, or as much of its beginning as fits into `width` px with an ellipsis after it.
    pub fn fit(&self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let room = width - self.width("…");
        let mut used = 0.0;
        let kept = text.chars().take_while(|c| {
            used += advance(*c, self.bold) as f64 / UNITS_PER_EM * self.size;
            used <= room
        });
        format!("{}…", kept.collect::<String>().trim_end())
    }
}

const UNITS_PER_EM: f64 = 2048.0;

/// How far a letter moves the pen, in font units.
fn advance(c: char, bold: bool) -> u32 {
    static FONTS: OnceLock<[FontRef<'static>; 2]> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        [REGULAR, BOLD].map(|data| FontRef::new(data).expect("the embedded font is a valid TrueType font"))
    });
    let font = &fonts[bold as usize];
    let glyph = font.charmap().map(c).unwrap_or_default();
    let metrics = font.glyph_metrics(Size::unscaled(), LocationRef::default());
    metrics.advance_width(glyph).unwrap_or(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_weights_are_in_the_database_under_the_family_name() {
        let faces: Vec<_> = database().faces().map(|f| (f.families[0].0.clone(), f.weight.0)).collect();
        assert_eq!(faces, [("DejaVu Sans".to_owned(), 400), ("DejaVu Sans".to_owned(), 700)]);
    }

    #[test]
    fn widths_are_the_fonts_own() {
        // DejaVu Sans: every digit advances 1303 of 2048 units, bold 1425.
        assert!((Font::new(2048.0).width("07") - 2606.0).abs() < 1e-9);
        assert!((Font::new(2048.0).bold().width("07") - 2850.0).abs() < 1e-9);
        assert_eq!(Font::new(16.0).width(""), 0.0);
    }

    #[test]
    fn signs_of_the_course_are_in_the_font() {
        for c in "αβγδεηθλμσφωΣ∂∇√∞≤≥≈≠·×−→←✓✗…⁻⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂ÄÖÜäöüßéçñ■●▲▼○".chars()
        {
            let font = FontRef::new(REGULAR).unwrap();
            assert!(font.charmap().map(c).is_some(), "{c} is missing");
        }
    }

    #[test]
    fn fitting_keeps_short_texts_and_never_exceeds_the_width() {
        let font = Font::new(16.0);
        assert_eq!(font.fit("cat", 100.0), "cat");
        for width in [20, 40, 80, 160] {
            let text = font.fit("a very long name of a class, longer than any label", width as f64);
            assert!(text.ends_with('…') && font.width(&text) <= width as f64, "{text}");
        }
        assert_eq!(font.fit("cat", 1.0), "…");
    }
}
