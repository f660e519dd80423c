//! Moving what was committed from the journal into the database file, beside the writer.
//!
//! `SQLite` leaves it to the commit that fills the journal, which then waits for the disk several
//! times, and everybody behind it too. Here another connection does it, which makes nobody wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::SqlitePool;
use tokio::task::JoinSet;

/// How often it is done; when nothing was committed it costs nothing.
const EVERY: Duration = Duration::from_millis(200);
/// Of so many pages a journal begins anew, so that its file is written again instead of growing: a file that
/// grows costs the disk a second write, and a commit waits for it until everything else that is new on the
/// disk is there too. Few in tests, so that it comes to that.
const LONG: i64 = if cfg!(test) { 64 } else { 12_288 };

/// Moves what it can beside the writer.
const PASS: &str = "PRAGMA wal_checkpoint(PASSIVE)";
/// Moves the rest while writers wait, and lets the journal begin anew.
const BEGIN_ANEW: &str = "PRAGMA wal_checkpoint(RESTART)";

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
        if checkpoint(&pool, PASS).await > LONG {
            // only what came during the first pass, so that little is left for which writers wait
            checkpoint(&pool, PASS).await;
            checkpoint(&pool, BEGIN_ANEW).await;
        }
    }
}

/// Returns how many pages the journal has.
async fn checkpoint(pool: &SqlitePool, how: &'static str) -> i64 {
    // a database that fails tells those who ask it for something
    let passed = sqlx::query_as(how).fetch_one(pool).await;
    let (_, journal, _): (i64, i64, i64) = passed.unwrap_or_default();
    journal
}
