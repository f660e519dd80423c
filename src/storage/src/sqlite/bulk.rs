//! Many rows in one statement. The one place where SQL is put together: from constants and a
//! number of rows.

use std::sync::Arc;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Encode, Sqlite, SqliteConnection, Type};

use super::SqliteTransaction;
use super::script::Script;
use crate::StorageError;
use crate::error::Doing;

/// The lengths of statements, in rows. Only these occur, so that all stay prepared. Most batches are
/// short, as long as there are answers or arrivals waiting; each statement of theirs is a way to
/// another thread and back, which costs more than a row.
const ROWS: [usize; 12] = [128, 64, 32, 16, 8, 7, 6, 5, 4, 3, 2, 1];

/// Rows that are worth a way of their own: there, the statement is prepared already.
const SHORT: usize = 16;

/// An insertion of many rows.
pub(super) struct Bulk {
    /// What is being done, for errors.
    pub(super) doing: &'static str,
    /// The statement up to and with `VALUES`.
    pub(super) head: &'static str,
    /// One row: a parameter for each value that is added.
    pub(super) row: &'static str,
    /// The statement behind its rows.
    pub(super) tail: &'static str,
}

/// The values of the rows of one statement.
#[derive(Default)]
pub(super) struct Values {
    arguments: SqliteArguments,
    failure: Option<sqlx::error::BoxDynError>,
}

impl Values {
    /// Adds a value.
    pub(super) fn add<'t>(&mut self, value: impl Encode<'t, Sqlite> + Type<Sqlite>) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.failure = Some(error);
        }
        self
    }

    /// Returns the values in the order in which they were added.
    pub(super) fn arguments(self) -> Result<SqliteArguments, sqlx::Error> {
        match self.failure {
            Some(error) => Err(sqlx::Error::Encode(error)),
            None => Ok(self.arguments),
        }
    }
}

impl Bulk {
    /// Inserts `rows`; `fill` adds the values of one row, in the order of the columns.
    pub(super) async fn insert<T: Sync>(
        &self,
        connection: &mut SqliteConnection,
        rows: &[T],
        fill: impl Fn(&mut Values, &T) + Send + Sync,
    ) -> Result<(), StorageError> {
        let mut rest = rows;
        for length in ROWS {
            if rest.len() < length {
                continue;
            }
            let statement: Arc<str> = self.statement(length).into();
            let whole = rest.len() - rest.len() % length;
            for chunk in rest[..whole].chunks(length) {
                self.run(connection, &statement, chunk, &fill).await?;
            }
            rest = &rest[whole..];
        }
        Ok(())
    }

    /// Adds the insertion of `rows` to a script, in statements of at most the longest length.
    pub(super) fn script<T>(
        &self,
        script: &mut Script,
        rows: &[T],
        fill: impl Fn(&mut Values, &T),
    ) {
        for chunk in rows.chunks(ROWS[0]) {
            let values = script.add(&self.statement(chunk.len()));
            for row in chunk {
                fill(values, row);
            }
        }
    }

    /// Inserts `rows` as [`Bulk::insert`] does, unless the transaction lets short writes wait for each other.
    pub(super) async fn write<T: Sync>(
        &self,
        tx: &mut SqliteTransaction,
        rows: &[T],
        fill: impl Fn(&mut Values, &T) + Send + Sync,
    ) -> Result<(), StorageError> {
        match tx.later() {
            Some(script) if rows.len() <= SHORT => {
                self.script(script, rows, fill);
                Ok(())
            }
            Some(_) | None => self.insert(tx.ready().await?, rows, fill).await,
        }
    }

    async fn run<T: Sync>(
        &self,
        connection: &mut SqliteConnection,
        statement: &Arc<str>,
        rows: &[T],
        fill: &(impl Fn(&mut Values, &T) + Send + Sync),
    ) -> Result<(), StorageError> {
        let mut values = Values::default();
        for row in rows {
            fill(&mut values, row);
        }
        let sql = AssertSqlSafe(Arc::clone(statement));
        sqlx::query_with(sql, values.arguments().doing(self.doing)?)
            .execute(connection)
            .await
            .doing(self.doing)?;
        Ok(())
    }

    fn statement(&self, rows: usize) -> String {
        let rows = vec![self.row; rows].join(",");
        format!("{} {rows} {}", self.head, self.tail)
    }
}
