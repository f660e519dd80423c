//! Whether the log tells of every change of a table.

use rabt_connect::{ConnectError, Plan};
use sqlx::{MySqlConnection, Row};

use super::server::Server;
use super::words::{Named, cascades};
use crate::catalog::{Column, Relation};
use crate::fault::Doing;
use crate::sql;

/// One table: its schema and name as the catalog has them, what sort of table it is, and what keeps it.
const TABLE: &str = "SELECT CAST(table_schema AS CHAR), CAST(table_name AS CHAR), \
       CAST(table_type AS CHAR), CAST(engine AS CHAR) \
     FROM information_schema.tables \
     WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?";

/// The columns whose values the server computes when they are read, which are not in its log.
const COMPUTED: &str = "SELECT CAST(column_name AS CHAR) FROM information_schema.columns \
     WHERE table_schema = ? AND table_name = ? AND extra LIKE '%VIRTUAL%'";

/// A table whose changes are read.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) named: Named,
    /// Columns whose values are not in the log.
    pub(super) computed: Vec<String>,
}

impl Table {
    /// Returns the table of a plan when its changes can be read.
    pub(super) async fn find(
        connection: &mut MySqlConnection,
        plan: &Plan,
        relation: &Relation,
        server: &Server,
    ) -> Result<Self, ConnectError> {
        let doing = Doing::reading(format!("table {}", plan.table));
        let query = sqlx::query(TABLE)
            .bind(plan.schema.as_deref())
            .bind(&plan.table);
        let row = query.fetch_one(&mut *connection).await;
        let row = row.map_err(|error| doing.fault(&error))?;
        let cell = |at: usize| row.try_get::<Option<String>, _>(at);
        let cells = (0..4).map(cell).collect::<Result<Vec<_>, _>>();
        let cells = cells.map_err(|error| doing.fault(&error))?;
        let mut cells = cells.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        let named = Named {
            schema: next(),
            table: next(),
            fold: server.folds(),
        };
        judge_sort(plan, &next(), &next())?;
        judge_filter(plan, &named, server)?;
        judge_definition(connection, plan, relation, &named, server).await?;
        let query = sqlx::query_scalar(COMPUTED)
            .bind(&named.schema)
            .bind(&named.table);
        let computed: Vec<String> = query
            .fetch_all(connection)
            .await
            .map_err(|error| doing.fault(&error))?;
        judge_key(plan, relation, &computed)?;
        Ok(Self { named, computed })
    }

    /// Returns the name with the schema.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.named.schema, self.named.table)
    }
}

fn refuse(plan: &Plan, what: impl Into<String>, remedy: impl Into<String>) -> ConnectError {
    ConnectError::configuration(format!("table {}", plan.table), what, remedy)
}

const OTHERWISE: &str = "set mode = \"incremental\" or \"snapshot\"";

fn judge_sort(plan: &Plan, sort: &str, engine: &str) -> Result<(), ConnectError> {
    let what = match (sort, engine) {
        ("BASE TABLE", "InnoDB") => return Ok(()),
        ("BASE TABLE", _) => {
            let what = format!("is kept by {engine}, which has no snapshots that the log knows of");
            let remedy = format!("ALTER TABLE {} ENGINE = InnoDB; or {OTHERWISE}", plan.table);
            return Err(refuse(plan, what, remedy));
        }
        ("SYSTEM VERSIONED", _) => {
            "keeps the versions of its rows, of which the log tells as of rows"
        }
        _ => "is no table, and the log tells of tables alone",
    };
    Err(refuse(plan, what, OTHERWISE))
}

fn judge_filter(plan: &Plan, named: &Named, server: &Server) -> Result<(), ConnectError> {
    match server.hidden(&named.schema) {
        None => Ok(()),
        Some(why) => Err(refuse(
            plan,
            format!("is in a database that {why}"),
            "take that setting out of the server's configuration, then restart it",
        )),
    }
}

/// Refuses a table whose rows the server changes by a foreign key: that is not in its log.
async fn judge_definition(
    connection: &mut MySqlConnection,
    plan: &Plan,
    relation: &Relation,
    named: &Named,
    server: &Server,
) -> Result<(), ConnectError> {
    let compressed = |column: &&Column| column.declared_type.to_lowercase().contains("compressed");
    if let Some(column) = relation.columns().iter().find(compressed) {
        let what = format!(
            "has the compressed column '{}', whose values cannot be read from the log",
            column.name
        );
        return Err(refuse(plan, what, OTHERWISE));
    }
    let definition = sqlx::query(sql::definition(relation))
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get::<String, _>(1));
    let Ok(definition) = definition else {
        let what = "does not show the account its foreign keys, by which rows may change without the log telling";
        let remedy = format!(
            "GRANT SELECT ON `{}`.`{}` TO {};",
            named.schema, named.table, server.account
        );
        return Err(refuse(plan, what, remedy));
    };
    if cascades(&definition) {
        let what = "has a foreign key with CASCADE or SET NULL, by which rows change without the log telling";
        return Err(refuse(plan, what, OTHERWISE));
    }
    Ok(())
}

fn judge_key(plan: &Plan, relation: &Relation, computed: &[String]) -> Result<(), ConnectError> {
    if plan.key.is_empty() || !relation.is_unique(&plan.key) {
        let what = "has a key that the catalog does not promise to be unique";
        let remedy = "take the columns of a primary key or unique index as `key` of the stream";
        return Err(refuse(plan, what, remedy));
    }
    if let Some(column) = plan.key.iter().find(|column| computed.contains(column)) {
        let what = format!("computes '{column}' of its key, which is not in the log");
        return Err(refuse(plan, what, OTHERWISE));
    }
    Ok(())
}
