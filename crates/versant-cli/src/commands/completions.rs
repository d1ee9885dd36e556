//! `versant completions`

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::output::write;

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
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::Cli::command(), "versant", &mut script);
        write(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
