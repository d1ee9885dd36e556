//! Drawing: every picture is made once as SVG, and its PNG is made from that SVG.
//!
//! [`Svg`] is the sheet of paper: lines, boxes, text and pixels at places in px. [`Chart`] puts axes, curves
//! and their names on it. Text is set in an embedded font and measured before it is placed, so a picture is
//! the same, byte for byte, on every machine.
//!
//! ```
//! use versant_course::draw::{Font, Svg};
//! let mut svg = Svg::new("A greeting", 200.0, 60.0);
//! svg.text(100.0, 30.0, "x < y & y < z", Font::new(20.0).middle());
//! let picture = svg.finish();
//! assert!(picture.svg().contains("x &lt; y &amp; y &lt; z"));
//! ```

mod chart;
mod color;
mod font;
mod formula;
mod picture;
mod pixels;
mod svg;
mod ticks;

pub use chart::{Chart, Curve, Scale};
pub use color::{
    BLUE, Color, GREEN, GREY, INK, ORANGE, PURPLE, SERIES, VERMILLION, WHITE, diverging, share, viridis,
};
pub use font::{Align, Font};
pub use picture::Picture;
pub use pixels::Pixels;
pub use svg::{Brush, Rect, Svg};
pub use ticks::{linear_ticks, log_ticks, tick_labels};
