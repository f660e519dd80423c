//! Agencies' folders: handed in by one person, for another to approve.

use std::path::PathBuf;

use rabt_connect::{Agency, AgencyFolder};
use rabt_model::SourceId;
use rabt_policy::Caller;
use rabt_storage::{FolderState, SourceState, StoredFolder, Transaction};

use super::view::{FolderView, Held, SourceView, draft_views, drafts};
use super::{READERS, WRITERS, allow, unknown};
use crate::audited::Audited;
use crate::error::{OperateError, Problem};
use crate::event;
use crate::registry::{base_of, with_base, without_base};
use crate::services::Services;

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
    let _states = services.states.lock().await;
    let mut tx = services.storage.begin().await?;
    let mut folder = open_folder(services, tx.as_mut(), id, version).await?;
    let (from, to) = (folder.state, FolderState::Withdrawn);
    tx.set_folder_state(&folder.agency, folder.version, to, None, at)
        .await?;
    let entry = event::of_folder(caller, &folder, from.as_str(), to, at);
    (folder.state, folder.updated_at) = (to, at);
    let view = FolderView::of(&folder);
    Ok(services.audit.commit(tx, tenure, entry, view).await?)
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
    let _states = services.states.lock().await;
    let mut tx = services.storage.begin().await?;
    refuse_foreign(services, tx.as_mut(), agency).await?;
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
    Ok(services.audit.commit(tx, tenure, entry, folder).await?)
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
    let mut tx = services.storage.snapshot().await?;
    let folders = tx.folders(&agency.id).await?;
    let current = folders
        .iter()
        .find(|folder| folder.state != FolderState::Withdrawn);
    let manifest = based(&new, current)?;
    if let Some(current) = current {
        let same = current.manifest == manifest && current.mapping == new.mapping;
        // a folder that was in force until its sources retired is handed in anew, as it was
        let ended =
            current.state == FolderState::Approved && has_retired(tx.as_mut(), &agency).await?;
        if same && !ended {
            let views = views(services, tx.as_mut(), &agency).await?;
            let state = current.state;
            let at = services.clock.now();
            let entry = event::of_folder(caller, current, state.as_str(), state, at);
            drop(tx);
            return Ok(services.audit.record(entry, views).await?);
        }
        if !replace && !ended {
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

/// Returns the text of a manifest with the place where its relative paths start: the one that was
/// given, else that of the folder before.
fn based(new: &NewSource, before: Option<&StoredFolder>) -> Result<String, OperateError> {
    let base = match before {
        Some(before) if new.base.as_os_str().is_empty() => base_of(&before.manifest),
        _ => new.base.clone(),
    };
    with_base(&new.manifest, &base).ok_or_else(|| {
        OperateError::Problems(vec![Problem {
            file: "manifest.toml".to_owned(),
            line: 0,
            message: "the folder it is read from has a control character in its path".to_owned(),
            suggestion: Some("move the folder to a path of printable characters".to_owned()),
        }])
    })
}

/// Says whether a source that a folder names has ended.
async fn has_retired(tx: &mut dyn Transaction, agency: &Agency) -> Result<bool, OperateError> {
    for spec in &agency.sources {
        let held = tx.get_source(&spec.id).await?;
        if held.is_some_and(|held| held.state == SourceState::Retired) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the views of an agency's sources, in force or not.
pub(super) async fn views(
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

/// Refuses a source whose id another agency has, or asks for: `a-b` of `a`, and `a-b` itself.
pub(super) async fn refuse_foreign(
    services: &Services,
    tx: &mut dyn Transaction,
    agency: &Agency,
) -> Result<(), OperateError> {
    let wanted = drafts(services, tx).await?;
    for spec in &agency.sources {
        let held = tx.get_source(&spec.id).await?.map(|held| held.agency);
        let open = wanted.iter().filter(|view| view.id == spec.id);
        let mut agencies = open.map(|view| &view.agency).chain(&held);
        if agencies.any(|other| *other != agency.id) {
            return Err(OperateError::Exists {
                thing: "source",
                name: spec.id.to_string(),
                remedy: "it is another agency's; choose another id",
            });
        }
    }
    Ok(())
}

pub(super) async fn open_folder(
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

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
pub(super) fn problems(problems: rabt_connect::Problems) -> OperateError {
    OperateError::Problems(problems.0.iter().cloned().map(Problem::from).collect())
}
