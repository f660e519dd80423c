//! When a source is due, by its schedule and by how its last runs ended.

use std::time::Duration;

use rabt_model::{ErrorClass, RunId, SourceId, Timestamp};
use rabt_storage::{RunState, SourceState, StoredRun};
use sha2::{Digest, Sha256};

use super::Candidate;

/// So many failures in a row to reach a source make it degraded: it is tried with growing pauses,
/// one degraded source at a time.
pub(crate) const TRIPS: u32 = 3;
/// Runs that a pause is told from: beyond them it grows no more.
pub(super) const RUNS: u32 = 8;

/// The pause after a first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_mins(1);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How long a reading that was stopped without a fault waits until it goes on.
const REST: Duration = Duration::from_mins(1);

/// Where chance comes from: the same for the same run, so that a plan can be made again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    /// Returns a time from zero up to and without `most`.
    fn below(self, source: &SourceId, run: RunId, most: Duration) -> Duration {
        let mut hash = Sha256::new();
        hash.update(self.0.to_be_bytes());
        hash.update(run.0.to_be_bytes());
        hash.update(source.as_str());
        let drawn = hash.finalize();
        let drawn = drawn
            .iter()
            .take(8)
            .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        let most = most.as_micros().min(u128::from(u64::MAX));
        Duration::from_micros(u64::try_from((drawn * most) >> 64).unwrap_or(u64::MAX))
    }
}

/// Says whether a source in this state is read by itself.
pub(super) const fn is_scheduled(state: SourceState) -> bool {
    match state {
        SourceState::Approved
        | SourceState::Snapshot
        | SourceState::Live
        | SourceState::Degraded => true,
        SourceState::Draft
        | SourceState::Checked
        | SourceState::Discovered
        | SourceState::Mapped
        | SourceState::Previewed
        | SourceState::Quarantined
        | SourceState::Paused
        | SourceState::Retired => false,
    }
}

/// Returns when a source is due; `None` when it is not read by itself, or never again. The window
/// is not asked.
pub(super) fn due(candidate: &Candidate, chance: Chance) -> Option<Timestamp> {
    if candidate.busy || !is_scheduled(candidate.state) {
        return None;
    }
    let due = by_runs(candidate, chance)?;
    Some(candidate.not_before.map_or(due, |least| due.max(least)))
}

fn by_runs(candidate: &Candidate, chance: Chance) -> Option<Timestamp> {
    let Candidate {
        source, schedule, ..
    } = candidate;
    let jitter = |run| chance.below(source, run, schedule.jitter);
    let Some(last) = candidate.runs.first() else {
        return later(schedule.first(candidate.since)?, jitter(RunId(0)));
    };
    let ended = ended(last);
    if candidate.state == SourceState::Approved && ended <= candidate.since {
        // somebody acted since: what was before does not count
        return later(schedule.first(candidate.since)?, jitter(last.run));
    }
    match last.state {
        RunState::Succeeded => later(schedule.after(last.started_at, ended)?, jitter(last.run)),
        RunState::Cancelled => later(ended, REST),
        // a run that is marked as running and that nobody carries out has lost its process
        RunState::Failed | RunState::Interrupted | RunState::Running => {
            let most = pause(failures(&candidate.runs));
            later(ended, most / 2 + chance.below(source, last.run, most / 2))
        }
    }
}

fn later(at: Timestamp, by: Duration) -> Option<Timestamp> {
    at.checked_add(by).ok()
}

/// Returns when a run ended; one that never did counts as one that ended when it began.
fn ended(run: &StoredRun) -> Timestamp {
    run.finished_at.unwrap_or(run.started_at)
}

/// Returns the longest pause after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1));
    let pause = doubled.map(|times| FIRST_PAUSE.saturating_mul(times));
    pause.map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

/// Returns how many of the last runs came to nothing, one after the other.
fn failures(runs: &[StoredRun]) -> u32 {
    let failed = runs
        .iter()
        .filter(|run| run.state != RunState::Cancelled)
        .take_while(|run| run.state != RunState::Succeeded);
    u32::try_from(failed.count()).unwrap_or(u32::MAX)
}

/// Returns how many of the last runs, newest first, could not reach their source, one after the
/// other. Runs that were stopped without a fault of the source are passed over.
pub(crate) fn unreachable_in_a_row(runs: &[StoredRun]) -> u32 {
    let class = |run: &StoredRun| run.error.as_ref().map(|error| error.class);
    let unreachable = runs
        .iter()
        .filter(|run| match run.state {
            RunState::Succeeded => true,
            RunState::Failed => class(run) != Some(ErrorClass::Overloaded),
            RunState::Running | RunState::Cancelled | RunState::Interrupted => false,
        })
        .take_while(|run| class(run) == Some(ErrorClass::SourceUnreachable));
    u32::try_from(unreachable.count()).unwrap_or(u32::MAX)
}
