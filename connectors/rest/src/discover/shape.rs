//! The columns of sample rows and the shape of their values, never the values.

use std::fmt::Write;

use rabt_connect::{ColumnInfo, Table};

use crate::json::{entries, text};
use crate::page::is_name;

/// Rows that are looked at.
const SAMPLE_ROWS: usize = 1_000;

/// How deep objects are taken apart; what lies deeper is JSON text.
const DEPTH: usize = 8;

/// Columns that are told of one table. Objects with more names are keyed by values.
const MOST_COLUMNS: usize = 1_000;

/// Values with one shape that are needed to tell it.
const FEWEST: u64 = 3;

/// What is known of the columns of some rows, in the order of their first appearance.
#[derive(Default)]
pub(crate) struct Shapes {
    columns: Vec<Column>,
    rows: u64,
}

struct Column {
    name: String,
    /// How many rows have a value, null included.
    present: u64,
    nulls: u64,
    /// The type of all values so far; nothing when they differ.
    kind: Option<&'static str>,
    /// The shape of all texts so far; nothing when they differ.
    shape: Option<String>,
    texts: u64,
}

impl Shapes {
    /// Looks at rows, up to a number of them.
    pub(crate) fn add_all<'r>(&mut self, rows: impl Iterator<Item = &'r str>) {
        for row in rows.take(SAMPLE_ROWS) {
            self.rows += 1;
            self.add("", row, 0);
        }
    }

    fn add(&mut self, prefix: &str, object: &str, depth: usize) {
        for (name, json) in entries(object).unwrap_or_default() {
            if !is_name(&name) {
                continue;
            }
            let path = if prefix.is_empty() {
                name.into_owned()
            } else {
                format!("{prefix}.{name}")
            };
            let is_filled = json.starts_with('{') && json != "{}";
            if is_filled && depth < DEPTH {
                self.add(&path, json, depth + 1);
            } else {
                self.note(path, json);
            }
        }
    }

    fn note(&mut self, path: String, json: &str) {
        let known = self.columns.iter().position(|column| column.name == path);
        let at = match known {
            Some(at) => at,
            None if self.columns.len() >= MOST_COLUMNS => return,
            None => {
                self.columns.push(Column::new(path));
                self.columns.len() - 1
            }
        };
        self.columns[at].note(json);
    }
}

impl Column {
    fn new(name: String) -> Self {
        Self {
            name,
            present: 0,
            nulls: 0,
            kind: None,
            shape: None,
            texts: 0,
        }
    }

    fn note(&mut self, json: &str) {
        self.present += 1;
        let kind = match json.as_bytes().first() {
            Some(b'n') => {
                self.nulls += 1;
                return;
            }
            Some(b'"') => "string",
            Some(b't' | b'f') => "boolean",
            Some(b'[') => "array",
            Some(b'{') => "object",
            _ => "number",
        };
        let is_first = self.present - self.nulls == 1;
        if is_first {
            self.kind = Some(kind);
        } else if self.kind != Some(kind) {
            self.kind = None;
        }
        let Some(text) = text(json) else {
            return;
        };
        self.texts += 1;
        let shape = shape(&text);
        if self.texts == 1 {
            self.shape = shape;
        } else if self.shape != shape {
            self.shape = None;
        }
    }

    fn declared_type(&self) -> String {
        let kind = self.kind.unwrap_or_default();
        match &self.shape {
            Some(shape) if kind == "string" && self.texts >= FEWEST => format!("{kind} {shape}"),
            Some(_) | None => kind.to_owned(),
        }
    }
}

/// Returns the table that sample rows come from.
pub(crate) fn table_of(name: &str, shapes: Shapes) -> Table {
    let rows = shapes.rows;
    let column = |column: Column| ColumnInfo {
        declared_type: column.declared_type(),
        nullable: column.nulls > 0 || column.present < rows,
        name: column.name,
    };
    Table {
        schema: None,
        name: name.to_owned(),
        columns: shapes.columns.into_iter().map(column).collect(),
        key: Vec::new(),
        estimated_rows: None,
    }
}

/// Returns the shape of a text of digits and the marks of dates and numbers: `9(4)-9(2)-9(2)`.
/// Other texts have none.
fn shape(text: &str) -> Option<String> {
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    let mut shape = String::new();
    let mut digits = 0;
    for c in text.chars() {
        if c.is_numeric() {
            digits += 1;
            continue;
        }
        if !"-/:. +TZ".contains(c) {
            return None;
        }
        end_digits(&mut shape, &mut digits);
        shape.push(c);
    }
    end_digits(&mut shape, &mut digits);
    Some(shape)
}

fn end_digits(shape: &mut String, digits: &mut u32) {
    if *digits > 0 {
        let _ = write!(shape, "9({digits})");
        *digits = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Shapes, shape, table_of};

    #[test]
    fn shapes_hold_no_value() {
        for (text, expected) in [
            ("29001011234567", Some("9(14)")),
            ("٢٩٠٠١٠١١٢٣٤٥٦٧", Some("9(14)")),
            (
                "1984-02-11T10:00:00Z",
                Some("9(4)-9(2)-9(2)T9(2):9(2):9(2)Z"),
            ),
            ("منى", None),
            ("A12", None),
            ("", None),
        ] {
            assert_eq!(shape(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn columns_are_those_of_all_rows() {
        let rows = [
            r#"{"id":1,"nid":"29001011234567","address":{"city":"طنطا","tags":[1]},"x":1}"#,
            r#"{"id":2,"nid":"29001011234568","address":{"city":null,"tags":[]},"x":"a"}"#,
            r#"{"id":3,"nid":"29001011234569","late":true,"29001011234567":1}"#,
        ];
        let mut shapes = Shapes::default();
        shapes.add_all(rows.into_iter());
        let columns = table_of("t", shapes).columns.into_iter();
        let told: Vec<String> = columns
            .map(|c| format!("{}|{}|{}", c.name, c.declared_type, c.nullable))
            .collect();
        assert_eq!(
            told,
            [
                "id|number|false",
                "nid|string 9(14)|false",
                "address.city|string|true",
                "address.tags|array|true",
                "x||true",
                "late|boolean|true",
            ]
        );
    }
}
