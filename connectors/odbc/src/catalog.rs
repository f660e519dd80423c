//! Which tables there are, as the catalog functions of ODBC tell it.

use std::collections::BTreeMap;

use odbc_api::parameter::VarWCharBox;
use odbc_api::{Cursor, Error};
use rabt_connect::{ColumnInfo, ConnectError, Filter, Session, Table};

use crate::connection::Database;
use crate::fault::Doing;
use crate::value::{Buffer, Value};

/// Any name, in a pattern.
const ANY: &str = "%";

/// Types of ODBC.
const WHOLE: [i16; 4] = [-6, -5, 4, 5];
const EXACT: [i16; 2] = [2, 3];
const APPROXIMATE: [i16; 3] = [6, 7, 8];
const NARROW: [i16; 2] = [1, 12];
const BYTES: [i16; 3] = [-2, -3, -4];
const TIMES: [i16; 4] = [9, 11, 91, 93];

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The type in the database's words.
    pub(crate) declared_type: String,
    pub(crate) nullable: bool,
    /// The type in the numbers of ODBC.
    pub(crate) sql_type: i16,
    /// Characters or digits that are declared, 0 when none are; drivers understate it.
    pub(crate) size: usize,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) key: Vec<String>,
}

type Name = (String, String);

impl Column {
    pub(crate) fn is_whole(&self) -> bool {
        WHOLE.contains(&self.sql_type)
    }

    pub(crate) fn is_unsigned(&self) -> bool {
        self.declared_type.to_ascii_lowercase().contains("unsigned")
    }

    pub(crate) fn is_exact(&self) -> bool {
        EXACT.contains(&self.sql_type)
    }

    pub(crate) fn is_binary(&self) -> bool {
        BYTES.contains(&self.sql_type)
    }

    /// Says whether it holds text of one code page.
    pub(crate) fn is_narrow(&self) -> bool {
        NARROW.contains(&self.sql_type)
    }

    /// Says whether it holds one or several of a list of texts.
    pub(crate) fn is_choice(&self) -> bool {
        let declared = self.declared_type.to_ascii_lowercase();
        ["enum", "set"]
            .iter()
            .any(|word| declared.starts_with(word))
    }

    /// Says whether it holds moments, which `MariaDB` and `MySQL` show in the zone of the session.
    pub(crate) fn is_moment(&self) -> bool {
        let declared = self.declared_type.to_ascii_lowercase();
        declared.starts_with("timestamp")
    }

    /// Says whether its numbers are written otherwise than they are. Drivers call some exact ones so.
    fn is_approximate(&self) -> bool {
        let declared = self.declared_type.to_ascii_lowercase();
        let exact = ["num", "dec"].iter().any(|word| declared.contains(word));
        APPROXIMATE.contains(&self.sql_type) && !exact
    }

    /// Says what keeps rows from being ordered by it, and what to do; nothing when they can be.
    pub(crate) fn unorderable(&self) -> Option<(&'static str, &'static str)> {
        if self.is_binary() {
            return Some((
                "holds bytes, which are not fetched, so that rows cannot be read in its order",
                "choose another key or cursor, or the database's own kind where there is one, or offer a \
                 view that writes the bytes as text",
            ));
        }
        self.is_approximate().then_some((
            "holds approximate numbers, which no text gives back exactly, so that rows would be lost",
            "choose a key or cursor of whole or exact numbers, texts or times, or offer a view that has one",
        ))
    }

    pub(crate) fn is_time(&self) -> bool {
        TIMES.contains(&self.sql_type)
    }
}

impl Relation {
    /// Returns a column.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Says whether no two rows agree in these columns.
    pub(crate) fn is_unique(&self, columns: &[String]) -> bool {
        !self.key.is_empty() && self.key.iter().all(|column| columns.contains(column))
    }

    /// Returns the table as the contract has it.
    pub(crate) fn to_table(&self) -> Table {
        let column = |column: &Column| ColumnInfo {
            name: column.name.clone(),
            declared_type: column.declared_type.clone(),
            nullable: column.nullable,
        };
        Table {
            schema: self.schema.clone(),
            name: self.name.clone(),
            columns: self.columns.iter().map(column).collect(),
            key: self.key.clone(),
            estimated_rows: None,
        }
    }

    /// Returns a table by its name, if there is one that the account sees.
    pub(crate) fn find(
        database: &Database,
        schema: Option<&str>,
        name: &str,
    ) -> Result<Option<Self>, Error> {
        let named = listed(database, schema, Some(name))?;
        let Some(at) = named.into_iter().find(|(_, table)| table == name) else {
            return Ok(None);
        };
        let mut columns = columns(database, Some(&at))?;
        let Some(columns) = columns.remove(&at) else {
            return Ok(None);
        };
        let key = key(database, &at)?;
        Ok(Some(Self::of(at, columns, key)))
    }

    fn of((schema, name): Name, columns: Vec<Column>, key: Vec<String>) -> Self {
        Self {
            schema: (!schema.is_empty()).then_some(schema),
            name,
            columns,
            key,
        }
    }
}

/// Returns the tables and views of a database, ordered by schema and name.
pub(crate) fn discover(session: &Session, filter: &Filter) -> Result<Vec<Table>, ConnectError> {
    let database = Database::open(session)?;
    let doing = Doing::reading("the catalog");
    let found = list(&database, filter);
    found.map_err(|error| doing.fault(&error))
}

