//! `rabt transparency`: what citizens see of what others see of them, as a portal calls it, and what
//! agencies say to what citizens say is wrong.

mod view;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use rabt_proto::common::AssuranceLevel;
use rabt_proto::transparency as pb;
use rabt_proto::transparency::correction_service_client::CorrectionServiceClient;
use rabt_proto::transparency::transparency_service_client::TransparencyServiceClient;
use rabt_proto::transparency::viewer::Citizen;
use tonic::transport::Channel;

use self::view::{Corrections, Events, Holdings, Receipt, Unseen};
use super::block_on;
use super::citizen::{SubjectArgs, Who};
use crate::client::{Connection, Target, refusal};
use crate::error::CommandError;
use crate::render::Render;

/// As whom portals' methods are called unless --as says otherwise.
const PORTAL: &str = "portal";

/// What to see or say.
#[derive(Debug, Subcommand)]
pub(crate) enum TransparencyArgs {
    /// List who asked about a citizen, the newest first.
    History(HistoryArgs),
    /// Count what is not shown yet.
    Withheld(WhoArgs),
    /// Print or write the receipt of an event; `rabt audit verify FILE` checks it.
    Receipt(ReceiptArgs),
    /// List who holds a file on a citizen.
    Holdings(WhoArgs),
    /// Say that a value is wrong.
    Correct(CorrectArgs),
    /// List what a citizen said is wrong.
    Corrections(WhoArgs),
    /// List what citizens said is wrong in the records of your own agency.
    Requests(RequestsArgs),
    /// Answer such a request.
    Answer(AnswerArgs),
}

/// Who looks.
#[derive(Debug, clap::Args)]
pub(crate) struct WhoArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// How the citizen signed in.
    #[arg(long, value_enum, default_value_t = Assurance::Substantial)]
    assurance: Assurance,
    #[command(flatten)]
    connection: Connection,
}

/// How sure a portal is of its citizen.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Assurance {
    Low,
    Substantial,
    High,
}

/// `rabt transparency history`
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// Show the citizen's own looks too.
    #[arg(long)]
    own: bool,
    /// Largest number of events.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    who: WhoArgs,
}

/// `rabt transparency receipt`
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptArgs {
    /// Event, as the history shows it.
    event: String,
    /// File to write the receipt to.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    who: WhoArgs,
}

/// `rabt transparency correct`
#[derive(Debug, clap::Args)]
pub(crate) struct CorrectArgs {
    /// Attribute, such as `birth.date`.
    #[arg(long, value_name = "ATTRIBUTE")]
    attribute: String,
    /// What is wrong, in the citizen's words.
    #[arg(long, value_name = "TEXT")]
    wrong: String,
    /// Reference of the evidence.
    #[arg(long, default_value = "", value_name = "TEXT")]
    evidence: String,
    #[command(flatten)]
    who: WhoArgs,
}

