//! `rabt link explain`: why two records have their weight.

mod result;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::input::{self, Again};
use super::report::{self, Language};
use super::run::Records;
use super::{DataFiles, load_model, pairs, target};
use crate::error::CommandError;
use crate::render::Render;

/// Which two records, and of which files.
#[derive(Debug, Args)]
#[command(
    override_usage = "rabt link explain [OPTIONS] --id <COLUMN> <DATA.csv>... <LEFT> <RIGHT>"
)]
pub(crate) struct ExplainArgs {
    /// CSV files with a header, UTF-8, and behind them the ids of the two records.
    #[arg(required = true, value_name = "DATA.csv… LEFT RIGHT")]
    files_and_ids: Vec<String>,
    /// The column that names a record.
    #[arg(long, value_name = "COLUMN")]
    id: String,
    /// A model that comes with rabt (egypt, febrl) or a model file.
    #[arg(long, default_value = "egypt", value_name = "MODEL")]
    model: String,
    /// A TOML file of `model column = "file column"` lines, for files with other headers.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Number of threads; all cores when absent.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Where to draw the sum as a picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The language of the picture.
    #[arg(long, value_enum, default_value_t, value_name = "LANGUAGE")]
    lang: Language,
}

/// Runs the command.
pub(crate) fn run(args: &ExplainArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let [data @ .., left, right] = args.files_and_ids.as_slice() else {
        return Err(CommandError::usage(
            "explain takes files and two ids",
            "give DATA.csv… LEFT RIGHT",
        ));
    };
    let files = DataFiles {
        data: data.iter().map(PathBuf::from).collect(),
        id: args.id.clone(),
        model: args.model.clone(),
        map: args.map.clone(),
        truth_column: None,
        threads: args.threads,
    };
    let threads = files.threads()?;
    let ids = [left.as_str(), right.as_str()];
    threads.install(|| explain(args, &files, ids, threads.current_num_threads(), render))
}

fn explain(
    args: &ExplainArgs,
    files: &DataFiles,
    ids: [&str; 2],
    threads: usize,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let model = load_model(&files.model)?;
    let targets: Vec<&Path> = args.svg.iter().map(PathBuf::as_path).collect();
    target::check(&targets, &files.read_paths())?;
    input::check_again(&files.data, &[])?;
    let records = Records::read(files, model, threads, render)?;
    let rows = records.rows_of(ids)?;
    let candidates = records.batch.block();
    let shown = BTreeSet::from(rows);
    let (source, model, names) = (files.source(), &records.model, &records.names);
    let again = Again::read(&source, model, names, &shown, &[])?;
    let pair = pairs::pair(&records, &again, &candidates, rows);
    if let Some(path) = &args.svg {
        let svg = report::waterfall_svg(&pair, &pairs::thresholds(model), args.lang);
        target::write(path, |out| out.write_all(svg.as_bytes()))?;
    }
    let values = model.comparisons.iter().map(|comparison| {
        let columns = comparison.columns.iter();
        let ids: Vec<&str> = columns
            .map(|column| model.columns[*column].id.as_str())
            .collect();
        rows.map(|row| {
            let values = ids.iter().filter_map(|id| again.value(row, id));
            values.collect::<Vec<_>>().join(" / ")
        })
    });
    let result = result::Explained::of(&pair, values.collect());
    render.result(&result, || result.to_text());
    Ok(ExitCode::SUCCESS)
}
