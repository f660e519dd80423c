//! What the tables that are listed hold, by a sample page of each.

pub(crate) mod shape;

use rabt_connect::{ConnectError, Filter, Session, Table};

use crate::page::At;
use crate::walk::{Server, Walk};
use shape::{Shapes, table_of};

/// Returns the tables of `tables`, ordered by name; a server has no list of its own.
pub(crate) async fn discover(
    session: &Session,
    filter: &Filter,
) -> Result<Vec<Table>, ConnectError> {
    let mut server = Server::of(session)?;
    let names: Vec<String> = server.settings.tables.keys().cloned().collect();
    let mut tables = Vec::new();
    for name in names.iter().filter(|name| filter.wants(None, name)) {
        let mut walk = Walk::new(&server.settings, name, &[]);
        let page = server.page(&mut walk, &At::Start).await?;
        let mut shapes = Shapes::default();
        shapes.add_all(page.rows());
        let mut table = table_of(name, shapes);
        table.estimated_rows = page.total;
        tables.push(table);
    }
    Ok(tables)
}
