//! Looking at a source before it is read: does it answer, what does it hold, what would become of it.
//!
//! Invariant: nothing that leaves here holds a value of a row.

use std::sync::Arc;
use std::time::Duration;

use rabt_connect::{
    Agency, ConnectError, Connector, Filter, Finding, FolderText, Outcome, Proposal, Registry,
    Sampling, Session, StreamPreview, Surveyed, preview, propose, survey,
};
use rabt_model::{Scheme, SourceId, StreamId};
use rabt_policy::Caller;
use rabt_storage::{FolderState, StoredFolder};

use super::folder::{folders_of, parse, put};
use super::view::FolderView;
use super::{WRITERS, allow, unknown};
use crate::audited::Audited;
use crate::directory::Directory;
use crate::error::{AuditError, OperateError};
use crate::event;
use crate::link::{Forecast, forecast};
use crate::registry::{Registered, base_of, with_base, without_base};
use crate::services::Services;

/// Longest time a look may take, whatever the source does.
const PATIENCE: Duration = Duration::from_mins(2);

/// Most rows of a stream that a preview reads.
const PREVIEW_ROWS: u32 = 100_000;

/// The tables of a source.
#[derive(Debug, Clone)]
pub struct Discovered {
    /// The tables, sampled or not.
    pub tables: Vec<Surveyed>,
}

/// What a source's tables probably mean.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// What is proposed, with reasons.
    pub proposal: Proposal,
    /// The folder that says so; nothing when no table holds people.
    pub text: Option<FolderText>,
    /// The version as which it was handed in, when that was asked for.
    pub folder: Option<FolderView>,
}

/// What would become of a source's rows.
#[derive(Debug, Clone)]
pub struct Previewed {
    /// By stream, in the order of the manifest.
    pub streams: Vec<(StreamId, StreamPreview)>,
    /// What linking would make of the records of all streams.
    pub forecast: Forecast,
}

/// What is looked at: a source as the folder says that is being worked on, else as the one in force.
struct Target {
    folder: StoredFolder,
    agency: Agency,
    registered: Registered,
    connector: Arc<dyn Connector>,
}

/// Tries a source as it is described, and returns every finding.
///
/// # Errors
/// There is no such source, or storage failed. What is wrong with the source is a finding.
pub async fn check_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
) -> Result<Audited<Vec<Finding>>, OperateError> {
    let target = Target::of(services, caller, id, "CheckSource").await?;
    let findings = match target.session(services) {
        Err(error) => vec![Finding::of_error("secrets", &error)],
        Ok(session) => {
            let checked = tokio::time::timeout(PATIENCE, target.connector.check(&session)).await;
            checked.unwrap_or_else(|_| vec![Finding::of_error("reach", &late(id))])
        }
    };
    let works = findings
        .iter()
        .all(|finding| finding.outcome != Outcome::Fail);
    let state = works.then_some(FolderState::Checked);
    target
        .saw(services, caller, ("CheckSource", 0), state, findings)
        .await
}

/// Lists the tables of a source, and with `sampling` the shapes of their first rows.
///
/// # Errors
/// There is no such source, it does not answer, or storage failed.
pub async fn discover_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    filter: &Filter,
    sampled_tables: usize,
) -> Result<Audited<Discovered>, OperateError> {
    let target = Target::of(services, caller, id, "DiscoverSource").await?;
    let tables = target.survey(services, id, filter, sampled_tables).await;
    let tables = target
        .heard(services, caller, ("DiscoverSource", 0), tables)
        .await?;
    let (rows, state) = (sampled(&tables), Some(FolderState::Discovered));
    let discovered = Discovered { tables };
    target
        .saw(
            services,
            caller,
            ("DiscoverSource", rows),
            state,
            discovered,
        )
        .await
}

