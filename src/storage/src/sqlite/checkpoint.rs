//! Moving what was committed from the journal into the database file, beside the writer.
//!
//! `SQLite` leaves it to the commit that fills the journal, which then waits for the disk several
//! times, and everybody behind it too. Here another connection does it, which makes nobody wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::SqlitePool;
use tokio::task::JoinSet;

/// How often it is done; when nothing was committed it costs nothing.
const EVERY: Duration = Duration::from_secs(1);
/// Attempts to come to the end of the journal, so that it begins anew, while others write on.
const ATTEMPTS: usize = 3;

const PASS: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The task that does it; it ends with this value.
pub(super) struct Checkpoints {
    pool: SqlitePool,
    task: Mutex<JoinSet<()>>,
}

impl Checkpoints {
    /// Starts on a connection of its own.
    pub(super) fn start(pool: SqlitePool) -> Self {
        let mut task = JoinSet::new();
        task.spawn(run(pool.clone()));
        let task = Mutex::new(task);
        Self { pool, task }
    }

    /// Ends; what is in the journal then goes where it belongs when the last connection closes.
    pub(super) async fn close(&self) {
        let task = std::mem::take(&mut *self.task.lock().unwrap_or_else(PoisonError::into_inner));
        drop(task);
        self.pool.close().await;
    }
}

async fn run(pool: SqlitePool) {
    loop {
        tokio::time::sleep(EVERY).await;
        for _ in 0..ATTEMPTS {
            // a database that fails tells those who ask it for something
            let passed = sqlx::query_as(PASS).fetch_one(&pool).await;
            let (_, journal, moved): (i64, i64, i64) = passed.unwrap_or_default();
            if moved >= journal {
                break;
            }
        }
    }
}
