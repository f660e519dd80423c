//! `rabt link train`: a model file from the records it is for.

mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rabt_linkage::{Batch, LinkageModel, Trained, TrainingOptions};

use self::report::TrainReport;
use super::{DataFiles, input, target};
use crate::error::CommandError;
use crate::meter::Stages;
use crate::render::Render;

/// What to learn from, and where to write what was learned.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    files: DataFiles,
    /// A column that names the person of each record, as far as it is known: shares are then
    /// counted instead of estimated.
    #[arg(long, value_name = "COLUMN")]
    labels_column: Option<String>,
    /// The name of the trained model; that of the old one when absent.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A blocking rule to learn from, instead of those that are chosen; may be repeated.
    #[arg(long = "pass", value_name = "RULE")]
    passes: Vec<String>,
    /// The share of all pairs of one person that the passes are held to make.
    #[arg(long, value_name = "SHARE")]
    recall: Option<f64>,
    /// Where to write the trained model.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &TrainArgs, render: &Render) -> Result<ExitCode, CommandError> {
    if args.files.truth_column.is_some() {
        return Err(CommandError::usage(
            "train reads no truth",
            "name the column of known people with --labels-column",
        ));
    }
    if args
        .recall
        .is_some_and(|recall| !(recall > 0.0 && recall <= 1.0))
    {
        return Err(CommandError::usage(
            "--recall must be above 0 and at most 1",
            "leave it out when it is not known",
        ));
    }
    let threads = args.files.threads()?;
    threads.install(|| train(args, threads.current_num_threads(), render))
}

fn train(args: &TrainArgs, threads: usize, render: &Render) -> Result<ExitCode, CommandError> {
    let old = Arc::new(super::load_model(&args.files.model)?);
    target::check(&[&args.out], &args.files.read_paths())?;
    let mut stages = Stages::start();
    let source = input::Source {
        truth_column: args.labels_column.as_deref(),
        ..args.files.source()
    };
    let (batch, names) = input::read(&source, &old, threads, render)?;
    stages.done("read");
    let standard = TrainingOptions::default();
    let options = TrainingOptions {
        name: args.name.as_deref(),
        passes: &args.passes,
        recall: args.recall.unwrap_or(standard.recall),
        labels: names.truth.as_deref(),
        ..standard
    };
    let trained = learn(&batch, &options)?;
    stages.done("train");
    let head = head(args, &old, batch.len());
    let text = trained.model.to_toml(&head);
    target::write(&args.out, |out| out.write_all(text.as_bytes()))?;
    stages.done("write");
    let report = TrainReport::of(&old, &trained, batch.len(), &stages);
    render.result(&report, || report.to_text(&args.out));
    Ok(ExitCode::SUCCESS)
}

/// Trains the model of a batch; what is wrong is said as a mistake of the command.
pub(super) fn learn(batch: &Batch, options: &TrainingOptions<'_>) -> Result<Trained, CommandError> {
    let rules = batch.model().blocking.iter().map(|rule| rule.id.as_str());
    let rules = rules.collect::<Vec<_>>().join(", ");
    batch.train(options).map_err(|error| {
        CommandError::usage(
            error.to_string(),
            format!("its blocking rules are: {rules}"),
        )
    })
}

/// Returns the lines at the head of the model file.
fn head(args: &TrainArgs, old: &LinkageModel, records: usize) -> Vec<String> {
    let by = match &args.labels_column {
        Some(column) => format!("from the known people of column {column}"),
        None => "without labels, by expectation maximisation".to_owned(),
    };
    let file = |path: &PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let files: Vec<String> = args.files.data.iter().filter_map(file).collect();
    vec![
        format!(
            "Trained from model {} version {}, on {records} records of {}, {by}.",
            old.name,
            old.version,
            files.join(", ")
        ),
        format!("The model it was trained from: {}.", old.fingerprint()),
        "`m` is the share of a level among pairs of one person, `u` among strangers (absent: \
         the share of the value itself), `kin` among close relatives."
            .to_owned(),
    ]
}
