//! What a table looks like in the log, and how its rows become the rows of a plan.

use std::fmt::Write;

use md5::{Digest, Md5};
use mysql_async::binlog::events::{OptionalMetaExtractor, OptionalMetadataField, TableMapEvent};
use mysql_async::consts::ColumnType;
use rabt_connect::{ColumnInfo, ConnectError, Fault, Plan, Table as HostTable, hex};
use sqlx::MySqlConnection;

use super::charset::{BYTES, Charsets};
use super::place::Told;
use super::rows::Tuple;
use super::table::Table;
use super::value::{Form, Value};
use crate::catalog::Relation;

const SEPARATOR: char = '\u{1f}';

/// The columns of a table in the log, as a plan wants them.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) told: Told,
    columns: Vec<Column>,
    /// Where each column of the plan is.
    at: Vec<Option<usize>>,
    /// Where each column of the key is.
    key_at: Vec<usize>,
}

/// A column in the log.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    pub(super) kind: ColumnType,
    pub(super) meta: Vec<u8>,
    pub(super) unsigned: bool,
    /// Whether a plan asks for it.
    pub(super) wanted: bool,
    pub(super) form: Form,
    /// The type in words: what values of it depend on.
    words: String,
    collation: u16,
    labels: Vec<Vec<u8>>,
}

/// What there is to describe a table with.
pub(super) struct Describing<'a> {
    pub(super) plan: &'a Plan,
    pub(super) relation: &'a Relation,
    pub(super) table: &'a Table,
}

impl Shape {
    /// Returns the shape of a table that the log describes.
    pub(super) async fn of(
        event: &TableMapEvent<'_>,
        by: &Describing<'_>,
        charsets: &mut Charsets,
        connection: &mut MySqlConnection,
    ) -> Result<Self, ConnectError> {
        let plan = by.plan;
        let mut columns = columns(event).map_err(|what| {
            ConnectError::configuration(
                format!("table {}", plan.table),
                format!("cannot be read from the log: {}", what.0),
                what.1,
            )
        })?;
        let mut digest = Md5::new();
        for column in &mut columns {
            digest.update(column.name.as_bytes());
            digest.update([0]);
            digest.update(column.words.as_bytes());
            digest.update(&column.meta);
            digest.update([0]);
            column.wanted = plan.columns.contains(&column.name) || plan.key.contains(&column.name);
            if column.wanted {
                column.form = form(column, by, charsets, connection).await?;
            }
        }
        let find = |name: &String| columns.iter().position(|column| column.name == *name);
        let at: Vec<Option<usize>> = plan.columns.iter().map(find).collect();
        let mut key_at = Vec::with_capacity(plan.key.len());
        for name in &plan.key {
            let place = format!("table {}", plan.table);
            let at = find(name).ok_or_else(|| {
                let what = format!("lost the column '{name}' of its key");
                ConnectError::configuration(&place, what, "correct `key` of the stream")
            })?;
            if columns[at].form == Form::Again {
                let what = format!("has '{name}' in its key, whose text is not in the log");
                let remedy = "take another key, or set mode = \"incremental\" or \"snapshot\"";
                return Err(ConnectError::configuration(place, what, remedy));
            }
            key_at.push(at);
        }
        let words = |at: &Option<usize>| at.map(|at| columns[at].words.clone());
        Ok(Self {
            told: Told {
                digest: hex(&digest.finalize()),
                types: at.iter().map(words).collect(),
            },
            columns,
            at,
            key_at,
        })
    }

    pub(super) const fn width(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter()
    }

    /// Says whether a column of the plan is gone.
    pub(super) fn lacks(&self) -> bool {
        self.at.contains(&None)
    }

    /// Returns the first column of the plan that has another type than it had.
    pub(super) fn retyped<'p>(&self, before: &Told, plan: &'p Plan) -> Option<&'p str> {
        let pairs = before.types.iter().zip(&self.told.types);
        let mut named = plan.columns.iter().zip(pairs);
        let other = |(_, (was, is)): &(&String, (&Option<String>, &Option<String>))| matches!((was, is), (Some(was), Some(is)) if was != is);
        named.find(other).map(|(name, _)| name.as_str())
    }

    /// Returns the table as the host sees it.
    pub(super) fn as_table(&self, plan: &Plan) -> HostTable {
        let columns = self.columns.iter().map(|column| ColumnInfo {
            name: column.name.clone(),
            declared_type: String::new(),
            nullable: true,
        });
        HostTable {
            schema: plan.schema.clone(),
            name: plan.table.clone(),
            columns: columns.collect(),
            key: plan.key.clone(),
            estimated_rows: None,
        }
    }

    /// Returns the cells of a plan's row.
    pub(super) fn cells<'t>(&self, tuple: &'t Tuple) -> Vec<&'t Value> {
        const GONE: &Value = &Value::Unreadable(Fault::NoColumn);
        let cell = |at: &Option<usize>| match at {
            Some(at) => tuple.0.get(*at).unwrap_or(GONE),
            None => GONE,
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
        let part = |at: &usize| match tuple.0.get(*at)? {
            Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Text(_) | Value::Null | Value::Again | Value::Absent | Value::Unreadable(_) => {
                None
            }
        };
        self.key_at.iter().map(part).collect()
    }

    /// Says whether the log tells the key of a row.
    pub(super) fn tells_key(&self, tuple: &Tuple) -> bool {
        let told = |at: &usize| !matches!(tuple.0.get(*at), Some(Value::Absent) | None);
        self.key_at.iter().all(told)
    }
}

