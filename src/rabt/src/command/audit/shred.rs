//! `rabt audit shred`: destroy the keys that lead from a citizen to the entries about them, as two people.

use std::process::ExitCode;

use clap::Subcommand;
use rabt_proto::audit as pb;
use rabt_proto::audit::oversight_service_client::OversightServiceClient;
use rabt_proto::audit::request_erasure_request::Citizen;
use serde::Serialize;

use crate::client::{Connection, refusal};
use crate::command::citizen::{SubjectArgs, Who, instant};
use crate::error::CommandError;
use crate::render::{Render, table};

/// As whom erasures are asked for and listed unless --as says otherwise.
const OFFICER: &str = "security-officer";
/// As whom they are confirmed.
const SECOND: &str = "approver";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum ShredArgs {
    /// Ask for it, as a security officer. Nothing is destroyed before a second person confirms.
    Request(RequestArgs),
    /// List what was asked for and done, the last first.
    List(ListArgs),
    /// Destroy the keys, as a second person. It cannot be undone.
    Confirm(DecideArgs),
    /// Take it back, or refuse it.
    Withdraw(DecideArgs),
}

/// `rabt audit shred request`
#[derive(Debug, clap::Args)]
pub(crate) struct RequestArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Why; it stands in the log and must hold nobody's number.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt audit shred list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Largest number, at most 500.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=500))]
    limit: i32,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt audit shred confirm` and `withdraw`
#[derive(Debug, clap::Args)]
pub(crate) struct DecideArgs {
    /// Number, as the list shows it.
    number: i64,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Serialize)]
struct Erasures {
    erasures: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    number: String,
    state: &'static str,
    citizen: String,
    reason: String,
    proposer: String,
    decider: String,
    updated_at: String,
}

/// Runs `rabt audit shred`.
pub(super) async fn run(args: &ShredArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let found = match args {
        ShredArgs::Request(args) => request(args, render).await?,
        ShredArgs::List(args) => {
            let request = pb::ListErasuresRequest {
                page_size: args.limit,
                page_token: String::new(),
            };
            let mut client = args.connection.oversight(OFFICER).await?;
            let got = client.list_erasures(request).await;
            got.map_err(|status| refusal(&status))?
                .into_inner()
                .erasures
        }
        ShredArgs::Confirm(args) => {
            let name = format!("erasures/{}", args.number);
            let mut client = args.connection.oversight(SECOND).await?;
            let request = pb::ConfirmErasureRequest { name };
            let got = client.confirm_erasure(request).await;
            let got = got.map_err(|status| refusal(&status))?.into_inner();
            got.erasure.into_iter().collect()
        }
        ShredArgs::Withdraw(args) => {
            let name = format!("erasures/{}", args.number);
            let mut client = args.connection.oversight(OFFICER).await?;
            let request = pb::WithdrawErasureRequest { name };
            let got = client.withdraw_erasure(request).await;
            let got = got.map_err(|status| refusal(&status))?.into_inner();
            got.erasure.into_iter().collect()
        }
    };
    let shown = Erasures {
        erasures: found.iter().map(Row::of).collect(),
    };
    render.result(&shown, || shown.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn request(args: &RequestArgs, render: &Render) -> Result<Vec<pb::Erasure>, CommandError> {
    let target = args.connection.target(OFFICER)?;
    let citizen = match args.subject.clone().resolve(target.demo, render)? {
        Who::Number(identifier) => Citizen::Identifier(identifier),
        Who::Name(name) => Citizen::Name(name),
    };
    let request = pb::RequestErasureRequest {
        citizen: Some(citizen),
        reason: args.reason.clone(),
    };
    let mut client = OversightServiceClient::new(target.connect().await?);
    let got = client.request_erasure(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    Ok(got.erasure.into_iter().collect())
}

impl Row {
    fn of(erasure: &pb::Erasure) -> Self {
        let number = erasure.name.strip_prefix("erasures/");
        Self {
            number: number.unwrap_or_default().to_owned(),
            state: match erasure.state() {
                pb::ErasureState::Unspecified => "unknown",
                pb::ErasureState::Asked => "asked",
                pb::ErasureState::Confirmed => "confirmed; confirm it again unless it is done soon",
                pb::ErasureState::Done => "done",
                pb::ErasureState::Withdrawn => "withdrawn",
            },
            citizen: erasure.citizen.clone(),
            reason: erasure.reason.clone(),
            proposer: erasure.proposer.clone(),
            decider: erasure.decider.clone(),
            updated_at: instant(erasure.update_time.as_ref()).unwrap_or_default(),
        }
    }
}

impl Erasures {
    fn to_text(&self) -> String {
        if self.erasures.is_empty() {
            return "nothing was asked for".to_owned();
        }
        let rows = self.erasures.iter().map(|row| {
            vec![
                row.number.clone(),
                row.state.to_owned(),
                row.citizen.clone(),
                row.reason.clone(),
                row.proposer.clone(),
                row.decider.clone(),
                row.updated_at.clone(),
            ]
        });
        let head = [
            "number",
            "state",
            "citizen",
            "reason",
            "asked by",
            "decided by",
            "since",
        ];
        table(&head, rows)
    }
}
