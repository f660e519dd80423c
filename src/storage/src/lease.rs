//! Several processes on one database: which of them writes, and how the others follow.
//!
//! Invariant: a transaction that holds a lease commits only while nobody has taken the lease over
//! since its epoch began; whoever takes it over waits for the commits that are under way.

use std::time::Duration;

use async_trait::async_trait;
use rabt_model::{CitizenId, RecordNumber};

use crate::StorageError;

/// A process that takes a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The node's name.
    pub node: String,
    /// Where it is reached; empty when it does not say.
    pub address: String,
    /// A random number, so that a node is told from the process of its name before it.
    pub process: i64,
}

/// Another process that has a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// The node's name.
    pub node: String,
    /// Where it is reached; empty when it does not say.
    pub address: String,
    /// How long it has the lease yet, unless it renews it.
    pub left: Duration,
}

/// What became of an attempt to take a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// It is the caller's.
    Held {
        /// Grows with every change of holder.
        epoch: u64,
    },
    /// Another process has it.
    Elsewhere(Leader),
}

/// Leases, on connections of their own, so that no transaction can delay a renewal.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes a lease for so long, by the database's own clock, or renews the caller's. One that
    /// ran out is taken over as soon as the transactions that hold it have ended. On `SQLite` a
    /// lease is the one process's, and a second process on the same file is an error.
    async fn take(&self, name: &str, holder: &Holder, ttl: Duration)
    -> Result<Lease, StorageError>;

    /// Gives a lease of this epoch back before its time; does nothing when it is another's.
    async fn release(&self, name: &str, epoch: u64) -> Result<(), StorageError>;

    /// Says whether other processes may be on the same database.
    fn is_shared(&self) -> bool;
}

/// Keeps what one process writes apart from what its successor does.
#[async_trait]
pub trait Fence: Send {
    /// Holds a lease until the end of the transaction; `LeaseLost` when another process took it
    /// since this epoch. Belongs before the commit: a successor waits for whoever holds it.
    async fn hold(&mut self, name: &str, epoch: u64) -> Result<(), StorageError>;
}

/// How many steps are kept. Whoever is further behind reads everything again.
pub const KEPT_STEPS: u64 = 50_000;

/// Older steps are forgotten so many at a time.
pub(crate) const FORGOTTEN_TOGETHER: i64 = 256;

// Both databases understand these. The last step is never forgotten, so numbers do not come again.
pub(crate) const PUT_STEP: &str = "INSERT INTO steps (number, process, citizens)
    SELECT COALESCE(MAX(number), 0) + 1, $1, $2 FROM steps RETURNING number";
pub(crate) const PROCESS_OF_STEP: &str = "SELECT process FROM steps WHERE number = $1";
pub(crate) const FORGET_STEPS: &str = "DELETE FROM steps WHERE number <= $1";
pub(crate) const STEPS: &str = "SELECT number, citizens FROM steps
    WHERE number > $1 ORDER BY number LIMIT $2";

/// Numbers by which a process sees that another one has written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The oldest step that is kept; 0 when there is none.
    pub first_step: u64,
    /// The last step; 0 when there is none.
    pub last_step: u64,
    /// The last change of the feed; 0 when there is none.
    pub last_change: u64,
    /// Revision of the agreements in force; empty when there are none, and on `SQLite`, where
    /// nobody else puts any in force.
    pub agreements: String,
    /// Another number after any change of a source; on `SQLite` always 0.
    pub sources: i64,
}

/// What the others need in order to keep their copies.
#[async_trait]
pub trait Following: Send {
    /// Appends a step of a process: the citizens whose profile, records or redirect a transaction
    /// touches. To be called by transactions that take turns. Returns its number, which grows in
    /// the order of the commits. The last [`KEPT_STEPS`] are kept.
    async fn put_step(&mut self, process: i64, citizens: &[CitizenId])
    -> Result<u64, StorageError>;

    /// Returns the process of a step; `None` when it is not kept.
    async fn process_of_step(&mut self, number: u64) -> Result<Option<i64>, StorageError>;

    /// Returns up to `limit` steps with a number above `after` that are still kept, in order.
    async fn steps_after(
        &mut self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Vec<CitizenId>)>, StorageError>;

    /// Returns the head of this state of storage.
    async fn head(&mut self) -> Result<Head, StorageError>;

    /// Returns the memberships of these citizens, in the order of the record numbers.
    async fn memberships_of(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError>;
}
