//! `rabt source serve`: one kind of this executable as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::app::kinds;
use crate::error::CommandError;

/// Which kind to be.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Kind of the sources.
    #[arg(value_parser = PossibleValuesParser::new(kinds().names()))]
    kind: String,
}

/// Serves until the host ends.
pub(super) fn run(args: &ServeArgs) -> Result<ExitCode, CommandError> {
    let kinds = kinds();
    let Some(kind) = kinds.get(&args.kind) else {
        let known: Vec<&str> = kinds.names().collect();
        let help = format!("the kinds are {}", known.join(", "));
        let message = format!("'{}' is not a kind of this executable", args.kind);
        return Err(CommandError::usage(message, help));
    };
    // One thread, because a process reads one source, and the database is what takes long.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime
        .map_err(|error| CommandError::failed(format!("no threads can be started: {error}"), ""))?;
    let served = runtime.block_on(rabt_connect::serve(Arc::clone(kind)));
    served.map_err(|error| CommandError::usage(error, ""))?;
    Ok(ExitCode::SUCCESS)
}
