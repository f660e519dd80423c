//! Handing in, approving and fetching agencies' folders.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rabt_connect::{FolderText, NewAgency};
use rabt_model::{AgencyId, Label};
use rabt_proto::connector as pb;

use super::view::{FolderFacts, FolderView, Sources};
use super::{
    Client, SECOND_IDENTITY, USUAL_IDENTITY, answer, connect, folder, get, id_of, kind_help,
    name_of, shown,
};
use crate::app::kinds;
use crate::client::Connection;
use crate::error::CommandError;
use crate::render::Render;

/// Who answers for the data, until somebody says it.
pub(super) const STEWARD: &str = "data-office@example.org";
/// The supply agreement, until there is one.
pub(super) const AGREEMENT: &str = "AG-SUPPLY-000";

/// A database to describe.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Id of the agency; it is the source's id too.
    #[arg(required_unless_present = "from")]
    id: Option<String>,
    /// The agency's folder, when there is one.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["id", "kind", "config"])]
    from: Option<PathBuf>,
    #[arg(long, help = kind_help(), required_unless_present = "from")]
    kind: Option<String>,
    /// One key of the kind's configuration, again for each; a secret is a reference, such as
    /// password={ secret = "store:agencies/AGENCY/password" }.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    config: Vec<String>,
    #[command(flatten)]
    names: Names,
    /// Folder on the server that relative paths of the manifest start from.
    #[arg(long, value_name = "DIR")]
    base: Option<String>,
    /// Hand it in even when the agency has another folder.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    connection: Connection,
}

/// What people call an agency, and who answers for its data.
#[derive(Debug, Args)]
pub(super) struct Names {
    /// Name of the agency in English; its id when absent.
    #[arg(long, value_name = "NAME")]
    name_en: Option<String>,
    /// Name of the agency in Arabic; its id when absent.
    #[arg(long, value_name = "NAME")]
    name_ar: Option<String>,
    /// Who answers for the data.
    #[arg(long, value_name = "WHO", default_value = STEWARD)]
    steward: String,
    /// The supply agreement.
    #[arg(long, value_name = "ID", default_value = AGREEMENT)]
    agreement: String,
}

/// A folder to hand in.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The folder.
    folder: PathBuf,
    /// Folder on the server that relative paths of the manifest start from.
    #[arg(long, value_name = "DIR")]
    base: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// A folder to fetch.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Source id.
    id: String,
    /// Which version; the one that is being worked on when absent, else the one in force.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    version: u32,
    /// Folder to write manifest.toml and mapping.toml to.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

/// A version of a folder to put in force.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// Source id.
    id: String,
    /// The version that was looked at; another one is refused.
    #[arg(long)]
    version: u32,
    #[command(flatten)]
    connection: Connection,
}

/// A version of a folder to take back.
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// Source id.
    id: String,
    /// The version that was looked at; the one that is being worked on when absent.
    #[arg(long)]
    version: Option<u32>,
    #[command(flatten)]
    connection: Connection,
}

/// Hands in a new agency.
pub(super) async fn new(args: &NewArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let text = match &args.from {
        Some(path) => folder::read(path)?,
        None => draft(args)?,
    };
    let base = args.base.clone();
    hand_in(text, base, args.replace, &args.connection, render).await
}

/// Hands in a folder, whether its agency is known or not.
pub(super) async fn import(args: &ImportArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let text = folder::read(&args.folder)?;
    hand_in(text, args.base.clone(), true, &args.connection, render).await
}

