//! `rabt emergency`: work off the looks for which somebody claimed an emergency, as somebody else.

use std::process::ExitCode;

use clap::Subcommand;
use rabt_proto::audit as pb;
use serde::Serialize;

use super::block_on;
use super::citizen::instant;
use crate::client::{Connection, refusal};
use crate::error::CommandError;
use crate::render::{Render, table};

/// As whom unless --as says otherwise.
const USUAL_IDENTITY: &str = "security-officer";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum EmergencyArgs {
    /// List emergencies that nobody has looked at, the oldest first; with --all the newest.
    List(ListArgs),
    /// Say that a look was an emergency.
    Confirm(ReviewArgs),
    /// Say that a look was none.
    Dispute(ReviewArgs),
}

/// `rabt emergency list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Also those that somebody has looked at.
    #[arg(long)]
    all: bool,
    /// Largest number.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt emergency confirm` and `dispute`
#[derive(Debug, clap::Args)]
pub(crate) struct ReviewArgs {
    /// Emergency, as the list shows it.
    emergency: String,
    /// What it was.
    #[arg(long, value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Serialize)]
struct Emergencies {
    emergencies: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    emergency: String,
    occurred_at: String,
    agency: String,
    system: String,
    agreement: String,
    purpose: String,
    case_reference: String,
    end_user: String,
    reason: String,
    outcome: String,
    state: &'static str,
    overdue: bool,
    reviewer: String,
    text: String,
}

/// Runs `rabt emergency`.
pub(crate) fn run(args: &EmergencyArgs, render: &Render) -> Result<ExitCode, CommandError> {
    block_on(Box::pin(async {
        let found = match args {
            EmergencyArgs::List(args) => list(args).await?,
            EmergencyArgs::Confirm(args) => review(args, pb::EmergencyState::Confirmed).await?,
            EmergencyArgs::Dispute(args) => review(args, pb::EmergencyState::Disputed).await?,
        };
        let shown = Emergencies {
            emergencies: found.iter().map(Row::of).collect(),
        };
        render.result(&shown, || shown.to_text());
        Ok(ExitCode::SUCCESS)
    }))
}

async fn list(args: &ListArgs) -> Result<Vec<pb::Emergency>, CommandError> {
    let mut client = args.connection.oversight(USUAL_IDENTITY).await?;
    let (mut found, mut page_token) = (Vec::new(), String::new());
    let wanted = args.limit as usize;
    while found.len() < wanted {
        let request = pb::ListEmergenciesRequest {
            include_reviewed: args.all,
            page_size: i32::try_from(wanted - found.len()).unwrap_or(i32::MAX),
            page_token,
        };
        let page = client.list_emergencies(request).await;
        let page = page.map_err(|status| refusal(&status))?.into_inner();
        found.extend(page.emergencies);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(found)
}

async fn review(
    args: &ReviewArgs,
    state: pb::EmergencyState,
) -> Result<Vec<pb::Emergency>, CommandError> {
    let request = pb::ReviewEmergencyRequest {
        name: format!("emergencies/{}", args.emergency),
        state: state.into(),
        text: args.text.clone(),
    };
    let mut client = args.connection.oversight(USUAL_IDENTITY).await?;
    let got = client.review_emergency(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    Ok(got.emergency.into_iter().collect())
}

impl Row {
    fn of(emergency: &pb::Emergency) -> Self {
        let name = emergency.name.strip_prefix("emergencies/");
        Self {
            emergency: name.unwrap_or_default().to_owned(),
            occurred_at: instant(emergency.occurred_at.as_ref()).unwrap_or_default(),
            agency: emergency.agency.clone(),
            system: emergency.system.clone(),
            agreement: emergency.agreement.clone(),
            purpose: emergency.purpose.clone(),
            case_reference: emergency.case_reference.clone(),
            end_user: emergency.end_user.clone(),
            reason: emergency.reason.clone(),
            outcome: emergency.outcome.clone(),
            state: match emergency.state() {
                pb::EmergencyState::Unspecified => "unknown",
                pb::EmergencyState::Open => "open",
                pb::EmergencyState::Confirmed => "confirmed",
                pb::EmergencyState::Disputed => "disputed",
            },
            overdue: emergency.overdue,
            reviewer: emergency.reviewer.clone(),
            text: emergency.text.clone(),
        }
    }
}

impl Emergencies {
    fn to_text(&self) -> String {
        if self.emergencies.is_empty() {
            return "nothing waits".to_owned();
        }
        let rows = self.emergencies.iter().map(|row| {
            let state = if row.overdue { "overdue" } else { row.state };
            vec![
                row.emergency.clone(),
                row.occurred_at.clone(),
                format!("{}:{}", row.agency, row.system),
                row.purpose.clone(),
                row.case_reference.clone(),
                row.end_user.get(..12).unwrap_or_default().to_owned(),
                row.reason.clone(),
                state.to_owned(),
                row.reviewer.clone(),
                row.text.clone(),
            ]
        });
        let head = [
            "emergency",
            "when",
            "who",
            "purpose",
            "case",
            "person",
            "reason",
            "state",
            "reviewer",
            "text",
        ];
        table(&head, rows)
    }
}
