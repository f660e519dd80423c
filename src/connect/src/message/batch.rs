//! Rows as columns of text.
//!
//! Invariant: a cell is text without NUL and of at most [`MAX_CELL_BYTES`], or it says why not.

use std::fmt;
use std::sync::Arc;

/// Longest cell that is taken, in bytes: 64 KiB. A longer one becomes [`Fault::TooLong`].
pub const MAX_CELL_BYTES: usize = 64 * 1024;

/// Bytes of text after which a batch should be sent: 1 MiB.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// One cell of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// A value as text. The empty text is not NULL.
    Text(&'a str),
    /// SQL NULL.
    Null,
    /// A change that left this column as it was and does not repeat it.
    Unchanged,
    /// There is a value, and it could not be read.
    Unreadable(Fault),
}

/// Why a cell could not be read. Codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The row has more or fewer cells than the header.
    RaggedRow,
    /// The bytes are not text in the source's encoding.
    NotText,
    /// Longer than [`MAX_CELL_BYTES`].
    TooLong,
    /// Contains a NUL character.
    NulByte,
    /// A binary value where text is expected.
    Binary,
    /// The row has no such column.
    NoColumn,
    /// The cell of a workbook shows an error (`#N/A`), or was never calculated.
    ErrorCell,
}

impl Fault {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RaggedRow => "ragged_row",
            Self::NotText => "not_text",
            Self::TooLong => "too_long",
            Self::NulByte => "nul_byte",
            Self::Binary => "binary",
            Self::NoColumn => "no_column",
            Self::ErrorCell => "error_cell",
        }
    }
}

/// What a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Text,
    Null,
    Unchanged,
    Unreadable(Fault),
}

/// The cells of one column: their texts one behind the other, and where each ends.
#[derive(Clone, Default)]
pub(crate) struct Column {
    text: String,
    ends: Vec<usize>,
    marks: Vec<Mark>,
}

impl Column {
    /// Returns a column of texts that came from elsewhere; nothing when they do not fit together:
    /// `ends` must grow, lie between characters and reach the end, one for each mark. Cells that are
    /// too long or contain NUL are marked so.
    pub(crate) fn of_parts(text: String, ends: Vec<usize>, mut marks: Vec<Mark>) -> Option<Self> {
        let fits = ends.len() == marks.len()
            && ends.is_sorted()
            && ends.last().copied().unwrap_or(0) == text.len()
            && ends.iter().all(|end| text.is_char_boundary(*end));
        if !fits {
            return None;
        }
        let has_nul = text.as_bytes().contains(&0);
        let mut start = 0;
        for (end, mark) in ends.iter().zip(&mut marks) {
            if *mark == Mark::Text {
                if end - start > MAX_CELL_BYTES {
                    *mark = Mark::Unreadable(Fault::TooLong);
                } else if has_nul && text.as_bytes()[start..*end].contains(&0) {
                    *mark = Mark::Unreadable(Fault::NulByte);
                }
            }
            start = *end;
        }
        Some(Self { text, ends, marks })
    }

    /// Returns the texts, where each cell ends in them, and what each cell is.
    pub(crate) fn into_parts(self) -> (String, Vec<usize>, Vec<Mark>) {
        (self.text, self.ends, self.marks)
    }

    fn push(&mut self, cell: Cell<'_>) {
        let mark = match cell {
            Cell::Text(text) if text.len() > MAX_CELL_BYTES => Mark::Unreadable(Fault::TooLong),
            Cell::Text(text) if text.as_bytes().contains(&0) => Mark::Unreadable(Fault::NulByte),
            Cell::Text(text) => {
                self.text.push_str(text);
                Mark::Text
            }
            Cell::Null => Mark::Null,
            Cell::Unchanged => Mark::Unchanged,
            Cell::Unreadable(fault) => Mark::Unreadable(fault),
        };
        self.ends.push(self.text.len());
        self.marks.push(mark);
    }

    #[inline]
    fn get(&self, row: usize) -> Cell<'_> {
        match self.marks.get(row) {
            Some(Mark::Text) => {
                let start = if row == 0 { 0 } else { self.ends[row - 1] };
                Cell::Text(&self.text[start..self.ends[row]])
            }
            Some(Mark::Null) => Cell::Null,
            Some(Mark::Unchanged) => Cell::Unchanged,
            Some(Mark::Unreadable(fault)) => Cell::Unreadable(*fault),
            None => Cell::Unreadable(Fault::NoColumn),
        }
    }
}

/// Rows of one table as columns of text. `Debug` shows its shape, never a cell.
#[derive(Clone)]
pub struct Batch {
    names: Arc<[String]>,
    columns: Vec<Column>,
    rows: usize,
}

impl Batch {
    /// Returns a batch of columns that came from elsewhere; nothing unless there is one of `rows`
    /// cells for each name.
    pub(crate) fn of_columns(
        names: Arc<[String]>,
        columns: Vec<Column>,
        rows: usize,
    ) -> Option<Self> {
        let fits = columns.len() == names.len() && columns.iter().all(|c| c.marks.len() == rows);
        fits.then_some(Self {
            names,
            columns,
            rows,
        })
    }

