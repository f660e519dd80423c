//! Agencies' folders: handed in by one person, approved by another.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use rabt_connect::{Agency, AgencyFolder, StreamSpec};
use rabt_model::{SourceId, Timestamp};
use rabt_policy::{Caller, Role};
use rabt_storage::{FolderState, SourceState, StoredFolder, StoredSource, Transaction};

use super::logs;
use super::run::being_read;
use super::view::{FolderView, Held, SourceView, draft_views, drafts};
use super::{READERS, WRITERS, allow, unknown};
use crate::audited::Audited;
use crate::error::{OperateError, Problem};
use crate::event;
use crate::ingest::Turn;
use crate::link::make_stale;
use crate::registry::{Registered, with_base, without_base};
use crate::services::Services;

/// Who may approve.
const APPROVERS: [Role; 1] = [Role::Approver];

/// An agency's folder, as text.
#[derive(Debug, Clone)]
pub struct NewSource {
    /// The text of `manifest.toml`.
    pub manifest: String,
    /// The text of `mapping.toml`; empty while nobody knows the tables.
    pub mapping: String,
    /// Where relative paths in the manifest start.
    pub base: PathBuf,
}

/// An agency's folder as it was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Which version it is, and whose word it has.
    pub folder: FolderView,
    /// The text of `manifest.toml`.
    pub manifest: String,
    /// The text of `mapping.toml`.
    pub mapping: String,
}

/// Takes in the folder of a new agency, for a second person to approve.
///
/// # Errors
/// Every problem of the folder; or the agency is there already with another folder.
pub async fn create_source(
    services: &Services,
    caller: &Caller,
    new: NewSource,
) -> Result<Audited<Vec<SourceView>>, OperateError> {
    hand_in(services, caller, new, "CreateSource", false).await
}

/// Takes in another folder of an agency, for a second person to approve; until then the one in
/// force stays so.
///
/// # Errors
/// Every problem of the folder.
pub async fn update_source(
    services: &Services,
    caller: &Caller,
    new: NewSource,
) -> Result<Audited<Vec<SourceView>>, OperateError> {
    hand_in(services, caller, new, "UpdateSource", true).await
}

/// Puts a folder in force, as a second person. Streams whose folder changed are read from their
/// start; sources that the folder no longer names are retired, with their records.
///
/// # Errors
/// The version is not the one that is being worked on, it has no mapping, the caller handed it in,
/// it no longer loads, or a source of the agency is being read.
pub async fn approve_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    version: u32,
) -> Result<Audited<Vec<SourceView>>, OperateError> {
    allow(services, caller, "ApproveSource", &APPROVERS).await?;
    let at = services.clock.now();
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    let folder = open_folder(services, tx.as_mut(), id, version).await?;
    if folder.mapping.is_empty() {
        return Err(OperateError::State {
            source_id: id.clone(),
            state: folder.state.as_str(),
            remedy: "give it a mapping first: propose one, or import a folder that has one",
        });
    }
    let person = event::person(caller);
    if folder.author == person {
        return Err(OperateError::SecondPerson {
            source_id: id.clone(),
            version: folder.version,
        });
    }
    let agency = parse(services, &folder.manifest, &folder.mapping)?;
    refuse_foreign(tx.as_mut(), &agency).await?;
    let before = in_force(services, tx.as_mut(), &agency).await?;
    // A reading that is under way would go on by the folder before, and put its positions back.
    let named = agency.sources.iter().map(|spec| &spec.id);
    let all = named.chain(before.iter().map(|known| &known.spec.id));
    let _turns = claim(services, all)?;
    let to = FolderState::Approved;
    tx.set_folder_state(&agency.id, folder.version, to, Some(&person), at)
        .await?;
    let mut entries = vec![event::of_folder(
        caller,
        &folder,
        folder.state.as_str(),
        to,
        at,
    )];
    for spec in &agency.sources {
        let source = put_in_force(tx.as_mut(), spec, &folder, at).await?;
        entries.push(event::of_source(caller, &source));
    }
    for source in tx.list_sources().await? {
        let named = agency.sources.iter().any(|spec| spec.id == source.id);
        if source.agency == agency.id && !named && source.state != SourceState::Retired {
            tx.set_state(&source.id, SourceState::Retired, at).await?;
            let state = SourceState::Retired.as_str();
            entries.push(event::of_state(caller, &source.id, state, at));
        }
    }
    if !services.registry.current().ranks_alike(&agency) {
        make_stale(tx.as_mut()).await?;
    }
    let views = views(services, tx.as_mut(), &agency).await?;
    let audited = services.audit.commit_all(tx, tenure, &entries, views);
    let audited = audited.await?;
    services
        .registry
        .add(&folder.manifest, &folder.mapping)
        .map_err(problems)?;
    for known in before {
        let_go(services, &known, &agency).await;
    }
    Ok(audited)
}

