//! Values by the type they have, not by the type their column declares: an `INTEGER` column may
//! hold `'not an int'`.

use rabt_connect::{Cell, Fault};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row, Sqlite, TypeInfo, ValueRef};

/// A value of a key or a cursor, as a position keeps it and a query compares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scalar {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// The bits of a number with a fraction: JSON has no infinity.
    Real(u64),
    /// Text.
    Text(String),
    /// Bytes, and text that is not UTF-8.
    Blob(Vec<u8>),
}

/// A value as a cell. `number` holds the text of a number while the row is built.
pub(crate) enum Read<'r> {
    Text(&'r str),
    Number(String),
    Null,
    Unreadable(Fault),
}

impl Read<'_> {
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Text(text) => Cell::Text(text),
            Self::Number(text) => Cell::Text(text),
            Self::Null => Cell::Null,
            Self::Unreadable(fault) => Cell::Unreadable(*fault),
        }
    }
}

/// Returns a value as text.
pub(crate) fn read(row: &SqliteRow, column: usize) -> Read<'_> {
    let Ok(value) = row.try_get_raw(column) else {
        return Read::Unreadable(Fault::NoColumn);
    };
    if value.is_null() {
        return Read::Null;
    }
    match value.type_info().name() {
        "INTEGER" => decode::<i64>(value).map_or(Read::Unreadable(Fault::NotText), |number| {
            Read::Number(number.to_string())
        }),
        "REAL" => decode::<f64>(value).map_or(Read::Unreadable(Fault::NotText), |number| {
            Read::Number(write_real(number))
        }),
        "TEXT" => decode::<&[u8]>(value)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .map_or(Read::Unreadable(Fault::NotText), Read::Text),
        _ => Read::Unreadable(Fault::Binary),
    }
}

/// Returns a value as a position keeps it.
pub(crate) fn scalar(row: &SqliteRow, column: usize) -> Scalar {
    let Ok(value) = row.try_get_raw(column) else {
        return Scalar::Null;
    };
    if value.is_null() {
        return Scalar::Null;
    }
    let found = match value.type_info().name() {
        "INTEGER" => decode(value).map(Scalar::Integer),
        "REAL" => decode::<f64>(value).map(|number| Scalar::Real(number.to_bits())),
        "TEXT" => decode::<&[u8]>(value).map(|bytes| match std::str::from_utf8(bytes) {
            Ok(text) => Scalar::Text(text.to_owned()),
            Err(_) => Scalar::Blob(bytes.to_vec()),
        }),
        _ => decode::<&[u8]>(value).map(|bytes| Scalar::Blob(bytes.to_vec())),
    };
    found.unwrap_or(Scalar::Null)
}

fn decode<'r, T: Decode<'r, Sqlite>>(value: SqliteValueRef<'r>) -> Option<T> {
    T::decode(value).ok()
}

/// Writes a whole number without a fraction: numbers that pass through spreadsheets come back as
/// reals, and `29001010112345.0` is no identifier.
fn write_real(number: f64) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return format!("{number:.0}");
    }
    format!("{number:?}")
}

#[cfg(test)]
mod tests {
    use super::write_real;

    #[test]
    fn reals_read_as_people_write_them() {
        for (number, text) in [
            (29_001_010_112_345.0, "29001010112345"),
            (-1.0, "-1"),
            (0.5, "0.5"),
            (f64::INFINITY, "inf"),
            (1e300, "1e300"),
        ] {
            assert_eq!(write_real(number), text);
        }
    }
}
