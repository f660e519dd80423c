//! `rabt source propose`: looks at a database that nobody has described yet and writes the folder of
//! its agency, for people to read and correct.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rabt_connect::{
    ConnectError, Filter, FolderText, NewAgency, Proposal, Sampling, Session, propose, survey,
};
use rabt_model::{AgencyId, Clock, Label, SystemClock};
use serde::Serialize;

use crate::app::kinds;
use crate::command::ConfigFile;
use crate::error::CommandError;
use crate::render::{Render, table};

/// Who answers for the data, until somebody says it.
const STEWARD: &str = "data-office@example.org";
/// The supply agreement, until there is one.
const AGREEMENT: &str = "AG-SUPPLY-000";

/// Which database to look at, and where to write what is proposed.
#[derive(Debug, Args)]
pub(crate) struct ProposeArgs {
    /// Kind of the database: sqlite, postgres, mysql, files or rest.
    #[arg(long)]
    kind: String,
    /// One key of the kind's configuration, again for each; a secret is a reference, such as
    /// password={ secret = "env:NAME" }.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    file: ConfigFile,
    /// Look at this schema alone.
    #[arg(long)]
    schema: Option<String>,
    /// Folder to write manifest.toml and mapping.toml to; its name is the agency's id unless --agency
    /// says otherwise.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Id of the agency.
    #[arg(long)]
    agency: Option<String>,
    /// Name of the agency in English; its id when absent.
    #[arg(long, value_name = "NAME")]
    name_en: Option<String>,
    /// Name of the agency in Arabic; its id when absent.
    #[arg(long, value_name = "NAME")]
    name_ar: Option<String>,
}

/// What was found, as an object for programs.
#[derive(Debug, Serialize)]
struct Found {
    folder: PathBuf,
    tables: usize,
    of_people: Vec<TableView>,
}

#[derive(Debug, Serialize)]
struct TableView {
    table: String,
    score: u8,
    columns: Vec<ColumnView>,
}

#[derive(Debug, Serialize)]
struct ColumnView {
    column: String,
    attribute: Option<String>,
    score: u8,
    reasons: Vec<Label>,
}

/// Looks and writes.
pub(super) async fn run(args: &ProposeArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let agency = agency(args)?;
    let surveyed = look(args, &agency).await?;
    let found = surveyed.of_persons().map(TableView::of).collect();
    let Some(folder) = surveyed.to_folder(&agency) else {
        let message = format!(
            "none of {} tables looks as if its rows were people",
            surveyed.tables.len()
        );
        let help = "see that the account may read them; name another schema with --schema, or write the \
                    folder by hand (connectors/README.md)";
        return Err(CommandError::failed(message, help));
    };
    write(&args.out, &folder)?;
    let found = Found {
        folder: args.out.clone(),
        tables: surveyed.tables.len(),
        of_people: found,
    };
    render.result(&found, || found.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn look(args: &ProposeArgs, agency: &NewAgency) -> Result<Proposal, CommandError> {
    let failed = |error: ConnectError| CommandError::failed(error, "");
    let kinds = kinds();
    let Some(kind) = kinds.get(&args.kind) else {
        let known: Vec<&str> = kinds.names().collect();
        let help = format!("the kinds are {}", known.join(", "));
        return Err(CommandError::usage(
            format!("--kind: '{}' is not a kind", args.kind),
            help,
        ));
    };
    let base = std::env::current_dir().map_err(|error| CommandError::failed(error, ""))?;
    let secrets = args.file.settle()?.secrets();
    let config = secrets.resolve(&agency.config, &base).map_err(failed)?;
    let source = agency.id.as_str().parse();
    let source = source.map_err(|error| CommandError::usage(error, ""))?;
    let session = Session::new(source, config, base);
    let filter = Filter {
        schema: args.schema.clone(),
        ..Filter::default()
    };
    let year = SystemClock.now().strftime("%Y").to_string();
    let sampling = Sampling::usual(year.parse().unwrap_or(i16::MAX));
    let surveyed = survey(kind.as_ref(), &session, &filter, sampling, None).await;
    Ok(propose(
        &surveyed.map_err(failed)?,
        kind.describe().capabilities,
    ))
}

fn agency(args: &ProposeArgs) -> Result<NewAgency, CommandError> {
    let named = args.out.file_name().map(|name| name.to_string_lossy());
    let named = args.agency.clone().or(named.map(Into::into));
    let id: AgencyId = named.unwrap_or_default().parse().map_err(|error| {
        let help = "give --agency an id of a-z, 0-9, - and _ that begins with a letter";
        CommandError::usage(format!("the agency's id: {error}"), help)
    })?;
    let name = |given: &Option<String>| given.clone().unwrap_or_else(|| id.to_string());
    let agreement = AGREEMENT.parse();
    Ok(NewAgency {
        name: Label::new(name(&args.name_en), name(&args.name_ar)),
        steward: STEWARD.to_owned(),
        agreement: agreement.map_err(|error| CommandError::failed(error, ""))?,
        kind: args.kind.clone(),
        config: config(&args.set)?,
        id,
    })
}

/// Reads `key=value`; a value is TOML where it can be, and otherwise the text that it is.
fn config(given: &[String]) -> Result<toml::Table, CommandError> {
    let mut config = toml::Table::new();
    for one in given {
        let Some((key, value)) = one.split_once('=') else {
            let help =
                "write --set path=people.db; see the keys of each kind in connectors/README.md";
            // what was given may hold a password, so it is not said again
            return Err(CommandError::usage("--set: not KEY=VALUE", help));
        };
        let parsed = format!("value = {}", value.trim()).parse::<toml::Table>();
        let parsed = parsed.ok().and_then(|mut table| table.remove("value"));
        let value = parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()));
        config.insert(key.trim().to_owned(), value);
    }
    Ok(config)
}

