//! The kinds a binary knows, and which connector a source gets.
//!
//! Invariant: in which process a kind runs changes neither what it reads nor what its positions
//! mean.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use rabt_model::SourceId;

use crate::connector::Connector;
use crate::error::ConnectError;
use crate::manifest::{Isolation, SourceSpec};
use crate::process::{Crashes, Limits, PREFIX, Program, Remote, find, find_all};

/// The registered kinds, by name.
#[derive(Clone, Default)]
pub struct Kinds {
    known: BTreeMap<&'static str, Kind>,
    /// Executables that could not say what they are, with the reason.
    broken: BTreeMap<String, ConnectError>,
    processes: Processes,
    crashes: Arc<Mutex<BTreeMap<SourceId, Arc<Crashes>>>>,
}

/// How kinds run in processes of their own.
#[derive(Debug, Clone, Default)]
pub struct Processes {
    /// The executable of Rabt, which serves its own kinds; without it they cannot be isolated.
    pub rabt: Option<PathBuf>,
    /// Where executables of other kinds lie; the first that has one wins.
    pub folders: Vec<PathBuf>,
    /// How much a process may take.
    pub limits: Limits,
}

#[derive(Clone)]
struct Kind {
    connector: Arc<dyn Connector>,
    /// The same, when it is an executable.
    remote: Option<Arc<Remote>>,
}

impl Kinds {
    /// Returns a registry without a kind.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the registry with one more kind, under the name it describes itself by.
    #[must_use]
    pub fn with(mut self, connector: Arc<dyn Connector>) -> Self {
        let kind = Kind {
            connector,
            remote: None,
        };
        self.known.insert(kind.connector.describe().kind, kind);
        self
    }

    /// Returns the registry with a way to run kinds in processes of their own.
    #[must_use]
    pub fn in_processes(self, processes: Processes) -> Self {
        Self { processes, ..self }
    }

    /// Returns the registry with the kinds of the executables `rabt-connector-<kind>` in the folders,
    /// each of which is started once to ask what it is. A kind of this binary is not replaced.
    pub async fn with_executables(mut self) -> Self {
        let found = find_all(&self.processes.folders).into_iter();
        let new = found.filter(|(kind, _)| !self.known.contains_key(kind.as_str()));
        let limits = self.processes.limits;
        let opened = new.map(|(kind, program)| async move {
            let program = program.with_limits(limits);
            let remote = Remote::open(program, Some(&kind)).await;
            // the copy has no process yet, and the one that was asked ends
            (kind, remote.map(|remote| remote.for_source(Arc::default())))
        });
        for (kind, remote) in join_all(opened).await {
            match remote {
                Ok(remote) => {
                    let remote = Arc::new(remote);
                    let kind = Kind {
                        connector: Arc::clone(&remote) as Arc<dyn Connector>,
                        remote: Some(remote),
                    };
                    self.known.insert(kind.connector.describe().kind, kind);
                }
                Err(error) => {
                    tracing::warn!(kind, %error, "an executable is not a kind");
                    self.broken.insert(kind, error);
                }
            }
        }
        self
    }

    /// Returns a kind.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Connector>> {
        self.known.get(name).map(|kind| &kind.connector)
    }

    /// Returns the connector that a source is read by, in the process that its manifest asks for.
    ///
    /// # Errors
    /// Configuration when there is no such kind or executable; as a first call would fail when the
    /// manifest names an executable, which is started to see that it is of the source's kind.
    pub async fn connect(&self, source: &SourceSpec) -> Result<Arc<dyn Connector>, ConnectError> {
        let crashes = self.crashes_of(&source.id);
        let limits = self.processes.limits;
        if let Some(name) = &source.executable {
            let program = self.find(name)?.with_limits(limits);
            let remote = Remote::open_counting(program, Some(&source.kind), crashes).await?;
            return Ok(Arc::new(remote));
        }
        let Some((name, kind)) = self.known.get_key_value(source.kind.as_str()) else {
            let what = format!("`{}` is not a kind of this node", source.kind);
            let remedy = match self.hint(&source.kind) {
                Some(hint) => format!("{hint}; then start the node again"),
                None => "use another kind".to_owned(),
            };
            return Err(ConnectError::configuration("source.kind", what, remedy));
        };
        if let Some(remote) = &kind.remote {
            return Ok(Arc::new(remote.for_source(crashes)));
        }
        let connector = Arc::clone(&kind.connector);
        if source.isolation == Isolation::Shared {
            return Ok(connector);
        }
        let Some(rabt) = &self.processes.rabt else {
            let place = "source.isolation";
            let remedy = "use isolation = \"shared\"";
            let what = "this program cannot start processes";
            return Err(ConnectError::configuration(place, what, remedy));
        };
        let program = Program::of_kind(rabt, name).with_limits(limits);
        let remote = Remote::isolating(connector, program);
        Ok(Arc::new(remote.for_source(crashes)))
    }

    /// Returns the executable that a manifest names.
    pub(crate) fn find(&self, name: &str) -> Result<Program, ConnectError> {
        find(name, &self.processes.folders)
    }

    /// Returns the executable of a kind, `rabt-connector-<kind>` in the folders.
    ///
    /// # Errors
    /// Configuration when there is none.
    pub fn executable(&self, kind: &str) -> Result<Program, ConnectError> {
        let found = self.find(&format!("{PREFIX}{kind}"))?;
        Ok(found.with_limits(self.processes.limits))
    }

    /// Returns what would make a kind of this name, where executables are looked for.
    pub(crate) fn hint(&self, kind: &str) -> Option<String> {
        if let Some(error) = self.broken.get(kind) {
            return Some(format!("its executable failed when it was asked: {error}"));
        }
        let folders = &self.processes.folders;
        let shown: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
        let place = shown.join(" or ");
        let build = match kind {
            // Its package is in the repository, and not built with the rest.
            "odbc" => {
                " (`cargo build --release --package rabt-connector-odbc` makes it, with unixodbc-dev)"
            }
            "parquet" => " (`cargo build --release --package rabt-connector-parquet` makes it)",
            _ => "",
        };
        (!folders.is_empty())
            .then(|| format!("put an executable {PREFIX}{kind}{build} into {place}"))
    }

    /// Returns the names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.known.keys().copied()
    }

    fn crashes_of(&self, source: &SourceId) -> Arc<Crashes> {
        let mut crashes = self.crashes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(crashes.entry(source.clone()).or_default())
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.keys()).finish()
    }
}
