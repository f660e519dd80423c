//! What operators do: register and start sources, put agreements in force.

use std::path::PathBuf;
use std::sync::Arc;

use rabt_connect::AgencyFolder;
use rabt_model::{AgencyId, Label, RunId, SourceId, Timestamp};
use rabt_policy::{Caller, Policy, Role};
use rabt_storage::{SourceState, StoredPosition, StoredSource, Transaction};
use tokio::sync::oneshot;

use crate::audited::Audited;
use crate::error::{AuditError, OperateError, Problem};
use crate::event;
use crate::ingest;
use crate::lead::Tenure;
use crate::link::{link, make_stale};
use crate::quality::{self, Quality};
use crate::registry::with_base;
use crate::services::Services;

pub use rabt_storage::StoredRun as RunView;

/// Runs that a list shows at most.
const RUNS: u32 = 1_000;

/// An agency's folder, as text.
#[derive(Debug, Clone)]
pub struct NewSource {
    /// The text of `manifest.toml`.
    pub manifest: String,
    /// The text of `mapping.toml`.
    pub mapping: String,
    /// Where relative paths in the manifest start.
    pub base: PathBuf,
}

/// A registered source, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceView {
    /// Which source.
    pub id: SourceId,
    /// Whose it is.
    pub agency: AgencyId,
    /// What people call the agency.
    pub agency_label: Label,
    /// The connector's kind.
    pub kind: String,
    /// Where it stands.
    pub state: SourceState,
    /// Records held of it.
    pub records: u64,
    /// Rejections that stand against its rows, by reason.
    pub rejections: Vec<(String, u64)>,
    /// How far its streams were read.
    pub positions: Vec<StoredPosition>,
    /// How good its data is.
    pub quality: Quality,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its manifest, mapping or state last changed.
    pub updated_at: Timestamp,
}

/// Registers the sources of an agency's folder, ready to be read.
///
/// # Errors
/// Every problem of the folder; or a source of this name is there already with another folder.
pub async fn create_source(
    services: &Services,
    caller: &Caller,
    new: NewSource,
) -> Result<Audited<Vec<SourceView>>, OperateError> {
    put_source(services, caller, new, "CreateSource", false).await
}

/// Replaces the folder of an agency; streams that remember a position are read from their start.
///
/// # Errors
/// As [`create_source`].
pub async fn update_source(
    services: &Services,
    caller: &Caller,
    new: NewSource,
) -> Result<Audited<Vec<SourceView>>, OperateError> {
    put_source(services, caller, new, "UpdateSource", true).await
}

