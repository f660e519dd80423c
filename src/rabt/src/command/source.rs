//! `rabt source`: register and read agencies' databases through a running server.

mod propose;
mod serve;
mod view;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use rabt_proto::connector as pb;
use rabt_proto::connector::connector_service_client::ConnectorServiceClient;
use tonic::transport::Channel;

use self::view::{RunView, SourceView, Sources, Started, Status};
use super::block_on;
use crate::client::{Connection, refusal};
use crate::error::CommandError;
use crate::render::Render;

/// Who asks unless `--as` says otherwise.
const USUAL_IDENTITY: &str = "operator";
/// Largest page of sources and runs.
const PAGE: i32 = 1_000;
/// How often `--wait` asks whether the run has ended.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What to do with sources.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceArgs {
    /// Register the sources of an agency folder (manifest.toml and mapping.toml).
    New {
        /// The folder.
        #[arg(long, value_name = "FOLDER")]
        from: PathBuf,
        /// Folder on the server that relative paths of the manifest start from.
        #[arg(long, value_name = "DIR")]
        base: Option<String>,
        /// Replace the sources of this agency that are there already.
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Look at a database that nobody has described yet, from here, and write its agency's folder.
    Propose(propose::ProposeArgs),
    /// Be the process that reads sources of a kind. Rabt starts this itself for sources with
    /// isolation = "process"; it says on standard input where to listen.
    Serve(serve::ServeArgs),
    /// List the registered sources.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Read a source, from where the last run stopped.
    Start {
        /// Source id.
        id: String,
        /// Wait until the run has ended; fails when the run fails.
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show what the runs of one source did, or the last run of each.
    Status {
        /// Source id.
        id: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
}

type Client = ConnectorServiceClient<Channel>;

/// Runs `rabt source`.
pub(crate) fn run(args: SourceArgs, render: &Render) -> Result<ExitCode, CommandError> {
    match args {
        SourceArgs::New {
            from,
            base,
            replace,
            connection,
        } => block_on(new(&from, base.as_deref(), replace, &connection, render)),
        SourceArgs::Propose(args) => block_on(propose::run(&args, render)),
        SourceArgs::Serve(args) => serve::run(&args),
        SourceArgs::List { connection } => block_on(list(&connection, render)),
        SourceArgs::Start {
            id,
            wait,
            connection,
        } => block_on(start(&id, wait, &connection, render)),
        SourceArgs::Status { id, connection } => {
            block_on(status(id.as_deref(), &connection, render))
        }
    }
}

async fn new(
    folder: &Path,
    base: Option<&str>,
    replace: bool,
    connection: &Connection,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let manifest = read(&folder.join("manifest.toml"))?;
    let mapping = read(&folder.join("mapping.toml"))?;
    let base = base.unwrap_or_default().to_owned();
    let mut client = connect(connection).await?;
    let answered = if replace {
        let request = pb::UpdateSourceRequest {
            manifest,
            mapping,
            base,
        };
        let response = client.update_source(request).await;
        response.map(|response| response.into_inner().sources)
    } else {
        let request = pb::CreateSourceRequest {
            manifest,
            mapping,
            base,
        };
        let response = client.create_source(request).await;
        response.map(|response| response.into_inner().sources)
    };
    let sources = Sources::of(&answered.map_err(|status| refusal(&status))?);
    render.result(&sources, || sources.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn list(connection: &Connection, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(connection).await?;
    let sources = Sources::of(&all_sources(&mut client).await?);
    render.result(&sources, || sources.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn start(
    id: &str,
    wait: bool,
    connection: &Connection,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let mut client = connect(connection).await?;
    let request = pb::StartSourceRequest { name: name_of(id) };
    let response = client.start_source(request).await;
    let started = response.map_err(|status| refusal(&status))?.into_inner();
    let mut run = started.run.unwrap_or_default();
    while wait && run.state() == pb::RunState::Running {
        tokio::time::sleep(ASK_AGAIN).await;
        let runs = runs(&mut client, id, PAGE).await?;
        if let Some(now) = runs.into_iter().find(|other| other.name == run.name) {
            run = now;
        }
    }
    let started = Started {
        run: RunView::of(&run),
    };
    if run.state() == pb::RunState::Failed {
        let help = "correct what it names and start the source again; it goes on from where it was";
        let why = run.failure.unwrap_or_default().summary;
        return Err(CommandError::failed(format!("source {id}: {why}"), help));
    }
    render.result(&started, || started.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn status(
    id: Option<&str>,
    connection: &Connection,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let mut client = connect(connection).await?;
    let (sources, most) = match id {
        Some(id) => {
            let request = pb::GetSourceRequest { name: name_of(id) };
            let response = client.get_source(request).await;
            let found = response.map_err(|status| refusal(&status))?.into_inner();
            (found.source.into_iter().collect(), 20)
        }
        None => (all_sources(&mut client).await?, 1),
    };
    let mut status = Status::default();
    for source in &sources {
        let source = SourceView::of(source);
        let runs = runs(&mut client, &source.source, most).await?;
        status.put(source, &runs);
    }
    render.result(&status, || status.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn connect(connection: &Connection) -> Result<Client, CommandError> {
    let target = connection.target(USUAL_IDENTITY)?;
    Ok(ConnectorServiceClient::new(target.connect().await?))
}

async fn all_sources(client: &mut Client) -> Result<Vec<pb::Source>, CommandError> {
    let mut sources = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListSourcesRequest {
            page_size: PAGE,
            page_token,
        };
        let response = client.list_sources(request).await;
        let page = response.map_err(|status| refusal(&status))?.into_inner();
        sources.extend(page.sources);
        if page.next_page_token.is_empty() {
            return Ok(sources);
        }
        page_token = page.next_page_token;
    }
}

async fn runs(client: &mut Client, id: &str, most: i32) -> Result<Vec<pb::Run>, CommandError> {
    let request = pb::ListRunsRequest {
        parent: name_of(id),
        page_size: most,
        page_token: String::new(),
    };
    let response = client.list_runs(request).await;
    Ok(response
        .map_err(|status| refusal(&status))?
        .into_inner()
        .runs)
}

fn name_of(id: &str) -> String {
    format!("sources/{}", id.strip_prefix("sources/").unwrap_or(id))
}

fn read(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path).map_err(|error| {
        let help = "an agency folder holds manifest.toml and mapping.toml, both UTF-8";
        CommandError::usage(format!("{}: {error}", path.display()), help)
    })
}