/// Returns the sources of an agency as they were read until now, without those that are retired.
async fn in_force(
    services: &Services,
    tx: &mut dyn Transaction,
    agency: &Agency,
) -> Result<Vec<Arc<Registered>>, OperateError> {
    let registry = services.registry.current();
    let held = tx.list_sources().await?.into_iter();
    let held = held.filter(|held| held.agency == agency.id && held.state != SourceState::Retired);
    Ok(held.filter_map(|held| registry.source(&held.id)).collect())
}

/// Returns the right to read these sources, so that nobody else does meanwhile.
fn claim<'s>(
    services: &Services,
    sources: impl Iterator<Item = &'s SourceId>,
) -> Result<Vec<Turn>, OperateError> {
    let sources: BTreeSet<&SourceId> = sources.collect();
    let turns = sources.into_iter().map(|id| {
        let turn = services.reading.claim(id);
        turn.ok_or_else(|| being_read(id))
    });
    turns.collect()
}

/// Lets go of the logs that the folder in force now does not read: those of streams and databases that
/// it names no more. What cannot be told does not undo an approval.
async fn let_go(services: &Services, before: &Registered, agency: &Agency) {
    let now = agency.sources.iter().find(|spec| spec.id == before.spec.id);
    let elsewhere =
        now.is_none_or(|now| now.kind != before.spec.kind || now.config != before.spec.config);
    let left = |stream: &StreamSpec| {
        let mut streams = now.into_iter().flat_map(|now| &now.streams);
        let reads = streams.any(|now| now.id == stream.id && now.mode == stream.mode);
        elsewhere || !reads
    };
    if let Err(error) = logs::let_go(services, before, left).await {
        let source = &before.spec.id;
        tracing::warn!(%source, %error, "a server keeps a log that nobody reads; drop it there");
    }
}

/// Takes back what is being worked on; the folder in force stays so.
///
/// # Errors
/// The version is not the one that is being worked on, or storage failed.
pub async fn withdraw_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    version: u32,
) -> Result<Audited<FolderView>, OperateError> {
    allow(services, caller, "WithdrawSource", &WRITERS).await?;
    let at = services.clock.now();
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    let mut folder = open_folder(services, tx.as_mut(), id, version).await?;
    let (from, to) = (folder.state, FolderState::Withdrawn);
    tx.set_folder_state(&folder.agency, folder.version, to, None, at)
        .await?;
    let entry = event::of_folder(caller, &folder, from.as_str(), to, at);
    (folder.state, folder.updated_at) = (to, at);
    let view = FolderView::of(&folder);
    Ok(services.audit.commit(tx, tenure, &entry, view).await?)
}

