//! Places that a program of the author's makes: one JSON object on its standard input, one on its
//! standard output, and a process for each.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::compliance::{Change, ColumnKind, Features, Names, NewTable, Place, Row, Subject};
use crate::connector::Connector;
use crate::process::Program;

/// Longest time the program may take for one request.
const PATIENCE: Duration = Duration::from_mins(1);
/// Most characters of what the program said that are shown.
const SHOWN: usize = 500;

/// Longest answer, and most that is kept of what the program says of errors, in bytes.
const MOST: u64 = 1 << 20;
/// What the program keeps of this process's environment: tokens and passwords are not among it.
const ENVIRONMENT: [&str; 5] = ["PATH", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH"];
/// How the names of what it keeps beside that begin.
const ENVIRONMENTS: [&str; 2] = ["LC_", "ODBC"];

/// A program that makes tables.
#[derive(Debug, Clone)]
pub struct TableMaker {
    program: PathBuf,
}

/// A kind whose tables a program makes.
pub struct MadeTables {
    connector: Option<Arc<dyn Connector>>,
    program: Program,
    maker: TableMaker,
    features: Features,
    open: Mutex<Vec<TempDir>>,
}

/// What the program is asked.
#[derive(Debug, Serialize)]
struct Request<'r> {
    #[serde(rename = "do")]
    action: &'static str,
    folder: &'r Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<TableText<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<&'r [Row]>,
    /// How a table is changed, and the key of the row that it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'r str>,
}

#[derive(Debug, Serialize)]
struct TableText<'r> {
    name: &'r str,
    columns: Vec<ColumnText<'r>>,
    key: &'r [String],
}

#[derive(Debug, Serialize)]
struct ColumnText<'r> {
    name: &'r str,
    r#type: &'static str,
}

/// What the program answers. All that is not there means what is usual.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Answer {
    config: Option<toml::Table>,
    schema: Option<String>,
    wrong: Vec<toml::Table>,
    unreachable: Option<toml::Table>,
    nulls: bool,
    keys: bool,
    keyless: bool,
    names: NamesText,
    own_columns: Vec<String>,
    table: Option<String>,
    state: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NamesText {
    Any,
    Plain,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            config: None,
            schema: None,
            wrong: Vec::new(),
            unreachable: None,
            nulls: true,
            keys: true,
            keyless: true,
            names: NamesText::Any,
            own_columns: Vec::new(),
            table: None,
            state: None,
        }
    }
}

impl TableMaker {
    /// Returns the program of a file.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
        }
    }

    /// Tries the program, and returns what tables of the kind can do.
    ///
    /// # Errors
    /// What the program did instead, as a sentence.
    pub async fn features(&self) -> Result<Features, String> {
        let folder = folder()?;
        let opened = self.open(folder.path()).await;
        let dropped = self.ask(&request("drop", folder.path())).await;
        let answer = opened?;
        dropped?;
        // Leaked: a few names for the life of a command, so that `Features` stays a constant of kinds.
        let own = answer.own_columns.into_iter();
        let own: Vec<&'static str> = own.map(|name| &*name.leak()).collect();
        Ok(Features {
            nulls: answer.nulls,
            keys: answer.keys,
            keyless: answer.keyless,
            names: match answer.names {
                NamesText::Any => Names::Any,
                NamesText::Plain => Names::Plain,
            },
            own_columns: own.leak(),
        })
    }

    async fn open(&self, folder: &Path) -> Result<Answer, String> {
        let answer = self.ask(&request("open", folder)).await?;
        if answer.config.is_none() {
            return Err(self.failed("open", "its answer has no \"config\""));
        }
        Ok(answer)
    }

    async fn ask(&self, request: &Request<'_>) -> Result<Answer, String> {
        let action = request.action;
        let answered = timeout(PATIENCE, self.answer(request)).await;
        let answered = answered
            .unwrap_or_else(|_| Err(format!("took longer than {PATIENCE:?} and was killed")));
        answered.map_err(|what| self.failed(action, &what))
    }

    async fn answer(&self, request: &Request<'_>) -> Result<Answer, String> {
        let text = serde_json::to_vec(request).map_err(|error| error.to_string())?;
        let child = Command::new(&self.program)
            .current_dir(request.folder)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| is_kept(name)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot be started: {error}"))?;
        let (status, answer, said) = talk(child, &text).await?;
        if !status.success() {
            let said = String::from_utf8_lossy(&said);
            return Err(format!("ended with {status}: {}", last(&said)));
        }
        if answer.trim_ascii().is_empty() {
            return Ok(Answer::default());
        }
        serde_json::from_slice(&answer)
            .map_err(|error| format!("its answer is not what is expected: {error}"))
    }

    fn failed(&self, action: &str, what: &str) -> String {
        let name = self.program.file_name().unwrap_or(OsStr::new("?"));
        format!(
            "the table maker {}, asked to {action}: {what}",
            name.display()
        )
    }
}

fn is_kept(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let mut starts = ENVIRONMENTS.iter();
    ENVIRONMENT.contains(&name) || starts.any(|start| name.starts_with(start))
}

