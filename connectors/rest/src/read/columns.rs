//! The planned columns of a row.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rabt_connect::{
    BatchBuilder, Cell, ColumnInfo, ConnectError, Fault, Mode, Plan, Table, nearest,
};

use crate::discover::shape::{Shapes, table_of};
use crate::json::{Entry, Found, Value, entries, find, value};
use crate::page::Page;

/// The planned columns, and which of them may be left out.
pub(super) struct Columns<'p> {
    plan: &'p Plan,
    /// For each column, whether a row may leave it out.
    optional: Vec<bool>,
    /// For each column, whether a row has left it out so far.
    left_out: Vec<bool>,
    /// Where the cursor stands among the columns.
    cursor: Option<usize>,
    /// Whether a page with rows has been looked at.
    known: bool,
    /// Whether it has been told that the table changed.
    told: bool,
}

impl<'p> Columns<'p> {
    pub(super) fn new(plan: &'p Plan, optional: &BTreeSet<String>) -> Self {
        let cursor = match &plan.mode {
            Mode::Snapshot | Mode::Changes { .. } => None,
            Mode::Incremental { cursor, .. } => {
                plan.columns.iter().position(|column| column == cursor)
            }
        };
        let may = |column: &String| optional.contains(column);
        Self {
            plan,
            optional: plan.columns.iter().map(may).collect(),
            left_out: vec![false; plan.columns.len()],
            cursor,
            known: false,
            told: false,
        }
    }

    /// Looks at a page before its rows are sent: on the first one with rows, a column that no row
    /// has is an error; on a later one, when no row has a column that every row had, the table as it
    /// is now is returned, once.
    pub(super) fn look_at(&mut self, page: &Page) -> Result<Option<Table>, ConnectError> {
        if page.count() == 0 || self.told {
            return Ok(None);
        }
        let gone = self.gone(page);
        let Some(first) = gone.first() else {
            self.known = true;
            return Ok(None);
        };
        let mut shapes = Shapes::default();
        shapes.add_all(page.rows());
        let mut table = table_of(&self.plan.table, shapes);
        if !self.known {
            return Err(self.no_column(&self.plan.columns[*first], &table));
        }
        self.told = true;
        self.complete(&mut table, &gone);
        Ok(Some(table))
    }

    /// Returns the columns that no row of a page has, and that no row has left out before.
    fn gone(&self, page: &Page) -> Vec<usize> {
        let mut gone: Vec<usize> = (0..self.plan.columns.len())
            .filter(|at| !self.optional[*at] && !self.left_out[*at])
            .collect();
        for row in page.rows() {
            if gone.is_empty() {
                break;
            }
            let object = entries(row).unwrap_or_default();
            gone.retain(|at| find(&object, &self.plan.columns[*at]) == Found::Missing);
        }
        gone
    }

    /// Adds the planned columns that are not gone, and that a sample does not show: those that may be
    /// left out, and objects that are taken whole.
    fn complete(&self, table: &mut Table, gone: &[usize]) {
        for (at, name) in self.plan.columns.iter().enumerate() {
            let shown = table.columns.iter().any(|column| column.name == *name);
            if !shown && !gone.contains(&at) {
                table.columns.push(ColumnInfo {
                    name: name.clone(),
                    declared_type: String::new(),
                    nullable: true,
                });
            }
        }
    }

    fn no_column(&self, column: &str, table: &Table) -> ConnectError {
        let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        let near = match nearest(column, names.iter().copied()) {
            Some(near) => format!("did you mean '{near}'?"),
            None if names.is_empty() => "its rows are no objects; check `rows`.".to_owned(),
            None => format!("it has {}.", names.join(", ")),
        };
        ConnectError::configuration(
            format!("table {}", self.plan.table),
            format!("has no column '{column}' in any row of its first page"),
            format!("{near} If rows leave it out when there is no value, add it to `optional`"),
        )
    }

    /// Adds a row to a batch, and returns its cursor value.
    ///
    /// # Errors
    /// A configuration error when the cursor of an incremental read holds no value: such rows would
    /// never be read again.
    pub(super) fn push<'r>(
        &mut self,
        row: &'r str,
        builder: &mut BatchBuilder,
    ) -> Result<Option<Cow<'r, str>>, ConnectError> {
        let Some(object) = entries(row) else {
            // Not an object, or one whose names are no text.
            let cell = Cell::Unreadable(Fault::RaggedRow);
            builder.push_row(self.plan.columns.iter().map(|_| cell));
            return Ok(None);
        };
        let mut values = self.values(&object);
        builder.push_row(values.iter().map(Value::cell));
        let Some(cursor) = self.cursor else {
            return Ok(None);
        };
        match values.swap_remove(cursor) {
            Value::Text(text) if !text.is_empty() => Ok(Some(text)),
            Value::Text(_) | Value::Null | Value::Unreadable(_) => Err(self.no_cursor(cursor)),
        }
    }

    fn values<'r>(&mut self, object: &[Entry<'r>]) -> Vec<Value<'r>> {
        let mut values = Vec::with_capacity(self.plan.columns.len());
        for (at, column) in self.plan.columns.iter().enumerate() {
            values.push(match find(object, column) {
                Found::Value(json) => value(json),
                Found::Missing if self.optional[at] => Value::Null,
                Found::Missing => {
                    self.left_out[at] = true;
                    Value::Unreadable(Fault::NoColumn)
                }
                Found::Twice => Value::Unreadable(Fault::RaggedRow),
            });
        }
        values
    }

    fn no_cursor(&self, cursor: usize) -> ConnectError {
        let column = &self.plan.columns[cursor];
        ConnectError::configuration(
            format!("table {}", self.plan.table),
            format!("has rows without a value in the cursor '{column}'"),
            "choose a cursor that every row has, or set mode = \"snapshot\"",
        )
    }
}
