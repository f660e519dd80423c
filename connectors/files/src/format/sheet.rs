//! The keys of workbooks.

use rabt_connect::ConfigFields;

use crate::xlsx::{MOST_COLUMNS, MOST_ROWS};

/// Room for the texts that the cells of a workbook share, when the configuration does not say.
const SHARED_MIB: u32 = 256;

/// A part of a sheet; both ends included, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) rows: (u32, u32),
    pub(crate) columns: (u32, u32),
}

/// Which part of a workbook is the table.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// The sheet; the first that is not hidden when there is no name.
    pub(crate) name: Option<String>,
    pub(crate) range: Range,
    /// Whether a row names the columns.
    pub(crate) header: bool,
    /// The row that does; the first row with a value when there is no number.
    pub(crate) header_row: Option<u32>,
    /// Most bytes of the texts that cells share.
    pub(crate) max_shared: u64,
}

impl Range {
    const WHOLE: Self = Self {
        rows: (1, MOST_ROWS),
        columns: (1, MOST_COLUMNS),
    };

    /// Returns the range that is written `B3:H200`, `B:H` or `B3:H`.
    fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.trim().split_once(':')?;
        let (from, to) = (corner(from)?, corner(to)?);
        let range = Self {
            rows: (from.1.unwrap_or(1), to.1.unwrap_or(MOST_ROWS)),
            columns: (from.0.unwrap_or(1), to.0.unwrap_or(MOST_COLUMNS)),
        };
        (range.rows.0 <= range.rows.1 && range.columns.0 <= range.columns.1).then_some(range)
    }
}

/// Returns column and row of a corner such as `B3`, `B` or `3`.
fn corner(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let text = text.replace('$', "").to_ascii_uppercase();
    let at = text.find(|c: char| !c.is_ascii_uppercase());
    let (letters, digits) = text.split_at(at.unwrap_or(text.len()));
    if text.is_empty() || letters.len() > 3 {
        return None;
    }
    let column = letters
        .bytes()
        .fold(0, |sum, letter| sum * 26 + u32::from(letter - b'A') + 1);
    let column = (!letters.is_empty()).then_some(column);
    let row = if digits.is_empty() {
        None
    } else if digits.bytes().all(|digit| digit.is_ascii_digit()) {
        Some(digits.parse().ok()?)
    } else {
        return None;
    };
    let fits = |number: Option<u32>, most| number.is_none_or(|n| (1..=most).contains(&n));
    (fits(column, MOST_COLUMNS) && fits(row, MOST_ROWS)).then_some((column, row))
}

impl Sheet {
    /// Returns what a position depends on.
    pub(super) fn written(&self) -> String {
        format!(
            "xlsx {:?} {:?} {:?} {} {:?}",
            self.name, self.range.rows, self.range.columns, self.header, self.header_row
        )
    }
}

pub(super) fn read(fields: &ConfigFields<'_>) -> Option<Sheet> {
    let sheet = fields.has("sheet").then(|| fields.filled("sheet"));
    let range = if fields.has("range") {
        let range = fields.filled("range").and_then(Range::parse);
        if range.is_none() {
            fields.wrong(
                "range",
                "must be a range such as \"B3:H200\", \"B3:H\" or \"B:H\"",
            );
        }
        range
    } else {
        Some(Range::WHOLE)
    };
    let header = fields.flag("header", true);
    let given = fields.has("header_row");
    let header_row = given.then(|| fields.whole("header_row", 1, MOST_ROWS));
    let shared = if fields.has("max_shared_mib") {
        fields.whole("max_shared_mib", 1, 4_096)
    } else {
        Some(SHARED_MIB)
    };
    let range = range?;
    let (sheet, header_row) = (transpose(sheet)?, transpose(header_row)?);
    if header_row.is_some() && !header {
        fields.wrong("header_row", "belongs to header = true");
        return None;
    }
    if header_row.is_some_and(|row| row < range.rows.0 || row > range.rows.1) {
        fields.wrong("header_row", "is not in the range");
        return None;
    }
    Some(Sheet {
        name: sheet.map(str::to_owned),
        range,
        header,
        header_row,
        max_shared: u64::from(shared?) * 1024 * 1024,
    })
}

/// Returns nothing when a key that is there cannot be read.
#[expect(
    clippy::option_option,
    reason = "a key may be there or not, and be right or not"
)]
fn transpose<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(value) => value.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn ranges_are_read() {
        let range = |rows, columns| Some(Range { rows, columns });
        for (text, expected) in [
            ("B3:H200", range((3, 200), (2, 8))),
            ("$B$3:$H$200", range((3, 200), (2, 8))),
            ("b:h", range((1, 1_048_576), (2, 8))),
            ("B3:H", range((3, 1_048_576), (2, 8))),
            ("3:200", range((3, 200), (1, 16_384))),
            ("A1:XFD1048576", range((1, 1_048_576), (1, 16_384))),
            ("B3", None),
            ("H3:B4", None),
            ("B4:H3", None),
            ("A0:B2", None),
            ("A1:XFE2", None),
            ("A1:B1048577", None),
            ("A1:ZZZZZZZZ9", None),
            ("A1:B99999999999999999999", None),
            ("1A:2B", None),
            (":", None),
        ] {
            assert_eq!(Range::parse(text), expected, "{text}");
        }
    }
}
