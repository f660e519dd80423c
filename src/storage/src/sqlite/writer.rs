//! The one connection that writes the database, and transactions on it.
//!
//! It stays with whoever writes next, as that of the audit log does. Transactions are told to `SQLite` by their
//! words: the driver, which would count them, goes on counting one that a full disk ended.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Executor, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::WRITER_PATIENCE;
use super::appender::{BEGIN, COMMIT, ROLLBACK};
use super::script::Script;

/// Who writes, one after the other.
pub(super) struct Writer {
    pool: SqlitePool,
    /// A database in memory has one connection, which readers wait for too.
    stays: bool,
    idle: Arc<Mutex<Option<PoolConnection<Sqlite>>>>,
}

/// A transaction on a connection.
pub(super) enum Open {
    /// A snapshot.
    Reads(Transaction<'static, Sqlite>),
    /// The connection that writes. The pool takes back what it was in the middle of when it is dropped.
    Writes {
        connection: PoolConnection<Sqlite>,
        /// Where the connection is left for the next one; nobody else writes until then.
        idle: OwnedMutexGuard<Option<PoolConnection<Sqlite>>>,
        stays: bool,
    },
}

/// Takes back what a connection was in the middle of when it was given up.
pub(super) fn taking_back(options: SqlitePoolOptions) -> SqlitePoolOptions {
    options.after_release(|connection, _| {
        Box::pin(async move {
            // mostly there is nothing, which is an error too
            let _ = connection.execute(ROLLBACK).await;
            Ok(true)
        })
    })
}

impl Writer {
    /// Writes a database in a file, with a pool of one connection that nobody else uses.
    pub(super) fn in_file(pool: SqlitePool) -> Self {
        Self {
            pool,
            stays: true,
            idle: Arc::default(),
        }
    }

    /// Writes a database in memory, whose only connection readers use too.
    pub(super) fn in_memory(pool: SqlitePool) -> Self {
        Self {
            stays: false,
            ..Self::in_file(pool)
        }
    }

    /// Waits for its turn, and begins to write.
    pub(super) async fn begin(&self) -> Result<Open, sqlx::Error> {
        let turn = Arc::clone(&self.idle).lock_owned();
        let turn = tokio::time::timeout(WRITER_PATIENCE, turn).await;
        let mut idle = turn.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let mut connection = match idle.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        connection.execute(BEGIN).await?;
        Ok(Open::Writes {
            connection,
            idle,
            stays: self.stays,
        })
    }

    pub(super) async fn close(&self) {
        drop(self.idle.lock().await.take());
        self.pool.close().await;
    }
}

impl Open {
    /// Carries out what waits and makes all of it durable.
    pub(super) async fn commit(self, waiting: Option<Script>) -> Result<(), sqlx::Error> {
        match self {
            Self::Reads(inner) => inner.commit().await,
            Self::Writes {
                mut connection,
                mut idle,
                stays,
            } => {
                let mut script = waiting.unwrap_or_default();
                script.add(COMMIT);
                script.run(&mut connection).await?;
                if stays {
                    *idle = Some(connection);
                }
                Ok(())
            }
        }
    }
}

impl Deref for Open {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Reads(inner) => inner,
            Self::Writes { connection, .. } => connection,
        }
    }
}

impl DerefMut for Open {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Reads(inner) => inner,
            Self::Writes { connection, .. } => connection,
        }
    }
}