    /// Returns the columns.
    pub(crate) fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// Returns the names of the columns, in their order.
    pub fn columns(&self) -> &Arc<[String]> {
        &self.names
    }

    /// Returns the index of a column.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|column| column == name)
    }

    /// Returns the number of rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Says whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns a cell; one that does not exist is unreadable ([`Fault::NoColumn`]).
    #[inline]
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        self.columns
            .get(column)
            .map_or(Cell::Unreadable(Fault::NoColumn), |column| column.get(row))
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("columns", &self.names)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// Collects rows into batches.
pub struct BatchBuilder {
    batch: Batch,
    bytes: usize,
}

impl BatchBuilder {
    /// Returns a builder of batches with these columns.
    pub fn new(columns: impl Into<Arc<[String]>>) -> Self {
        let names = columns.into();
        let columns = vec![Column::default(); names.len()];
        Self {
            batch: Batch {
                names,
                columns,
                rows: 0,
            },
            bytes: 0,
        }
    }

    /// Adds a row. Cells beyond the last column are dropped; cells that are missing are
    /// unreadable ([`Fault::RaggedRow`]).
    pub fn push_row<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) {
        let mut cells = cells.into_iter();
        for column in &mut self.batch.columns {
            let cell = cells.next().unwrap_or(Cell::Unreadable(Fault::RaggedRow));
            let before = column.text.len();
            column.push(cell);
            self.bytes += column.text.len() - before;
        }
        self.batch.rows += 1;
    }

    /// Returns the number of rows collected.
    pub const fn rows(&self) -> usize {
        self.batch.rows
    }

    /// Returns the bytes of text collected.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Says whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.batch.rows == 0
    }

    /// Says whether the batch should be sent: `rows` reached, or [`MAX_BATCH_BYTES`].
    pub const fn is_full(&self, rows: usize) -> bool {
        self.batch.rows >= rows || self.bytes >= MAX_BATCH_BYTES
    }

    /// Returns what has been collected and starts anew.
    pub fn take(&mut self) -> Batch {
        let fresh = Self::new(Arc::clone(&self.batch.names));
        std::mem::replace(self, fresh).batch
    }
}

#[cfg(test)]
mod tests {
    use super::{BatchBuilder, Cell, Fault, MAX_CELL_BYTES};

    fn builder() -> BatchBuilder {
        BatchBuilder::new(vec!["a".to_owned(), "b".to_owned()])
    }

    #[test]
    fn cells_come_back_as_they_were() {
        let mut builder = builder();
        builder.push_row([Cell::Text("منى"), Cell::Null]);
        builder.push_row([Cell::Text(""), Cell::Unchanged]);
        builder.push_row([Cell::Text("x"), Cell::Unreadable(Fault::Binary)]);
        let batch = builder.take();
        assert_eq!(batch.rows(), 3);
        assert_eq!(batch.cell(0, 0), Cell::Text("منى"));
        assert_eq!(batch.cell(0, 1), Cell::Null);
        assert_eq!(batch.cell(1, 0), Cell::Text(""));
        assert_eq!(batch.cell(1, 1), Cell::Unchanged);
        assert_eq!(batch.cell(2, 0), Cell::Text("x"));
        assert_eq!(batch.cell(2, 1), Cell::Unreadable(Fault::Binary));
        assert_eq!(batch.cell(9, 0), Cell::Unreadable(Fault::NoColumn));
        assert_eq!(batch.cell(0, 9), Cell::Unreadable(Fault::NoColumn));
        assert!(builder.is_empty() && builder.bytes() == 0);
    }

    #[test]
    fn hostile_cells_and_ragged_rows_are_named() {
        let mut builder = builder();
        builder.push_row([
            Cell::Text(&"x".repeat(MAX_CELL_BYTES + 1)),
            Cell::Text("a\0b"),
        ]);
        builder.push_row([Cell::Text("only one")]);
        builder.push_row([Cell::Text("1"), Cell::Text("2"), Cell::Text("3")]);
        assert!(builder.bytes() < 100);
        let batch = builder.take();
        assert_eq!(batch.cell(0, 0), Cell::Unreadable(Fault::TooLong));
        assert_eq!(batch.cell(0, 1), Cell::Unreadable(Fault::NulByte));
        assert_eq!(batch.cell(1, 1), Cell::Unreadable(Fault::RaggedRow));
        assert_eq!(batch.cell(2, 1), Cell::Text("2"));
    }

    #[test]
    fn debug_shows_no_cell() {
        let mut builder = builder();
        builder.push_row([Cell::Text("29001011234567"), Cell::Null]);
        let shown = format!("{:?}", builder.take());
        assert!(
            shown.contains("rows: 1") && !shown.contains("2900"),
            "{shown}"
        );
    }
}
