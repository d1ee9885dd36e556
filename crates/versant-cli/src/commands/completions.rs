//! `versant completions`

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print a completion script for a shell
///
/// For bash: `versant completions bash > ~/.local/share/bash-completion/completions/versant`
#[derive(Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        clap_complete::generate(self.shell, &mut crate::Cli::command(), "versant", &mut std::io::stdout());
        Ok(ExitCode::SUCCESS)
    }
}
