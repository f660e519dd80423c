//! How the rows of the log become the rows of a plan.

use std::borrow::Cow;

use md5::{Digest, Md5};
use rabt_connect::{Cell, ColumnInfo, ConnectError, Fault, Plan, Table, hex};
use sqlx::{PgConnection, Row};

use super::decode::{Described, Logical, Tuple};
use crate::fault::Doing;

/// The type below all domains.
const BASE: &str = "WITH RECURSIVE t AS ( \
       SELECT oid, typbasetype, typtype FROM pg_type WHERE oid = $1::oid \
       UNION ALL SELECT p.oid, p.typbasetype, p.typtype \
       FROM pg_type p JOIN t ON p.oid = t.typbasetype WHERE t.typtype = 'd') \
     SELECT oid::int8 FROM t WHERE typtype <> 'd'";

/// Types below this number are PostgreSQL's own, and no domains.
const FIRST_OWN: u32 = 16_384;
const BOOL: u32 = 16;
const PADDED: u32 = 1042;
const INET: u32 = 869;

const SEPARATOR: char = '\u{1f}';

/// How the text of a cell in the log differs from the text that a statement selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Same,
    /// `t` and `f`, where a statement says `true` and `false`.
    Bool,
    /// Blanks at the end, which a statement cuts.
    Padded,
    /// Without the length of the network when it is a single host.
    Inet,
}

/// The columns of a table in the log, as a plan wants them.
#[derive(Debug)]
pub(super) struct Shape {
    /// A digest of names and types.
    pub(super) digest: String,
    described: Described,
    forms: Vec<Form>,
    /// Where each column of the plan is.
    at: Vec<Option<usize>>,
    /// Where each column of the key is.
    key_at: Vec<usize>,
}

impl Shape {
    /// Returns the shape of a table that the log describes.
    pub(super) async fn of(
        described: Described,
        plan: &Plan,
        connection: &mut PgConnection,
    ) -> Result<Self, ConnectError> {
        let find = |name: &String| described.columns.iter().position(|c| c.name == *name);
        let mut key_at = Vec::with_capacity(plan.key.len());
        for name in &plan.key {
            key_at.push(find(name).ok_or_else(|| {
                let what = format!("lost the column '{name}' of its key");
                let remedy = "correct `key` of the stream";
                ConnectError::configuration(format!("table {}", plan.table), what, remedy)
            })?);
        }
        let at = plan.columns.iter().map(find).collect();
        let mut forms = Vec::with_capacity(described.columns.len());
        let mut digest = Md5::new();
        for column in &described.columns {
            forms.push(form_of(base_of(column.type_id, connection).await?));
            digest.update(column.name.as_bytes());
            digest.update([0]);
            digest.update(column.type_id.to_be_bytes());
            digest.update(column.modifier.to_be_bytes());
        }
        Ok(Self {
            digest: hex(&digest.finalize()),
            described,
            forms,
            at,
            key_at,
        })
    }

    /// Says whether a column of the plan is gone.
    pub(super) fn lacks(&self) -> bool {
        self.at.contains(&None)
    }

    /// Returns the table as the host sees it; the log does not say how types are written.
    pub(super) fn as_table(&self, plan: &Plan) -> Table {
        let columns = self.described.columns.iter().map(|column| ColumnInfo {
            name: column.name.clone(),
            declared_type: String::new(),
            nullable: true,
        });
        Table {
            schema: plan.schema.clone(),
            name: plan.table.clone(),
            columns: columns.collect(),
            key: plan.key.clone(),
            estimated_rows: None,
        }
    }

