//! What a session tells whoever runs it.

use versant::nn::Summary;
use versant::train::Callback;

use crate::report::Report;

/// A program's face: a terminal, a test, a page. Every method has a default that does nothing.
pub trait Ui: Callback {
    /// A notice that matters: the data is not what was hoped for.
    fn warn(&mut self, _text: &str) {}

    /// Part of a file has arrived.
    fn download(&mut self, _name: &str, _done: u64, _total: Option<u64>) {}

    /// Something long is under way: `done` of `total`.
    fn progress(&mut self, _what: &str, _done: usize, _total: usize) {}

    /// Training is about to start, from epoch `done` of `epochs`.
    fn start(&mut self, _model: &Summary, _start: &Start) {}

    /// A run has come to its end.
    fn finished(&mut self, _report: &Report) {}
}

/// What is known before the first step.
pub struct Start<'a> {
    /// The data's name and sizes, in words.
    pub data: String,
    /// Where the run is kept.
    pub run: &'a std::path::Path,
    /// Epochs already done.
    pub done: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Steps in an epoch.
    pub batches: usize,
    /// In how many threads.
    pub threads: usize,
}

/// Says nothing.
pub struct Silent;

impl Callback for Silent {}
impl Ui for Silent {}