async fn hand_in(
    text: FolderText,
    base: Option<String>,
    replace: bool,
    connection: &Connection,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let mut client = connect(connection, USUAL_IDENTITY).await?;
    let FolderText { manifest, mapping } = text;
    let base = base.unwrap_or_default();
    let answered = if replace {
        let request = pb::UpdateSourceRequest {
            manifest,
            mapping,
            base,
        };
        answer(client.update_source(request).await)?.sources
    } else {
        let request = pb::CreateSourceRequest {
            manifest,
            mapping,
            base,
        };
        answer(client.create_source(request).await)?.sources
    };
    let sources = Sources::of(&answered);
    render.result(&sources, || sources.to_text());
    if let Some(source) = answered.first() {
        render.note(next_step(source));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the command that takes a folder further.
fn next_step(source: &pb::Source) -> String {
    let id = id_of(&source.name);
    let Some(open) = &source.open else {
        return format!("it is in force; next:\n  rabt source start {id} --wait");
    };
    match open.state() {
        pb::FolderState::Draft | pb::FolderState::Checked | pb::FolderState::Discovered => {
            format!("next:\n  rabt source check {id}\n  rabt source propose {id} --adopt")
        }
        pb::FolderState::Mapped => format!("next:\n  rabt source preview {id}"),
        pb::FolderState::Previewed
        | pb::FolderState::Approved
        | pb::FolderState::Withdrawn
        | pb::FolderState::Unspecified => approval(id, open.version),
    }
}

/// Returns the command by which a second person puts a version in force.
pub(super) fn approval(id: &str, version: u32) -> String {
    format!("next, by a second person:\n  rabt source approve {id} --version {version}")
}

/// Returns the manifest of a database of which only the place is known.
fn draft(args: &NewArgs) -> Result<FolderText, CommandError> {
    let id = args.id.clone().unwrap_or_default();
    let kind = args.kind.clone().unwrap_or_default();
    let agency = agency(&id, &kind, &args.config, &args.names)?;
    Ok(FolderText::draft(&agency))
}

/// Returns an agency as the command line describes it.
pub(super) fn agency(
    id: &str,
    kind: &str,
    set: &[String],
    names: &Names,
) -> Result<NewAgency, CommandError> {
    let id: AgencyId = id.parse().map_err(|error| {
        let help = "give an id of a-z, 0-9, - and _ that begins with a letter";
        CommandError::usage(format!("the agency's id: {error}"), help)
    })?;
    let name = |given: &Option<String>| given.clone().unwrap_or_else(|| id.to_string());
    let agreement = names.agreement.parse().map_err(|_| {
        let help = "write capital letters, digits and '-', as in AG-SUPPLY-009";
        CommandError::usage("--agreement cannot be the id of an agreement", help)
    })?;
    let config = folder::config(set)?;
    if let Some(known) = kinds().get(kind) {
        folder::check(&known.validate(&config))?;
    }
    Ok(NewAgency {
        name: Label::new(name(&names.name_en), name(&names.name_ar)),
        steward: names.steward.clone(),
        agreement,
        kind: kind.to_owned(),
        config,
        id,
    })
}

/// Writes the folder of a source to this machine's disk.
pub(super) async fn export(args: &ExportArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::ExportSourceRequest {
        name: name_of(&args.id),
        version: args.version,
    };
    let answered = answer(client.export_source(request).await)?;
    let text = FolderText {
        manifest: answered.manifest,
        mapping: answered.mapping,
    };
    folder::write(&args.out, &text)?;
    let view = FolderFacts {
        folder: FolderView::of(&answered.folder.unwrap_or_default()),
        written: shown(&args.out),
    };
    render.result(&view, || view.to_text());
    Ok(ExitCode::SUCCESS)
}

/// Puts a folder in force.
pub(super) async fn approve(args: &ApproveArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, SECOND_IDENTITY).await?;
    let request = pb::ApproveSourceRequest {
        name: name_of(&args.id),
        version: args.version,
    };
    let sources = answer(client.approve_source(request).await)?.sources;
    let sources = Sources::of(&sources);
    render.result(&sources, || sources.to_text());
    render.note(format_args!(
        "it is in force; next:\n  rabt source start {} --wait",
        args.id
    ));
    Ok(ExitCode::SUCCESS)
}

/// Takes a folder back.
pub(super) async fn withdraw(
    args: &VersionArgs,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::WithdrawSourceRequest {
        name: name_of(&args.id),
        version: version(&mut client, args).await?,
    };
    let answered = answer(client.withdraw_source(request).await)?;
    let view = FolderView::of(&answered.folder.unwrap_or_default());
    render.result(&view, || view.to_text());
    Ok(ExitCode::SUCCESS)
}

/// Returns the version to decide about.
async fn version(client: &mut Client, args: &VersionArgs) -> Result<u32, CommandError> {
    if let Some(version) = args.version {
        return Ok(version);
    }
    let open = get(client, &args.id).await?.open;
    open.map(|open| open.version).ok_or_else(|| {
        let message = format!("source {}: no folder is being worked on", args.id);
        CommandError::failed(message, "hand one in with `rabt source import`")
    })
}
