//! What the tables that are listed hold, by a sample page of each.

pub(crate) mod shape;

use rabt_connect::{ConnectError, Filter, Session, Table};

use crate::page::At;
use crate::walk::{Server, Walk};
use shape::{Shapes, table_of};

/// Returns the tables of `tables`, ordered by name; a server has no list of its own. A table that
/// cannot be read as it is configured does not hide the others; `check` tells of it.
pub(crate) async fn discover(
    session: &Session,
    filter: &Filter,
) -> Result<Vec<Table>, ConnectError> {
    let mut server = Server::of(session)?;
    let names: Vec<String> = server.settings.tables.keys().cloned().collect();
    let mut tables = Vec::new();
    let mut wrong = None;
    for name in names.iter().filter(|name| filter.wants(None, name)) {
        match sample(&mut server, name).await {
            Ok(table) => tables.push(table),
            Err(error) if error.is_transient() || server.client.refused => return Err(error),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    match wrong {
        Some(error) if tables.is_empty() => Err(error),
        Some(_) | None => Ok(tables),
    }
}

async fn sample(server: &mut Server, name: &str) -> Result<Table, ConnectError> {
    let mut walk = Walk::new(&server.settings, name, &[]);
    let page = server.page(&mut walk, &At::Start).await?;
    let mut shapes = Shapes::default();
    shapes.add_all(page.rows());
    Ok(Table {
        estimated_rows: page.total,
        ..table_of(name, shapes)
    })
}
