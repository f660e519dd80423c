//! `rabt audit archive`: old entries leave storage for an archive, as two people decide.

use std::process::ExitCode;

use clap::Subcommand;
use rabt_proto::audit as pb;
use serde::Serialize;

use crate::client::{Connection, refusal};
use crate::command::citizen::instant;
use crate::error::CommandError;
use crate::render::{Render, table};

/// As whom archives are asked for and listed unless --as says otherwise.
const OFFICER: &str = "security-officer";
/// As whom they are confirmed.
const SECOND: &str = "approver";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum ArchiveArgs {
    /// Ask for it, as a security officer. Nothing leaves before a second person confirms.
    Request(RequestArgs),
    /// List what was asked for and done, the last first.
    List(ListArgs),
    /// Let the entries leave, as a second person; again when it was cut off, which goes on.
    Confirm(DecideArgs),
    /// Take it back, or refuse it; also one that was cut off. What left by it stays in the archive.
    Withdraw(DecideArgs),
}

/// `rabt audit archive request`
#[derive(Debug, clap::Args)]
pub(crate) struct RequestArgs {
    /// Entries of before this time leave, such as `2025-01-01T00:00:00Z`; as many as the retention allows when
    /// absent.
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
    /// Why; it stands in the log and must hold nobody's number.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt audit archive list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Largest number, at most 500.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=500))]
    limit: i32,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt audit archive confirm` and `withdraw`
#[derive(Debug, clap::Args)]
pub(crate) struct DecideArgs {
    /// Number, as the list shows it.
    number: i64,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Serialize)]
struct Archives {
    archives: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    number: String,
    state: &'static str,
    entries_before: String,
    reason: String,
    proposer: String,
    decider: String,
    updated_at: String,
}

/// Runs `rabt audit archive`.
pub(super) async fn run(args: &ArchiveArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let found = match args {
        ArchiveArgs::Request(args) => {
            let request = pb::RequestArchiveRequest {
                cutoff_time: args.before.as_deref().map(time).transpose()?,
                reason: args.reason.clone(),
            };
            let mut client = args.connection.oversight(OFFICER).await?;
            let got = client.request_archive(request).await;
            let got = got.map_err(|status| refusal(&status))?.into_inner();
            got.archive.into_iter().collect()
        }
        ArchiveArgs::List(args) => {
            let page_size = args.limit;
            let mut client = args.connection.oversight(OFFICER).await?;
            let request = pb::ListArchivesRequest {
                page_size,
                ..Default::default()
            };
            let got = client.list_archives(request).await;
            got.map_err(|status| refusal(&status))?
                .into_inner()
                .archives
        }
        ArchiveArgs::Confirm(args) => {
            let name = format!("archives/{}", args.number);
            let mut client = args.connection.oversight(SECOND).await?;
            let request = pb::ConfirmArchiveRequest { name };
            let got = client.confirm_archive(request).await;
            let got = got.map_err(|status| refusal(&status))?.into_inner();
            got.archive.into_iter().collect()
        }
        ArchiveArgs::Withdraw(args) => {
            let name = format!("archives/{}", args.number);
            let mut client = args.connection.oversight(OFFICER).await?;
            let request = pb::WithdrawArchiveRequest { name };
            let got = client.withdraw_archive(request).await;
            let got = got.map_err(|status| refusal(&status))?.into_inner();
            got.archive.into_iter().collect()
        }
    };
    let shown = Archives {
        archives: found.iter().map(Row::of).collect(),
    };
    render.result(&shown, || shown.to_text());
    Ok(ExitCode::SUCCESS)
}

fn time(text: &str) -> Result<prost_types::Timestamp, CommandError> {
    let at: jiff::Timestamp = text.parse().map_err(|_| {
        let help = "write a time such as 2025-01-01T00:00:00Z";
        CommandError::usage("--before is not a time", help)
    })?;
    Ok(prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    })
}

impl Row {
    fn of(archive: &pb::Archive) -> Self {
        let number = archive.name.strip_prefix("archives/");
        Self {
            number: number.unwrap_or_default().to_owned(),
            state: match archive.state() {
                pb::ArchiveState::Unspecified => "unknown",
                pb::ArchiveState::Asked => "asked",
                pb::ArchiveState::Confirmed => "confirmed; confirm it again unless it is done soon",
                pb::ArchiveState::Done => "done",
                pb::ArchiveState::Withdrawn => "withdrawn",
            },
            entries_before: instant(archive.cutoff_time.as_ref()).unwrap_or_default(),
            reason: archive.reason.clone(),
            proposer: archive.proposer.clone(),
            decider: archive.decider.clone(),
            updated_at: instant(archive.update_time.as_ref()).unwrap_or_default(),
        }
    }
}

impl Archives {
    fn to_text(&self) -> String {
        if self.archives.is_empty() {
            return "nothing was asked for".to_owned();
        }
        let rows = self.archives.iter().map(|row| {
            vec![
                row.number.clone(),
                row.state.to_owned(),
                row.entries_before.clone(),
                row.reason.clone(),
                row.proposer.clone(),
                row.decider.clone(),
                row.updated_at.clone(),
            ]
        });
        let head = [
            "number",
            "state",
            "entries before",
            "reason",
            "asked by",
            "decided by",
            "since",
        ];
        table(&head, rows)
    }
}
