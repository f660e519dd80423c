//! Storage on PostgreSQL.

mod agreements;
mod append;
mod archives;
mod audit_log;
mod cases;
mod changes;
mod clusters;
mod columns;
mod decisions;
mod deletions;
mod history;
mod leases;
mod marks;
mod outbox;
mod profiles;
mod records;
mod rejections;
mod reviews;
mod sources;
mod stamps;
#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres};

use crate::StorageError;
use crate::error::Doing;
use crate::feed::Told;
use crate::lease::Leases;
use crate::names::{LocalNames, SharedNames};
use crate::repository::{AuditLog, Storage, Transaction};

use audit_log::PostgresAuditLog;
use leases::PostgresLeases;

/// Connections for transactions and snapshots.
const CONNECTIONS: u32 = 8;

/// Connections that only the audit log uses, so that no transaction can delay it.
const AUDIT_CONNECTIONS: u32 = 3;

/// Connections that only leases use: whoever waits to take one over must not delay a renewal.
const LEASE_CONNECTIONS: u32 = 2;

/// How long a transaction may do nothing, milliseconds: as long as a lease lasts. The locks of a process that fell asleep, or
/// whose machine is gone, would keep its successor from writing.
const IDLE: &str = "5000";

/// A snapshot holds no lock that another process waits for, and may take its time.
const UNHURRIED: &str = "SELECT set_config('idle_in_transaction_session_timeout', '0', true)";

/// How long a caller waits for a free connection.
const PATIENCE: Duration = Duration::from_mins(1);

/// Classes of advisory locks, which PostgreSQL releases at the end of the transaction.
mod lock {
    /// Writers of records, by stream.
    pub(super) const STREAM: i32 = 0x5261_6201;
    /// Writers of the outbox.
    pub(super) const OUTBOX: i32 = 0x5261_6202;
    /// Writers of the change feed and of review tasks, which one transaction writes together: with
    /// one lock, no two of them wait for each other.
    pub(super) const CHANGES: i32 = 0x5261_6204;
}

/// Waits for a lock of the first parameter's class on the second parameter.
const LOCK: &str = "SELECT pg_advisory_xact_lock($1, $2)";

/// Of the tables that reading and linking fill. A table that is nearly empty would be planned for as such until
/// the server looks at it again, however much it grows meanwhile.
const ANALYSE: &str = "ANALYZE records, versions, citizens, memberships, changes, revisions,
    review_tasks";

pub(crate) struct PostgresStorage {
    pool: PgPool,
    audit_log: Arc<PostgresAuditLog>,
    leases: Arc<PostgresLeases>,
    names: SharedNames,
}

/// A transaction, or a snapshot that refuses writes.
pub(crate) struct PostgresTransaction {
    inner: sqlx::Transaction<'static, Postgres>,
    names: LocalNames,
    told: Told,
    /// Whether what is written waits to be linked by another transaction.
    marks: bool,
}

impl PostgresStorage {
    /// Connects to the database at `url` and migrates it; the audit log is the one of `origin`.
    pub(crate) async fn open(url: &str, origin: &str) -> Result<Self, StorageError> {
        let options = PgConnectOptions::from_str(url)
            .doing("reading the storage address")?
            .application_name("rabt")
            .options([("idle_in_transaction_session_timeout", IDLE)])
            .disable_statement_logging();
        // A pool tries again for as long as callers wait; this fails at once.
        let first = options.connect().await.doing("connecting to PostgreSQL")?;
        first.close().await.doing("connecting to PostgreSQL")?;
        let pool = pool(options.clone(), CONNECTIONS).await?;
        sqlx::migrate!("migrations/postgres").run(&pool).await?;
        let audit_pool = self::pool(options.clone(), AUDIT_CONNECTIONS).await?;
        let lease_pool = self::pool(options, LEASE_CONNECTIONS).await?;
        let storage = Self {
            pool,
            audit_log: Arc::new(PostgresAuditLog::new(audit_pool, origin.to_owned())),
            leases: Arc::new(PostgresLeases::new(lease_pool)),
            names: SharedNames::default(),
        };
        storage.learn_names().await?;
        Ok(storage)
    }

    /// Reads the names that earlier processes stored, so that no transaction has to.
    async fn learn_names(&self) -> Result<(), StorageError> {
        let inner = self.pool.begin().await.doing("opening storage")?;
        let names = self.names.local();
        let mut transaction = Box::new(PostgresTransaction {
            inner,
            names,
            told: Told::default(),
            marks: true,
        });
        transaction.read_names().await?;
        transaction.commit().await
    }
}

#[async_trait]
impl Storage for PostgresStorage {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StorageError> {
        let inner = self.pool.begin().await;
        Ok(Box::new(PostgresTransaction {
            inner: inner.doing("beginning a transaction")?,
            names: self.names.local(),
            told: Told::default(),
            marks: true,
        }))
    }

    async fn snapshot(&self) -> Result<Box<dyn Transaction>, StorageError> {
        let inner = self
            .pool
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await;
        let mut inner = inner.doing("beginning a snapshot")?;
        // The snapshot is of the first statement, so it gets one now.
        sqlx::query(UNHURRIED)
            .execute(&mut *inner)
            .await
            .doing("beginning a snapshot")?;
        Ok(Box::new(PostgresTransaction {
            inner,
            names: self.names.local(),
            told: Told::default(),
            marks: true,
        }))
    }

    fn audit_log(&self) -> Arc<dyn AuditLog> {
        let log: Arc<PostgresAuditLog> = Arc::clone(&self.audit_log);
        log
    }

    async fn audit_log_of(&self, origin: &str) -> Result<Option<Arc<dyn AuditLog>>, StorageError> {
        let log = self.audit_log.of(origin).await?;
        Ok(log.map(|log| {
            let log: Arc<dyn AuditLog> = Arc::new(log);
            log
        }))
    }

    async fn audit_origins(&self) -> Result<Vec<String>, StorageError> {
        self.audit_log.origins().await
    }

    fn leases(&self) -> Arc<dyn Leases> {
        let leases: Arc<PostgresLeases> = Arc::clone(&self.leases);
        leases
    }

    async fn analyse(&self) -> Result<(), StorageError> {
        sqlx::query(ANALYSE)
            .execute(&self.pool)
            .await
            .doing("analysing tables")?;
        Ok(())
    }

    async fn probe(&self) -> Result<(), StorageError> {
        sqlx::query("SELECT 1")
            .execute(&self.pool)
            .await
            .doing("probing storage")?;
        self.audit_log.last_outbox().await.map(|_| ())
    }

    fn backend(&self) -> &'static str {
        "postgres"
    }

    async fn close(&self) {
        self.pool.close().await;
        self.audit_log.close().await;
        self.leases.close().await;
    }
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        self.inner.commit().await.doing("committing")?;
        self.names.publish();
        Ok(())
    }
}

crate::folder::keeps_folders!(PostgresTransaction);
crate::agreement::keeps_agreements!(PostgresTransaction);
crate::correction::keeps_corrections!(PostgresTransaction);
crate::erasure::keeps_erasures!(PostgresTransaction);
crate::key::keeps_data_keys!(PostgresTransaction);

impl PostgresTransaction {
    fn connection(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}

async fn pool(options: PgConnectOptions, connections: u32) -> Result<PgPool, StorageError> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await
        .doing("opening storage")
}