/// Returns a source.
///
/// # Errors
/// There is none of this id, or storage failed.
pub async fn get_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
) -> Result<SourceView, OperateError> {
    allow(services, caller, "GetSource", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let source = tx.get_source(id).await?.ok_or_else(|| unknown(id))?;
    let counts = tx.count_records_by_source().await?;
    view(services, tx.as_mut(), &counts, source).await
}

/// Returns every source, in the order of the ids.
///
/// # Errors
/// Storage failed.
pub async fn list_sources(
    services: &Services,
    caller: &Caller,
) -> Result<Vec<SourceView>, OperateError> {
    allow(services, caller, "ListSources", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let counts = tx.count_records_by_source().await?;
    let mut views = Vec::new();
    for source in tx.list_sources().await? {
        views.push(view(services, tx.as_mut(), &counts, source).await?);
    }
    Ok(views)
}

/// Starts a reading of a source in the background; what it brings is linked when it ends.
///
/// # Errors
/// There is no such source, it is being read, or it may not be read in its state.
pub async fn start_source(
    services: &Arc<Services>,
    caller: &Caller,
    id: &SourceId,
) -> Result<Audited<RunView>, OperateError> {
    allow(services, caller, "StartSource", &WRITERS).await?;
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    let source = tx.get_source(id).await?.ok_or_else(|| unknown(id))?;
    if matches!(source.state, SourceState::Paused | SourceState::Retired) {
        return Err(OperateError::State {
            source_id: id.clone(),
            state: source.state.as_str(),
            remedy: "resume it first",
        });
    }
    let Some(turn) = services.reading.claim(id) else {
        return Err(OperateError::State {
            source_id: id.clone(),
            state: "being read",
            remedy: "wait for the end of its run",
        });
    };
    let at = services.clock.now();
    let run = tx.start_run(id, at).await?;
    let started = tx.get_run(run).await?;
    let view = started.ok_or_else(|| unknown(id))?;
    let entry = event::of_start(caller, id, run, at);
    // The commit and the run are one task: a caller that goes away between them leaves no run that
    // is marked running and read by nobody.
    let (tell, told) = oneshot::channel();
    let owner = Arc::clone(services);
    let source = id.clone();
    services.tasks.spawn(async move {
        let audited = owner.audit.commit(tx, tenure, &entry, view).await;
        let durable = audited.is_ok();
        // A caller that no longer listens has gone away; the run goes on.
        let _ = tell.send(audited);
        if durable {
            read_and_link(&owner, &source, (run, tenure), turn).await;
        }
    });
    let audited = told.await.map_err(|_| AuditError::Stopped)??;
    Ok(audited)
}

async fn read_and_link(
    services: &Services,
    source: &SourceId,
    run: (RunId, Tenure),
    turn: ingest::Turn,
) {
    if let Err(error) = ingest::read(services, source, run, turn).await {
        tracing::warn!(%source, %error, "a run failed");
        return;
    }
    let linked = tokio::select! {
        linked = link(services) => linked,
        () = services.stop_requested() => return,
    };
    if let Err(error) = linked {
        tracing::error!(%error, "linking failed");
    }
}

/// Lets a source rest until it is resumed. A reading that is under way goes on to its end.
///
/// # Errors
/// There is no such source, or storage failed.
pub async fn pause_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
) -> Result<Audited<SourceView>, OperateError> {
    change_state(services, caller, id, "PauseSource", SourceState::Paused).await
}

/// Lets a paused or quarantined source be read again.
///
/// # Errors
/// There is no such source, or storage failed.
pub async fn resume_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
) -> Result<Audited<SourceView>, OperateError> {
    change_state(services, caller, id, "ResumeSource", SourceState::Approved).await
}

