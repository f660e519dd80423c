//! `rabt link`: the linkage engine on its own, files in and files out.

mod input;
mod output;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use rabt_linkage::{Index, LinkageModel, Linked};
use rabt_model::RecordNumber;

use crate::error::{CommandError, Exit, Fault};
use crate::meter::Stages;
use crate::render::Render;

/// Which records are the same person, without a server.
#[derive(Debug, Subcommand)]
pub(crate) enum LinkArgs {
    /// Find the records of one person within the files given.
    Dedupe(LinkFiles),
    /// Find the records of one person across two or more files, and within each.
    Match(LinkFiles),
}

/// What to link and where to write it.
#[derive(Debug, Args)]
pub(crate) struct LinkFiles {
    /// CSV files with a header, UTF-8.
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
    /// Where to write `record_id,cluster_id`.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to write the pairs at or above the review threshold with their weights.
    #[arg(long, value_name = "FILE")]
    edges: Option<PathBuf>,
    /// Number of threads; all cores when absent.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// Runs the command.
pub(crate) fn run(args: &LinkArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let (files, least) = match args {
        LinkArgs::Dedupe(files) => (files, 1),
        LinkArgs::Match(files) => (files, 2),
    };
    if files.data.len() < least {
        return Err(CommandError::usage(
            "match takes two files or more",
            "give another file",
        ));
    }
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(files.threads.unwrap_or(0))
        .build();
    let threads =
        threads.map_err(|error| CommandError::failed(format!("no threads: {error}"), ""))?;
    threads.install(|| link(files, render))
}

fn link(files: &LinkFiles, render: &Render) -> Result<ExitCode, CommandError> {
    let model = Arc::new(load_model(&files.model)?);
    let mut stages = Stages::start();
    let data = input::read(files, &model, render)?;
    stages.done("read");
    let progress = render.progress("linking", "records", data.len() as u64);
    let mut index = Index::new(Arc::clone(&model));
    let linked = index.link_with(data.len(), |at, push| {
        let number = RecordNumber(i64::try_from(at).unwrap_or(i64::MAX));
        push(number, &data.identity(at), &data.cells(at));
        progress.advance(1);
    });
    progress.finish("linked");
    stages.done("link");
    output::clusters(&files.out, &data, &linked)?;
    if let Some(path) = &files.edges {
        output::edges(path, &data, &index)?;
    }
    stages.done("write");
    report(files, (&data, &index), &linked, &stages, render);
    Ok(ExitCode::SUCCESS)
}

fn report(
    files: &LinkFiles,
    (data, index): (&input::Data, &Index),
    linked: &Linked,
    stages: &Stages,
    render: &Render,
) {
    for block in &linked.skipped_blocks {
        render.note(format_args!(
            "skipped a block of rule {}: {} records share the key, more than its cap",
            block.rule, block.records
        ));
    }
    let report = output::Report::of(data, index, linked, stages);
    render.result(&report, || report.to_text(&files.out));
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