    /// Returns the cells of a plan's row.
    pub(super) fn cells<'t>(&self, tuple: &'t Tuple) -> Vec<Value<'t>> {
        let cell = |at: &Option<usize>| match at {
            Some(at) => self.value(tuple, *at),
            None => Value::Unreadable(Fault::NoColumn),
        };
        self.at.iter().map(cell).collect()
    }

    /// Returns the key of a row as hosts write it; nothing when a part of it is null, empty or not
    /// told.
    pub(super) fn key(&self, tuple: &Tuple) -> Option<String> {
        Some(self.key_parts(tuple)?.join(&SEPARATOR.to_string()))
    }

    /// Returns the parts of the key of a row.
    pub(super) fn key_parts(&self, tuple: &Tuple) -> Option<Vec<String>> {
        let part = |at: &usize| match self.value(tuple, *at) {
            Value::Text(text) if !text.trim().is_empty() => Some(text.into_owned()),
            Value::Text(_) | Value::Null | Value::Unchanged | Value::Unreadable(_) => None,
        };
        self.key_at.iter().map(part).collect()
    }

    /// Puts what is known of a row as it was into the cells that its change does not repeat. Of a
    /// row of which only the identity is known, other columns say nothing.
    pub(super) fn complete(&self, new: &mut Tuple, old: &Tuple, whole: bool) {
        for (at, cell) in new.0.iter_mut().enumerate() {
            let known = whole || self.described.columns.get(at).is_some_and(|c| c.identity);
            if let (Logical::Unchanged, true, Some(before)) = (&*cell, known, old.0.get(at)) {
                *cell = before.clone();
            }
        }
    }

    fn value<'t>(&self, tuple: &'t Tuple, at: usize) -> Value<'t> {
        let form = self.forms.get(at).copied().unwrap_or(Form::Same);
        match tuple.0.get(at) {
            Some(Logical::Text(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Value::Text(form.write(text)),
                Err(_) => Value::Unreadable(Fault::NotText),
            },
            Some(Logical::Null) => Value::Null,
            Some(Logical::Unchanged) => Value::Unchanged,
            None => Value::Unreadable(Fault::NoColumn),
        }
    }
}

/// A cell of a row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'t> {
    Text(Cow<'t, str>),
    Null,
    Unchanged,
    Unreadable(Fault),
}

impl Value<'_> {
    /// Returns the cell of a batch.
    pub(super) fn as_cell(&self) -> Cell<'_> {
        match self {
            Self::Text(text) => Cell::Text(text),
            Self::Null => Cell::Null,
            Self::Unchanged => Cell::Unchanged,
            Self::Unreadable(fault) => Cell::Unreadable(*fault),
        }
    }
}

impl Form {
    fn write(self, text: &str) -> Cow<'_, str> {
        match (self, text) {
            (Self::Bool, "t") => "true".into(),
            (Self::Bool, "f") => "false".into(),
            (Self::Padded, _) => text.trim_end_matches(' ').into(),
            (Self::Inet, _) if !text.contains('/') => {
                let bits = if text.contains(':') { 128 } else { 32 };
                format!("{text}/{bits}").into()
            }
            (Self::Same | Self::Bool | Self::Inet, _) => text.into(),
        }
    }
}

const fn form_of(type_id: u32) -> Form {
    match type_id {
        BOOL => Form::Bool,
        PADDED => Form::Padded,
        INET => Form::Inet,
        _ => Form::Same,
    }
}

async fn base_of(type_id: u32, connection: &mut PgConnection) -> Result<u32, ConnectError> {
    if type_id < FIRST_OWN {
        return Ok(type_id);
    }
    let doing = Doing::reading("the catalog");
    let query = sqlx::query(BASE).bind(i64::from(type_id));
    let row = query.fetch_optional(connection).await;
    let row = row.map_err(|error| doing.fault(&error))?;
    let base: Option<i64> = row.and_then(|row| row.try_get(0).ok());
    // A type that has gone since is written as it was.
    Ok(base
        .and_then(|base| u32::try_from(base).ok())
        .unwrap_or(type_id))
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn the_log_reads_as_a_statement_does() {
        for (form, logged, selected) in [
            (Form::Bool, "t", "true"),
            (Form::Bool, "f", "false"),
            (Form::Padded, "ab  ", "ab"),
            (Form::Inet, "10.0.0.1", "10.0.0.1/32"),
            (Form::Inet, "10.0.0.0/8", "10.0.0.0/8"),
            (Form::Inet, "::1", "::1/128"),
            (Form::Same, "t ", "t "),
        ] {
            assert_eq!(form.write(logged), selected);
        }
    }
}
