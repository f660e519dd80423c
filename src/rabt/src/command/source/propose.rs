//! `rabt source propose`: says what the tables of a source mean, through the server; or of a database
//! that nobody has described yet, from here, and writes the folder of its agency.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rabt_connect::{
    ConnectError, Filter, FolderText, Isolation, NewAgency, Proposal, Sampling, Session,
    SourceSpec, propose, survey,
};
use rabt_model::{Clock, SystemClock};
use rabt_proto::connector as pb;
use serde::Serialize;

use super::look::filter;
use super::register::{Names, agency};
use super::view_look::named;
use super::{USUAL_IDENTITY, answer, connect, folder, kind_help, name_of, shown};
use crate::client::Connection;
use crate::command::ConfigFile;
use crate::error::CommandError;
use crate::render::{Render, table};

/// Which database to look at, and where to write what is proposed.
#[derive(Debug, Args)]
pub(crate) struct ProposeArgs {
    /// Source id; without one, --kind names a database that no server knows.
    #[arg(required_unless_present = "kind", conflicts_with = "kind")]
    id: Option<String>,
    /// Make the proposal the folder that is being worked on.
    #[arg(long, requires = "id")]
    adopt: bool,
    /// Look at tables with this in their name alone.
    #[arg(long, value_name = "TEXT")]
    like: Option<String>,
    /// Look at this schema alone.
    #[arg(long)]
    schema: Option<String>,
    #[arg(long, help = kind_help(), requires = "out")]
    kind: Option<String>,
    /// One key of the kind's configuration, again for each; a secret is a reference, such as
    /// password={ secret = "store:agencies/AGENCY/password" }.
    #[arg(long, value_name = "KEY=VALUE", requires = "kind")]
    set: Vec<String>,
    /// Folder to write manifest.toml and mapping.toml to; with --kind its name is the agency's id unless
    /// --agency says otherwise.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Id of the agency.
    #[arg(long, requires = "kind")]
    agency: Option<String>,
    /// With --kind: read it in a process of its own, as with isolation = "process".
    #[arg(long, requires = "kind")]
    isolated: bool,
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    connection: Connection,
}

/// What was found, as an object for programs.
#[derive(Debug, Serialize)]
struct Found {
    /// Where the folder was written.
    folder: Option<PathBuf>,
    /// The version as which it was handed in.
    version: Option<u32>,
    tables: usize,
    of_people: Vec<TableView>,
    #[serde(skip)]
    source: String,
}

#[derive(Debug, Serialize)]
struct TableView {
    table: String,
    score: u32,
    columns: Vec<ColumnView>,
}

#[derive(Debug, Serialize)]
struct ColumnView {
    column: String,
    attribute: Option<String>,
    score: u32,
    reasons: Vec<Reason>,
}

/// A sentence in both languages.
#[derive(Debug, Serialize)]
struct Reason {
    en: String,
    ar: String,
}

/// Looks and writes.
pub(super) async fn run(args: &ProposeArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let (asked, text) = match &args.id {
        Some(id) => ask(args, id).await?,
        None => look_here(args).await?,
    };
    let Some(text) = text else {
        let message = format!(
            "none of {} tables looks as if its rows were people",
            asked.tables
        );
        let help = "see that the account may read them; name another schema with --schema, or write the \
                    folder by hand (connectors/README.md)";
        return Err(CommandError::failed(message, help));
    };
    if let Some(out) = &args.out {
        folder::write(out, &text)?;
    }
    render.result(&asked, || asked.to_text());
    Ok(ExitCode::SUCCESS)
}

/// Asks the server about a source.
async fn ask(args: &ProposeArgs, id: &str) -> Result<(Found, Option<FolderText>), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::ProposeSourceRequest {
        name: name_of(id),
        filter: Some(filter(args.schema.as_deref(), args.like.as_deref())),
        adopt: args.adopt,
    };
    let answered = answer(client.propose_source(request).await)?;
    let found = Found {
        folder: args.out.clone(),
        version: answered.folder.map(|folder| folder.version),
        tables: answered.table_count as usize,
        of_people: answered.tables.iter().map(TableView::of_answer).collect(),
        source: id.to_owned(),
    };
    let text = FolderText {
        manifest: answered.manifest,
        mapping: answered.mapping,
    };
    Ok((found, (!text.mapping.is_empty()).then_some(text)))
}

/// Looks at a database from here.
async fn look_here(args: &ProposeArgs) -> Result<(Found, Option<FolderText>), CommandError> {
    let out = args.out.clone().unwrap_or_default();
    let kind = args.kind.clone().unwrap_or_default();
    let named = out.file_name().map(|name| name.to_string_lossy());
    let id = args.agency.clone().or(named.map(Into::into));
    let agency = agency(&id.unwrap_or_default(), &kind, &args.set, &args.names)?;
    let proposal = look(args, &agency).await?;
    let found = Found {
        folder: Some(out),
        version: None,
        tables: proposal.tables.len(),
        of_people: proposal.of_persons().map(TableView::of).collect(),
        source: agency.id.to_string(),
    };
    Ok((found, proposal.to_folder(&agency)))
}

