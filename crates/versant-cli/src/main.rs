//! The command `versant`: train the course's models, look inside, compare.

mod commands;
mod output;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};
use versant_course::session::Places;

/// Deep learning from theory to practice: train every model of the course, look inside, compare.
#[derive(Parser)]
#[command(name = "versant", version, max_term_width = 100, after_help = EXIT_CODES)]
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
    #[arg(long, global = true, value_name = "N", env = "VERSANT_THREADS", value_parser = clap::value_parser!(u16).range(1..=256))]
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

    /// The places of a command that reads data: a folder that was named must be there, or a slip of the keyboard
    /// would train on other data.
    fn places_with_data(&self) -> versant::Result<Places> {
        match &self.data_dir {
            Some(folder) if !folder.is_dir() => Err(versant::Error::Config(format!(
                "--data-dir {}: there is no such folder; `versant data get mnist` with the same --data-dir makes it",
                folder.display()
            ))),
            _ => Ok(self.places()),
        }
    }
}

#[derive(Subcommand)]
enum Command {
    Train(commands::train::Train),
    Eval(commands::eval::Eval),
    Predict(commands::predict::Predict),
    Export(commands::export::Export),
    Explain(commands::explain::Explain),
    FindLr(commands::find_lr::FindLr),
    Recipes(commands::recipes::Recipes),
    Runs(commands::runs::Runs),
    Inspect(commands::inspect::Inspect),
    Figure(commands::figure::FigureCommand),
    Data(commands::data::Data),
    Bench(commands::bench::Bench),
    Doctor(commands::doctor::Doctor),
    Completions(commands::completions::Completions),
}

/// The user's input was wrong.
const EXIT_INPUT: u8 = 2;

const EXIT_CODES: &str = "Exit codes: 0 all is well; 2 something is wrong with the input, a file or the training, \
                          and the message says what; 130 stopped by Ctrl-C.";

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| with_tip(error).exit());
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            let mut stderr = std::io::stderr();
            let _ = std::io::Write::write_fmt(&mut stderr, format_args!("error: {error}\n"));
            ExitCode::from(EXIT_INPUT)
        }
    }
}

/// Who writes `train mnist-mlp --epochs 3` learns how settings are written.
fn with_tip(mut error: clap::Error) -> clap::Error {
    let trains = std::env::args_os().any(|word| word == "train");
    if let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg)
        && let Some(key) = option.strip_prefix("--").filter(|_| trains)
        && error.kind() == ErrorKind::UnknownArgument
        && error.get(ContextKind::SuggestedArg).is_none()
    {
        let tip = format!("settings are written without dashes: {key}=VALUE");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
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
        Command::Export(command) => command.run(&cli.global),
        Command::Explain(command) => command.run(&cli.global),
        Command::FindLr(command) => command.run(&cli.global),
        Command::Recipes(command) => command.run(&cli.global),
        Command::Runs(command) => command.run(&cli.global),
        Command::Figure(command) => command.run(&cli.global),
        Command::Inspect(command) => command.run(&cli.global),
        Command::Data(command) => command.run(&cli.global),
        Command::Bench(command) => command.run(&cli.global),
        Command::Doctor(command) => command.run(&cli.global),
        Command::Completions(command) => command.run(),
    }
}
