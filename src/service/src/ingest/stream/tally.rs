//! Counts of what rows say of their columns. No value is kept.

use std::collections::BTreeMap;

use rabt_connect::{Batch, Cell, Rejection};
use rabt_storage::ColumnCount;

/// The rows as a whole, among the columns.
const ROWS: &str = "";

/// What the rows since the last checkpoint say.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<String, ColumnCount>);

impl Tally {
    /// Counts the rows of a batch, and those of them that have no value in a column.
    pub(super) fn count(&mut self, batch: &Batch) {
        let rows = batch.rows() as u64;
        self.column(ROWS).rows += rows;
        for (place, name) in batch.columns().iter().enumerate() {
            let missing = (0..batch.rows()).filter(|row| match batch.cell(*row, place) {
                Cell::Null => true,
                Cell::Text(text) => text.trim().is_empty(),
                Cell::Unchanged | Cell::Unreadable(_) => false,
            });
            let missing = missing.count() as u64;
            let column = self.column(name);
            column.rows += rows;
            column.missing += missing;
        }
    }

    /// Counts a rejection: against its columns, and against the row unless the row was taken.
    pub(super) fn refuse(&mut self, rejection: &Rejection) {
        if !rejection.field_only {
            self.column(ROWS).refused += 1;
        }
        // several columns that make one value are joined
        let column = rejection.column.as_str();
        if self.0.contains_key(column) {
            if column != ROWS {
                self.column(column).refused += 1;
            }
            return;
        }
        for part in column.split('+') {
            if let Some(part) = self.0.get_mut(part) {
                part.refused += 1;
            }
        }
    }

    /// Returns the counts, each column once, and begins again.
    pub(super) fn take(&mut self) -> Vec<ColumnCount> {
        std::mem::take(&mut self.0).into_values().collect()
    }

    fn column(&mut self, name: &str) -> &mut ColumnCount {
        let new = || ColumnCount {
            column: name.to_owned(),
            ..ColumnCount::default()
        };
        self.0.entry(name.to_owned()).or_insert_with(new)
    }
}

#[cfg(test)]
mod tests {
    use rabt_connect::{BatchBuilder, Cell, Fault, RejectReason, Rejection};

    use super::Tally;

    fn rejection(column: &str, field_only: bool) -> Rejection {
        Rejection {
            key: "1".to_owned().into(),
            column: column.to_owned(),
            reason: RejectReason::DuplicateKey,
            field_only,
        }
    }

    #[test]
    fn what_is_missing_and_what_is_refused_is_counted() {
        let names = ["a", "b", "c+d"].map(str::to_owned).to_vec();
        let mut batch = BatchBuilder::new(names);
        batch.push_row([Cell::Null, Cell::Text("x"), Cell::Text("y")]);
        batch.push_row([
            Cell::Text(" "),
            Cell::Unreadable(Fault::NotText),
            Cell::Text("y"),
        ]);
        batch.push_row([Cell::Text("0"), Cell::Unchanged, Cell::Null]);
        let batch = batch.take();
        let mut tally = Tally::default();
        tally.count(&batch);
        tally.count(&batch);
        for (column, field_only) in [("b", true), ("a+b", true), ("c+d", false), ("", false)] {
            tally.refuse(&rejection(column, field_only));
        }
        let counts: Vec<_> = tally
            .take()
            .into_iter()
            .map(|count| (count.column, count.rows, count.missing, count.refused))
            .collect();
        let wanted = [
            (String::new(), 6, 0, 2),
            ("a".to_owned(), 6, 4, 1),
            ("b".to_owned(), 6, 0, 2),
            ("c+d".to_owned(), 6, 2, 1),
        ];
        assert_eq!(counts, wanted);
        assert!(tally.take().is_empty());
    }
}