/// Returns up to `limit` runs of a source, the last one first.
///
/// # Errors
/// There is no such source, or storage failed.
pub async fn list_runs(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    limit: u32,
) -> Result<Vec<RunView>, OperateError> {
    allow(services, caller, "ListRuns", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    if tx.get_source(id).await?.is_none() {
        return Err(unknown(id));
    }
    Ok(tx.runs(id, limit.min(RUNS)).await?)
}

/// Puts a bundle of agreements in force, for every request that comes from now on.
///
/// # Errors
/// Every problem of the bundle; the policy in force stays.
pub async fn activate_policy(
    services: &Services,
    caller: &Caller,
    text: &str,
) -> Result<Audited<String>, OperateError> {
    allow(services, caller, "ActivatePolicy", &WRITERS).await?;
    let policy = Policy::from_bundle(text, "agreements.toml").map_err(|problems| {
        OperateError::Problems(problems.into_iter().map(Problem::from).collect())
    })?;
    let at = services.clock.now();
    let revision = policy.revision().to_owned();
    let agreements = policy.agreements().len() as u64;
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    tx.put_bundle(&revision, text, at).await?;
    let entry = event::of_bundle(caller, agreements, &revision, at);
    let audited = services.audit.commit(tx, tenure, &entry, revision).await?;
    services.policy.replace(policy);
    Ok(audited)
}

const WRITERS: [Role; 2] = [Role::Operator, Role::Approver];
const READERS: [Role; 3] = [Role::Operator, Role::Approver, Role::Auditor];

/// Refuses callers of other roles; the refusal is audited.
async fn allow(
    services: &Services,
    caller: &Caller,
    method: &str,
    roles: &[Role],
) -> Result<(), OperateError> {
    match refuse(services, caller, method, roles).await? {
        None => Ok(()),
        Some(refusal) => Err(OperateError::NotPermitted(refusal)),
    }
}

/// Returns the audited refusal of a caller whose role is none of these.
pub(crate) async fn refuse(
    services: &Services,
    caller: &Caller,
    method: &str,
    roles: &[Role],
) -> Result<Option<Audited<()>>, AuditError> {
    if roles.contains(&caller.role) {
        return Ok(None);
    }
    let policy = services.policy.current();
    let entry = event::of_refusal(caller, method, policy.revision(), services.clock.now());
    services.audit.record(&entry, ()).await.map(Some)
}

async fn put_source(
    services: &Services,
    caller: &Caller,
    new: NewSource,
    method: &str,
    replace: bool,
) -> Result<Audited<Vec<SourceView>>, OperateError> {
    allow(services, caller, method, &WRITERS).await?;
    let files = [
        ("manifest.toml", new.manifest.as_str()),
        ("mapping.toml", new.mapping.as_str()),
    ];
    let agency = AgencyFolder::load_for(&files, &services.kinds).map_err(|problems| {
        OperateError::Problems(problems.0.into_iter().map(Problem::from).collect())
    })?;
    let manifest = with_base(&new.manifest, &new.base).ok_or_else(|| {
        OperateError::Problems(vec![Problem {
            file: "manifest.toml".to_owned(),
            line: 0,
            message: "the folder it is read from has a control character in its path".to_owned(),
            suggestion: Some("move the folder to a path of printable characters".to_owned()),
        }])
    })?;
    let at = services.clock.now();
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    let counts = tx.count_records_by_source().await?;
    let mut entries = Vec::with_capacity(agency.sources.len());
    let mut views = Vec::with_capacity(agency.sources.len());
    for spec in &agency.sources {
        let source = StoredSource {
            id: spec.id.clone(),
            agency: agency.id.clone(),
            kind: spec.kind.clone(),
            manifest: manifest.clone(),
            mapping: new.mapping.clone(),
            state: SourceState::Approved,
            created_at: at,
            updated_at: at,
        };
        let held = tx.get_source(&spec.id).await?;
        if held.is_some_and(|held| !replace && !is_same(&held, &source)) {
            return Err(OperateError::Exists {
                thing: "source",
                name: spec.id.to_string(),
                remedy: "update it instead",
            });
        }
        tx.put_source(&source).await?;
        if replace {
            for stream in &spec.streams {
                tx.delete_position(&spec.id, &stream.id).await?;
            }
        }
        entries.push(event::of_source(caller, &source));
        let mut view = view(services, tx.as_mut(), &counts, source).await?;
        view.agency_label = agency.name.clone();
        views.push(view);
    }
    if !services.registry.current().ranks_alike(&agency) {
        make_stale(tx.as_mut()).await?;
    }
    let audited = services
        .audit
        .commit_all(tx, tenure, &entries, views)
        .await?;
    services
        .registry
        .add(&manifest, &new.mapping)
        .map_err(|problems| {
            OperateError::Problems(problems.0.into_iter().map(Problem::from).collect())
        })?;
    Ok(audited)
}

async fn change_state(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    method: &str,
    state: SourceState,
) -> Result<Audited<SourceView>, OperateError> {
    allow(services, caller, method, &WRITERS).await?;
    let at = services.clock.now();
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    tx.set_state(id, state, at).await?;
    let source = tx.get_source(id).await?.ok_or_else(|| unknown(id))?;
    let counts = tx.count_records_by_source().await?;
    let view = view(services, tx.as_mut(), &counts, source).await?;
    let entry = event::of_state(caller, id, state.as_str(), at);
    Ok(services.audit.commit(tx, tenure, &entry, view).await?)
}

fn is_same(held: &StoredSource, new: &StoredSource) -> bool {
    held.manifest == new.manifest && held.mapping == new.mapping
}

async fn view(
    services: &Services,
    tx: &mut dyn Transaction,
    counts: &[(SourceId, u64)],
    source: StoredSource,
) -> Result<SourceView, OperateError> {
    let records = counts.iter().find(|(id, _)| *id == source.id);
    Ok(SourceView {
        records: records.map_or(0, |(_, count)| *count),
        rejections: tx.count_rejections(&source.id).await?,
        positions: tx.positions(&source.id).await?,
        quality: quality::of_source(services, tx, &source.id).await?,
        agency_label: services.registry.current().agency_label(&source.agency),
        id: source.id,
        agency: source.agency,
        kind: source.kind,
        state: source.state,
        created_at: source.created_at,
        updated_at: source.updated_at,
    })
}

fn unknown(id: &SourceId) -> OperateError {
    OperateError::NotFound {
        thing: "source",
        name: id.to_string(),
    }
}
