//! Storage on `SQLite`: one writer, readers that do not wait for it, and the audit log in a file
//! of its own.

mod agreements;
mod appender;
mod archives;
mod audit_index;
mod audit_log;
mod bulk;
mod cases;
mod changes;
mod checkpoint;
mod clusters;
mod columns;
mod decisions;
mod deletions;
mod history;
mod later;
mod leases;
mod marks;
mod outbox;
mod profiles;
mod records;
mod rejections;
mod reviews;
mod script;
mod sources;
mod stamps;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::StorageError;
use crate::error::Doing;
use crate::feed::Told;
use crate::lease::Leases;
use crate::names::{LocalNames, SharedNames};
use crate::repository::{AuditLog, Storage, Transaction};

use appender::Appender;
use audit_log::SqliteAuditLog;
use checkpoint::Checkpoints;
use later::Last;
use leases::SqliteLeases;
use script::Script;
use writer::{Open, Writer, taking_back};

/// How long a transaction waits for the one before it.
const WRITER_PATIENCE: Duration = Duration::from_mins(5);

/// Readers beside the writer.
const READERS: u32 = 4;

pub(crate) struct SqliteStorage {
    writer: Writer,
    reader: SqlitePool,
    audit_log: Arc<SqliteAuditLog>,
    /// Of the database and of the audit log; none in memory.
    checkpoints: Vec<Checkpoints>,
    leases: Arc<SqliteLeases>,
    names: SharedNames,
}

/// A transaction, or a snapshot on a connection that refuses writes.
pub(crate) struct SqliteTransaction {
    inner: Open,
    names: LocalNames,
    told: Told,
    /// Of a transaction that links what it stores: writes that wait.
    arrivals: Option<Script>,
    /// Why a write that waited could not be carried out.
    failed: Option<StorageError>,
    last: Option<Last>,
}

impl SqliteStorage {
    /// Opens the database at `path`, and the audit log beside it; creates what is not there.
    pub(crate) async fn open_file(path: &Path) -> Result<Self, StorageError> {
        let audit_path = audit_path(path);
        create_private(path).await?;
        create_private(&audit_path).await?;
        let writer = writing_pool(file_options(path)).await?;
        sqlx::migrate!("migrations/sqlite").run(&writer).await?;
        let reader = pool(file_options(path).pragma("query_only", "ON"), READERS).await?;
        // SQLite looks through all of its cache when pages changed their places; what is deleted is
        // overwritten wherever its page is written anyhow
        let appender = file_options(&audit_path)
            .pragma("cache_size", "-8192")
            .pragma("secure_delete", "FAST");
        let appender = pool(appender, 1).await?;
        sqlx::migrate!("migrations/sqlite_audit")
            .run(&appender)
            .await?;
        let audit_reader = pool(file_options(&audit_path).pragma("query_only", "ON"), 2).await?;
        let mut checkpoints = Vec::with_capacity(2);
        for path in [path, &audit_path] {
            // whoever reads an old state is not waited for, since writers wait too
            let options = file_options(path).busy_timeout(Duration::from_millis(10));
            checkpoints.push(Checkpoints::start(pool(options, 1).await?));
        }
        let storage = Self {
            writer: Writer::in_file(writer),
            reader,
            audit_log: Arc::new(SqliteAuditLog::new(
                Appender::in_file(appender),
                audit_reader,
            )),
            checkpoints,
            leases: Arc::new(SqliteLeases::beside(path)),
            names: SharedNames::default(),
        };
        storage.learn_names().await?;
        Ok(storage)
    }

    /// Opens an empty database in memory, on one connection that everybody waits for.
    pub(crate) async fn open_memory() -> Result<Self, StorageError> {
        let options = || common(SqliteConnectOptions::new().in_memory(true));
        let writer = writing_pool(options()).await?;
        sqlx::migrate!("migrations/sqlite").run(&writer).await?;
        let appender = pool(options(), 1).await?;
        sqlx::migrate!("migrations/sqlite_audit")
            .run(&appender)
            .await?;
        Ok(Self {
            reader: writer.clone(),
            writer: Writer::in_memory(writer),
            audit_log: Arc::new(SqliteAuditLog::new(
                Appender::in_memory(appender.clone()),
                appender,
            )),
            checkpoints: Vec::new(),
            leases: Arc::new(SqliteLeases::in_memory()),
            names: SharedNames::default(),
        })
    }
}

