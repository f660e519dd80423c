//! Looking at a source through the server: does it answer, what does it hold, what would become of it.

use std::process::ExitCode;

use clap::Args;
use rabt_proto::connector as pb;

use super::register::approval;
use super::view_look::{Findings, PreviewView, Tables};
use super::{One, USUAL_IDENTITY, answer, connect, get, name_of};
use crate::client::{Connection, refusal};
use crate::error::{CommandError, Exit, Fault};
use crate::render::Render;

/// Which tables to list.
#[derive(Debug, Args)]
pub(crate) struct DiscoverArgs {
    /// Source id.
    id: String,
    /// This schema alone.
    #[arg(long)]
    schema: Option<String>,
    /// Tables with this in their name alone.
    #[arg(long, value_name = "TEXT")]
    like: Option<String>,
    /// Number of tables whose first rows are sampled, those first whose names promise people.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i32).range(0..=50))]
    sample: i32,
    #[command(flatten)]
    connection: Connection,
}

/// How much to try.
#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// Source id.
    id: String,
    /// Rows of each stream.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i32).range(1..=100_000))]
    rows: i32,
    #[command(flatten)]
    connection: Connection,
}

/// Tries a source; fails when reading will not work.
pub(super) async fn check(args: &One, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let name = name_of(&args.id);
    let found = answer(client.check_source(pb::CheckSourceRequest { name }).await)?;
    let findings = Findings::of(&found.findings);
    render.result(&findings, || findings.to_text());
    let failed = found
        .findings
        .iter()
        .filter(|finding| finding.outcome() == pb::Outcome::Fail);
    let faults: Vec<Fault> = failed
        .map(|finding| Fault {
            message: format!("{}: {}", finding.id, finding.summary),
            help: finding.remedy.clone(),
        })
        .collect();
    if faults.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(CommandError::many(Exit::Failed, faults))
}

/// Lists the tables.
pub(super) async fn discover(
    args: &DiscoverArgs,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::DiscoverSourceRequest {
        name: name_of(&args.id),
        filter: Some(filter(args.schema.as_deref(), args.like.as_deref())),
        sampled_tables: args.sample,
    };
    let mut pages = answer(client.discover_source(request).await)?;
    let mut tables = Tables::default();
    while let Some(page) = pages.message().await.map_err(|status| refusal(&status))? {
        tables.take(&page.tables);
    }
    render.result(&tables, || tables.to_text());
    Ok(ExitCode::SUCCESS)
}

/// Shows what would become of the rows.
pub(super) async fn preview(args: &PreviewArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::PreviewSourceRequest {
        name: name_of(&args.id),
        row_count: args.rows,
    };
    let seen = answer(client.preview_source(request).await)?;
    let view = PreviewView::of(&seen);
    render.result(&view, || view.to_text());
    if let Some(open) = get(&mut client, &args.id).await?.open {
        render.note(approval(&args.id, open.version));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a filter of tables.
pub(super) fn filter(schema: Option<&str>, like: Option<&str>) -> pb::TableFilter {
    pb::TableFilter {
        schema: schema.unwrap_or_default().to_owned(),
        name_contains: like.unwrap_or_default().to_owned(),
    }
}
