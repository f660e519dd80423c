//! `rabt link import-splink`: a settings file of Splink as a model file.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rabt_linkage::{Imported, import_splink};
use serde::Serialize;

use super::target;
use crate::error::{CommandError, Exit, Fault};
use crate::render::Render;

/// What to read and where to write.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Settings of Splink 4 or 5, as `save_model_to_json` writes them.
    #[arg(value_name = "SPLINK.json")]
    settings: PathBuf,
    /// Where to write the model.
    #[arg(long, value_name = "MODEL.toml")]
    out: PathBuf,
}

/// What was written, and what is to be checked in it.
#[derive(Serialize)]
struct Written<'a> {
    model: &'a PathBuf,
    notes: &'a [String],
}

/// Runs the command.
pub(crate) fn run(args: &ImportArgs, render: &Render) -> Result<ExitCode, CommandError> {
    target::check(&[&args.out], &[&args.settings])?;
    let path = args.settings.display();
    let json = std::fs::read_to_string(&args.settings).map_err(|error| {
        let help = "give a settings file as save_model_to_json writes it";
        CommandError::usage(format!("{path}: {error}"), help)
    })?;
    let Imported { toml, notes } = import_splink(&json).map_err(|problems| {
        let faults = problems.into_iter().map(|problem| Fault {
            message: format!("{path}: {}", problem.message),
            help: String::new(),
        });
        CommandError::many(Exit::Usage, faults.collect())
    })?;
    target::write(&args.out, |out| out.write_all(toml.as_bytes()))?;
    let result = Written {
        model: &args.out,
        notes: &notes,
    };
    render.result(&result, || {
        let mut text = format!("model in {}", args.out.display());
        for note in &notes {
            let _ = write!(text, "\ncheck: {note}");
        }
        text
    });
    Ok(ExitCode::SUCCESS)
}
