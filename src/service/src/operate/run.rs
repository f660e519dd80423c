//! Reading, resting, reading anew, and the end of a source.

use std::collections::BTreeSet;
use std::sync::Arc;

use rabt_model::{Pii, RecordId, RunId, SourceId, StreamId};
use rabt_policy::Caller;
use rabt_storage::{Deletion, FolderState, RunState, SourceState, StoredSource, Transaction};
use tokio::sync::oneshot;

use super::logs;
use super::view::{Held, SourceView, drafts};
use super::{READERS, RunView, WRITERS, allow, unknown};
use crate::audited::Audited;
use crate::error::{AuditError, OperateError};
use crate::event;
use crate::ingest::{self, standing};
use crate::lead::Tenure;
use crate::link::link;
use crate::services::Services;

/// Runs that a list shows at most.
const RUNS: u32 = 1_000;

/// Records that are taken out in one transaction.
const PAGE: u32 = 5_000;

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
    let states = Arc::clone(&services.states).lock_owned().await;
    let mut tx = services.storage.begin().await?;
    let source = in_force(services, tx.as_mut(), id).await?;
    let remedy = match source.state {
        SourceState::Paused => Some("resume it first"),
        SourceState::Retired => Some("hand in its folder again and have it approved"),
        SourceState::Draft
        | SourceState::Checked
        | SourceState::Discovered
        | SourceState::Mapped
        | SourceState::Previewed
        | SourceState::Approved
        | SourceState::Snapshot
        | SourceState::Live
        | SourceState::Degraded
        | SourceState::Quarantined => None,
    };
    if let Some(remedy) = remedy {
        return Err(wrong(id, source.state.as_str(), remedy));
    }
    let turn = services.reading.claim(id).ok_or_else(|| being_read(id))?;
    let at = services.clock.now();
    let run = tx.start_run(id, at).await?;
    let begun = standing::begun(source.state);
    if begun != source.state {
        tx.set_state(id, begun, at).await?;
    }
    let started = tx.get_run(run).await?;
    let view = started.ok_or_else(|| unknown(id))?;
    let entry = event::of_start(caller, id, run, at);
    // The commit and the run are one task: a caller that goes away between them leaves no run that
    // is marked running and read by nobody.
    let (tell, told) = oneshot::channel();
    let owner = Arc::clone(services);
    let source = id.clone();
    services.tasks.spawn(async move {
        let audited = owner.audit.commit(tx, tenure, entry, view).await;
        drop(states);
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
/// There is no such source, it is retired, or storage failed.
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
/// There is no such source, it is retired, or storage failed.
pub async fn resume_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
) -> Result<Audited<SourceView>, OperateError> {
    change_state(services, caller, id, "ResumeSource", SourceState::Approved).await
}

/// Lets a source, or one stream of it, be read from its start at its next reading. Rows that are as
/// they were change nothing.
///
/// # Errors
/// There is no such source or stream, it is being read, or storage failed.
pub async fn rewind_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    stream: Option<&StreamId>,
) -> Result<Audited<SourceView>, OperateError> {
    allow(services, caller, "RewindSource", &WRITERS).await?;
    rewind(services, caller, id, |spec| {
        stream.is_none_or(|wanted| *wanted == spec.id)
    })
    .await
}

/// Reads the streams of a source anew that have rows in quarantine: what a corrected mapping, or
/// the agency, has mended is taken now. The rows themselves are not kept, so they come from the
/// source again.
///
/// # Errors
/// Nothing is in quarantine; or as [`rewind_source`] and [`start_source`].
pub async fn replay_source(
    services: &Arc<Services>,
    caller: &Caller,
    id: &SourceId,
) -> Result<Audited<RunView>, OperateError> {
    allow(services, caller, "ReplaySource", &WRITERS).await?;
    let mut tx = services.storage.snapshot().await?;
    in_force(services, tx.as_mut(), id).await?;
    let rejections = tx.rejections_by_column(id).await?;
    drop(tx);
    if rejections.is_empty() {
        return Err(wrong(
            id,
            "without a row in quarantine",
            "there is nothing to replay",
        ));
    }
    rewind(services, caller, id, |spec| {
        rejections.iter().any(|count| count.stream == spec.id)
    })
    .await?;
    start_source(services, caller, id).await
}

