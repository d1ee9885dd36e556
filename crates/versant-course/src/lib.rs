//! The course as recipes and figures.
pub mod draw;
