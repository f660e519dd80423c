//! A source to records: read, map, write, acknowledge.
//!
//! Invariant: a row is counted exactly once, as a record, as unchanged, as late, as rejected or as skipped;
//! after a kill reading resumes at the last position that was committed with its records.

mod leash;
pub(crate) mod standing;
mod stream;
mod writer;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use rabt_connect::{ConnectError, Session};
use rabt_model::{ErrorClass, RunId, SourceId};
use rabt_storage::{RunCounts, RunError, RunOutcome, SourceState, StorageError};
use tokio_util::task::AbortOnDropHandle;

use crate::audited::Audited;
use crate::error::AuditError;
use crate::event;
use crate::lead::Tenure;
use crate::registry::Registered;
use crate::schedule::{TRIPS, unreachable_in_a_row};
use crate::services::Services;
pub(crate) use leash::Leash;
use standing::Ended;
pub(crate) use stream::CHUNK_ROWS;
use stream::StreamRun;
pub(crate) use writer::{Place, Unit, Writer};

/// What one reading of one source did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// Which run.
    pub run: RunId,
    /// What was read.
    pub source: SourceId,
    /// Rows, records, deletions, rejections, unchanged and late records that were committed.
    pub counts: RunCounts,
    /// Rows that the mapping's filter leaves out.
    pub skipped: u64,
    /// Rows rejected because their key came before in the same reading.
    pub duplicates: u64,
}

/// A reading that did not reach its end. What was committed before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// The source, or the way it is described, is wrong.
    #[error("{source_id}: {error}")]
    Connect {
        /// Which source.
        source_id: SourceId,
        /// What went wrong, and what to do.
        error: ConnectError,
    },
    /// The records could not be committed.
    #[error("{source_id}: {error}")]
    Write {
        /// Which source.
        source_id: SourceId,
        /// What went wrong.
        error: AuditError,
    },
}

/// Why a reading stopped, before it is said whose.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stop {
    Connect(ConnectError),
    Write(AuditError),
    /// Somebody asked for it: it goes on from its last checkpoint another time.
    Rested,
}

/// Which sources are being read; two readings of one source at once would undo each other's
/// positions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading(Arc<Mutex<BTreeSet<SourceId>>>);

/// The right to read a source until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    reading: Reading,
    source: SourceId,
}

/// Reads every stream of a source once, from where the last reading stopped.
///
/// # Errors
/// By class: configuration and data need an operator, transient may be tried again. The run is
/// recorded with the same class.
pub async fn ingest(
    services: &Services,
    source: &SourceId,
) -> Result<Audited<RunSummary>, IngestError> {
    ingest_on(services, source, &Leash::default()).await
}

/// As [`ingest`], for one who watches over the reading.
pub(crate) async fn ingest_on(
    services: &Services,
    source: &SourceId,
    leash: &Leash,
) -> Result<Audited<RunSummary>, IngestError> {
    let named = |stop| IngestError::of(source, stop);
    let tenure = services.lead.tenure();
    let tenure = tenure.map_err(|error| named(Stop::Write(error)))?;
    registered(services, source).map_err(named)?;
    let turn = services.reading.claim(source).ok_or_else(|| {
        named(Stop::Connect(ConnectError::transient(
            format!("source {source}"),
            "is being read already",
            "wait for the end of its run",
        )))
    })?;
    let run = start_run(services, tenure, source).await.map_err(named)?;
    read_on(services, source, (run, tenure), turn, leash).await
}

/// Carries out a run that was started in a tenure.
pub(crate) async fn read(
    services: &Services,
    source: &SourceId,
    run: (RunId, Tenure),
    turn: Turn,
) -> Result<Audited<RunSummary>, IngestError> {
    read_on(services, source, run, turn, &Leash::default()).await
}