/// Ends a source: it is never read again, unless its folder is approved once more. Its records stay,
/// or with `forget` they go and the citizens are composed without them.
///
/// # Errors
/// There is no such source, it is being read, or storage failed; what was taken out until then is
/// gone, and the same call goes on. Or its database could not be told to keep no log for it: it has
/// ended all the same.
pub async fn retire_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    forget: bool,
) -> Result<Audited<SourceView>, OperateError> {
    allow(services, caller, "RetireSource", &WRITERS).await?;
    let _turn = services.reading.claim(id).ok_or_else(|| being_read(id))?;
    let tenure = services.lead.tenure()?;
    let at = services.clock.now();
    let states = services.states.lock().await;
    let mut tx = services.storage.begin().await?;
    let mut source = in_force(services, tx.as_mut(), id).await?;
    source.state = SourceState::Retired;
    tx.set_state(id, source.state, at).await?;
    for position in tx.positions(id).await? {
        tx.delete_position(id, &position.stream).await?;
    }
    let entry = event::of_state(caller, id, source.state.as_str(), at);
    let mut held = Held::read(tx.as_mut()).await?;
    let view = held.view(services, tx.as_mut(), source.clone()).await?;
    let mut audited = services.audit.commit(tx, tenure, entry, view).await?;
    drop(states);
    let let_go = match services.registry.current().source(id) {
        Some(registered) => logs::let_go(services, &registered, |_| true).await,
        None => Ok(()),
    };
    if forget {
        forget_records(services, caller, id, tenure).await?;
        link(services).await?;
        let mut tx = services.storage.snapshot().await?;
        let mut held = Held::read(tx.as_mut()).await?;
        let view = held.view(services, tx.as_mut(), source).await?;
        audited = audited.map(|_| view);
    }
    // it has ended all the same; the same call tries it again
    let_go.map_err(|error| OperateError::Connect {
        source_id: id.clone(),
        error,
    })?;
    Ok(audited)
}

/// Takes every record of a source out, some at a time, each transaction with its entry.
async fn forget_records(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    tenure: Tenure,
) -> Result<(), OperateError> {
    let streams = services.storage.snapshot().await?.streams_of(id).await?;
    for stream in &streams {
        loop {
            let at = services.clock.now();
            let _turn = services.turn.lock().await;
            let mut tx = services.storage.begin().await?;
            let keys = tx.keys_after(id, stream, None, PAGE).await?;
            if keys.is_empty() {
                break;
            }
            let gone = |key: Pii<String>| Deletion {
                id: RecordId {
                    source: id.clone(),
                    stream: stream.clone(),
                    key,
                },
                version: None,
                event_at: None,
            };
            let deletions: Vec<Deletion> = keys.into_iter().map(gone).collect();
            tx.delete_records(&deletions, at).await?;
            let (what, count) = (
                ("forgetting", std::slice::from_ref(stream)),
                deletions.len() as u64,
            );
            let entry = event::of_streams(caller, id, what, Some(count), at);
            services.audit.commit(tx, tenure, entry, ()).await?;
        }
    }
    forget_quality(services, caller, id, tenure).await
}

/// Forgets what the rows of a source said of their columns, and what was refused of them, which holds
/// their keys.
async fn forget_quality(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    tenure: Tenure,
) -> Result<(), OperateError> {
    let at = services.clock.now();
    let mut tx = services.storage.begin().await?;
    let counted = tx.column_counts(id).await?.into_iter();
    let refused = tx.rejections_by_column(id).await?.into_iter();
    let mut streams: BTreeSet<StreamId> = counted.map(|(stream, _)| stream).collect();
    streams.extend(refused.map(|count| count.stream));
    for stream in &streams {
        tx.forget_columns(id, stream).await?;
        tx.forget_rejections(id, stream, RunId(i64::MAX)).await?;
    }
    let streams: Vec<StreamId> = streams.into_iter().collect();
    let entry = event::of_streams(caller, id, ("forgotten", &streams), None, at);
    let _ = services.audit.commit(tx, tenure, entry, ()).await?;
    Ok(())
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
        let drafts = drafts(services, tx.as_mut()).await?;
        let draft = drafts.iter().any(|view| view.id == *id);
        return if draft {
            Ok(Vec::new())
        } else {
            Err(unknown(id))
        };
    }
    Ok(tx.runs(id, limit.min(RUNS)).await?)
}

