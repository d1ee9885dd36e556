//! The course as recipes and figures.
//!
//! A [`recipe`] is a model with its data and training; [`session`] runs one in a run directory; [`figures`] are
//! functions from plain numbers to pictures, drawn with [`draw`].

pub mod augment;
pub mod bench;
mod board;
pub mod config;
pub mod data;
pub mod digit_image;
pub mod draw;
pub mod experiment;
pub mod explain;
pub mod figures;
pub mod find_lr;
pub mod gallery;
pub mod optim;
mod pictures;
pub mod recipe;
pub mod recipes;
pub mod report;
pub mod session;
pub mod similarity;
pub mod suite;
pub mod trained;
pub mod ui;