async fn read_on(
    services: &Services,
    source: &SourceId,
    (run, tenure): (RunId, Tenure),
    _turn: Turn,
    leash: &Leash,
) -> Result<Audited<RunSummary>, IngestError> {
    let named = |stop| IngestError::of(source, stop);
    let mut summary = RunSummary {
        run,
        source: source.clone(),
        counts: RunCounts::default(),
        skipped: 0,
        duplicates: 0,
    };
    let read = tokio::select! {
        biased;
        () = services.stop_requested() => Err(Stop::Connect(ConnectError::Cancelled)),
        why = leash.stopped() => Err(Stop::Connect(why)),
        read = read_streams(services, tenure, source, &mut summary, leash) => read,
    };
    // The turn ends with this function, and whoever has the next one goes on from what is durable then.
    if let Ok(counts) = services.writer.end(run).await {
        summary.counts = counts;
    }
    let finished = finish_run(services, tenure, summary, read.as_ref().err()).await;
    read.map_err(named)?;
    finished.map_err(named)
}

/// Reads every source that is not paused, quarantined or retired, at most `concurrency` at a time; each on a task of its own, so
/// that reading and mapping of some overlap with writing of others.
pub async fn ingest_all(
    services: &Arc<Services>,
    concurrency: usize,
) -> Vec<(SourceId, Result<Audited<RunSummary>, IngestError>)> {
    let runs = readable(services).await.into_iter().map(|source| {
        let services = Arc::clone(services);
        async move {
            let tasks = services.tasks.clone();
            let id = source.clone();
            let task = tasks.spawn(async move { ingest(&services, &id).await });
            let ended = AbortOnDropHandle::new(task).await;
            let stopped = || IngestError::of(&source, Stop::Connect(ConnectError::Cancelled));
            let result = ended.unwrap_or_else(|_| Err(stopped()));
            (source, result)
        }
    });
    let mut ended: Vec<_> = futures::stream::iter(runs)
        .buffer_unordered(concurrency.max(1))
        .collect()
        .await;
    ended.sort_by(|(left, _), (right, _)| left.cmp(right));
    ended
}

fn registered(services: &Services, source: &SourceId) -> Result<Arc<Registered>, Stop> {
    services.registry.current().source(source).ok_or_else(|| {
        Stop::Connect(ConnectError::configuration(
            format!("source {source}"),
            "is not registered",
            "register its agency folder first",
        ))
    })
}

/// Returns the sources that may be read; when storage does not say, each of them will.
async fn readable(services: &Services) -> Vec<SourceId> {
    let mut sources = services.registry.current().sources();
    if let Ok(mut tx) = services.storage.snapshot().await
        && let Ok(held) = tx.list_sources().await
    {
        let barred: BTreeSet<SourceId> = held
            .into_iter()
            .filter(|source| !is_readable(source.state))
            .map(|source| source.id)
            .collect();
        sources.retain(|source| !barred.contains(source));
    }
    sources
}

/// Says whether a source may be read without an operator's word.
const fn is_readable(state: SourceState) -> bool {
    !matches!(
        state,
        SourceState::Paused | SourceState::Quarantined | SourceState::Retired
    )
}

async fn start_run(services: &Services, tenure: Tenure, source: &SourceId) -> Result<RunId, Stop> {
    let _states = services.states.lock().await;
    let mut tx = services.storage.begin().await?;
    let held = tx.get_source(source).await?;
    let at = services.clock.now();
    if let Some(held) = held {
        if !is_readable(held.state) {
            return Err(Stop::Connect(ConnectError::configuration(
                format!("source {source}"),
                format!("is {}", held.state.as_str()),
                "resume it, or start it by hand",
            )));
        }
        if standing::begun(held.state) != held.state {
            tx.set_state(source, standing::begun(held.state), at)
                .await?;
        }
    }
    let run = tx.start_run(source, at).await?;
    tenure.hold(tx.as_mut()).await?;
    tx.commit().await?;
    Ok(run)
}

async fn read_streams(
    services: &Services,
    tenure: Tenure,
    source: &SourceId,
    summary: &mut RunSummary,
    leash: &Leash,
) -> Result<(), Stop> {
    let registered = registered(services, source)?;
    let connector = services.kinds.connect(&registered.spec).await?;
    let session: Session = registered.session(&services.secrets)?;
    for spec in &registered.spec.streams {
        if leash.is_resting() {
            return Err(Stop::Rested);
        }
        let mut stream = StreamRun::new(services, &registered, spec, summary, tenure, leash);
        stream.read(Arc::clone(&connector), session.clone()).await?;
    }
    Ok(())
}