/// Forgets how far the streams that `wanted` names were read.
async fn rewind(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
    wanted: impl Fn(&rabt_connect::StreamSpec) -> bool,
) -> Result<Audited<SourceView>, OperateError> {
    let _turn = services.reading.claim(id).ok_or_else(|| being_read(id))?;
    let tenure = services.lead.tenure()?;
    let at = services.clock.now();
    let mut tx = services.storage.begin().await?;
    let source = in_force(services, tx.as_mut(), id).await?;
    let known = services.registry.current().source(id);
    let specs = known.iter().flat_map(|known| &known.spec.streams);
    let streams: Vec<StreamId> = specs
        .filter(|spec| wanted(spec))
        .map(|spec| spec.id.clone())
        .collect();
    if streams.is_empty() {
        return Err(OperateError::NotFound {
            thing: "stream of that name in the source",
            name: id.to_string(),
        });
    }
    for stream in &streams {
        tx.delete_position(id, stream).await?;
    }
    let mut held = Held::read(tx.as_mut()).await?;
    let view = held.view(services, tx.as_mut(), source).await?;
    let entry = event::of_streams(caller, id, ("rewound", &streams), None, at);
    Ok(services.audit.commit(tx, tenure, entry, view).await?)
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
    let _states = services.states.lock().await;
    let mut tx = services.storage.begin().await?;
    let mut source = in_force(services, tx.as_mut(), id).await?;
    if source.state == SourceState::Retired {
        let remedy = "hand in its folder again and have it approved";
        return Err(wrong(id, source.state.as_str(), remedy));
    }
    let state = if state == SourceState::Approved && was_whole(tx.as_mut(), &source).await? {
        SourceState::Live
    } else {
        state
    };
    tx.set_state(id, state, at).await?;
    (source.state, source.updated_at) = (state, at);
    let mut held = Held::read(tx.as_mut()).await?;
    let view = held.view(services, tx.as_mut(), source).await?;
    let entry = event::of_state(caller, id, state.as_str(), at);
    Ok(services.audit.commit(tx, tenure, entry, view).await?)
}

/// Says whether a source was read to its end by the folder that is in force.
async fn was_whole(tx: &mut dyn Transaction, source: &StoredSource) -> Result<bool, OperateError> {
    let folders = tx.folders(&source.agency).await?;
    let mut folders = folders.iter();
    let Some(folder) = folders.find(|folder| folder.state == FolderState::Approved) else {
        return Ok(false);
    };
    let runs = tx.runs(&source.id, RUNS).await?;
    let since = |run: &RunView| run.started_at >= folder.updated_at;
    let whole = |run: &RunView| run.state == RunState::Succeeded;
    Ok(runs.iter().any(|run| since(run) && whole(run)))
}

/// Returns a source that a folder in force names.
async fn in_force(
    services: &Services,
    tx: &mut dyn Transaction,
    id: &SourceId,
) -> Result<StoredSource, OperateError> {
    if let Some(source) = tx.get_source(id).await? {
        return Ok(source);
    }
    let drafts = drafts(services, tx).await?;
    Err(match drafts.iter().find(|view| view.id == *id) {
        Some(view) => wrong(id, view.state.as_str(), "have its folder approved first"),
        None => unknown(id),
    })
}

fn wrong(id: &SourceId, state: &'static str, remedy: &'static str) -> OperateError {
    OperateError::State {
        source_id: id.clone(),
        state,
        remedy,
    }
}

pub(super) fn being_read(id: &SourceId) -> OperateError {
    wrong(id, "being read", "wait for the end of its run")
}
