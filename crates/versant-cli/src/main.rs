//! The command `versant`: train the course's models, look inside, compare.

mod commands;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use versant_course::session::Places;

/// Deep learning from theory to practice: train every model of the course, look inside, compare.
#[derive(Parser)]
#[command(name = "versant", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    global: Global,
}

/// Options of every command.
#[derive(Args)]
struct Global {
    /// Folder of data sets [default: $VERSANT_DATA, else ./data if present, else the user's cache]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Folder of runs
    #[arg(long, global = true, value_name = "DIR", default_value = "runs", env = "VERSANT_RUNS")]
    runs_dir: PathBuf,

    /// Threads to compute with [default: the number of cores]; results do not depend on it
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,

    /// Results as JSON on stdout, one object on the last line; everything else on stderr
    #[arg(long, global = true)]
    json: bool,

    /// No progress, notices or tables; only errors, and JSON if asked for
    #[arg(long, short, global = true)]
    quiet: bool,
}

impl Global {
    fn places(&self) -> Places {
        Places { data: versant::data::data_dir(self.data_dir.as_deref()), runs: self.runs_dir.clone() }
    }
}

#[derive(Subcommand)]
enum Command {
    /// Train a recipe, or resume a run
    Train(commands::train::Train),
    /// Evaluate a run's checkpoint on its test data
    Eval(commands::eval::Eval),
    /// Say what a trained model sees in pictures
    Predict(commands::predict::Predict),
    /// List the recipes, their presets and settings
    Recipes(commands::recipes::Recipes),
    /// List, show and compare runs
    Runs(commands::runs::Runs),
    /// Look into a safetensors, npy or IDX file
    Inspect(commands::inspect::Inspect),
    /// List, fetch and describe data sets
    Data(commands::data::Data),
    /// What this machine offers: instruction sets, threads, folders, versions
    Doctor(commands::doctor::Doctor),
    /// Print a completion script for a shell
    Completions(commands::completions::Completions),
}

/// The user's input was wrong.
const EXIT_INPUT: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            let mut stderr = std::io::stderr();
            let _ = std::io::Write::write_fmt(&mut stderr, format_args!("error: {error}\n"));
            ExitCode::from(EXIT_INPUT)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    // A wrong VERSANT_ISA is the user's error, said before any kernel needs it.
    versant::cpu::isa::Isa::from_env().map_err(versant::Error::Config)?;
    if let Some(threads) = cli.global.threads {
        versant::cpu::threads::set_threads(threads.into());
    }
    match &cli.command {
        Command::Train(command) => command.run(&cli.global),
        Command::Eval(command) => command.run(&cli.global),
        Command::Predict(command) => command.run(&cli.global),
        Command::Recipes(command) => command.run(&cli.global),
        Command::Runs(command) => command.run(&cli.global),
        Command::Inspect(command) => command.run(&cli.global),
        Command::Data(command) => command.run(&cli.global),
        Command::Doctor(command) => command.run(&cli.global),
        Command::Completions(command) => command.run(),
    }
}
