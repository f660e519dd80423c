//! That entries leave storage for an archive, as two people decide.

use rabt_model::Timestamp;

use super::ErasureState;

/// That somebody asks for old entries of a log to leave storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredArchive {
    /// Its number, from 1.
    pub number: i64,
    /// Entries of before this time leave.
    pub cutoff: Timestamp,
    /// Why. It names nobody.
    pub reason: String,
    /// Where it stands, in the words of an erasure.
    pub state: ErasureState,
    /// The person who asked.
    pub proposer: String,
    /// The person who decided; empty while nobody has.
    pub decider: String,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

/// What an entry does to an archive, in its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveStep {
    /// Where it stands from now on.
    pub archive: StoredArchive,
    /// The entries that leave, when some do.
    pub removes: Option<Removal>,
}

/// Entries that leave storage; their leaf hashes stay. Nothing leaves when `from` is not where those that left before
/// end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The first leaf: as many as have left before.
    pub from: u64,
    /// The leaf behind the last one. Both are at the beginning of a tile.
    pub to: u64,
    /// None of them is younger.
    pub before: Timestamp,
    /// Name of the folder that they are in.
    pub folder: String,
}

/// What has left a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Archived {
    /// How many entries, from the first one.
    pub size: u64,
    /// No entry of those is younger; `None` when there are none.
    pub before: Option<Timestamp>,
    /// Name of the folder that the last of them are in; empty when there are none.
    pub folder: String,
}