/// `rabt transparency requests`
#[derive(Debug, clap::Args)]
pub(crate) struct RequestsArgs {
    /// Largest number of requests, at most 500.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=500))]
    limit: i32,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt transparency answer`
#[derive(Debug, clap::Args)]
pub(crate) struct AnswerArgs {
    /// Number of the request.
    number: i64,
    /// Whether the value was corrected in the agency's own database, or is right.
    #[arg(value_enum)]
    outcome: Answer,
    /// What the citizen is told.
    #[arg(long, default_value = "", value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    connection: Connection,
}

/// What an agency says.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Answer {
    Corrected,
    Refused,
}

/// Runs `rabt transparency`.
pub(crate) fn run(args: TransparencyArgs, render: &Render) -> Result<ExitCode, CommandError> {
    block_on(Box::pin(async {
        match args {
            TransparencyArgs::History(args) => history(args, render).await,
            TransparencyArgs::Withheld(args) => withheld(args, render).await,
            TransparencyArgs::Receipt(args) => receipt(args, render).await,
            TransparencyArgs::Holdings(args) => holdings(args, render).await,
            TransparencyArgs::Correct(args) => correct(args, render).await,
            TransparencyArgs::Corrections(args) => corrections(args, render).await,
            TransparencyArgs::Requests(args) => requests(&args, render).await,
            TransparencyArgs::Answer(args) => answer(args, render).await,
        }
    }))?;
    Ok(ExitCode::SUCCESS)
}

async fn history(args: HistoryArgs, render: &Render) -> Result<(), CommandError> {
    let (mut client, viewer) = args.who.begin(render).await?;
    let (mut events, mut page_token) = (Vec::new(), String::new());
    let wanted = args.limit as usize;
    let mut archived = None;
    while events.len() < wanted {
        let request = pb::ListAccessEventsRequest {
            viewer: Some(viewer.clone()),
            include_own: args.own,
            page_size: i32::try_from(wanted - events.len()).unwrap_or(i32::MAX),
            page_token,
        };
        let page = client.list_access_events(request).await;
        let page = page.map_err(|status| refusal(&status))?.into_inner();
        events.extend(page.events);
        archived = page.archived_before;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let shown = Events::of(&events, archived.as_ref());
    render.result(&shown, || shown.to_text());
    Ok(())
}

async fn withheld(args: WhoArgs, render: &Render) -> Result<(), CommandError> {
    let (mut client, viewer) = args.begin(render).await?;
    let viewer = Some(viewer);
    let request = pb::CountWithheldEventsRequest { viewer };
    let got = client.count_withheld_events(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    let shown = Unseen::of(&got);
    render.result(&shown, || shown.to_text());
    Ok(())
}

async fn receipt(args: ReceiptArgs, render: &Render) -> Result<(), CommandError> {
    let (mut client, viewer) = args.who.begin(render).await?;
    let event = args.event.strip_prefix("accessEvents/");
    let event = event.unwrap_or(&args.event);
    let request = pb::GetAccessReceiptRequest {
        viewer: Some(viewer),
        name: format!("accessEvents/{event}"),
    };
    let got = client.get_access_receipt(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    if let Some(file) = &args.out {
        std::fs::write(file, &got.receipt).map_err(|error| {
            let help = "name a file in a folder that may be written";
            CommandError::failed(format!("{}: {error}", file.display()), help)
        })?;
        render.note(format!(
            "check it with: rabt audit verify {} --key log.pub",
            file.display()
        ));
        return Ok(());
    }
    let shown = Receipt::of(got);
    // without the line feed at its end, which printing adds
    render.result(&shown, || shown.receipt.trim_end().to_owned());
    Ok(())
}

async fn holdings(args: WhoArgs, render: &Render) -> Result<(), CommandError> {
    let (mut client, viewer) = args.begin(render).await?;
    let viewer = Some(viewer);
    let got = client
        .list_holdings(pb::ListHoldingsRequest { viewer })
        .await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    let shown = Holdings::of(&got.holdings);
    render.result(&shown, || shown.to_text());
    Ok(())
}

async fn correct(args: CorrectArgs, render: &Render) -> Result<(), CommandError> {
    let (mut client, viewer) = args.who.begin(render).await?;
    let request = pb::CreateCorrectionRequestRequest {
        viewer: Some(viewer),
        attribute: args.attribute,
        wrong: args.wrong,
        evidence: args.evidence,
    };
    let got = client.create_correction_request(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    show(got.correction_request.as_slice(), render);
    Ok(())
}

async fn corrections(args: WhoArgs, render: &Render) -> Result<(), CommandError> {
    let (mut client, viewer) = args.begin(render).await?;
    let viewer = Some(viewer);
    let request = pb::ListCorrectionRequestsRequest { viewer };
    let got = client.list_correction_requests(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    show(&got.correction_requests, render);
    Ok(())
}

async fn requests(args: &RequestsArgs, render: &Render) -> Result<(), CommandError> {
    let mut client = agency(&args.connection).await?;
    let request = pb::ListAgencyCorrectionsRequest {
        page_size: args.limit,
        page_token: String::new(),
    };
    let got = client.list_agency_corrections(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    show(&got.correction_requests, render);
    Ok(())
}

async fn answer(args: AnswerArgs, render: &Render) -> Result<(), CommandError> {
    let mut client = agency(&args.connection).await?;
    let state = match args.outcome {
        Answer::Corrected => pb::CorrectionState::Corrected,
        Answer::Refused => pb::CorrectionState::Refused,
    };
    let request = pb::AnswerCorrectionRequest {
        name: format!("correctionRequests/{}", args.number),
        state: state.into(),
        answer: args.text,
    };
    let got = client.answer_correction(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    show(got.correction_request.as_slice(), render);
    Ok(())
}

fn show(corrections: &[pb::CorrectionRequest], render: &Render) {
    let shown = Corrections::of(corrections);
    render.result(&shown, || shown.to_text());
}

async fn agency(connection: &Connection) -> Result<CorrectionServiceClient<Channel>, CommandError> {
    let target = connection.target("operator")?;
    Ok(CorrectionServiceClient::new(target.connect().await?))
}

impl WhoArgs {
    /// Connects as a portal and says who looks.
    async fn begin(
        self,
        render: &Render,
    ) -> Result<(TransparencyServiceClient<Channel>, pb::Viewer), CommandError> {
        let target: Target = self.connection.target(PORTAL)?;
        let citizen = match self.subject.resolve(target.demo, render)? {
            Who::Number(identifier) => Citizen::Identifier(identifier),
            Who::Name(name) => Citizen::Name(name),
        };
        let assurance = match self.assurance {
            Assurance::Low => AssuranceLevel::Low,
            Assurance::Substantial => AssuranceLevel::Substantial,
            Assurance::High => AssuranceLevel::High,
        };
        let viewer = pb::Viewer {
            citizen: Some(citizen),
            assurance: assurance.into(),
            request_id: String::new(),
        };
        let client = TransparencyServiceClient::new(target.connect().await?);
        Ok((client, viewer))
    }
}