/// Ends the run; its state, the source's state and the audit entry are one transaction.
async fn finish_run(
    services: &Services,
    tenure: Tenure,
    summary: RunSummary,
    stop: Option<&Stop>,
) -> Result<Audited<RunSummary>, Stop> {
    let at = services.clock.now();
    let mut ended = match stop {
        None => Ended::Whole,
        Some(
            Stop::Rested
            | Stop::Connect(ConnectError::Cancelled)
            | Stop::Write(AuditError::Stopped),
        ) => Ended::Stopped,
        Some(stop) if stop.is_transient() => Ended::Unreachable(0),
        Some(_) => Ended::Refused,
    };
    let outcome = RunOutcome {
        state: ended.run(),
        finished_at: at,
        error: stop.map(|stop| RunError {
            class: stop.class(),
            summary: stop.to_string(),
        }),
    };
    let _states = services.states.lock().await;
    let mut tx = services.storage.begin().await?;
    tx.finish_run(summary.run, &outcome).await?;
    if let Ended::Unreachable(times) = &mut ended {
        let runs = tx.runs(&summary.source, TRIPS * 2).await?;
        *times = unreachable_in_a_row(&runs);
    }
    if let Some(held) = tx.get_source(&summary.source).await? {
        let state = standing::after(held.state, ended);
        tx.set_state(&summary.source, state, at).await?;
    }
    let entry = event::of_run(
        summary.run,
        &summary.source,
        ended.run(),
        summary.counts,
        at,
    );
    Ok(services.audit.commit(tx, tenure, entry, summary).await?)
}

impl Reading {
    /// Returns the right to read a source, unless somebody has it.
    pub(crate) fn claim(&self, source: &SourceId) -> Option<Turn> {
        let new = self.sources().insert(source.clone());
        new.then(|| Turn {
            reading: self.clone(),
            source: source.clone(),
        })
    }

    /// Says whether no source is being read.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.sources().is_empty()
    }

    /// Returns the sources that are being read.
    pub(crate) fn all(&self) -> BTreeSet<SourceId> {
        self.sources().clone()
    }

    fn sources(&self) -> MutexGuard<'_, BTreeSet<SourceId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.reading.sources().remove(&self.source);
    }
}

impl Stop {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Connect(error) => error.class(),
            Self::Write(error) => error.class(),
            Self::Rested => ConnectError::Cancelled.class(),
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_transient(),
            Self::Write(AuditError::Storage(error)) => error.is_transient(),
            Self::Write(
                AuditError::Overloaded | AuditError::Stopped | AuditError::NotLeading { .. },
            ) => true,
            Self::Write(AuditError::Unusable(_) | AuditError::Vault(_)) => false,
            Self::Rested => true,
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
            Self::Rested => f.write_str("stopped at a checkpoint; the next reading goes on there"),
        }
    }
}

impl From<ConnectError> for Stop {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl From<AuditError> for Stop {
    fn from(error: AuditError) -> Self {
        Self::Write(error)
    }
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Write(error.into())
    }
}

impl IngestError {
    fn of(source: &SourceId, stop: Stop) -> Self {
        let source_id = source.clone();
        match stop {
            Stop::Connect(error) => Self::Connect { source_id, error },
            Stop::Write(error) => Self::Write { source_id, error },
            Stop::Rested => Self::Connect {
                source_id,
                error: ConnectError::Cancelled,
            },
        }
    }

    /// Returns the class that the failure belongs to.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Connect { error, .. } => error.class(),
            Self::Write { error, .. } => error.class(),
        }
    }

    /// Says whether trying again without a change can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { error, .. } => Stop::Connect(error.clone()).is_transient(),
            Self::Write { error, .. } => Stop::Write(error.clone()).is_transient(),
        }
    }
}
