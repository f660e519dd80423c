//! The cases of every log of the database, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use rabt_model::AgencyId;
use rabt_storage::{AuditLog, StorageError, StoredCase};

/// Cases by time: within a log in the order of its leaves.
pub(super) struct Cases {
    only_open: bool,
    logs: Vec<Reading>,
}

/// One log, and how far it has been taken.
struct Reading {
    read: VecDeque<StoredCase>,
    /// The last leaf that was taken, on this page or before.
    taken: Option<u64>,
}

impl Cases {
    /// Reads as many cases of each log as a page may have, and one more, to know whether it is the last one.
    pub(super) async fn read(
        logs: &[(String, Arc<dyn AuditLog>)],
        (agency, only_open): (Option<&AgencyId>, bool),
        limit: usize,
        behind: &[u64],
    ) -> Result<Self, StorageError> {
        let wanted = u32::try_from(limit).map_or(u32::MAX, |limit| limit.saturating_add(1));
        let mut readings = Vec::new();
        for (number, (_, log)) in logs.iter().enumerate() {
            let place = behind.get(number).copied();
            let taken = place.filter(|place| *place < u64::MAX);
            let read = log.cases(agency, only_open, taken, wanted).await?.into();
            readings.push(Reading { read, taken });
        }
        Ok(Self {
            only_open,
            logs: readings,
        })
    }

    /// Returns the next case, and the number of its log: the newest one, or of those that are open the oldest.
    pub(super) fn next(&mut self) -> Option<(usize, StoredCase)> {
        let firsts = self.logs.iter().enumerate();
        let firsts = firsts.filter_map(|(log, reading)| Some((reading.read.front()?.at, log)));
        let (_, log) = if self.only_open {
            firsts.min()?
        } else {
            firsts.max()?
        };
        let reading = self.logs.get_mut(log)?;
        let case = reading.read.pop_front()?;
        reading.taken = Some(case.leaf);
        Some((log, case))
    }

    /// Returns the place behind what was taken, of each log; `None` when nothing is left.
    pub(super) fn places(&self) -> Option<Vec<u64>> {
        let left = self.logs.iter().any(|reading| !reading.read.is_empty());
        let taken = self.logs.iter().map(|reading| reading.taken);
        left.then(|| taken.map(|taken| taken.unwrap_or(u64::MAX)).collect())
    }
}
