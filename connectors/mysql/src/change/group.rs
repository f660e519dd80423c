//! A transaction in the log, until its end is seen.
//!
//! Invariant: memory stays flat. Of a transaction with many changes only their number is kept, and where
//! it begins: it is read a second time when it holds.

use std::collections::HashMap;
use std::sync::Arc;

use super::log::Begin;
use super::place::{Spot, Stored};
use super::rows::Tuple;
use super::shape::Shape;

/// How much of a transaction is kept, in bytes and in changes.
const MOST_BYTES: usize = 4 << 20;
const MOST_CHANGES: usize = 10_000;

/// A change of the table.
#[derive(Debug, Clone)]
pub(super) enum Changed {
    Inserted(Arc<Shape>, Tuple),
    Updated(Arc<Shape>, Tuple, Tuple),
    Deleted(Arc<Shape>, Tuple),
    Emptied,
}

/// A transaction that has not ended.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) begin: Begin,
    /// Where it begins.
    pub(super) spot: Spot,
    pub(super) made: u32,
    /// How many changes of the table it has.
    pub(super) changes: u64,
    /// The changes; nothing when they are too many to keep.
    pub(super) held: Option<Vec<Changed>>,
    size: usize,
    /// Savepoints, with the number of changes before each.
    saves: Vec<(String, u64)>,
    /// Changes that were taken back: from, and up to without.
    void: Vec<(u64, u64)>,
    /// How many of its changes the host has been sent.
    pub(super) sent: u64,
    /// Whether what it did is known to be visible.
    pub(super) visible: bool,
    /// Whether it emptied the table.
    pub(super) emptied: bool,
}

/// Changes of transactions that are prepared, as many as fit: others are read a second time.
#[derive(Debug, Default)]
pub(super) struct Kept {
    changes: HashMap<String, (Vec<Changed>, usize)>,
    size: usize,
}

impl Kept {
    pub(super) fn put(&mut self, xid: &str, group: &mut Group) {
        self.take(xid);
        let room = self.size + group.size <= MOST_BYTES;
        let held = group.held.take().filter(|held| room && !held.is_empty());
        if let Some(held) = held {
            self.size += group.size;
            self.changes.insert(xid.to_owned(), (held, group.size));
        }
    }

    pub(super) fn take(&mut self, xid: &str) -> Option<Vec<Changed>> {
        let (held, size) = self.changes.remove(xid)?;
        self.size -= size;
        Some(held)
    }
}

impl Group {
    pub(super) fn new(begin: Begin, spot: Spot, made: u32) -> Self {
        Self {
            begin,
            spot,
            made,
            changes: 0,
            held: Some(Vec::new()),
            size: 0,
            saves: Vec::new(),
            void: Vec::new(),
            sent: 0,
            visible: false,
            emptied: false,
        }
    }

    pub(super) fn note(&mut self, changed: Changed) {
        self.changes += 1;
        let Some(held) = &mut self.held else {
            return;
        };
        self.size += changed.size();
        held.push(changed);
        if self.size > MOST_BYTES || held.len() > MOST_CHANGES {
            self.held = None;
        }
    }

    pub(super) fn save(&mut self, name: &str) {
        let name = name.to_lowercase();
        self.saves.retain(|(known, _)| *known != name);
        self.saves.push((name, self.changes));
    }

    /// Takes back what was done behind a savepoint; says whether it is known.
    #[must_use]
    pub(super) fn take_back_to(&mut self, name: &str) -> bool {
        let name = name.to_lowercase();
        let Some(at) = self.saves.iter().position(|(known, _)| *known == name) else {
            return false;
        };
        self.saves.truncate(at + 1);
        self.void.push((self.saves[at].1, self.changes));
        true
    }

    /// Returns where the changes lie in the log, for a later reading.
    pub(super) fn stored(&self) -> Stored {
        Stored {
            spot: self.spot.clone(),
            made: self.made,
            void: self.void.clone(),
        }
    }
}

impl Stored {
    /// Says whether a change was taken back.
    pub(super) fn is_void(&self, number: u64) -> bool {
        let mut void = self.void.iter();
        void.any(|(from, to)| (*from..*to).contains(&number))
    }
}

impl Changed {
    fn size(&self) -> usize {
        let of = |tuple: &Tuple| tuple.0.iter().map(super::value::Value::size).sum();
        match self {
            Self::Inserted(_, row) | Self::Deleted(_, row) => of(row),
            Self::Updated(_, before, after) => {
                let (before, after): (usize, usize) = (of(before), of(after));
                before + after
            }
            Self::Emptied => size_of::<Self>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Begin, Changed, Group, Spot};

    fn group() -> Group {
        let begin = Begin {
            alone: false,
            phase: None,
        };
        let spot = Spot {
            file: "log.000001".into(),
            offset: 4,
        };
        Group::new(begin, spot, 1)
    }

    #[test]
    fn what_was_taken_back_is_known() {
        let mut group = group();
        group.note(Changed::Emptied);
        group.save("A");
        group.note(Changed::Emptied);
        group.save("b");
        group.note(Changed::Emptied);
        assert!(group.take_back_to("a"));
        assert!(!group.take_back_to("b"), "went with the first");
        group.note(Changed::Emptied);
        let void: Vec<bool> = (0..4).map(|n| group.stored().is_void(n)).collect();
        assert_eq!(void, [false, true, true, false]);
    }

    #[test]
    fn many_changes_are_counted_alone() {
        let mut group = group();
        for _ in 0..=super::MOST_CHANGES {
            group.note(Changed::Emptied);
        }
        assert!(group.held.is_none());
        assert_eq!(group.changes, 10_001);
    }
}
