//! Which row takes a row's place, as the source says.

use super::input::{FieldRefused, RowRefused};
use super::{Bound, KEY_SEPARATOR};
use crate::mapping::RejectReason;
use crate::message::{Batch, Cell, Fault};

impl Bound<'_> {
    /// Returns the key of the row that takes the place of the row `key`. A key that is not whole,
    /// and the row's own, are noted in `refusals` and left out.
    pub(super) fn replaced_by(
        &self,
        batch: &Batch,
        row: usize,
        key: &str,
        refusals: &mut Vec<FieldRefused>,
    ) -> Result<Option<String>, RowRefused> {
        let column = || {
            let names: Vec<&str> = self.replaced_by.iter().map(|(_, name)| *name).collect();
            names.join("+")
        };
        let reason = match self.replacement(batch, row) {
            Ok(Some(other)) if other == key => RejectReason::ReplacedByItself,
            Ok(other) => return Ok(other),
            Err(
                reason @ (RejectReason::Unchanged | RejectReason::Unreadable(Fault::RaggedRow)),
            ) => {
                let column = column();
                return Err(RowRefused { column, reason });
            }
            Err(reason) => reason,
        };
        let column = column();
        refusals.push(FieldRefused { column, reason });
        Ok(None)
    }

    fn replacement(&self, batch: &Batch, row: usize) -> Result<Option<String>, RejectReason> {
        let mut parts: Vec<&str> = Vec::with_capacity(self.replaced_by.len());
        for (column, _) in &self.replaced_by {
            match batch.cell(row, *column) {
                Cell::Text(part) if part.contains([KEY_SEPARATOR, '\0']) => {
                    return Err(RejectReason::BadReplacement);
                }
                Cell::Text(part) if !part.trim().is_empty() => parts.push(part),
                Cell::Text(_) | Cell::Null => {}
                Cell::Unchanged => return Err(RejectReason::Unchanged),
                Cell::Unreadable(fault) => return Err(RejectReason::Unreadable(fault)),
            }
        }
        if parts.is_empty() {
            return Ok(None);
        }
        if parts.len() < self.replaced_by.len() {
            return Err(RejectReason::BadReplacement);
        }
        Ok(Some(parts.join(&KEY_SEPARATOR.to_string())))
    }
}
