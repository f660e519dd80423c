//! The one process of a store, on `SQLite`: it holds a lock on a file beside the database.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rabt_model::{CitizenId, RecordNumber};

use super::profiles::json_ids;
use super::{SqliteTransaction, create_private};
use crate::StorageError;
use crate::convert::{to_count, to_id_bytes, to_integer, to_memberships, to_steps};
use crate::error::Doing;
use crate::lease::{
    FORGOTTEN_TOGETHER, Fence, Following, Head, Holder, KEPT_STEPS, Lease, Leases, PROCESS_OF_STEP,
    STEPS,
};

/// Nobody ever takes the lease over.
const EPOCH: u64 = 1;

/// How often and how long a start waits for a process that is about to end.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

const PUT_STEP: &str = "INSERT INTO steps (number, process, citizens) VALUES (?, ?, ?)";

const FORGET_STEPS: &str = "DELETE FROM steps WHERE number <= ?";

const HEAD: &str = "SELECT (SELECT COALESCE(MIN(number), 0) FROM steps),
    (SELECT COALESCE(MAX(number), 0) FROM steps),
    (SELECT COALESCE(MAX(sequence), 0) FROM changes)";

const MEMBERSHIPS: &str = "SELECT memberships.record, citizens.id
    FROM memberships JOIN citizens ON citizens.number = memberships.citizen
    WHERE citizens.id IN (SELECT UNHEX(value) FROM json_each($1)) ORDER BY memberships.record";

pub(super) struct SqliteLeases {
    /// `None` in memory, where nobody else can be.
    path: Option<PathBuf>,
    /// The locked file. The operating system unlocks it when the process ends, however it ends.
    locked: Mutex<Option<File>>,
}

impl SqliteLeases {
    /// The file that is locked for the database at `path`.
    pub(super) fn beside(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push("-lock");
        Self {
            path: Some(name.into()),
            locked: Mutex::new(None),
        }
    }

    pub(super) const fn in_memory() -> Self {
        Self {
            path: None,
            locked: Mutex::new(None),
        }
    }

    pub(super) fn unlock(&self) {
        *self.locked.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn is_locked(&self) -> bool {
        let locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        locked.is_some()
    }

    /// Says whether the lock is this process's now.
    fn try_lock(&self, path: &Path) -> Result<bool, StorageError> {
        let failed = |error: &std::io::Error| StorageError::Configuration {
            problem: format!("{} cannot be locked: {}", path.display(), error.kind()),
            remedy: "name a file in a folder that exists and may be written",
        };
        let file = File::options().write(true).open(path);
        let file = file.map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {
                *self.locked.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(failed(&error)),
        }
    }
}

#[async_trait]
impl Leases for SqliteLeases {
    async fn take(&self, _: &str, _: &Holder, _: Duration) -> Result<Lease, StorageError> {
        let held = Lease::Held { epoch: EPOCH };
        let Some(path) = &self.path else {
            return Ok(held);
        };
        if self.is_locked() {
            return Ok(held);
        }
        create_private(path).await?;
        for _ in 0..ATTEMPTS {
            if self.try_lock(path)? {
                return Ok(held);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(StorageError::Configuration {
            problem: format!("another process serves it (it holds {})", path.display()),
            remedy: "stop that one, or let several nodes share a PostgreSQL database",
        })
    }

    async fn release(&self, _: &str, _: u64) -> Result<(), StorageError> {
        self.unlock();
        Ok(())
    }

    fn is_shared(&self) -> bool {
        false
    }
}

#[async_trait]
impl Fence for SqliteTransaction {
    async fn hold(&mut self, _: &str, _: u64) -> Result<(), StorageError> {
        Ok(())
    }
}

#[async_trait]
impl Following for SqliteTransaction {
    async fn put_step(
        &mut self,
        process: i64,
        citizens: &[CitizenId],
    ) -> Result<u64, StorageError> {
        const DOING: &str = "storing a step";
        let number = self.last().await?.step + 1;
        self.write(DOING, PUT_STEP, |values| {
            values.add(number).add(process).add(to_id_bytes(citizens));
        })
        .await?;
        self.took(|last| last.step = number);
        if number % FORGOTTEN_TOGETHER == 0 {
            self.write(DOING, FORGET_STEPS, |values| {
                values.add(number - to_integer(KEPT_STEPS));
            })
            .await?;
        }
        Ok(to_count(number))
    }

    async fn process_of_step(&mut self, number: u64) -> Result<Option<i64>, StorageError> {
        sqlx::query_scalar(PROCESS_OF_STEP)
            .bind(to_integer(number))
            .fetch_optional(self.ready().await?)
            .await
            .doing("reading a step")
    }

    async fn steps_after(
        &mut self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Vec<CitizenId>)>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(STEPS)
            .bind(to_integer(after))
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading steps")?;
        to_steps(rows)
    }

    async fn head(&mut self) -> Result<Head, StorageError> {
        let row: (i64, i64, i64) = sqlx::query_as(HEAD)
            .fetch_one(self.ready().await?)
            .await
            .doing("reading what changed")?;
        Ok(Head {
            first_step: to_count(row.0),
            last_step: to_count(row.1),
            last_change: to_count(row.2),
            ..Head::default()
        })
    }

    async fn memberships_of(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(MEMBERSHIPS)
            .bind(json_ids(citizens)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading memberships")?;
        to_memberships(rows)
    }
}
