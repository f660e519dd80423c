//! What becomes of each deletion of one call: the decision, without the database.

use std::collections::BTreeMap;

use rabt_model::RecordNumber;

use crate::batch::{HeldRow, Order};
use crate::convert::to_micros;
use crate::names::Names;
use crate::row::{DeleteOutcome, Deletion};

/// The deletions of one call by stream and key, each id once. The last one counts.
pub(crate) struct DeletionBatch<'a> {
    rows: BTreeMap<(i64, &'a str), &'a Deletion>,
    outcome: DeleteOutcome,
    marks: Vec<DeletedRow>,
}

/// A record to take out: its number, and the version and time of its deletion where known.
pub(crate) type DeletedRow = (i64, Option<String>, Option<i64>);

impl<'a> DeletionBatch<'a> {
    /// Sorts deletions; one of a stream without a number is of nothing.
    pub(crate) fn new(deletions: &'a [Deletion], names: &Names) -> Self {
        let mut rows = BTreeMap::new();
        for deletion in deletions {
            let id = &deletion.id;
            if let Some(stream) = names.stream_number(&id.source, &id.stream) {
                rows.insert((stream, id.key.expose().as_str()), deletion);
            }
        }
        let outcome = DeleteOutcome {
            unchanged: deletions.len() as u64,
            ..DeleteOutcome::default()
        };
        Self {
            rows,
            outcome,
            marks: Vec::new(),
        }
    }

    /// Returns stream and key of each row, ascending.
    pub(crate) fn ids(&self) -> Vec<(i64, &'a str)> {
        self.rows.keys().copied().collect()
    }

    /// Learns what is held under a key.
    pub(crate) fn held(&mut self, stream: i64, key: &'a str, held: &HeldRow) {
        let Some(deletion) = self.rows.get(&(stream, key)).filter(|_| !held.deleted) else {
            return;
        };
        let event_at = deletion.event_at.map(to_micros);
        self.outcome.unchanged -= 1;
        if Order::new(event_at, deletion.version.as_deref()).is_before(&held.order()) {
            self.outcome.late += 1;
            return;
        }
        self.outcome.deleted += 1;
        self.marks
            .push((held.number, deletion.version.clone(), event_at));
    }

    /// Returns what to take out, ascending, and the outcome of the call.
    pub(crate) fn finish(mut self) -> (Vec<DeletedRow>, DeleteOutcome) {
        self.marks.sort_unstable();
        let numbers = self.marks.iter().map(|(number, ..)| *number);
        self.outcome.numbers = numbers.map(RecordNumber).collect();
        (self.marks, self.outcome)
    }
}
