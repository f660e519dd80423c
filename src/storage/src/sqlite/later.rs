//! Writes whose answer nobody needs, which wait for the next statement whose answer somebody does.
//!
//! Invariant: every statement of a transaction sees all that was written before it, and what waits is carried
//! out before the commit, or the commit fails.

use sqlx::SqliteConnection;

use super::SqliteTransaction;
use super::bulk::Values;
use super::script::Script;
use crate::StorageError;
use crate::error::Doing;

/// The last numbers that were given, so that those of new rows are known without asking for them.
const LAST: &str = "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'records'),
    (SELECT MAX(sequence) FROM changes), (SELECT MAX(number) FROM steps)";

type LastRow = (Option<i64>, Option<i64>, Option<i64>);

/// The last numbers that were given when a transaction began, and what it gave since. Nobody else gives any
/// meanwhile.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Last {
    /// Of records, before the transaction.
    pub(super) before: i64,
    pub(super) record: i64,
    pub(super) change: i64,
    pub(super) step: i64,
}

impl SqliteTransaction {
    /// Returns the connection, behind all that waits to be written.
    ///
    /// # Errors
    /// That of a statement that waited. The transaction is of no use from then on.
    pub(super) async fn ready(&mut self) -> Result<&mut SqliteConnection, StorageError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        if let Some(waiting) = self.arrivals.as_mut().filter(|script| !script.is_empty()) {
            let script = std::mem::replace(waiting, Script::once());
            let run = script.run(&mut self.inner).await;
            if let Err(error) = run.doing("storing what arrived") {
                self.failed = Some(error.clone());
                return Err(error);
            }
        }
        Ok(&mut self.inner)
    }

    /// Returns where short writes wait, in a transaction that lets them.
    pub(super) const fn later(&mut self) -> Option<&mut Script> {
        self.arrivals.as_mut()
    }

    /// Carries out a statement, or lets it wait. Parameters are `?`; `fill` adds their values in order.
    pub(super) async fn write(
        &mut self,
        doing: &'static str,
        statement: &'static str,
        fill: impl FnOnce(&mut Values) + Send,
    ) -> Result<(), StorageError> {
        if let Some(script) = &mut self.arrivals {
            fill(script.add(statement));
            return Ok(());
        }
        let mut values = Values::default();
        fill(&mut values);
        sqlx::query_with(statement, values.arguments().doing(doing)?)
            .execute(self.ready().await?)
            .await
            .doing(doing)?;
        Ok(())
    }

    /// As [`SqliteTransaction::write`], of a statement whose only parameter is a list in JSON.
    pub(super) async fn write_list(
        &mut self,
        doing: &'static str,
        statement: &'static str,
        list: String,
    ) -> Result<(), StorageError> {
        self.write(doing, statement, |values| {
            values.add(list);
        })
        .await
    }

    /// Returns the last numbers that were given, which are read once.
    pub(super) async fn last(&mut self) -> Result<Last, StorageError> {
        if let Some(last) = self.last {
            return Ok(last);
        }
        let (record, change, step): LastRow = sqlx::query_as(LAST)
            .fetch_one(self.ready().await?)
            .await
            .doing("reading what changed")?;
        let record = record.unwrap_or(0);
        let last = Last {
            before: record,
            record,
            change: change.unwrap_or(0),
            step: step.unwrap_or(0),
        };
        self.last = Some(last);
        Ok(last)
    }

    /// Notes that numbers were given.
    pub(super) fn took(&mut self, note: impl FnOnce(&mut Last)) {
        if let Some(last) = &mut self.last {
            note(last);
        }
    }

    /// Says whether a record has its number from this transaction, so that nothing is held about it.
    pub(super) fn is_new(&self, record: i64) -> bool {
        self.last.is_some_and(|last| record > last.before)
    }
}
