//! The one connection that writes the audit log.
//!
//! It stays with whoever writes next. A pool would look after it between two uses, which is one more way
//! to `SQLite`'s thread and back for each batch of the log.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Executor, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, MutexGuard};

use super::audit_index::Index;
use crate::StorageError;
use crate::error::Doing;

/// Begins to write. Transactions of the log are told to `SQLite` by their words: the driver, which would count
/// them, goes on counting one that a full disk ended.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
/// Makes durable what was written.
pub(super) const COMMIT: &str = "COMMIT";

pub(super) const ROLLBACK: &str = "ROLLBACK";

/// What a writer before may have left: another patience, in milliseconds, than every connection has, and
/// something that it was in the middle of. Most left nothing, and there is nothing to take back.
const RESET: &str = "PRAGMA busy_timeout = 10000; ROLLBACK";

/// Who writes, one after the other.
pub(super) struct Appender {
    pool: SqlitePool,
    /// A database in memory has one connection, which readers wait for too.
    stays: bool,
    end: Mutex<End>,
}

/// Where the last writer left off.
#[derive(Default)]
struct End {
    connection: Option<PoolConnection<Sqlite>>,
    /// Where the index stands; `None` when it is to be read, at first and behind a failure.
    index: Option<Index>,
}

/// The connection, for one writer.
pub(super) struct Writing<'a> {
    end: MutexGuard<'a, End>,
    connection: PoolConnection<Sqlite>,
    stays: bool,
}

impl Appender {
    /// Writes a log in a file, with a pool of one connection that nobody else uses.
    pub(super) fn in_file(pool: SqlitePool) -> Self {
        Self {
            pool,
            stays: true,
            end: Mutex::default(),
        }
    }

    /// Writes a log in memory, whose only connection readers use too.
    pub(super) fn in_memory(pool: SqlitePool) -> Self {
        Self {
            stays: false,
            ..Self::in_file(pool)
        }
    }

    /// Waits for its turn to write.
    pub(super) async fn lock(&self, doing: &'static str) -> Result<Writing<'_>, StorageError> {
        let mut end = self.end.lock().await;
        let connection = if let Some(connection) = end.connection.take() {
            connection
        } else {
            let mut connection = self.pool.acquire().await.doing(doing)?;
            let _ = connection.execute(RESET).await;
            connection
        };
        Ok(Writing {
            end,
            connection,
            stays: self.stays,
        })
    }

    pub(super) async fn close(&self) {
        drop(self.end.lock().await.connection.take());
        self.pool.close().await;
    }
}

impl Writing<'_> {
    /// Takes where the index stands; it is read again unless this writer says where it stands by then.
    pub(super) async fn index(&mut self) -> Result<Index, StorageError> {
        match self.end.index.take() {
            Some(index) => Ok(index),
            None => Index::read(self).await,
        }
    }

    /// Says where the index stands, as was committed.
    pub(super) fn indexed(&mut self, index: Index) {
        self.end.index = Some(index);
    }

    /// Takes back what was not committed.
    pub(super) async fn roll_back(&mut self) {
        // what ended of itself cannot be taken back, and need not
        let _ = self.connection.execute(ROLLBACK).await;
    }

    /// Leaves the connection to the next writer, since nothing is under way on it.
    pub(super) fn done(mut self) {
        if self.stays {
            self.end.connection = Some(self.connection);
        }
    }
}

impl Deref for Writing<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}
