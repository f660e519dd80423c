//! Checks a whole log, entry by entry, against its checkpoints and its public key.
//!
//! What cannot be seen from here: that the end of the log was cut off together with every checkpoint of
//! it. For that, keep a checkpoint elsewhere and pass it in with the others.

use std::collections::VecDeque;
use std::fmt;

use crate::tree::{Hash, Tree, leaf_hash};
use crate::{Checkpoint, CheckpointError, CheckpointVerifier, Entry, EntryError};

/// Most problems that are listed; the others are counted.
const LISTED: usize = 100;

/// Checks entries as they come. Needs memory for the checkpoints only.
#[derive(Debug, Clone)]
pub struct LogVerifier {
    /// Ascending by size.
    checkpoints: VecDeque<Checkpoint>,
    /// Over the kept leaf hashes.
    kept: Tree,
    /// Over the hashes of the entries themselves; only while they differ from the kept ones.
    made: Option<Tree>,
    /// Leaves since the last good checkpoint whose kept hash is not that of the entry.
    suspects: Vec<u64>,
    /// Whether the tree cannot fit any checkpoint any more.
    broken: bool,
    /// Number of checkpoints, valid or not.
    offered: u64,
    next: u64,
    report: Report,
}

/// The result of checking a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Number of entries that were read.
    pub entries: u64,
    /// Number of entries of which only the hash was read: they are in an archive.
    pub archived: u64,
    /// Number of entries, from the first, that a valid checkpoint covers.
    pub signed: u64,
    /// Number of valid checkpoints.
    pub checkpoints: u64,
    /// Root of the tree over the entries.
    pub root: Hash,
    /// What is wrong, ascending by leaf; at most the first 100.
    pub problems: Vec<Problem>,
    /// Number of problems that are not listed.
    pub unlisted: u64,
}

/// One thing that is wrong, and the leaf where it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// Number of the leaf, from 0. For a checkpoint, the last leaf it says it covers.
    pub leaf: u64,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What can be wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Another leaf stands where this one should.
    Order {
        /// The leaf that was found.
        found: u64,
    },
    /// The entry was changed: its kept leaf hash is the signed one and not that of the entry.
    Entry,
    /// The kept leaf hash was changed: the entry is the signed one.
    LeafHash,
    /// Entry and leaf hash do not fit, and no checkpoint says which of the two was changed.
    EntryOrLeafHash,
    /// The entry is in the log and cannot be read.
    Unreadable(EntryError),
    /// One or more entries, from this leaf up to the checkpoint, are not those that were signed.
    Root {
        /// Size of the checkpoint.
        size: u64,
    },
    /// The log ends before this leaf, which a checkpoint covers.
    Missing {
        /// Size of the checkpoint.
        size: u64,
    },
    /// The checkpoint cannot be trusted.
    Checkpoint(CheckpointError),
    /// The checkpoint was signed for another size than the one it is kept under.
    CheckpointSize {
        /// The signed size.
        signed: u64,
    },
    /// Two valid checkpoints of the same size have different roots: the log was rewritten.
    Fork,
    /// There are entries and no checkpoint.
    Unsigned,
}

/// Checks a log: entries as leaf number, body and kept leaf hash; checkpoints as kept size and note.
pub fn verify_log(
    entries: impl IntoIterator<Item = (u64, Vec<u8>, Hash)>,
    checkpoints: impl IntoIterator<Item = (u64, Vec<u8>)>,
    verifier: &CheckpointVerifier,
) -> Report {
    let mut log = LogVerifier::new(verifier, checkpoints);
    for (leaf, body, leaf_hash) in entries {
        log.entry(leaf, &body, &leaf_hash);
    }
    log.finish()
}

impl LogVerifier {
    /// Returns a verifier that has checked the checkpoints and seen no entry yet. Each checkpoint comes
    /// with the size it is kept under.
    pub fn new(
        verifier: &CheckpointVerifier,
        checkpoints: impl IntoIterator<Item = (u64, Vec<u8>)>,
    ) -> Self {
        let mut log = Self {
            checkpoints: VecDeque::new(),
            kept: Tree::new(),
            made: None,
            suspects: Vec::new(),
            broken: false,
            offered: 0,
            next: 0,
            report: Report {
                entries: 0,
                archived: 0,
                signed: 0,
                checkpoints: 0,
                root: Tree::new().root(),
                problems: Vec::new(),
                unlisted: 0,
            },
        };
        let mut valid = Vec::new();
        for (size, note) in checkpoints {
            log.offered += 1;
            let last = size.saturating_sub(1);
            match verifier.open(&note) {
                Ok(checkpoint) if checkpoint.size == size => valid.push(checkpoint),
                Ok(Checkpoint { size: signed, .. }) => {
                    log.note(last, Wrong::CheckpointSize { signed });
                }
                Err(error) => log.note(last, Wrong::Checkpoint(error)),
            }
        }
        log.report.checkpoints = valid.len() as u64;
        valid.sort_by_key(|checkpoint| checkpoint.size);
        for checkpoint in valid {
            match log.checkpoints.back() {
                Some(last) if last.size == checkpoint.size => {
                    if last.root != checkpoint.root {
                        log.note(checkpoint.size.saturating_sub(1), Wrong::Fork);
                    }
                }
                Some(_) | None => log.checkpoints.push_back(checkpoint),
            }
        }
        log.settle();
        log
    }