fn list(database: &Database, filter: &Filter) -> Result<Vec<Table>, Error> {
    let named = listed(database, filter.schema.as_deref(), None)?;
    let mut all = columns(database, None)?;
    let mut tables = Vec::new();
    for at in named {
        let schema = (!at.0.is_empty()).then_some(at.0.as_str());
        if !filter.wants(schema, &at.1) {
            continue;
        }
        let Some(columns) = all.remove(&at) else {
            continue;
        };
        let key = key(database, &at)?;
        tables.push(Relation::of(at, columns, key).to_table());
    }
    Ok(tables)
}

/// Counts the tables and views.
pub(crate) fn count(database: &Database) -> Result<usize, Error> {
    listed(database, None, None).map(|tables| tables.len())
}

/// Returns the columns of primary keys by which rows cannot be ordered, as `table.column`.
pub(crate) fn unorderable_keys(database: &Database) -> Result<Vec<String>, Error> {
    let mut all = columns(database, None)?;
    let mut found = Vec::new();
    for at in listed(database, None, None)? {
        let Some(columns) = all.remove(&at) else {
            continue;
        };
        let mut doubtful = columns;
        doubtful.retain(|column| column.unorderable().is_some());
        if doubtful.is_empty() {
            continue;
        }
        let key = key(database, &at)?;
        doubtful.retain(|column| key.contains(&column.name));
        found.extend(
            doubtful
                .iter()
                .map(|column| format!("{}.{}", at.1, column.name)),
        );
    }
    Ok(found)
}

/// Returns schemas and names in their order, without what the system has.
fn listed(
    database: &Database,
    schema: Option<&str>,
    name: Option<&str>,
) -> Result<Vec<Name>, Error> {
    let schema = schema.filter(|schema| !schema.is_empty());
    let mut statement = database.connection.preallocate()?;
    let cursor = statement.tables_cursor(
        "",
        schema.unwrap_or_default(),
        name.unwrap_or(ANY),
        "TABLE,VIEW",
    )?;
    let mut found: Vec<Name> = Vec::new();
    each(cursor, 4, |cells| {
        // Patterns take more than was asked for; and some drivers take no notice of the types.
        let text = |at: usize| cells[at].text().unwrap_or_default();
        let (own, kind) = (text(1), text(3));
        let of_people = kind.eq_ignore_ascii_case("TABLE") || kind.eq_ignore_ascii_case("VIEW");
        if of_people && schema.is_none_or(|schema| schema == own) {
            found.push((own.to_owned(), text(2).to_owned()));
        }
    })?;
    found.sort();
    found.dedup();
    Ok(found)
}

/// Returns the columns of one table or of all, in their order.
fn columns(database: &Database, only: Option<&Name>) -> Result<BTreeMap<Name, Vec<Column>>, Error> {
    let mut statement = database.connection.preallocate()?;
    let (schema, name) = only.map_or(("", ANY), |(schema, name)| (schema.as_str(), name.as_str()));
    let cursor = statement.columns_cursor("", schema, name, ANY)?;
    let mut found: BTreeMap<Name, Vec<Column>> = BTreeMap::new();
    each(cursor, 11, |cells| {
        let text = |at: usize| cells[at].text().unwrap_or_default().to_owned();
        let column = Column {
            name: text(3),
            sql_type: text(4).parse().unwrap_or_default(),
            declared_type: text(5),
            nullable: text(10) != "0",
            size: text(6).parse().unwrap_or_default(),
        };
        found.entry((text(1), text(2))).or_default().push(column);
    })?;
    Ok(found)
}

/// Returns the columns of the primary key, in the order of the key.
fn key(database: &Database, (schema, name): &Name) -> Result<Vec<String>, Error> {
    if let Some(statement) = database.dialect.key() {
        return own_key(database, statement, name);
    }
    let mut statement = database.connection.preallocate()?;
    let schema = (!schema.is_empty()).then_some(schema.as_str());
    let cursor = statement.primary_keys_cursor(None, schema, name)?;
    let mut parts: Vec<(i32, String)> = Vec::new();
    each(cursor, 5, |cells| {
        let text = |at: usize| cells[at].text().unwrap_or_default();
        parts.push((text(4).parse().unwrap_or_default(), text(3).to_owned()));
    })?;
    parts.sort();
    Ok(parts.into_iter().map(|(_, name)| name).collect())
}

fn own_key(database: &Database, statement: &str, table: &str) -> Result<Vec<String>, Error> {
    let name = VarWCharBox::from_str_slice(table);
    let executed = database
        .connection
        .execute(statement, &name, database.seconds)?;
    let mut columns = Vec::new();
    if let Some(cursor) = executed {
        each(cursor, 1, |cells| {
            columns.extend(cells[0].text().map(str::to_owned));
        })?;
    }
    Ok(columns)
}

/// Reads the first `width` columns of every row.
fn each(mut cursor: impl Cursor, width: u16, mut take: impl FnMut(&[Value])) -> Result<(), Error> {
    let mut buffer = Buffer::new();
    let mut cells = vec![Value::default(); usize::from(width)];
    while let Some(mut row) = cursor.next_row()? {
        for (column, cell) in (1..=width).zip(&mut cells) {
            buffer.read(&mut row, column, cell)?;
        }
        take(&cells);
    }
    Ok(())
}