impl SqliteStorage {
    /// Reads the names that earlier processes stored, so that no transaction has to.
    async fn learn_names(&self) -> Result<(), StorageError> {
        let inner = self.reader.begin().await.doing("opening storage")?;
        let inner = Open::Reads(inner);
        let mut transaction = Box::new(SqliteTransaction::new(inner, &self.names));
        transaction.read_names().await?;
        transaction.commit().await
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StorageError> {
        let inner = self.writer.begin().await;
        let inner = inner.doing("beginning a transaction")?;
        Ok(Box::new(SqliteTransaction::new(inner, &self.names)))
    }

    async fn snapshot(&self) -> Result<Box<dyn Transaction>, StorageError> {
        let inner = self.reader.begin_with("BEGIN DEFERRED").await;
        let mut inner = inner.doing("beginning a snapshot")?;
        // A deferred transaction sees the state of its first statement, so it gets one now.
        sqlx::query("SELECT COUNT(*) FROM (SELECT 1 FROM streams LIMIT 1)")
            .execute(&mut *inner)
            .await
            .doing("beginning a snapshot")?;
        let inner = Open::Reads(inner);
        Ok(Box::new(SqliteTransaction::new(inner, &self.names)))
    }

    fn audit_log(&self) -> Arc<dyn AuditLog> {
        let log: Arc<SqliteAuditLog> = Arc::clone(&self.audit_log);
        log
    }

    fn leases(&self) -> Arc<dyn Leases> {
        let leases: Arc<SqliteLeases> = Arc::clone(&self.leases);
        leases
    }

    async fn probe(&self) -> Result<(), StorageError> {
        sqlx::query("SELECT 1")
            .execute(&self.reader)
            .await
            .doing("probing storage")?;
        self.audit_log.last_outbox().await.map(|_| ())
    }

    fn backend(&self) -> &'static str {
        "sqlite"
    }

    async fn close(&self) {
        for checkpoints in &self.checkpoints {
            checkpoints.close().await;
        }
        self.reader.close().await;
        self.writer.close().await;
        self.audit_log.close().await;
        self.leases.unlock();
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let waiting = self.arrivals.filter(|script| !script.is_empty());
        self.inner.commit(waiting).await.doing("committing")?;
        self.names.publish();
        Ok(())
    }
}

crate::folder::keeps_folders!(SqliteTransaction);
crate::agreement::keeps_agreements!(SqliteTransaction);
crate::correction::keeps_corrections!(SqliteTransaction);
crate::erasure::keeps_erasures!(SqliteTransaction);
crate::key::keeps_data_keys!(SqliteTransaction);

impl SqliteTransaction {
    fn new(inner: Open, names: &SharedNames) -> Self {
        Self {
            inner,
            names: names.local(),
            told: Told::default(),
            arrivals: None,
            failed: None,
            last: None,
        }
    }

    /// Returns the connection, for statements about what no write that waits is about.
    fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }
}

/// Returns where the audit log of the database at `path` is: `rabt.db` has `rabt-audit.db`.
fn audit_path(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match path.extension() {
        Some(extension) => {
            path.with_file_name(format!("{stem}-audit.{}", extension.to_string_lossy()))
        }
        None => path.with_file_name(format!("{stem}-audit")),
    }
}

/// Creates an empty file that only its owner may read, unless there is one. `SQLite` gives its
/// journal files the same rights.
async fn create_private(path: &Path) -> Result<(), StorageError> {
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    options.mode(0o600);
    let opened = options.open(path).await;
    opened
        .map(drop)
        .map_err(|error| StorageError::Configuration {
            problem: format!("{} cannot be opened: {}", path.display(), error.kind()),
            remedy: "name a file in a folder that exists and may be written",
        })
}

fn file_options(path: &Path) -> SqliteConnectOptions {
    common(SqliteConnectOptions::new().filename(path))
        .journal_mode(SqliteJournalMode::Wal)
        // Anything less may lose a committed transaction when the power fails.
        .synchronous(SqliteSynchronous::Full)
        // Others do it beside the writer; a journal that they cannot empty is not let grow for ever.
        .pragma("wal_autocheckpoint", "40000")
        .pragma("journal_size_limit", "67108864")
}

fn common(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "MEMORY")
        .row_buffer_size(1024)
        // every statement there is, and those of many rows in each of their lengths
        .statement_cache_capacity(256)
        // A statement of many rows is too long for a log.
        .disable_statement_logging()
}

/// Returns a pool whose connections stay: one in memory is the database itself.
async fn pool(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, StorageError> {
    connect(
        SqlitePoolOptions::new().max_connections(connections),
        options,
    )
    .await
}

/// Returns the pool of the connection that writes.
async fn writing_pool(options: SqliteConnectOptions) -> Result<SqlitePool, StorageError> {
    connect(
        taking_back(SqlitePoolOptions::new().max_connections(1)),
        options,
    )
    .await
}

async fn connect(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, StorageError> {
    pool.acquire_timeout(WRITER_PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .doing("opening storage")
}