async fn look(args: &ProposeArgs, agency: &NewAgency) -> Result<Proposal, CommandError> {
    let failed = |error: ConnectError| CommandError::failed(error, "");
    let kinds = args.file.settle()?.kinds().await;
    if kinds.get(&agency.kind).is_none() {
        let known: Vec<&str> = kinds.names().collect();
        let help = format!("the kinds are {}", known.join(", "));
        return Err(CommandError::usage(
            format!("--kind: '{}' is not a kind", agency.kind),
            help,
        ));
    }
    let base = std::env::current_dir().map_err(|error| CommandError::failed(error, ""))?;
    let secrets = args.file.settle()?.secrets();
    let config = secrets.resolve(&agency.config, &agency.id, &base);
    let config = config.map_err(failed)?;
    let source = agency.id.as_str().parse();
    let source = source.map_err(|error| CommandError::usage(error, ""))?;
    let session = Session::new(source, config, base);
    let kind = kinds
        .connect(&spec(args, agency, &session))
        .await
        .map_err(failed)?;
    let filter = Filter {
        schema: args.schema.clone(),
        name_contains: args.like.clone(),
    };
    let year = SystemClock.now().strftime("%Y").to_string();
    let sampling = Sampling::usual(year.parse().unwrap_or(i16::MAX));
    let surveyed = survey(kind.as_ref(), &session, &filter, sampling, None).await;
    Ok(propose(
        &surveyed.map_err(failed)?,
        kind.describe().capabilities,
    ))
}

/// Returns the source that is looked at, without a table.
fn spec(args: &ProposeArgs, agency: &NewAgency, session: &Session) -> SourceSpec {
    SourceSpec {
        id: session.source.clone(),
        office: None,
        kind: agency.kind.clone(),
        isolation: if args.isolated {
            Isolation::Process
        } else {
            Isolation::Shared
        },
        executable: None,
        schedule: None,
        window: None,
        restricted: false,
        config: toml::Table::new(),
        protect: session.protect,
        streams: Vec::new(),
    }
}

impl TableView {
    fn of(table: &rabt_connect::TableProposal) -> Self {
        let columns = table.columns.iter().map(|column| ColumnView {
            column: column.name.clone(),
            attribute: column
                .attribute
                .as_ref()
                .map(|attribute| whole(&attribute.to_string(), column.part.unwrap_or_default())),
            score: column.score.into(),
            reasons: column
                .reasons
                .iter()
                .map(|r| Reason::of(&r.en, &r.ar))
                .collect(),
        });
        Self {
            table: named(table.schema.as_deref().unwrap_or_default(), &table.name),
            score: table.score.into(),
            columns: columns.collect(),
        }
    }

    fn of_answer(table: &pb::TableProposal) -> Self {
        let columns = table.columns.iter().map(|column| ColumnView {
            column: column.name.clone(),
            attribute: match column.attribute.as_str() {
                "" => None,
                attribute => Some(whole(attribute, &column.part)),
            },
            score: column.score,
            reasons: column
                .reasons
                .iter()
                .map(|r| Reason::of(&r.en, &r.ar))
                .collect(),
        });
        Self {
            table: named(&table.schema, &table.name),
            score: table.score,
            columns: columns.collect(),
        }
    }
}

impl Reason {
    fn of(en: &str, ar: &str) -> Self {
        Self {
            en: en.to_owned(),
            ar: ar.to_owned(),
        }
    }
}

/// Returns an attribute with the part of it that is meant.
fn whole(attribute: &str, part: &str) -> String {
    match part {
        "" => attribute.to_owned(),
        part => format!("{attribute} ({part})"),
    }
}

impl Found {
    fn to_text(&self) -> String {
        let rows = self.of_people.iter().flat_map(|one| {
            one.columns.iter().map(|column| {
                let attribute = column.attribute.clone();
                let reason = column.reasons.first().map(|reason| reason.en.clone());
                vec![
                    one.table.clone(),
                    column.column.clone(),
                    attribute.unwrap_or_else(|| "-".to_owned()),
                    column.score.to_string(),
                    reason.unwrap_or_default(),
                ]
            })
        });
        let head = ["table", "column", "attribute", "score", "because"];
        format!(
            "{}\n\n{} of {} tables hold people. {}",
            table(&head, rows),
            self.of_people.len(),
            self.tables,
            self.next_step(),
        )
    }

    /// Returns what a reader may do now.
    fn next_step(&self) -> String {
        let id = &self.source;
        match (&self.folder, self.version) {
            (_, Some(version)) => format!(
                "It is version {version} of the folder now; each line of it says why it is there \
                 (`rabt source export {id} --out FOLDER`). Then:\n  rabt source preview {id}"
            ),
            (Some(folder), None) => {
                let folder = shown(folder);
                format!(
                    "Read {folder}/manifest.toml and {folder}/mapping.toml: the steward and the agreement \
                     are yours to name, and each line says why it is there. Then:\n  rabt source import \
                     {folder}"
                )
            }
            (None, None) => format!(
                "To work on with it:\n  rabt source propose {id} --adopt\nTo correct it first:\n  rabt \
                 source propose {id} --out FOLDER"
            ),
        }
    }
}