/// Proposes what the tables of a source mean; with `adopt` the proposal becomes the folder that is
/// being worked on, in the caller's name.
///
/// # Errors
/// There is no such source, it does not answer, or storage failed.
pub async fn propose_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    filter: &Filter,
    adopt: bool,
) -> Result<Audited<Proposed>, OperateError> {
    let method = "ProposeSource";
    let target = Target::of(services, caller, id, method).await?;
    let usual = Sampling::usual(this_year(services)).tables;
    let tables = target.survey(services, id, filter, usual).await;
    let tables = target.heard(services, caller, (method, 0), tables).await?;
    let capabilities = target.connector.describe().capabilities;
    let proposal = propose(&tables, capabilities);
    let kind = &target.registered.spec.kind;
    let (base, manifest) = (
        base_of(&target.folder.manifest),
        without_base(&target.folder.manifest),
    );
    let text = proposal.to_folder_of(&manifest, kind);
    let rows = sampled(&tables);
    let proposed = Proposed {
        proposal,
        text,
        folder: None,
    };
    let state = Some(FolderState::Discovered);
    let agency = target.agency.clone();
    let seen = target
        .saw(services, caller, (method, rows), state, proposed)
        .await?;
    let text = seen.text.clone().filter(|_| adopt);
    let Some(text) = text else {
        return Ok(seen);
    };
    // it is held to what any folder is held to
    parse(services, &text.manifest, &text.mapping)?;
    let manifest = with_base(&text.manifest, &base).unwrap_or(text.manifest);
    let put = put(services, caller, (&agency, manifest, text.mapping)).await?;
    let folder = FolderView::of(&put);
    Ok(seen.map(|proposed| Proposed {
        folder: Some(folder),
        ..proposed
    }))
}

/// Reads the first rows of each stream, maps them, and says what linking would make of them. Nothing
/// is stored.
///
/// # Errors
/// There is no such source, it has no mapping, it does not answer, or storage failed.
pub async fn preview_source(
    services: &Arc<Services>,
    caller: &Caller,
    id: &SourceId,
    rows: u32,
) -> Result<Audited<Previewed>, OperateError> {
    let method = "PreviewSource";
    let target = Target::of(services, caller, id, method).await?;
    if target.registered.spec.streams.is_empty() {
        return Err(OperateError::State {
            source_id: id.clone(),
            state: target.folder.state.as_str(),
            remedy: "give it a mapping first: propose one, or import a folder that has one",
        });
    }
    let session = target
        .session(services)
        .map_err(|error| connect(id, error))?;
    let rows = rows.clamp(1, PREVIEW_ROWS);
    let (mut streams, mut records, mut read) = (Vec::new(), Vec::new(), 0);
    for spec in &target.registered.spec.streams {
        let whose = (id, &target.registered.agency);
        let at = services.clock.now();
        let seen = preview(target.connector.as_ref(), &session, spec, whose, rows, at);
        let seen = within(id, seen).await;
        let mut seen = target.heard(services, caller, (method, read), seen).await?;
        records.append(&mut seen.records);
        read += seen.rows;
        streams.push((spec.id.clone(), seen));
    }
    // The linker comes back to where it was taken from, even when the caller goes away meanwhile.
    let owner = Arc::clone(services);
    let forecast = services
        .tasks
        .spawn(async move { forecast(&owner, records).await });
    let forecast = forecast.await.map_err(|_| AuditError::Stopped)?;
    let forecast = target
        .heard(
            services,
            caller,
            (method, read),
            forecast.map_err(Into::into),
        )
        .await?;
    let previewed = Previewed { streams, forecast };
    let state = Some(FolderState::Previewed);
    target
        .saw(services, caller, (method, read), state, previewed)
        .await
}

impl Target {
    async fn of(
        services: &Services,
        caller: &Caller,
        id: &SourceId,
        method: &str,
    ) -> Result<Self, OperateError> {
        allow(services, caller, method, &WRITERS).await?;
        let mut tx = services.storage.snapshot().await?;
        let folders = folders_of(services, tx.as_mut(), id).await?;
        drop(tx);
        let current = |folder: &StoredFolder| folder.state != FolderState::Withdrawn;
        for folder in folders.into_iter().filter(current) {
            let agency = parse(services, &folder.manifest, &folder.mapping)?;
            let spec = agency.sources.iter().find(|spec| spec.id == *id).cloned();
            // an office that the newest folder no longer names is as an earlier one says
            let Some(spec) = spec else { continue };
            let connector = services.kinds.connect(&spec).await;
            let connector = connector.map_err(|error| connect(id, error))?;
            return Ok(Self {
                registered: Registered::of(&agency.id, spec, &folder.manifest),
                folder,
                agency,
                connector,
            });
        }
        Err(unknown(id))
    }

