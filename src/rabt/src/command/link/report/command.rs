//! `rabt link report`: links, and makes one page of it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::data::{Language, ReportData};
use super::{collect, render as render_page};
use crate::command::link::run::{Records, Run};
use crate::command::link::{DataFiles, input, load_model, output, target};
use crate::error::CommandError;
use crate::render::Render;

/// What to link and what to show of it.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(super) files: DataFiles,
    /// A column by which errors are counted, such as sex or region; needs --truth-column; may be
    /// repeated.
    #[arg(long, value_name = "COLUMN", requires = "truth_column")]
    pub(super) group: Vec<String>,
    /// Two records to show side by side; may be repeated.
    #[arg(long, num_args = 2, value_names = ["LEFT", "RIGHT"])]
    pub(super) pair: Vec<String>,
    /// The language in which the page opens.
    #[arg(long, value_enum, default_value_t, value_name = "LANGUAGE")]
    pub(super) lang: Language,
    /// Where to write the page.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &ReportArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let threads = args.files.threads()?;
    threads.install(|| report(args, threads.current_num_threads(), render))
}

fn report(args: &ReportArgs, threads: usize, render: &Render) -> Result<ExitCode, CommandError> {
    let files = &args.files;
    let model = load_model(&files.model)?;
    target::check(&[&args.out], &files.read_paths())?;
    input::check_again(&files.data, &args.group)?;
    let records = Records::read(files, model, threads, render)?;
    let pairs = args.pair.chunks_exact(2);
    let pairs = pairs.map(|ids| records.rows_of([&ids[0], &ids[1]]));
    let pairs = pairs.collect::<Result<Vec<[u32; 2]>, CommandError>>()?;
    let mut run = Run::of(records, render);
    let mut data: ReportData = collect::collect(&run, args, &pairs)?;
    run.records.stages.done("report");
    collect::add_cost(&mut data, &run.records.stages);
    let page = render_page(&data);
    target::write(&args.out, |out| out.write_all(page.as_bytes()))?;
    run.records.stages.done("write");
    let report = output::Report::of(&run);
    render.result(&report, || report.to_text("page", &args.out));
    Ok(ExitCode::SUCCESS)
}
