//! `rabt agreement`: who may ask what, through a running server.

mod register;
mod view;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rabt_proto::agreement as pb;
use rabt_proto::agreement::agreement_service_client::AgreementServiceClient;
use rabt_proto::common::{EndUser, RequestContext};
use tonic::transport::Channel;

use self::view::{AgreementView, Agreements, Permissions, Services, Simulated};
use super::assurance::Assurance;
use super::block_on;
use crate::client::{Connection, refusal_with};
use crate::error::CommandError;
use crate::render::Render;

/// Who writes agreements.
const USUAL_IDENTITY: &str = "operator";
/// Who approves them.
const SECOND_IDENTITY: &str = "approver";
/// Who asks about citizens.
const ASKING_IDENTITY: &str = super::citizen::USUAL_IDENTITY;

/// What to do with agreements.
#[derive(Debug, Subcommand)]
pub(crate) enum AgreementArgs {
    /// Hand in a new agreement, for a second person to approve.
    New(TextArgs),
    /// Hand in another version of an agreement.
    Update(UpdateArgs),
    /// List the agreements.
    List {
        /// Those that ended or were withdrawn too.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show an agreement with its text and its etag.
    Show(One),
    /// Approve the version that is being worked on, as a second person; asks as `approver`.
    Approve(SeenArgs),
    /// Take back the version that is being worked on.
    Withdraw(StepArgs),
    /// Put the approved version in force, in place of the one before.
    Activate(StepArgs),
    /// Stop an agreement at once.
    Suspend(StopArgs),
    /// Put a suspended agreement in force again, as another person than the one who stopped it; asks
    /// as `approver`.
    Resume(SeenArgs),
    /// End an agreement.
    End(StopArgs),
    /// Say what policy would say to a question, in force or with another text.
    Simulate(Box<SimulateArgs>),
    /// Say what the asking identity may ask; asks as `tax`.
    Mine {
        #[command(flatten)]
        connection: Connection,
    },
    /// List the catalogue of public services.
    Services {
        #[command(flatten)]
        connection: Connection,
    },
    /// Write the register of processing, made of what is in force.
    Register(register::RegisterArgs),
}

/// A text to hand in.
#[derive(Debug, Args)]
pub(crate) struct TextArgs {
    /// TOML file with one `[[agreement]]`.
    file: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

/// A text to hand in, in place of what was looked at.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// TOML file with one `[[agreement]]`.
    file: PathBuf,
    /// Etag of what was looked at; that of now when absent.
    #[arg(long)]
    etag: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// One agreement.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Id of the agreement.
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// A step that stands on what was looked at.
#[derive(Debug, Args)]
pub(crate) struct SeenArgs {
    /// Id of the agreement.
    id: String,
    /// Etag of what was looked at; another one is refused.
    #[arg(long)]
    etag: String,
    #[command(flatten)]
    connection: Connection,
}

/// A step.
#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    /// Id of the agreement.
    id: String,
    /// Etag of what was looked at; that of now when absent.
    #[arg(long)]
    etag: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// A stop.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Id of the agreement.
    id: String,
    /// Why; kept with the agreement. No personal data.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// A question that nobody asks.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Who would ask: AGENCY:SYSTEM.
    #[arg(long, value_name = "AGENCY:SYSTEM")]
    caller: String,
    /// Which question, such as `LookupCitizen`.
    #[arg(long)]
    method: String,
    /// Under which agreement.
    #[arg(long)]
    agreement: String,
    /// For which purpose.
    #[arg(long)]
    purpose: String,
    /// On which legal basis.
    #[arg(long, default_value = "")]
    legal_basis: String,
    /// For which public service.
    #[arg(long)]
    service: String,
    /// Over which channel.
    #[arg(long)]
    channel: String,
    /// How sure the caller is of its end user.
    #[arg(long, value_name = "LEVEL")]
    assurance: Option<Assurance>,
    /// An attribute or group to ask for, again for each.
    #[arg(long = "field", value_name = "PATH")]
    fields: Vec<String>,
    /// A text of an agreement that would stand in place of the one of its id.
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

type Client = AgreementServiceClient<Channel>;

/// Runs `rabt agreement`.
pub(crate) fn run(args: AgreementArgs, render: &Render) -> Result<ExitCode, CommandError> {
    block_on(Box::pin(answer(args, render)))
}

async fn answer(args: AgreementArgs, render: &Render) -> Result<ExitCode, CommandError> {
    match args {
        AgreementArgs::New(args) => new(&args, render).await,
        AgreementArgs::Update(args) => update(&args, render).await,
        AgreementArgs::List { all, connection } => list(all, &connection, render).await,
        AgreementArgs::Show(args) => show(&args, render).await,
        AgreementArgs::Approve(args) => approve(&args, render).await,
        AgreementArgs::Resume(args) => resume(&args, render).await,
        AgreementArgs::Withdraw(args) => withdraw(&args, render).await,
        AgreementArgs::Activate(args) => activate(&args, render).await,
        AgreementArgs::Suspend(args) => suspend(&args, render).await,
        AgreementArgs::End(args) => end(&args, render).await,
        AgreementArgs::Simulate(args) => simulate(*args, render).await,
        AgreementArgs::Mine { connection } => mine(&connection, render).await,
        AgreementArgs::Services { connection } => services(&connection, render).await,
        AgreementArgs::Register(args) => register::run(&args, render).await,
    }
}

async fn new(args: &TextArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let text = read(&args.file)?;
    let request = pb::CreateAgreementRequest { text };
    let new = client.create_agreement(request).await.map_err(refused)?;
    let view = told(new.into_inner().agreement, render);
    next_approval(&view, render);
    Ok(ExitCode::SUCCESS)
}

async fn update(args: &UpdateArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let text = read(&args.file)?;
    let etag = match &args.etag {
        Some(etag) => etag.clone(),
        None => etag_of(&mut client, &id_in(&text)?).await?,
    };
    let request = pb::UpdateAgreementRequest { text, etag };
    let new = client.update_agreement(request).await.map_err(refused)?;
    let view = told(new.into_inner().agreement, render);
    next_approval(&view, render);
    Ok(ExitCode::SUCCESS)
}

async fn list(
    all: bool,
    connection: &Connection,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let mut client = connect(connection, USUAL_IDENTITY).await?;
    let mut agreements = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListAgreementsRequest {
            page_size: 0,
            page_token,
            show_ended: all,
        };
        let page = client.list_agreements(request).await.map_err(refused)?;
        let page = page.into_inner();
        agreements.extend(page.agreements);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let agreements = Agreements::of(&agreements);
    render.result(&agreements, || agreements.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn show(args: &One, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let view = AgreementView::of(&get(&mut client, &args.id).await?);
    render.result(&view, || view.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn approve(args: &SeenArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, SECOND_IDENTITY).await?;
    let request = pb::ApproveAgreementRequest {
        name: name_of(&args.id),
        etag: args.etag.clone(),
    };
    let done = client.approve_agreement(request).await.map_err(refused)?;
    let view = told(done.into_inner().agreement, render);
    render.note(format_args!(
        "it is approved; next:\n  rabt agreement activate {}",
        view.agreement
    ));
    Ok(ExitCode::SUCCESS)
}

async fn resume(args: &SeenArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, SECOND_IDENTITY).await?;
    let request = pb::ResumeAgreementRequest {
        name: name_of(&args.id),
        etag: args.etag.clone(),
    };
    let done = client.resume_agreement(request).await.map_err(refused)?;
    told(done.into_inner().agreement, render);
    Ok(ExitCode::SUCCESS)
}

async fn withdraw(args: &StepArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let (mut client, etag) = seen(args).await?;
    let name = name_of(&args.id);
    let request = pb::WithdrawAgreementRequest { name, etag };
    let done = client.withdraw_agreement(request).await.map_err(refused)?;
    told(done.into_inner().agreement, render);
    Ok(ExitCode::SUCCESS)
}

async fn activate(args: &StepArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let (mut client, etag) = seen(args).await?;
    let name = name_of(&args.id);
    let request = pb::ActivateAgreementRequest { name, etag };
    let done = client.activate_agreement(request).await.map_err(refused)?;
    told(done.into_inner().agreement, render);
    Ok(ExitCode::SUCCESS)
}

async fn suspend(args: &StopArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::SuspendAgreementRequest {
        name: name_of(&args.id),
        reason: args.reason.clone(),
    };
    let done = client.suspend_agreement(request).await.map_err(refused)?;
    let view = told(done.into_inner().agreement, render);
    render.note(format_args!(
        "no question is answered under it any more; to put it in force again, another person:\n  \
         rabt agreement resume {} --etag {}",
        view.agreement, view.etag
    ));
    Ok(ExitCode::SUCCESS)
}

async fn end(args: &StopArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::EndAgreementRequest {
        name: name_of(&args.id),
        etag: etag_of(&mut client, &args.id).await?,
        reason: args.reason.clone(),
    };
    let done = client.end_agreement(request).await.map_err(refused)?;
    told(done.into_inner().agreement, render);
    Ok(ExitCode::SUCCESS)
}

async fn simulate(args: SimulateArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let (agency, system) = args.caller.split_once(':').ok_or_else(|| {
        CommandError::usage("--caller must be AGENCY:SYSTEM", "such as tax:assessment")
    })?;
    let text = args.with.as_deref().map(read).transpose()?;
    let context = RequestContext {
        agreement: args.agreement,
        purpose: args.purpose,
        legal_basis: args.legal_basis,
        service: args.service,
        channel: args.channel,
        end_user: args.assurance.map(|level| EndUser {
            id: "nobody".to_owned(),
            assurance: level.code().into(),
        }),
        ..RequestContext::default()
    };
    let request = pb::SimulatePolicyRequest {
        agency: agency.to_owned(),
        system: system.to_owned(),
        method: args.method,
        context: Some(context),
        fields: args.fields,
        time: None,
        text: text.unwrap_or_default(),
    };
    let said = client.simulate_policy(request).await.map_err(refused)?;
    let said = Simulated::of(said.into_inner());
    render.result(&said, || said.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn mine(connection: &Connection, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(connection, ASKING_IDENTITY).await?;
    let request = pb::ListMyPermissionsRequest {};
    let said = client.list_my_permissions(request).await.map_err(refused)?;
    let permissions = Permissions::of(said.into_inner().permissions);
    render.result(&permissions, || permissions.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn services(connection: &Connection, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(connection, USUAL_IDENTITY).await?;
    let said = client.list_services(pb::ListServicesRequest {}).await;
    let services = Services::of(said.map_err(refused)?.into_inner().services);
    render.result(&services, || services.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn connect(connection: &Connection, usual: &str) -> Result<Client, CommandError> {
    let target = connection.target(usual)?;
    Ok(AgreementServiceClient::new(target.connect().await?))
}

/// Returns a client and the etag that a step stands on.
async fn seen(args: &StepArgs) -> Result<(Client, String), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let etag = match &args.etag {
        Some(etag) => etag.clone(),
        None => etag_of(&mut client, &args.id).await?,
    };
    Ok((client, etag))
}

async fn etag_of(client: &mut Client, id: &str) -> Result<String, CommandError> {
    Ok(get(client, id).await?.etag)
}

async fn get(client: &mut Client, id: &str) -> Result<pb::Agreement, CommandError> {
    let request = pb::GetAgreementRequest { name: name_of(id) };
    let found = client.get_agreement(request).await.map_err(refused)?;
    Ok(found.into_inner().agreement.unwrap_or_default())
}

/// Prints where an agreement stands now.
fn told(agreement: Option<pb::Agreement>, render: &Render) -> AgreementView {
    let view = AgreementView::of(&agreement.unwrap_or_default());
    render.result(&view, || view.to_line());
    view
}

fn next_approval(view: &AgreementView, render: &Render) {
    render.note(format_args!(
        "another person looks at it and approves it; next:\n  rabt agreement show {id}\n  \
         rabt agreement approve {id} --etag {}",
        view.etag,
        id = view.agreement
    ));
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn refused(status: tonic::Status) -> CommandError {
    refusal_with(&status, |reason| match reason {
        "ALREADY_EXISTS" => "`rabt agreement update` hands in another version",
        "CONFIGURATION" => "see where it stands with `rabt agreement show`",
        "ETAG_MISMATCH" => "look again with `rabt agreement show`, then name the etag you saw",
        "NOT_PERMITTED" => "ask as somebody with the role: --as operator, --as approver",
        other => crate::client::help_for(other),
    })
}

fn read(file: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(file).map_err(|error| {
        let help = "name a TOML file with one [[agreement]]";
        CommandError::usage(format!("{}: {error}", file.display()), help)
    })
}

/// Returns the id of the one agreement of a text.
fn id_in(text: &str) -> Result<String, CommandError> {
    let policy = rabt_policy::Policy::from_bundle(text, "the file");
    let agreements = policy.as_ref().map(rabt_policy::Policy::agreements);
    match agreements.as_deref() {
        Ok([agreement]) => Ok(agreement.id().to_string()),
        Ok(_) => Err(CommandError::usage(
            "the file must have one [[agreement]]",
            "each agreement is handed in and approved by itself",
        )),
        Err(problems) => {
            let first = problems.first().map(ToString::to_string);
            Err(CommandError::usage(
                first.unwrap_or_default(),
                "mend the file",
            ))
        }
    }
}

fn name_of(id: &str) -> String {
    format!("agreements/{}", id_of(id))
}

/// Returns the id of an agreement from its resource name.
fn id_of(name: &str) -> &str {
    name.strip_prefix("agreements/").unwrap_or(name)
}