    fn session(&self, services: &Services) -> Result<Session, ConnectError> {
        self.registered.session(&services.secrets)
    }

    async fn survey(
        &self,
        services: &Services,
        id: &SourceId,
        filter: &Filter,
        sampled_tables: usize,
    ) -> Result<Vec<Surveyed>, OperateError> {
        let session = self.session(services).map_err(|error| connect(id, error))?;
        let usual = Sampling::usual(this_year(services));
        let sampling = Sampling {
            tables: sampled_tables.min(usual.tables),
            ..usual
        };
        let registry: &dyn Registry = &services.directory;
        let connector = self.connector.as_ref();
        within(
            id,
            survey(connector, &session, filter, sampling, Some(registry)),
        )
        .await
    }

    /// Writes down a look that came to nothing.
    async fn heard<T>(
        &self,
        services: &Services,
        caller: &Caller,
        look: (&str, u64),
        heard: Result<T, OperateError>,
    ) -> Result<T, OperateError> {
        if let Err(error) = &heard {
            let (source, at) = (&self.registered.spec.id, services.clock.now());
            let entry = event::of_inspection(caller, source, look, Some(error.class()), at);
            let _ = services.audit.record(entry, ()).await?;
        }
        heard
    }

    /// Writes down that somebody looked, and how far the folder has come by it.
    async fn saw<T>(
        self,
        services: &Services,
        caller: &Caller,
        look: (&str, u64),
        state: Option<FolderState>,
        seen: T,
    ) -> Result<Audited<T>, OperateError> {
        let at = services.clock.now();
        let entry = event::of_inspection(caller, &self.registered.spec.id, look, None, at);
        let further =
            state.filter(|state| self.folder.state.is_open() && *state > self.folder.state);
        let Some(state) = further else {
            return Ok(services.audit.record(entry, seen).await?);
        };
        let tenure = services.lead.tenure()?;
        let _states = services.states.lock().await;
        let mut tx = services.storage.begin().await?;
        let folders = tx.folders(&self.folder.agency).await?;
        let version = self.folder.version;
        let now = folders.iter().find(|folder| folder.version == version);
        if now.is_some_and(|now| now.state.is_open() && state > now.state) {
            tx.set_folder_state(&self.folder.agency, version, state, None, at)
                .await?;
        }
        Ok(services.audit.commit(tx, tenure, entry, seen).await?)
    }
}

impl Registry for Directory {
    fn knows(&self, scheme: &Scheme, number: &str) -> bool {
        self.by_identifier(scheme.as_str(), number).is_some()
    }
}

async fn within<T>(
    id: &SourceId,
    look: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, OperateError> {
    let looked = tokio::time::timeout(PATIENCE, look).await;
    looked
        .unwrap_or_else(|_| Err(late(id)))
        .map_err(|error| connect(id, error))
}

fn late(id: &SourceId) -> ConnectError {
    let what = format!("did not answer within {} seconds", PATIENCE.as_secs());
    ConnectError::transient(
        format!("source {id}"),
        what,
        "see whether its database is busy",
    )
}

fn connect(id: &SourceId, error: ConnectError) -> OperateError {
    OperateError::Connect {
        source_id: id.clone(),
        error,
    }
}

fn sampled(tables: &[Surveyed]) -> u64 {
    let shapes = tables.iter().filter_map(|table| table.shapes.as_ref());
    shapes.map(|shapes| u64::from(shapes.rows)).sum()
}

fn this_year(services: &Services) -> i16 {
    let year = services.clock.now().strftime("%Y").to_string();
    year.parse().unwrap_or(i16::MAX)
}
