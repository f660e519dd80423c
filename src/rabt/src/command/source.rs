//! `rabt source`: from "I have a database" to "linked", and every day after it, through a running
//! server.

mod conform;
mod folder;
mod life;
mod look;
mod propose;
mod quality;
mod register;
mod serve;
mod view;
mod view_look;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use rabt_proto::connector as pb;
use rabt_proto::connector::connector_service_client::ConnectorServiceClient;
use tonic::transport::Channel;

use super::block_on;
use crate::app::kinds;
use crate::client::{Connection, refusal};
use crate::error::CommandError;
use crate::render::Render;

/// Who asks unless `--as` says otherwise.
const USUAL_IDENTITY: &str = "operator";
/// Who approves unless `--as` says otherwise.
const SECOND_IDENTITY: &str = "approver";
/// Largest page of sources and runs.
const PAGE: i32 = 1_000;
/// Largest answer: a proposal for many wide tables.
const ANSWER_BYTES: usize = 256 << 20;

/// What to do with sources.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceArgs {
    /// Be the process that reads sources of a kind. Rabt starts this itself for sources with
    /// isolation = "process"; it says on standard input where to listen.
    Serve(serve::ServeArgs),
    /// Try an executable rabt-connector-KIND of your own against everything that a kind must do.
    Conform(conform::ConformArgs),
    /// Describe a database: a folder with --from, or a kind and its configuration.
    New(register::NewArgs),
    /// Hand in an agency's folder, new or in place of the one that is there.
    Import(register::ImportArgs),
    /// Write the folder of a source, as it was handed in.
    Export(register::ExportArgs),
    /// List the sources, those that nobody has approved yet among them.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Try a source: reach, login, rights, and what should be better.
    Check(One),
    /// List the tables of a source, with the shapes of some rows.
    Discover(look::DiscoverArgs),
    /// Propose what the tables of a source mean, or of a database that nobody has described yet.
    Propose(propose::ProposeArgs),
    /// Show what the mapping makes of the first rows, and what linking would make of them.
    Preview(look::PreviewArgs),
    /// Put the folder that is being worked on in force, as a second person.
    Approve(register::ApproveArgs),
    /// Take back the folder that is being worked on.
    Withdraw(register::VersionArgs),
    /// Read a source, from where the last run stopped.
    Start(life::StartArgs),
    /// Let a source rest until it is resumed.
    Pause(One),
    /// Let a paused or quarantined source be read again.
    Resume(One),
    /// Read the streams anew that have rows in quarantine.
    Replay(life::StartArgs),
    /// Let a source be read from its start at its next run.
    Rewind(life::RewindArgs),
    /// End a source; its records stay unless --forget is given.
    Retire(life::RetireArgs),
    /// Show what the runs of one source did, or the last run of each.
    Status {
        /// Source id.
        id: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
}

/// One source.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Source id.
    id: String,
    #[command(flatten)]
    connection: Connection,
}

type Client = ConnectorServiceClient<Channel>;

/// Runs `rabt source`.
pub(crate) fn run(args: SourceArgs, render: &Render) -> Result<ExitCode, CommandError> {
    match args {
        SourceArgs::New(args) => block_on(register::new(&args, render)),
        SourceArgs::Import(args) => block_on(register::import(&args, render)),
        SourceArgs::Export(args) => block_on(register::export(&args, render)),
        SourceArgs::List { connection } => block_on(life::list(&connection, render)),
        SourceArgs::Check(args) => block_on(look::check(&args, render)),
        SourceArgs::Discover(args) => block_on(look::discover(&args, render)),
        SourceArgs::Propose(args) => block_on(propose::run(&args, render)),
        SourceArgs::Preview(args) => block_on(look::preview(&args, render)),
        SourceArgs::Approve(args) => block_on(register::approve(&args, render)),
        SourceArgs::Withdraw(args) => block_on(register::withdraw(&args, render)),
        SourceArgs::Start(args) => block_on(life::start(&args, render)),
        SourceArgs::Pause(args) => block_on(life::pause(&args, render)),
        SourceArgs::Resume(args) => block_on(life::resume(&args, render)),
        SourceArgs::Replay(args) => block_on(life::replay(&args, render)),
        SourceArgs::Rewind(args) => block_on(life::rewind(&args, render)),
        SourceArgs::Retire(args) => block_on(life::retire(&args, render)),
        SourceArgs::Serve(args) => serve::run(&args),
        SourceArgs::Conform(args) => block_on(conform::run(&args, render)),
        SourceArgs::Status { id, connection } => {
            block_on(life::status(id.as_deref(), &connection, render))
        }
    }
}

async fn connect(connection: &Connection, usual: &str) -> Result<Client, CommandError> {
    let target = connection.target(usual)?;
    let client = ConnectorServiceClient::new(target.connect().await?);
    Ok(client.max_decoding_message_size(ANSWER_BYTES))
}

/// Returns an answer, or what to tell the reader about its refusal.
fn answer<T>(answered: Result<tonic::Response<T>, tonic::Status>) -> Result<T, CommandError> {
    match answered {
        Ok(response) => Ok(response.into_inner()),
        Err(status) => Err(refusal(&status)),
    }
}

async fn get(client: &mut Client, id: &str) -> Result<pb::Source, CommandError> {
    let request = pb::GetSourceRequest { name: name_of(id) };
    let found = answer(client.get_source(request).await)?;
    Ok(found.source.unwrap_or_default())
}

fn name_of(id: &str) -> String {
    format!("sources/{}", id.strip_prefix("sources/").unwrap_or(id))
}

/// Returns the id of a source from its resource name.
fn id_of(name: &str) -> &str {
    name.strip_prefix("sources/").unwrap_or(name)
}

/// Returns what may be a kind, for help.
fn kind_help() -> String {
    let kinds = kinds();
    let names: Vec<&str> = kinds.names().collect();
    let names = names.join(", ");
    format!("Kind of the database: {names}, or that of an executable rabt-connector-KIND")
}

/// Returns the name of a file or folder for a message.
fn shown(path: &std::path::Path) -> String {
    PathBuf::from(path).display().to_string()
}
