//! Where a source stands when a run of it has ended.

use rabt_storage::{RunState, SourceState};

use crate::schedule::TRIPS;

/// How a run ended, as far as the source is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All was read.
    Whole,
    /// It was stopped without a fault of the source.
    Stopped,
    /// It failed, and trying again may help; so many times in a row the source was out of reach.
    Unreachable(u32),
    /// It failed, and a person must act.
    Refused,
}

/// Returns where a source stands that stood at `held`. What people decided meanwhile stays.
pub(super) const fn after(held: SourceState, ended: Ended) -> SourceState {
    if matches!(held, SourceState::Paused | SourceState::Retired) {
        return held;
    }
    match ended {
        Ended::Whole => SourceState::Live,
        Ended::Refused => SourceState::Quarantined,
        Ended::Unreachable(times) if times >= TRIPS && !is_quarantined(held) => {
            SourceState::Degraded
        }
        Ended::Stopped | Ended::Unreachable(_) => begun(held),
    }
}

/// Returns where a source stands whose reading has begun.
pub(crate) const fn begun(held: SourceState) -> SourceState {
    match held {
        SourceState::Approved => SourceState::Snapshot,
        SourceState::Draft
        | SourceState::Checked
        | SourceState::Discovered
        | SourceState::Mapped
        | SourceState::Previewed
        | SourceState::Snapshot
        | SourceState::Live
        | SourceState::Degraded
        | SourceState::Quarantined
        | SourceState::Paused
        | SourceState::Retired => held,
    }
}

impl Ended {
    /// Returns the state of the run.
    pub(super) const fn run(self) -> RunState {
        match self {
            Self::Whole => RunState::Succeeded,
            Self::Stopped => RunState::Cancelled,
            Self::Unreachable(_) | Self::Refused => RunState::Failed,
        }
    }
}

const fn is_quarantined(held: SourceState) -> bool {
    matches!(held, SourceState::Quarantined)
}

#[cfg(test)]
mod tests {
    use rabt_storage::SourceState::{
        Approved, Degraded, Live, Paused, Quarantined, Retired, Snapshot,
    };

    use super::{Ended, after};

    #[test]
    fn a_source_is_live_after_all_of_it_was_read_and_not_before() {
        assert_eq!(after(Approved, Ended::Stopped), Snapshot);
        assert_eq!(after(Snapshot, Ended::Stopped), Snapshot);
        assert_eq!(after(Snapshot, Ended::Whole), Live);
        assert_eq!(after(Live, Ended::Stopped), Live);
        assert_eq!(after(Degraded, Ended::Whole), Live);
        assert_eq!(after(Quarantined, Ended::Whole), Live);
    }

    #[test]
    fn failures_degrade_a_source_when_they_last() {
        assert_eq!(after(Live, Ended::Unreachable(1)), Live);
        assert_eq!(after(Snapshot, Ended::Unreachable(2)), Snapshot);
        assert_eq!(after(Live, Ended::Unreachable(3)), Degraded);
        assert_eq!(after(Degraded, Ended::Stopped), Degraded);
        assert_eq!(after(Live, Ended::Refused), Quarantined);
        assert_eq!(after(Quarantined, Ended::Unreachable(9)), Quarantined);
    }

    #[test]
    fn what_a_person_decided_while_it_was_read_stays() {
        for held in [Paused, Retired] {
            for ended in [Ended::Whole, Ended::Refused, Ended::Unreachable(9)] {
                assert_eq!(after(held, ended), held);
            }
        }
    }
}
