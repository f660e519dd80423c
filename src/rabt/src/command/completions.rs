//! `rabt completions`: a completion script for a shell.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use crate::render::Render;

/// Which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to complete for.
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs, render: &Render) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rabt", &mut script);
    render.raw(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