/// Returns the folder of a source's agency: the version of this number, or with 0 the one that is
/// being worked on, else the one in force.
///
/// # Errors
/// There is no such source or version.
pub async fn export_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    version: u32,
) -> Result<Exported, OperateError> {
    allow(services, caller, "ExportSource", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let folders = folders_of(services, tx.as_mut(), id).await?;
    let wanted = |folder: &&StoredFolder| match version {
        0 => folder.state != FolderState::Withdrawn,
        version => folder.version == version,
    };
    let folder = folders
        .iter()
        .find(wanted)
        .ok_or_else(|| OperateError::NotFound {
            thing: "version of the folder",
            name: version.to_string(),
        })?;
    Ok(Exported {
        folder: FolderView::of(folder),
        manifest: without_base(&folder.manifest),
        mapping: folder.mapping.clone(),
    })
}

/// Reads a folder, or a manifest that has no mapping yet.
pub(super) fn parse(
    services: &Services,
    manifest: &str,
    mapping: &str,
) -> Result<Agency, OperateError> {
    let agency = if mapping.is_empty() {
        AgencyFolder::load_draft(manifest, &services.kinds)
    } else {
        let files = [("manifest.toml", manifest), ("mapping.toml", mapping)];
        AgencyFolder::load_for(&files, &services.kinds)
    };
    agency.map_err(problems)
}

/// Returns the versions of the folder that a source belongs to, the last one first.
pub(super) async fn folders_of(
    services: &Services,
    tx: &mut dyn Transaction,
    id: &SourceId,
) -> Result<Vec<StoredFolder>, OperateError> {
    let mut agency = tx.get_source(id).await?.map(|source| source.agency);
    if agency.is_none() {
        let mut drafts = drafts(services, tx).await?.into_iter();
        agency = drafts.find(|view| view.id == *id).map(|view| view.agency);
    }
    let agency = agency.ok_or_else(|| unknown(id))?;
    Ok(tx.folders(&agency).await?)
}

/// Hands in a folder in the caller's name. Returns its version.
pub(super) async fn put(
    services: &Services,
    caller: &Caller,
    (agency, manifest, mapping): (&Agency, String, String),
) -> Result<Audited<StoredFolder>, OperateError> {
    let at = services.clock.now();
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    refuse_foreign(tx.as_mut(), agency).await?;
    let mut folder = StoredFolder {
        agency: agency.id.clone(),
        version: 0,
        state: if mapping.is_empty() {
            FolderState::Draft
        } else {
            FolderState::Mapped
        },
        manifest,
        mapping,
        author: event::person(caller),
        approver: None,
        created_at: at,
        updated_at: at,
    };
    folder.version = tx.put_folder(&folder).await?;
    let entry = event::of_folder(caller, &folder, "", folder.state, at);
    Ok(services.audit.commit(tx, tenure, &entry, folder).await?)
}

async fn hand_in(
    services: &Services,
    caller: &Caller,
    new: NewSource,
    method: &str,
    replace: bool,
) -> Result<Audited<Vec<SourceView>>, OperateError> {
    allow(services, caller, method, &WRITERS).await?;
    let agency = parse(services, &new.manifest, &new.mapping)?;
    let manifest = with_base(&new.manifest, &new.base).ok_or_else(|| {
        OperateError::Problems(vec![Problem {
            file: "manifest.toml".to_owned(),
            line: 0,
            message: "the folder it is read from has a control character in its path".to_owned(),
            suggestion: Some("move the folder to a path of printable characters".to_owned()),
        }])
    })?;
    let mut tx = services.storage.snapshot().await?;
    let folders = tx.folders(&agency.id).await?;
    let current = folders
        .iter()
        .find(|folder| folder.state != FolderState::Withdrawn);
    if let Some(current) = current {
        let same = current.manifest == manifest && current.mapping == new.mapping;
        if same {
            let views = views(services, tx.as_mut(), &agency).await?;
            let state = current.state;
            let at = services.clock.now();
            let entry = event::of_folder(caller, current, state.as_str(), state, at);
            drop(tx);
            return Ok(services.audit.record(&entry, views).await?);
        }
        if !replace {
            return Err(OperateError::Exists {
                thing: "agency",
                name: agency.id.to_string(),
                remedy: "update it instead",
            });
        }
    }
    drop(tx);
    let put = put(services, caller, (&agency, manifest, new.mapping)).await?;
    let mut tx = services.storage.snapshot().await?;
    let views = views(services, tx.as_mut(), &agency).await?;
    Ok(put.map(|_| views))
}

/// Returns the views of an agency's sources, in force or not.
async fn views(
    services: &Services,
    tx: &mut dyn Transaction,
    agency: &Agency,
) -> Result<Vec<SourceView>, OperateError> {
    let mut held = Held::read(tx).await?;
    let mut views = Vec::with_capacity(agency.sources.len());
    let folders = tx.folders(&agency.id).await?;
    let open = folders.iter().find(|folder| folder.state.is_open());
    let drafts = open.map_or_else(Vec::new, |folder| draft_views(services, folder));
    for spec in &agency.sources {
        if let Some(source) = tx.get_source(&spec.id).await? {
            let mut view = held.view(services, tx, source).await?;
            view.agency_label = agency.name.clone();
            views.push(view);
        } else {
            views.extend(drafts.iter().find(|view| view.id == spec.id).cloned());
        }
    }
    Ok(views)
}

/// Refuses a source whose id another agency has: `a-b` of `a`, and `a-b` itself.
async fn refuse_foreign(tx: &mut dyn Transaction, agency: &Agency) -> Result<(), OperateError> {
    for spec in &agency.sources {
        let held = tx.get_source(&spec.id).await?;
        if held.is_some_and(|held| held.agency != agency.id) {
            return Err(OperateError::Exists {
                thing: "source",
                name: spec.id.to_string(),
                remedy: "it is another agency's; choose another id",
            });
        }
    }
    Ok(())
}

async fn open_folder(
    services: &Services,
    tx: &mut dyn Transaction,
    id: &SourceId,
    version: u32,
) -> Result<StoredFolder, OperateError> {
    let folders = folders_of(services, tx, id).await?;
    let open = folders.into_iter().find(|folder| folder.state.is_open());
    let Some(open) = open else {
        return Err(OperateError::State {
            source_id: id.clone(),
            state: "as it was approved",
            remedy: "hand in a folder first",
        });
    };
    if open.version != version {
        return Err(OperateError::Moved {
            source_id: id.clone(),
            version: open.version,
        });
    }
    Ok(open)
}

/// Registers a source as its folder says. One that rests goes on resting.
async fn put_in_force(
    tx: &mut dyn Transaction,
    spec: &rabt_connect::SourceSpec,
    folder: &StoredFolder,
    at: Timestamp,
) -> Result<StoredSource, OperateError> {
    let held = tx.get_source(&spec.id).await?;
    let rests = held
        .as_ref()
        .is_some_and(|held| held.state == SourceState::Paused);
    let source = StoredSource {
        id: spec.id.clone(),
        agency: folder.agency.clone(),
        kind: spec.kind.clone(),
        manifest: folder.manifest.clone(),
        mapping: folder.mapping.clone(),
        state: if rests {
            SourceState::Paused
        } else {
            SourceState::Approved
        },
        created_at: at,
        updated_at: at,
    };
    tx.put_source(&source).await?;
    if held.is_some() {
        for stream in &spec.streams {
            tx.delete_position(&spec.id, &stream.id).await?;
        }
    }
    Ok(source)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn problems(problems: rabt_connect::Problems) -> OperateError {
    OperateError::Problems(problems.0.iter().cloned().map(Problem::from).collect())
}
