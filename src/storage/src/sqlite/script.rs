//! Several statements on one way to `SQLite`'s thread and back.
//!
//! The way costs more than a short statement: two threads wait for each other, and on a busy machine each
//! of them waits for a processor. Statements whose results nobody needs between them go together.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::bulk::Values;

/// Statements in their order, and their values. Parameters are `?`, each with the next value.
#[derive(Default)]
pub(super) struct Script {
    sql: String,
    values: Values,
    /// Whether it is run once, so that nothing of it is kept prepared.
    once: bool,
}

impl Script {
    /// Begins a script of statements that hardly come together again.
    pub(super) fn once() -> Self {
        Self {
            once: true,
            ..Self::default()
        }
    }

    /// Says whether there is nothing to run.
    pub(super) const fn is_empty(&self) -> bool {
        self.sql.is_empty()
    }

    /// Adds a statement; its values are added to what is returned, in the order of its parameters.
    pub(super) fn add(&mut self, statement: &str) -> &mut Values {
        debug_assert!(!statement.contains('$'), "values are taken in their order");
        if !self.sql.is_empty() {
            self.sql.push(';');
        }
        self.sql.push_str(statement);
        &mut self.values
    }

    /// Runs the statements and returns the first column of the rows that they give.
    ///
    /// # Errors
    /// That of the first statement that fails; those behind it are not run.
    pub(super) async fn run(
        self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<i64>, sqlx::Error> {
        let arguments = self.values.arguments()?;
        sqlx::query_scalar_with(AssertSqlSafe(self.sql), arguments)
            .persistent(!self.once)
            .fetch_all(connection)
            .await
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    #[tokio::test]
    async fn statements_run_in_their_order_each_with_its_values() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for round in 0..3_i64 {
            let mut script = Script::default();
            script.add("CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b INTEGER)");
            script.add("SELECT COUNT(*) FROM t");
            let rows = script.add("INSERT INTO t VALUES (?,?),(?,?)");
            rows.add(round * 2)
                .add(10_i64)
                .add(round * 2 + 1)
                .add(20_i64);
            script
                .add("UPDATE t SET b = ? WHERE a = ?")
                .add(7_i64)
                .add(round);
            script
                .add("SELECT SUM(b) FROM t WHERE a >= ?")
                .add(round * 2);
            let seen = script.run(&mut connection).await.unwrap();
            let sum = if round == 0 { 27 } else { 30 };
            assert_eq!(seen, [round * 2, sum]);
        }
    }

    #[tokio::test]
    async fn nothing_runs_behind_a_statement_that_fails() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let mut script = Script::default();
        script.add("CREATE TABLE t (a INTEGER PRIMARY KEY)");
        script.add("INSERT INTO t VALUES (?)").add(1_i64);
        script.add("INSERT INTO t VALUES (?)").add(1_i64);
        script.add("INSERT INTO t VALUES (?)").add(2_i64);
        script.run(&mut connection).await.unwrap_err();
        let mut script = Script::default();
        script.add("SELECT a FROM t");
        assert_eq!(script.run(&mut connection).await.unwrap(), [1]);
    }
}
