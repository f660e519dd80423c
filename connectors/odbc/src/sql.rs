//! The one place where SQL is put together, from quoted identifiers alone; values are always bound.

use odbc_api::IntoParameter;
use odbc_api::parameter::{InputParameter, VarWCharBox};

use crate::catalog::{Column, Relation};
use crate::connection::Database;
use crate::dialect::{Dialect, Paging};

/// What statements call the table.
const ALIAS: &str = "rabt";

/// A statement and what is bound to it.
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) values: Vec<Box<dyn InputParameter>>,
}

/// What is read of a table, and in which order.
pub(crate) struct Selection<'r> {
    dialect: Dialect,
    paging: Paging,
    table: String,
    /// What is selected: the columns of the plan, then those of the order that are not among them.
    columns: Vec<String>,
    order: Vec<Ordered<'r>>,
}

struct Ordered<'r> {
    column: &'r Column,
    /// The column, or the text by which it is ordered.
    quoted: String,
}

/// Where a page starts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'p> {
    /// At the beginning.
    First,
    /// Behind a row.
    After(&'p [String]),
    /// At a value of the first order column.
    From(&'p str),
}

impl<'r> Selection<'r> {
    /// Returns the selection of these columns in this order.
    pub(crate) fn new(
        database: &Database,
        relation: &Relation,
        columns: &[&'r Column],
        order: &[&'r Column],
    ) -> Self {
        let name = |name: &str| database.quote(name);
        let table = name(&relation.name);
        let table = match &relation.schema {
            Some(schema) => format!("{}.{table} {ALIAS}", name(schema)),
            None => format!("{table} {ALIAS}"),
        };
        // An expression over a column may be called as the column is, and would be ordered by.
        let quote = |name: &str| format!("{ALIAS}.{}", database.quote(name));
        let dialect = database.dialect;
        let selected = columns.iter().map(|column| {
            let quoted = quote(&column.name);
            if column.is_binary() {
                // Whether there is something, without what it is.
                format!("CASE WHEN {quoted} IS NULL THEN NULL ELSE 'x' END")
            } else {
                dialect.text(&quoted)
            }
        });
        Self {
            dialect,
            paging: database.paging,
            table,
            columns: selected.collect(),
            order: order
                .iter()
                .map(|column| Ordered {
                    column,
                    quoted: dialect.ordered(column, quote(&column.name)),
                })
                .collect(),
        }
    }

    /// Returns the statement of a page, of at most `limit` rows, up to and with a row's place.
    pub(crate) fn page(
        &self,
        start: Start<'_>,
        limit: Option<u32>,
        to: Option<&[String]>,
    ) -> Statement {
        self.select(&self.columns, start, limit, to)
    }

    /// Returns the statement of the places of a page alone.
    pub(crate) fn places(&self, start: Start<'_>, limit: u32) -> Statement {
        let columns = self.order.iter().map(|one| self.dialect.text(&one.quoted));
        let columns: Vec<String> = columns.collect();
        self.select(&columns, start, Some(limit), None)
    }

    /// Returns the statement of the rows that have no place in the order, when there may be any.
    pub(crate) fn remainder(&self) -> Option<Statement> {
        let nullable = self.order.iter().filter(|one| one.column.nullable);
        let conditions: Vec<String> = nullable
            .map(|one| format!("{} IS NULL", one.quoted))
            .collect();
        if conditions.is_empty() {
            return None;
        }
        let columns = self.columns.join(", ");
        let text = format!(
            "SELECT {columns} FROM {} WHERE {}",
            self.table,
            conditions.join(" OR ")
        );
        Some(Statement {
            text,
            values: Vec::new(),
        })
    }

    /// Returns the statement that counts the rows whose first order column is NULL.
    pub(crate) fn without_first(&self) -> Option<Statement> {
        let first = &self.order.first()?.quoted;
        Some(Statement {
            text: format!("SELECT COUNT(*) FROM {} WHERE {first} IS NULL", self.table),
            values: Vec::new(),
        })
    }

    /// Returns the statement that gives a value of a column of times, or now where it lies ahead.
    pub(crate) fn not_after_now(&self, column: &Column, value: &str) -> Option<Statement> {
        let text = self.dialect.not_after_now(column)?;
        Some(Statement {
            text,
            values: vec![bound(column, value)],
        })
    }

    fn select(
        &self,
        columns: &[String],
        start: Start<'_>,
        limit: Option<u32>,
        to: Option<&[String]>,
    ) -> Statement {
        let mut values = Vec::new();
        let nullable = self.order.iter().filter(|one| one.column.nullable);
        let mut conditions: Vec<String> = nullable
            .map(|one| format!("{} IS NOT NULL", one.quoted))
            .collect();
        match (start, self.order.first()) {
            (Start::After(place), Some(_)) => {
                conditions.push(self.beyond('>', "", &self.order, place, &mut values));
            }
            (Start::From(value), Some(first)) => {
                conditions.push(self.compare(first, ">=", value, &mut values));
            }
            (Start::First, _) | (_, None) => {}
        }
        if let Some(place) = to {
            conditions.push(self.beyond('<', "=", &self.order, place, &mut values));
        }
        let top = match (limit, self.paging) {
            (Some(limit), Paging::Top) => format!("TOP {limit} "),
            (Some(_), Paging::Limit | Paging::Fetch) | (None, _) => String::new(),
        };
        let columns = columns.join(", ");
        let filter = match conditions.as_slice() {
            [] => String::new(),
            conditions => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let order: Vec<&str> = self.order.iter().map(|one| one.quoted.as_str()).collect();
        let order = match order.as_slice() {
            [] => String::new(),
            order => format!(" ORDER BY {}", order.join(", ")),
        };
        let end = match (limit, self.paging) {
            (Some(limit), Paging::Limit) => format!(" LIMIT {limit}"),
            (Some(limit), Paging::Fetch) => format!(" FETCH FIRST {limit} ROWS ONLY"),
            (Some(_), Paging::Top) | (None, _) => String::new(),
        };
        let table = &self.table;
        let text = format!("SELECT {top}{columns} FROM {table}{filter}{order}{end}");
        Statement { text, values }
    }

    /// Returns the condition that a row lies beyond a place, or at it when `at` is `=`. The plain bound in
    /// front lets an index on the first column find the first row.
    fn beyond(
        &self,
        sign: char,
        at: &str,
        order: &[Ordered<'_>],
        place: &[String],
        values: &mut Vec<Box<dyn InputParameter>>,
    ) -> String {
        let (Some((first, rest)), Some((value, further))) =
            (order.split_first(), place.split_first())
        else {
            return "1 = 0".to_owned();
        };
        if rest.is_empty() {
            return self.compare(first, &format!("{sign}{at}"), value, values);
        }
        let bound = self.compare(first, &format!("{sign}="), value, values);
        let strict = self.compare(first, &sign.to_string(), value, values);
        let tie = self.beyond(sign, at, rest, further, values);
        format!("{bound} AND ({strict} OR ({tie}))")
    }

    fn compare(
        &self,
        one: &Ordered<'_>,
        sign: &str,
        value: &str,
        values: &mut Vec<Box<dyn InputParameter>>,
    ) -> String {
        values.push(bound(one.column, value));
        format!(
            "{} {sign} {}",
            one.quoted,
            self.dialect.placeholder(one.column)
        )
    }
}

/// Returns a value to bind: a whole number as one, so that no driver compares it as text or as a
/// fraction; all else as text.
fn bound(column: &Column, value: &str) -> Box<dyn InputParameter> {
    if column.is_whole()
        && !column.is_unsigned()
        && let Ok(number) = value.parse::<i64>()
    {
        return Box::new(number.into_parameter());
    }
    Box::new(VarWCharBox::from_str_slice(value))
}
