//! The course as recipes and figures.

pub mod digit_image;
pub mod draw;
pub mod figures;
