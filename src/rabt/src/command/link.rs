//! `rabt link`: the linkage engine on its own, files in and files out.

mod csv_file;
mod evaluate;
mod explain;
mod import;
mod input;
mod output;
mod pairs;
mod parquet;
mod report;
mod run;
mod target;
mod train;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rabt_linkage::LinkageModel;

pub(crate) use self::report::{Language, evidence_words};
use self::run::{Records, Run};
use crate::error::{CommandError, Exit, Fault};
use crate::render::Render;

/// Which records are the same person, without a server.
#[derive(Debug, Subcommand)]
pub(crate) enum LinkArgs {
    /// Find the records of one person within the files given.
    Dedupe(LinkFiles),
    /// Find the records of one person across two or more files, and within each.
    Match(LinkFiles),
    /// Learn the shares and priors of a model from records.
    Train(train::TrainArgs),
    /// Compare clusters with the truth: pairs, records, clusters, thresholds, groups.
    Evaluate(evaluate::EvaluateArgs),
    /// Say why two records have their weight.
    Explain(explain::ExplainArgs),
    /// Link, and make one page of it: weights, thresholds, errors, clusters.
    Report(report::ReportArgs),
    /// Make a model file of a Splink settings file.
    ImportSplink(import::ImportArgs),
}

/// Which files to read, and by which model.
#[derive(Debug, Args)]
pub(crate) struct DataFiles {
    /// CSV files with a header, UTF-8, or Parquet files.
    #[arg(required = true, value_name = "DATA.csv")]
    data: Vec<PathBuf>,
    /// The column that names a record.
    #[arg(long, value_name = "COLUMN")]
    id: String,
    /// A model that comes with rabt (egypt, febrl) or a model file.
    #[arg(long, default_value = "egypt", value_name = "MODEL")]
    model: String,
    /// A TOML file of `model column = "file column"` lines, for files with other headers.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// A column with the true person of each record; only for the metrics, never for linking.
    #[arg(long, value_name = "COLUMN")]
    truth_column: Option<String>,
    /// Number of threads; all cores when absent.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// What to link and where to write it.
#[derive(Debug, Args)]
pub(crate) struct LinkFiles {
    #[command(flatten)]
    files: DataFiles,
    /// Where to write `record_id,cluster_id`.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Learn the shares and priors from these records first.
    #[arg(long)]
    train: bool,
    /// Where to write the pairs at or above the review threshold with their weights.
    #[arg(long, value_name = "FILE")]
    edges: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &LinkArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let (args, least) = match args {
        LinkArgs::Dedupe(args) => (args, 1),
        LinkArgs::Match(args) => (args, 2),
        LinkArgs::Train(args) => return train::run(args, render),
        LinkArgs::Evaluate(args) => return evaluate::run(args, render),
        LinkArgs::Explain(args) => return explain::run(args, render),
        LinkArgs::Report(args) => return report::run(args, render),
        LinkArgs::ImportSplink(args) => return import::run(args, render),
    };
    if args.files.data.len() < least {
        return Err(CommandError::usage(
            "match takes two files or more",
            "give another file",
        ));
    }
    let threads = args.files.threads()?;
    threads.install(|| link(args, threads.current_num_threads(), render))
}

impl DataFiles {
    fn threads(&self) -> Result<rayon::ThreadPool, CommandError> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(self.threads.unwrap_or(0));
        threads
            .build()
            .map_err(|error| CommandError::failed(format!("no threads: {error}"), ""))
    }

    /// Returns every file that is read.
    fn read_paths(&self) -> Vec<&PathBuf> {
        self.data.iter().chain(&self.map).collect()
    }

    fn source(&self) -> input::Source<'_> {
        input::Source {
            files: &self.data,
            id: &self.id,
            map: self.map.as_deref(),
            truth_column: self.truth_column.as_deref(),
        }
    }
}

fn link(args: &LinkFiles, threads: usize, render: &Render) -> Result<ExitCode, CommandError> {
    let model = load_model(&args.files.model)?;
    // Found out before the work, not behind it.
    let targets = std::iter::once(&args.out).chain(&args.edges);
    let targets: Vec<&Path> = targets.map(PathBuf::as_path).collect();
    target::check(&targets, &args.files.read_paths())?;
    let mut records = Records::read(&args.files, model, threads, render)?;
    if args.train {
        records.train(render)?;
    }
    let mut run = Run::of(records, render);
    output::clusters(&args.out, &run.records.names, &run.partition)?;
    if let Some(path) = &args.edges {
        output::edges(path, &run.records.names, &run.scored.edges)?;
    }
    run.records.stages.done("write");
    let report = output::Report::of(&run);
    render.result(&report, || report.to_text("clusters", &args.out));
    Ok(ExitCode::SUCCESS)
}

fn load_model(name: &str) -> Result<LinkageModel, CommandError> {
    if let Some(model) = LinkageModel::shipped(name) {
        return Ok(model);
    }
    let text = std::fs::read_to_string(name).map_err(|error| {
        let shipped = LinkageModel::SHIPPED.join(", ");
        CommandError::usage(
            format!("model {name}: {error}"),
            format!("give the path of a model file, or one of: {shipped}"),
        )
    })?;
    LinkageModel::from_toml(&text).map_err(|problems| {
        let faults = problems.into_iter().map(|problem| Fault {
            message: format!("{name}: {problem}"),
            help: String::new(),
        });
        CommandError::many(Exit::Usage, faults.collect())
    })
}
