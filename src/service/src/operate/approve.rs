//! Approving a folder: a second person puts it in force.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rabt_connect::Agency;
use rabt_model::{SourceId, Timestamp};
use rabt_policy::{Caller, Role};
use rabt_storage::{FolderState, SourceState, StoredFolder, StoredSource, Transaction};
use tokio::sync::oneshot;

use super::allow;
use super::folder::{open_folder, parse, problems, refuse_foreign, views};
use super::logs::Left;
use super::run::being_read;
use super::view::SourceView;
use crate::audited::Audited;
use crate::error::{AuditError, OperateError};
use crate::event;
use crate::ingest::Turn;
use crate::link::make_stale;
use crate::registry::Registered;
use crate::services::Services;

/// How long an approval waits for databases that are told that their logs are read no more.
const SOON: Duration = Duration::from_secs(5);

/// Who may approve.
const APPROVERS: [Role; 1] = [Role::Approver];

/// A folder that is in force, and what there is to do behind it.
struct Approved {
    views: Audited<Vec<SourceView>>,
    /// The logs that nobody reads any more.
    left: Vec<Left>,
    /// The sources are not read before the logs are gone.
    turns: Vec<Turn>,
}

/// Puts a folder in force, as a second person. Streams whose folder changed are read from their
/// start; sources that the folder no longer names are retired, with their records.
///
/// # Errors
/// The version is not the one that is being worked on, it has no mapping, the caller handed it in,
/// it no longer loads, or a source of the agency is being read.
pub async fn approve_source(
    services: &Arc<Services>,
    caller: &Caller,
    id: &SourceId,
    version: u32,
) -> Result<Audited<Vec<SourceView>>, OperateError> {
    allow(services, caller, "ApproveSource", &APPROVERS).await?;
    // What is committed comes to be known, and the databases that were read until now are told, even
    // when the caller goes away meanwhile.
    let (tell, told) = oneshot::channel();
    let (owner, caller, id) = (Arc::clone(services), caller.clone(), id.clone());
    services.tasks.spawn(async move {
        match approve(&owner, &caller, &id, version).await {
            Err(error) => {
                let _ = tell.send(Err(error));
            }
            Ok(Approved { views, left, turns }) => {
                let letting_go = async {
                    for left in left {
                        left.let_go(&owner).await;
                    }
                    drop(turns);
                };
                tokio::pin!(letting_go);
                // Who approved waits for databases that answer, and not for one that does not.
                let soon = tokio::time::timeout(SOON, &mut letting_go).await;
                let _ = tell.send(Ok(views));
                if soon.is_err() {
                    letting_go.await;
                }
            }
        }
    });
    told.await.map_err(|_| AuditError::Stopped)?
}

async fn approve(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    version: u32,
) -> Result<Approved, OperateError> {
    let at = services.clock.now();
    let tenure = services.lead.tenure()?;
    let _states = services.states.lock().await;
    // what a step tells, and to whom, is decided by one registry
    let _turn = services.turn.lock().await;
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
    refuse_foreign(services, tx.as_mut(), &agency).await?;
    let before = in_force(services, tx.as_mut(), &agency).await?;
    // A reading that is under way would go on by the folder before, and put its positions back.
    let named = agency.sources.iter().map(|spec| &spec.id);
    let all = named.chain(before.iter().map(|known| &known.spec.id));
    let turns = claim(services, all)?;
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
    let audited = services.audit.commit_all(tx, tenure, entries, views);
    let audited = audited.await?;
    services
        .registry
        .add(&folder.manifest, &folder.mapping)
        .map_err(problems)?;
    let left = before
        .into_iter()
        .filter_map(|known| Left::of(known, &agency))
        .collect();
    Ok(Approved {
        views: audited,
        left,
        turns,
    })
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
