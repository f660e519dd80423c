//! `rabt link evaluate`: clusters against the truth.

mod input;
mod names;
mod result;
mod text;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::error::CommandError;
use crate::render::Render;

/// What to judge, and by which truth.
#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// CSV with `record_id,cluster_id`, as `rabt link dedupe` writes it.
    #[arg(value_name = "CLUSTERS.csv")]
    clusters: PathBuf,
    /// CSV with the true person of each record.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// The column of the truth that names a record.
    #[arg(long, default_value = "record_id", value_name = "COLUMN")]
    id: String,
    /// The column of the truth that names the person.
    #[arg(long, default_value = "true_person_id", value_name = "COLUMN")]
    truth_column: String,
    /// CSV with `left,right,weight_bits,probability`, for thresholds and calibration.
    #[arg(long, value_name = "EDGES.csv")]
    edges: Option<PathBuf>,
    /// A column of the truth by which errors are also counted, such as sex or region; may be
    /// repeated.
    #[arg(long, value_name = "COLUMN")]
    group: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &EvaluateArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let evaluation = judge(args, render)?;
    render.result(&evaluation, || text::of(&evaluation));
    Ok(ExitCode::SUCCESS)
}

fn judge(args: &EvaluateArgs, render: &Render) -> Result<result::Evaluation, CommandError> {
    let mut truth = input::truth(args)?;
    input::clusters(&args.clusters, &mut truth)?;
    let counts = truth.counts();
    if counts.judged == 0 {
        return Err(CommandError::usage(
            format!(
                "no record of {} has a person in {}",
                args.clusters.display(),
                args.truth.display()
            ),
            "check --id and --truth-column",
        ));
    }
    for note in counts.notes() {
        render.warning(note);
    }
    let edges = match &args.edges {
        Some(path) => Some(input::edges(path, &truth)?),
        None => None,
    };
    if let Some(edges) = &edges
        && edges.repeated > 0
    {
        let repeated = edges.repeated;
        render.warning(format_args!(
            "{repeated} edges repeat another; each pair is judged once"
        ));
    }
    truth.forget_ids();
    Ok(result::Evaluation::of(&truth, counts, edges))
}