impl Column {
    /// Returns the length of a text or of bytes of a fixed length, of which the log leaves out the blanks
    /// or zeros at the end.
    pub(super) fn fixed_length(&self) -> usize {
        let [first, second, ..] = *self.meta.as_slice() else {
            return 0;
        };
        let (first, second) = (usize::from(first), usize::from(second));
        if first & 0x30 == 0x30 {
            second
        } else {
            second | (((first & 0x30) ^ 0x30) << 4)
        }
    }
}

/// What is wrong with a description, and what to do.
type Wrong = (String, &'static str);

const METADATA: &str = "SET GLOBAL binlog_row_metadata = 'FULL'; and rewind the source with \
     `rabt source rewind ID`, so that it is read from the beginning";

fn columns(event: &TableMapEvent<'_>) -> Result<Vec<Column>, Wrong> {
    let garbled = || {
        let remedy = "set mode = \"incremental\" or \"snapshot\", and report the server's release";
        ("its description is not understood".to_owned(), remedy)
    };
    let optional = OptionalMetaExtractor::new(event.iter_optional_meta()).map_err(|_| garbled())?;
    let mut unsigned = optional.iter_signedness();
    let mut collations = optional.iter_charset();
    let mut label_collations = optional.iter_enum_and_set_charset();
    let mut names = optional.iter_column_name();
    let (mut enumerations, mut sets) = labels(event).ok_or_else(garbled)?;
    let width = usize::try_from(event.columns_count()).map_err(|_| garbled())?;
    let mut columns = Vec::with_capacity(width);
    for at in 0..width {
        let Some(name) = names.next() else {
            let what = "the log did not name columns when this was written";
            return Err((what.to_owned(), METADATA));
        };
        let name = name.map_err(|_| garbled())?.name().into_owned();
        let kind = event.get_column_type(at).ok().flatten().ok_or_else(|| {
            let what = format!("'{name}' has a type that is not understood");
            (what, "set mode = \"incremental\" or \"snapshot\"")
        })?;
        let meta = event.get_column_metadata(at).unwrap_or_default().to_vec();
        let unsigned = kind.is_numeric_type() && unsigned.next().unwrap_or_default();
        let collation = if kind.is_character_type() {
            collations.next()
        } else if kind.is_enum_or_set_type() {
            label_collations.next()
        } else {
            None
        };
        let collation = collation.transpose().map_err(|_| garbled())?;
        let labels = if kind.is_enum_type() {
            enumerations.next()
        } else if kind.is_set_type() {
            sets.next()
        } else {
            None
        };
        let labels = labels.unwrap_or_default();
        let collation = collation.unwrap_or(BYTES);
        columns.push(Column {
            words: words(kind, &meta, unsigned, collation, &labels),
            name,
            kind,
            meta,
            unsigned,
            wanted: false,
            form: Form::Again,
            collation,
            labels,
        });
    }
    Ok(columns)
}

type Labels = std::vec::IntoIter<Vec<Vec<u8>>>;

/// Returns the labels of each enumeration and of each set.
fn labels(event: &TableMapEvent<'_>) -> Option<(Labels, Labels)> {
    let (mut enumerations, mut sets) = (Vec::new(), Vec::new());
    for field in event.iter_optional_meta() {
        let field = field.ok()?;
        if let OptionalMetadataField::EnumStrValue(values) = &field {
            for one in values.iter_values() {
                let one = one.ok()?;
                let labels = one.values().iter().map(|value| value.value_raw().to_vec());
                enumerations.push(labels.collect());
            }
        }
        if let OptionalMetadataField::SetStrValue(values) = &field {
            for one in values.iter_values() {
                let one = one.ok()?;
                let labels = one.values().iter().map(|value| value.value_raw().to_vec());
                sets.push(labels.collect());
            }
        }
    }
    Some((enumerations.into_iter(), sets.into_iter()))
}

/// Returns what the text of a column's values depends on. Lengths are no part of it: a text that became
/// longer is the same text.
fn words(
    kind: ColumnType,
    meta: &[u8],
    unsigned: bool,
    collation: u16,
    labels: &[Vec<u8>],
) -> String {
    use ColumnType as Kind;
    let exact = matches!(
        kind,
        Kind::MYSQL_TYPE_NEWDECIMAL
            | Kind::MYSQL_TYPE_BIT
            | Kind::MYSQL_TYPE_TIME2
            | Kind::MYSQL_TYPE_DATETIME2
            | Kind::MYSQL_TYPE_TIMESTAMP2
    );
    let depends = if exact { meta } else { &[] };
    let mut digest = Md5::new();
    for label in labels {
        digest.update(label);
        digest.update([0]);
    }
    let mut words = format!("{}:{}", kind as u8, hex(depends));
    if unsigned {
        words.push('u');
    }
    if collation != BYTES || !labels.is_empty() {
        let _ = write!(words, ":{collation}");
    }
    if !labels.is_empty() {
        let _ = write!(words, ":{}", hex(&digest.finalize()));
    }
    words
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not known to be told safely is read again"
)]
async fn form(
    column: &Column,
    by: &Describing<'_>,
    charsets: &mut Charsets,
    connection: &mut MySqlConnection,
) -> Result<Form, ConnectError> {
    use ColumnType as Kind;
    let declared = by.relation.column(&column.name);
    let declared = declared.map_or("", |column| column.declared_type.as_str());
    let declared = declared.to_lowercase();
    // Types of their own that are kept as bytes, and what is not kept.
    let own = ["uuid", "inet", "vector", "xmltype"];
    if by.table.computed.contains(&column.name) || own.iter().any(|own| declared.starts_with(own)) {
        return Ok(Form::Again);
    }
    let zerofill = declared.contains("zerofill");
    let digits = usize::from(column.meta.first().copied().unwrap_or(0));
    Ok(match column.kind {
        Kind::MYSQL_TYPE_TINY
        | Kind::MYSQL_TYPE_SHORT
        | Kind::MYSQL_TYPE_INT24
        | Kind::MYSQL_TYPE_LONG
        | Kind::MYSQL_TYPE_LONGLONG => Form::Whole(if zerofill { width(&declared) } else { 0 }),
        Kind::MYSQL_TYPE_NEWDECIMAL if !zerofill => Form::Decimal,
        Kind::MYSQL_TYPE_YEAR if !declared.starts_with("year(2)") => Form::Year,
        Kind::MYSQL_TYPE_NEWDATE => Form::Date,
        Kind::MYSQL_TYPE_TIME2 => Form::Time(digits),
        Kind::MYSQL_TYPE_DATETIME2 => Form::DateTime(digits),
        Kind::MYSQL_TYPE_TIMESTAMP2 => Form::Timestamp(digits),
        Kind::MYSQL_TYPE_BIT => Form::Bits,
        Kind::MYSQL_TYPE_ENUM | Kind::MYSQL_TYPE_SET => {
            let charset = charsets.of(column.collation, connection).await?;
            let labels = column
                .labels
                .iter()
                .map(|label| charset.text(label.clone()));
            let labels = labels.collect();
            if column.kind.is_enum_type() {
                Form::Enumeration(labels)
            } else {
                Form::Set(labels)
            }
        }
        Kind::MYSQL_TYPE_STRING
        | Kind::MYSQL_TYPE_VAR_STRING
        | Kind::MYSQL_TYPE_VARCHAR
        | Kind::MYSQL_TYPE_BLOB => {
            if column.collation == BYTES {
                Form::Bytes {
                    length: match column.kind {
                        Kind::MYSQL_TYPE_STRING => column.fixed_length(),
                        _ => 0,
                    },
                    digits: by.plan.key.contains(&column.name),
                }
            } else {
                Form::Characters(charsets.of(column.collation, connection).await?)
            }
        }
        Kind::MYSQL_TYPE_GEOMETRY => Form::Bytes {
            length: 0,
            digits: by.plan.key.contains(&column.name),
        },
        // Approximate numbers, types of another flavour, and times as old servers keep them.
        _ => Form::Again,
    })
}

/// Returns the number in brackets: `int(5) unsigned zerofill`.
fn width(declared: &str) -> usize {
    let inside = declared
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    inside
        .and_then(|(width, _)| width.parse().ok())
        .unwrap_or(0)
}