/// Hands the program a request; returns how it ended, its answer and what it said of errors.
async fn talk(mut child: Child, text: &[u8]) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), String> {
    let (asking, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async move {
        if let Some(mut asking) = asking {
            // A program that has read enough closes its end, and its answer counts.
            let _ = asking.write_all(text).await;
        }
        Ok(())
    };
    let answer = bounded(stdout, "its answer");
    let said = bounded(stderr, "what it wrote to its standard error");
    // What is too long ends the program, which is killed as it is dropped.
    let ((), answer, said) = futures::future::try_join3(write, answer, said).await?;
    let status = child.wait().await.map_err(|error| error.to_string())?;
    Ok((status, answer, said))
}

async fn bounded(pipe: Option<impl AsyncRead + Unpin>, what: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let Some(pipe) = pipe else { return Ok(bytes) };
    let read = pipe.take(MOST + 1).read_to_end(&mut bytes).await;
    let read = read.map_err(|error| error.to_string())?;
    if read as u64 > MOST {
        return Err(format!("{what} is longer than {MOST} bytes"));
    }
    Ok(bytes)
}

impl MadeTables {
    /// Returns an executable whose tables the maker makes; `features` are what the maker said of them.
    /// As it is, it can be tried by the cases of the handshake.
    pub fn new(program: Program, maker: TableMaker, features: Features) -> Self {
        Self {
            connector: None,
            program,
            maker,
            features,
            open: Mutex::default(),
        }
    }

    /// Returns the executable with the kind that it is, for all other cases.
    #[must_use]
    pub fn with_connector(self, connector: Arc<dyn Connector>) -> Self {
        Self {
            connector: Some(connector),
            ..self
        }
    }

    /// Lets the program drop all that it made, and removes its folders.
    ///
    /// # Errors
    /// What the program did instead, as a sentence.
    pub async fn drop_all(&self) -> Result<(), String> {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        let mut outcome = Ok(());
        for folder in open {
            let dropped = self.maker.ask(&request("drop", folder.path())).await;
            outcome = outcome.and(dropped.map(drop));
        }
        outcome
    }
}

#[async_trait]
impl Subject for MadeTables {
    fn connector(&self) -> Arc<dyn Connector> {
        let connector = self.connector.as_ref().map(Arc::clone);
        connector.expect("a case that asks for the kind is given it")
    }

    fn program(&self) -> Option<Program> {
        Some(self.program.clone())
    }

    fn features(&self) -> Features {
        self.features
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        let folder = must(folder());
        let path = folder.path().to_owned();
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(folder);
        let opened = must(self.maker.open(&path).await);
        Some(Box::new(Made {
            maker: self.maker.clone(),
            folder: path,
            opened,
            names: Mutex::default(),
        }))
    }
}

/// A place that the program made.
struct Made {
    maker: TableMaker,
    folder: PathBuf,
    opened: Answer,
    /// What plans call a table, where that is not its name.
    names: Mutex<BTreeMap<String, String>>,
}

impl Made {
    async fn ask(&self, request: Request<'_>) -> Answer {
        must(self.maker.ask(&request).await)
    }
}

#[async_trait]
impl Place for Made {
    fn config(&self) -> toml::Table {
        self.opened.config.clone().unwrap_or_default()
    }

    fn base(&self) -> PathBuf {
        self.folder.clone()
    }

    fn schema(&self) -> Option<String> {
        self.opened.schema.clone()
    }

    fn table_name(&self, name: &str) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(name).map_or(name, String::as_str).to_owned()
    }

    async fn create(&self, table: &NewTable, rows: &[Row]) {
        let answer = self
            .ask(Request {
                table: Some(text_of(table)),
                rows: Some(rows),
                ..request("create", &self.folder)
            })
            .await;
        if let Some(name) = answer.table {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            names.insert(table.name.clone(), name);
        }
    }

    async fn insert(&self, table: &NewTable, rows: &[Row]) {
        self.ask(Request {
            table: Some(text_of(table)),
            rows: Some(rows),
            ..request("insert", &self.folder)
        })
        .await;
    }

    async fn change(&self, table: &NewTable, change: Change) {
        let (what, of, row) = match change {
            Change::Insert(row) => ("insert", None, Some(row)),
            Change::Update(key, row) => ("update", Some(key), Some(row)),
            Change::Delete(key) => ("delete", Some(key), None),
            Change::Truncate => ("truncate", None, None),
        };
        self.ask(Request {
            table: Some(text_of(table)),
            rows: row.as_ref().map(std::slice::from_ref),
            change: Some(what),
            of: of.as_deref(),
            ..request("change", &self.folder)
        })
        .await;
    }

    async fn state(&self) -> Option<String> {
        self.ask(request("state", &self.folder)).await.state
    }

    fn wrong_configs(&self) -> Vec<toml::Table> {
        self.opened.wrong.clone()
    }

    fn unreachable_config(&self) -> Option<toml::Table> {
        self.opened.unreachable.clone()
    }
}

fn folder() -> Result<TempDir, String> {
    let made = tempfile::Builder::new().prefix("rabt-conform-").tempdir();
    made.map_err(|error| format!("no temporary folder: {error}"))
}

fn request<'r>(action: &'static str, folder: &'r Path) -> Request<'r> {
    Request {
        action,
        folder,
        table: None,
        rows: None,
        change: None,
        of: None,
    }
}

fn text_of(table: &NewTable) -> TableText<'_> {
    let columns = table.columns.iter().map(|column| ColumnText {
        name: &column.name,
        r#type: match column.kind {
            ColumnKind::Text => "text",
            ColumnKind::Integer => "integer",
        },
    });
    TableText {
        name: &table.name,
        columns: columns.collect(),
        key: &table.key,
    }
}

/// Returns the end of what a program said: the reason stands there.
fn last(said: &str) -> String {
    let said = said.trim_end();
    let skip = said.chars().count().saturating_sub(SHOWN);
    said.chars().skip(skip).collect()
}

/// Returns what the program made; a case fails when it made nothing.
fn must<T>(made: Result<T, String>) -> T {
    match made {
        Ok(made) => made,
        Err(what) => panic!("{what}"),
    }
}

#[cfg(test)]
mod tests;
