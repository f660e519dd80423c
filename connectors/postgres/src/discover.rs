//! Which tables there are.

use rabt_connect::{ColumnInfo, ConnectError, Filter, Session, Table};
use sqlx::PgConnection;

use crate::catalog::{self, Listed};
use crate::connection::{connect, end};
use crate::fault::Doing;

/// Returns the tables and views of a database, ordered by schema and name.
pub(crate) async fn discover(
    session: &Session,
    filter: &Filter,
) -> Result<Vec<Table>, ConnectError> {
    let mut connection = connect(session).await?;
    let outcome = list(&mut connection, filter).await;
    end(connection, &outcome).await;
    outcome
}

async fn list(connection: &mut PgConnection, filter: &Filter) -> Result<Vec<Table>, ConnectError> {
    let doing = Doing::reading("the catalog");
    let listed = catalog::list(connection, filter.schema.as_deref())
        .await
        .map_err(|error| doing.fault(&error))?;
    let mut tables: Vec<Table> = Vec::new();
    let mut key: Vec<(i32, String)> = Vec::new();
    for one in listed {
        if !filter.wants(Some(&one.schema), &one.table) {
            continue;
        }
        let same = tables
            .last()
            .is_some_and(|t| t.name == one.table && t.schema.as_ref() == Some(&one.schema));
        if !same {
            key.clear();
            tables.push(table_of(&one));
        }
        let Some(table) = tables.last_mut() else {
            continue;
        };
        if let Some(place) = one.key_place {
            key.push((place, one.column.name.clone()));
            key.sort();
            table.key = key.iter().map(|(_, name)| name.clone()).collect();
        }
        table.columns.push(ColumnInfo {
            name: one.column.name,
            declared_type: one.column.declared_type,
            nullable: one.column.nullable,
        });
    }
    Ok(tables)
}

fn table_of(one: &Listed) -> Table {
    Table {
        schema: Some(one.schema.clone()),
        name: one.table.clone(),
        columns: Vec::new(),
        key: Vec::new(),
        estimated_rows: u64::try_from(one.rows).ok(),
    }
}
