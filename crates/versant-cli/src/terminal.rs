//! The terminal: results on stdout, progress and notices on stderr.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use versant::nn::{Layer, Summary};
use versant::train::{Callback, EpochRecord, Flow, StepRecord};
use versant_course::report::Report;
use versant_course::ui::{Start, Ui};

/// Stopped by Ctrl-C, as shells count it.
pub const EXIT_INTERRUPTED: u8 = 130;
/// Without a terminal a line of progress comes about this often.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What a person sees of a session.
pub struct Terminal {
    quiet: bool,
    json: bool,
    interrupted: Arc<AtomicBool>,
    training: Arc<AtomicBool>,
    bar: Option<ProgressBar>,
    epochs: u32,
    /// When training began, and how many steps were done then.
    began: Option<(Instant, u64)>,
    last_line: Instant,
}

impl Terminal {
    /// Listens for Ctrl-C: in training the first asks to stop after the step; the second, or the first before there
    /// is anything to save, ends the process.
    pub fn new(quiet: bool, json: bool) -> anyhow::Result<Terminal> {
        let [interrupted, training] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let (flag, saves) = (interrupted.clone(), training.clone());
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) || !saves.load(Ordering::SeqCst) {
                std::process::exit(EXIT_INTERRUPTED.into());
            }
        })?;
        Ok(Terminal {
            quiet,
            json,
            interrupted,
            training,
            bar: None,
            epochs: 0,
            began: None,
            last_line: Instant::now(),
        })
    }

    /// A closing table.
    pub fn finish(&mut self, table: impl Display) {
        self.clear_bar();
        self.say(format_args!("\n{table}"));
    }

    /// Says how to go on with a run that was stopped.
    pub fn stopped(&mut self, folder: &Path, data: Option<&Path>) {
        self.clear_bar();
        let data = data.map_or(String::new(), |data| format!(" --data-dir {}", shell_word(data)));
        self.note(format_args!(
            "stopped; everything is saved\ngo on with: versant train --resume {}{data}",
            shell_word(folder)
        ));
    }

    /// A result: on stdout, or on stderr where stdout is for JSON.
    fn say(&self, text: impl Display) {
        if self.quiet {
            return;
        }
        // A reader who is gone stops no training: what counts is in the run's folder.
        let print = || {
            let _ = match self.json {
                true => writeln!(std::io::stderr(), "{text}"),
                false => writeln!(std::io::stdout(), "{text}"),
            };
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn note(&self, text: impl Display) {
        if self.quiet {
            return;
        }
        let print = || {
            let _ = writeln!(std::io::stderr(), "{text}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away, as before something is printed.
    pub fn clear_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn shows_bars(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Seconds until the last step of the last epoch, from the pace so far.
    fn seconds_left(&self, step: u64, batches: usize) -> Option<f64> {
        let (start, first) = self.began?;
        let done = step.checked_sub(first).filter(|&n| n > 0)?;
        let left = (self.epochs as u64 * batches as u64).saturating_sub(step);
        Some(start.elapsed().as_secs_f64() / done as f64 * left as f64)
    }
}

/// A path as a shell takes it for one word.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/\\._-+=:,@%".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// 75 s as "1:15".
fn clock(seconds: f64) -> String {
    let s = seconds.round() as u64;
    if s < 3600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }
}

impl Callback for Terminal {
    fn on_step(&mut self, step: &StepRecord, batches: usize) -> Flow {
        if self.began.is_none() {
            self.began = Some((Instant::now(), step.step));
        }
        let within = (step.step - 1) % batches.max(1) as u64 + 1;
        if let Some(bar) = &self.bar {
            bar.set_position(within);
            // The text costs more than a small model's step.
            if within.is_multiple_of(32) {
                let left = self.seconds_left(step.step, batches).map_or(String::new(), clock);
                bar.set_message(format!("loss {:.4}  {left} left", step.loss));
            }
        } else if self.last_line.elapsed() > LINE_EVERY {
            self.last_line = Instant::now();
            let left = self.seconds_left(step.step, batches).map_or(String::new(), clock);
            let (epoch, epochs, loss) = (step.epoch, self.epochs, step.loss);
            self.note(format_args!(
                "epoch {epoch}/{epochs}  step {within}/{batches}  loss {loss:.4}  {left} left"
            ));
        }
        if self.interrupted.load(Ordering::SeqCst) { Flow::Stop } else { Flow::Continue }
    }

    fn on_epoch(&mut self, e: &EpochRecord, _: &dyn Layer) -> Flow {
        let percent = |share: Option<f64>| share.map_or(String::new(), |s| format!(" {:6.2} %", 100.0 * s));
        let width = self.epochs.to_string().len();
        self.say(format_args!(
            "epoch {:>width$}/{}  train {:.4}{}  test {:.4}{}  {:.2} s",
            e.epoch,
            self.epochs,
            e.train_loss,
            percent(e.train_accuracy),
            e.test_loss,
            percent(e.test_accuracy),
            e.seconds
        ));
        if let Some(bar) = &self.bar {
            bar.set_prefix(prefix(e.epoch + 1, self.epochs));
        }
        if self.interrupted.load(Ordering::SeqCst) { Flow::Stop } else { Flow::Continue }
    }
}

impl Ui for Terminal {
    fn warn(&mut self, text: &str) {
        self.note(format_args!("warning: {text}"));
    }

    fn download(&mut self, name: &str, done: u64, total: Option<u64>) {
        if !self.shows_bars() {
            if self.last_line.elapsed() > LINE_EVERY {
                self.last_line = Instant::now();
                self.note(format_args!("{name}: {:.1} MB", done as f64 / 1e6));
            }
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            ProgressBar::new(0).with_style(style("{prefix} {bar:30} {bytes}/{total_bytes} {eta}"))
        });
        bar.set_prefix(name.to_string());
        bar.set_length(total.unwrap_or(done));
        bar.set_position(done);
        if total == Some(done) {
            self.clear_bar();
        }
    }

    fn progress(&mut self, what: &str, done: usize, total: usize) {
        if !self.shows_bars() {
            if self.last_line.elapsed() > LINE_EVERY {
                self.last_line = Instant::now();
                self.note(format_args!("{what}: {done} of {total}"));
            }
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            ProgressBar::new(0).with_style(style("{prefix} {bar:30} {pos}/{len} {eta}"))
        });
        // It may be the bar of a training that has ended.
        bar.set_message("");
        bar.set_prefix(what.to_string());
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        if total == done {
            self.clear_bar();
        }
    }

    fn finished(&mut self, report: &Report) {
        self.finish(report);
        // The next run measures its own pace.
        self.began = None;
    }

    fn start(&mut self, model: &Summary, start: &Start) {
        self.clear_bar();
        self.say(model);
        self.say(format_args!("data     {}", start.data));
        let threads =
            if start.threads == 1 { "1 thread".into() } else { format!("{} threads", start.threads) };
        self.say(format_args!("compute  {threads}, {}", versant::cpu::isa::isa()));
        self.say(format_args!("run      {}\n", start.run.display()));
        if start.done > 0 {
            self.say(format_args!("resumed after epoch {}", start.done));
        }
        self.epochs = start.epochs;
        self.training.store(true, Ordering::SeqCst);
        self.last_line = Instant::now();
        if self.shows_bars() {
            let bar = ProgressBar::with_draw_target(
                Some(start.batches as u64),
                ProgressDrawTarget::stderr_with_hz(10),
            );
            // 60 columns hold it; a line that wraps would leave traces.
            bar.set_style(style("{prefix} {bar:16} {pos}/{len}  {wide_msg}"));
            bar.set_prefix(prefix(start.done + 1, start.epochs));
            self.bar = Some(bar);
        }
    }
}

/// "epoch  3/12"; a run that is done has no next epoch.
fn prefix(epoch: u32, epochs: u32) -> String {
    let width = epochs.to_string().len();
    format!("epoch {:>width$}/{epochs}", epoch.min(epochs))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