/// Writes the two files, in place of none.
fn write(out: &Path, folder: &FolderText) -> Result<(), CommandError> {
    let failed = |path: &Path, error: &io::Error| {
        let help = "name a folder that is new, or empty, and may be written";
        CommandError::usage(format!("{}: {error}", path.display()), help)
    };
    fs::create_dir_all(out).map_err(|error| failed(out, &error))?;
    for (name, text) in folder.files() {
        let path = out.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

impl TableView {
    fn of(table: &rabt_connect::TableProposal) -> Self {
        let columns = table.columns.iter().map(|column| ColumnView {
            column: column.name.clone(),
            attribute: column.attribute.as_ref().map(|attribute| {
                let part = column.part.map(|part| format!(" ({part})"));
                format!("{attribute}{}", part.unwrap_or_default())
            }),
            score: column.score,
            reasons: column.reasons.clone(),
        });
        Self {
            table: match &table.schema {
                Some(schema) => format!("{schema}.{}", table.name),
                None => table.name.clone(),
            },
            score: table.score,
            columns: columns.collect(),
        }
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
        let folder = self.folder.display();
        let tables: BTreeSet<&str> = self.of_people.iter().map(|t| t.table.as_str()).collect();
        format!(
            "{}\n\n{} of {} tables hold people. Read {folder}/manifest.toml and {folder}/mapping.toml: the \
             steward and the agreement are yours to name, and each line says why it is there. Then:\n  rabt \
             source new --from {folder}",
            table(&head, rows),
            tables.len(),
            self.tables,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::config;

    #[test]
    fn settings_are_toml_where_they_can_be() {
        let given = [
            "path=people.db",
            "port=5432",
            "password={ secret = \"env:X\" }",
        ];
        let read = config(&given.map(str::to_owned)).unwrap();
        assert_eq!(read["path"].as_str(), Some("people.db"));
        assert_eq!(read["port"].as_integer(), Some(5432));
        assert_eq!(read["password"]["secret"].as_str(), Some("env:X"));
        let error = config(&["hunter2".to_owned()]).unwrap_err();
        assert!(!error.faults()[0].message.contains("hunter2"));
    }
}
