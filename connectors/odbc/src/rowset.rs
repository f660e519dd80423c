//! Rows as a driver gives them: many at once, into columns of bounded room.
//!
//! Invariant: a cell that fills its room may go on behind it, and is never taken for whole.

use odbc_api::buffers::{ColumnarBuffer, TextColumn};
use rabt_connect::MAX_CELL_BYTES;

use crate::catalog::Column;
use crate::dialect::Dialect;

/// Rows of one call at most.
const ROWS: usize = 1024;
/// Room of all rows of one call at most, in bytes; a row that is larger comes alone.
const BYTES: usize = 8 * 1024 * 1024;
/// Room that holds every text of the contract: one of so many bytes has no more units. What fills it is
/// too long.
const WHOLE: usize = MAX_CELL_BYTES + 3;
/// Room of a whole number, of a time, of the mark that bytes are there.
const NUMBER: usize = 24;
const TIME: usize = 64;
const MARK: usize = 8;
/// Room of a text of which nothing is declared, or too much, at first.
const TEXT: usize = 384;
/// Most declared characters that are believed.
const DECLARED: usize = 255;

/// A set of rows.
pub(crate) type RowSet = ColumnarBuffer<TextColumn<u16>>;

/// How much room the cells of each column have, in units of UTF-16.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rooms(Vec<usize>);

impl Rooms {
    /// Returns rooms for these columns. What turns out to be too small can be made larger where rows can
    /// be asked for again; otherwise every text has its whole room at once.
    pub(crate) fn new(columns: &[&Column], dialect: Dialect, again: bool) -> Self {
        let room = |column: &&Column| {
            if column.is_binary() {
                return MARK;
            }
            // A declared type of SQLite binds nobody.
            let bounded = dialect != Dialect::Sqlite;
            match (again, bounded) {
                (_, true) if column.is_whole() => NUMBER,
                (_, true) if column.is_time() => TIME,
                (false, _) => WHOLE,
                // A character may be two units.
                (true, _) if (1..=DECLARED).contains(&column.size) => NUMBER + 2 * column.size,
                (true, _) => TEXT,
            }
        };
        Self(columns.iter().map(room).collect())
    }

    /// Returns a set for as many rows as fit into its room, `most` at most.
    pub(crate) fn set(&self, most: usize) -> RowSet {
        let cell = |units: &usize| (units + 1) * size_of::<u16>() + size_of::<isize>();
        let row: usize = self.0.iter().map(cell).sum();
        let rows = (BYTES / row.max(1)).clamp(1, ROWS).min(most.max(1));
        let columns = (1..).zip(&self.0);
        let columns = columns.map(|(number, units)| (number, TextColumn::new(rows, *units)));
        ColumnarBuffer::new(columns.collect())
    }

    /// Says whether a text of so many units may be only the beginning of one. A driver that takes no
    /// half of a pair leaves one unit empty.
    pub(crate) fn is_cut(&self, column: usize, units: usize) -> bool {
        units + 1 >= self.0[column]
    }

    /// Says whether no text of the contract has more room.
    pub(crate) fn is_whole(&self, column: usize) -> bool {
        self.0[column] == WHOLE
    }

    /// Gives the cells of a column the room of every text.
    pub(crate) fn widen(&mut self, column: usize) {
        self.0[column] = WHOLE;
    }

    /// Gives the cells of all columns but those of bytes the room of every text: for rows that cannot be
    /// asked for again.
    pub(crate) fn widen_all(&mut self) {
        for units in self.0.iter_mut().filter(|units| **units > MARK) {
            *units = WHOLE;
        }
    }
}

#[cfg(test)]
mod tests {
    use odbc_api::buffers::TextColumn;
    use rabt_connect::MAX_CELL_BYTES;

    use odbc_api::RowSetBuffer;

    use super::*;

    fn column(sql_type: i16, size: usize) -> Column {
        Column {
            name: "a".to_owned(),
            declared_type: "t".to_owned(),
            nullable: true,
            sql_type,
            size,
        }
    }

    #[test]
    fn room_is_what_is_declared_and_bounded_in_all() {
        let columns = [
            column(-5, 19),
            column(93, 26),
            column(12, 50),
            column(-1, 65_536),
            column(-3, 16),
            column(12, 0),
        ];
        let columns: Vec<&Column> = columns.iter().collect();
        let rooms = Rooms::new(&columns, Dialect::Postgres, true);
        assert_eq!(rooms.0, [24, 64, 124, 384, 8, 384]);
        assert_eq!(rooms.set(5_000).row_array_size(), 1_024);
        assert_eq!(rooms.set(2).row_array_size(), 2);
        let once = Rooms::new(&columns, Dialect::Postgres, false);
        assert_eq!(once.0, [24, 64, WHOLE, WHOLE, 8, WHOLE]);
        assert_eq!(once.set(5_000).row_array_size(), 21);
        let free = Rooms::new(&columns, Dialect::Sqlite, false);
        assert_eq!(free.0, [WHOLE, WHOLE, WHOLE, WHOLE, 8, WHOLE]);
        let many = vec![columns[3]; 200];
        let wide = Rooms::new(&many, Dialect::Standard, false);
        assert_eq!(wide.set(5_000).row_array_size(), 1, "a row comes whole");
    }

    #[test]
    fn what_fills_its_room_is_not_taken_for_whole() {
        let text = column(12, 0);
        let mut rooms = Rooms::new(&[&text], Dialect::Mysql, true);
        for (units, cut) in [(0, false), (382, false), (383, true), (384, true)] {
            assert_eq!(rooms.is_cut(0, units), cut, "{units}");
        }
        assert!(!rooms.is_whole(0));
        rooms.widen(0);
        assert!(rooms.is_whole(0) && !rooms.is_cut(0, MAX_CELL_BYTES));
        assert!(rooms.is_cut(0, MAX_CELL_BYTES + 2));
        let buffer: TextColumn<u16> = TextColumn::new(1, rooms.0[0]);
        assert_eq!(buffer.max_len(), WHOLE);
    }
}