    /// Takes the next leaf by its kept hash alone: its entry is in an archive that is not at hand.
    pub fn archived(&mut self, kept: &Hash) {
        self.report.archived += 1;
        self.next += 1;
        self.kept.append(*kept);
        if let Some(tree) = &mut self.made {
            tree.append(*kept);
        }
        self.settle();
    }

    /// Checks the next entry: its number, body and kept leaf hash.
    pub fn entry(&mut self, leaf: u64, body: &[u8], kept: &Hash) {
        self.report.entries += 1;
        if leaf != self.next {
            self.note(self.next, Wrong::Order { found: leaf });
            self.broken = true;
            if leaf < self.next {
                return;
            }
        }
        self.next = leaf + 1;
        let made = leaf_hash(body);
        if made != *kept {
            self.suspects.push(leaf);
            if self.made.is_none() {
                self.made = Some(self.kept.clone());
            }
        } else if let Err(error) = Entry::decode(body) {
            self.note(leaf, Wrong::Unreadable(error));
        }
        self.kept.append(*kept);
        if let Some(tree) = &mut self.made {
            tree.append(made);
        }
        self.settle();
    }

    /// Returns what was found.
    pub fn finish(mut self) -> Report {
        self.blame(Wrong::EntryOrLeafHash);
        let ahead = std::mem::take(&mut self.checkpoints);
        if let (Some(checkpoint), false) = (ahead.front(), self.broken) {
            let size = checkpoint.size;
            self.note(self.next, Wrong::Missing { size });
        }
        if self.report.entries > 0 && self.offered == 0 {
            self.note(0, Wrong::Unsigned);
        }
        self.report.root = self.kept.root();
        self.report.problems.sort_by_key(|problem| problem.leaf);
        self.report
    }

    /// Compares the tree with the checkpoint of its size, if there is one.
    fn settle(&mut self) {
        let reached = self
            .checkpoints
            .front()
            .is_some_and(|next| next.size <= self.next);
        let Some(checkpoint) = self.checkpoints.pop_front_if(|_| reached) else {
            return;
        };
        let size = checkpoint.size;
        if !self.broken && self.kept.root() == checkpoint.root {
            self.blame(Wrong::Entry);
            self.report.signed = size;
            return;
        }
        let made = self
            .made
            .take()
            .filter(|made| made.root() == checkpoint.root);
        if let (Some(made), false) = (made, self.broken) {
            self.kept = made;
            self.blame(Wrong::LeafHash);
            self.report.signed = size;
            return;
        }
        self.blame(Wrong::EntryOrLeafHash);
        if !self.broken {
            // Every later checkpoint covers the same entries, so it would fail for the same reason.
            self.broken = true;
            self.note(self.report.signed, Wrong::Root { size });
        }
    }

    /// Reports the leaves whose hashes do not fit, now that it is known what was changed.
    fn blame(&mut self, wrong: Wrong) {
        self.made = None;
        for leaf in std::mem::take(&mut self.suspects) {
            self.note(leaf, wrong);
        }
    }

    fn note(&mut self, leaf: u64, wrong: Wrong) {
        if self.report.problems.len() < LISTED {
            self.report.problems.push(Problem { leaf, wrong });
        } else {
            self.report.unlisted += 1;
        }
    }
}

impl Report {
    /// Says whether nothing is wrong. Entries after the last checkpoint are counted as not signed, which
    /// is not wrong in itself.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// Returns the problem at the first bad leaf.
    pub fn first(&self) -> Option<&Problem> {
        self.problems.first()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaf = self.leaf;
        match self.wrong {
            Wrong::Order { found } => write!(f, "leaf {leaf}: leaf {found} stands in its place"),
            Wrong::Entry => write!(f, "leaf {leaf}: the entry was changed"),
            Wrong::LeafHash => write!(f, "leaf {leaf}: the kept leaf hash was changed"),
            Wrong::EntryOrLeafHash => {
                write!(f, "leaf {leaf}: the entry or its leaf hash was changed")
            }
            Wrong::Unreadable(error) => write!(f, "leaf {leaf}: the entry {error}"),
            Wrong::Root { size } => write!(
                f,
                "leaf {leaf}: of the entries from here to leaf {}, one or more are not those that were signed",
                size.saturating_sub(1)
            ),
            Wrong::Missing { size } => {
                write!(
                    f,
                    "leaf {leaf}: missing, and a checkpoint covers {size} entries"
                )
            }
            Wrong::Checkpoint(error) => write!(f, "checkpoint of {} entries: {error}", leaf + 1),
            Wrong::CheckpointSize { signed } => write!(
                f,
                "checkpoint of {} entries: it was signed for {signed} entries",
                leaf + 1
            ),
            Wrong::Fork => write!(
                f,
                "checkpoint of {} entries: there are two with different roots",
                leaf + 1
            ),
            Wrong::Unsigned => write!(f, "leaf {leaf}: there is no checkpoint of the log"),
        }
    }
}

#[cfg(test)]
mod tests;
