//! What becomes of the open tasks of some citizens, and tasks between rows and what callers see:
//! without the database, the same for both backends.

use std::collections::BTreeMap;

use rabt_model::{CitizenId, DecisionNumber, RecordNumber, ReviewKind, TaskNumber};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::StorageError;
use crate::convert::{citizen_bytes, corrupt, to_citizen, to_count, to_timestamp};
use crate::review::{NewTask, StoredTask, TaskCounts, TaskPlace};

/// A task: number, creation, kind, then record and citizen of the lower and of the higher citizen,
/// weight, pairs, worth, who claimed it and until when, proposal.
pub(crate) type TaskRow = (
    i64,
    i64,
    String,
    i64,
    Vec<u8>,
    i64,
    Vec<u8>,
    i64,
    i64,
    i64,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

/// An open task: its number and its citizens, the lower one first.
pub(crate) type OpenRow = (i64, i64, i64);

/// The tasks of one call by the numbers of their citizens, the lower one first.
pub(crate) struct TaskBatch<'a> {
    tasks: BTreeMap<(i64, i64), &'a NewTask>,
    numbers: FxHashMap<Vec<u8>, i64>,
}

/// A task to write.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct TaskWrite {
    /// 0 for a new one.
    pub(crate) number: i64,
    pub(crate) low_citizen: i64,
    pub(crate) low_record: i64,
    pub(crate) high_citizen: i64,
    pub(crate) high_record: i64,
    pub(crate) kind: &'static str,
    pub(crate) weight: i32,
    pub(crate) pairs: u32,
    pub(crate) worth: u32,
}

/// What a call writes.
#[derive(Default)]
pub(crate) struct TaskWrites {
    pub(crate) opened: Vec<TaskWrite>,
    pub(crate) kept: Vec<TaskWrite>,
    pub(crate) closed: Vec<i64>,
}

/// Returns the citizens that tasks name.
pub(crate) fn citizens_of(tasks: &[NewTask]) -> Vec<CitizenId> {
    let both = tasks.iter().map(|task| [task.left.1, task.right.1]);
    both.flatten().collect()
}

/// Returns the place of the task that a page begins behind.
pub(crate) fn page_start(after: Option<TaskPlace>) -> TaskPlace {
    // No number is 0, so every task is behind this place.
    after.unwrap_or(TaskPlace {
        worth: u32::MAX,
        weight: i32::MAX,
        number: TaskNumber(0),
    })
}

impl<'a> TaskBatch<'a> {
    /// Sorts tasks by their citizens, whose numbers are given by their ids. Of two that name the
    /// same citizens the last one counts.
    pub(crate) fn new(
        tasks: &'a [NewTask],
        numbers: Vec<(Vec<u8>, i64)>,
    ) -> Result<Self, StorageError> {
        let mut batch = Self {
            tasks: BTreeMap::new(),
            numbers: numbers.into_iter().collect(),
        };
        for task in tasks {
            let (left, right) = (batch.number(task.left.1)?, batch.number(task.right.1)?);
            if left == right {
                return Err(corrupt("review_tasks", "a task names one citizen twice"));
            }
            let citizens = (left.min(right), left.max(right));
            batch.tasks.insert(citizens, task);
        }
        Ok(batch)
    }

    /// Compares the tasks with those that are open.
    pub(crate) fn against(mut self, open: &[OpenRow]) -> Result<TaskWrites, StorageError> {
        let mut writes = TaskWrites::default();
        for (number, low, high) in open {
            match self.tasks.remove(&(*low, *high)) {
                Some(task) => writes.kept.push(self.write(*number, task)?),
                None => writes.closed.push(*number),
            }
        }
        for task in self.tasks.values() {
            writes.opened.push(self.write(0, task)?);
        }
        Ok(writes)
    }

    fn number(&self, citizen: CitizenId) -> Result<i64, StorageError> {
        let found = self.numbers.get(citizen_bytes(citizen).as_slice());
        found
            .copied()
            .ok_or_else(|| corrupt("review_tasks", "a task names a citizen who is not known"))
    }

    fn write(&self, number: i64, task: &NewTask) -> Result<TaskWrite, StorageError> {
        let mut low = (self.number(task.left.1)?, task.left.0.0);
        let mut high = (self.number(task.right.1)?, task.right.0.0);
        if low.0 > high.0 {
            (low, high) = (high, low);
        }
        Ok(TaskWrite {
            number,
            low_citizen: low.0,
            low_record: low.1,
            high_citizen: high.0,
            high_record: high.1,
            kind: task.kind.code(),
            weight: task.weight,
            pairs: task.pairs,
            worth: task.worth,
        })
    }
}

impl TaskWrites {
    /// Returns what became of the tasks.
    pub(crate) const fn counts(&self) -> TaskCounts {
        TaskCounts {
            opened: self.opened.len() as u64,
            kept: self.kept.len() as u64,
            closed: self.closed.len() as u64,
        }
    }
}

pub(crate) fn to_task(row: TaskRow) -> Result<StoredTask, StorageError> {
    let (number, created_at, kind, low_record, low, high_record, high, ..) = row;
    let (.., weight, pairs, worth, by, until, proposal) = row;
    let mut left = (RecordNumber(low_record), to_citizen(&low)?);
    let mut right = (RecordNumber(high_record), to_citizen(&high)?);
    // The citizen who was known first need not be the one with the lower record.
    if left.0 > right.0 {
        (left, right) = (right, left);
    }
    let until = until.map(|until| to_timestamp("review_tasks", until));
    Ok(StoredTask {
        number: TaskNumber(number),
        created_at: to_timestamp("review_tasks", created_at)?,
        task: NewTask {
            kind: to_kind(&kind)?,
            left,
            right,
            weight: to_small(weight)?,
            pairs: to_small(pairs)?,
            worth: to_small(worth)?,
        },
        claim: by.zip(until.transpose()?),
        proposal: proposal.map(DecisionNumber),
    })
}

/// Returns the counts in the order of the kinds.
pub(crate) fn to_kind_counts(
    rows: Vec<(String, i64)>,
) -> Result<Vec<(ReviewKind, u64)>, StorageError> {
    let mut counts: BTreeMap<ReviewKind, u64> = BTreeMap::new();
    for (kind, count) in rows {
        counts.insert(to_kind(&kind)?, to_count(count));
    }
    Ok(counts.into_iter().collect())
}

fn to_kind(code: &str) -> Result<ReviewKind, StorageError> {
    ReviewKind::from_code(code).ok_or_else(|| corrupt("review_tasks", "the kind is unknown"))
}

fn to_small<T: TryFrom<i64>>(number: i64) -> Result<T, StorageError> {
    T::try_from(number).map_err(|_| corrupt("review_tasks", "a number is out of range"))
}
