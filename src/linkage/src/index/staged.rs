//! Records that are added one page after the other and clustered at once: the first batch of an index
//! is by far the cheapest.

use std::collections::BTreeSet;

use rabt_model::{RecordNumber, SourceRecord};

use super::{Index, Linked};
use crate::registry;
use crate::standardise::Cells;

/// Rows that were added since the last call that clusters.
#[derive(Debug, Default)]
pub(super) struct Staged {
    /// The first of them.
    first: usize,
    /// The rows that they replace.
    replaced: Vec<u32>,
    estranged: Vec<RecordNumber>,
}

impl Index {
    /// Adds records that the next call of [`Index::link`] clusters together with its own. Nothing
    /// else may be asked of the index until then.
    pub fn stage(&mut self, batch: &[(RecordNumber, &SourceRecord)]) {
        let columns = registry::Columns::of(&self.model);
        for (number, record) in batch {
            self.once.note(*number, &record.id);
            let cells = columns.cells(record);
            let texts: Vec<Option<&str>> = cells.iter().map(Option::as_deref).collect();
            self.stage_one(*number, &registry::identity(&record.id), &texts);
        }
    }

    pub(super) fn stage_one(&mut self, number: RecordNumber, identity: &str, cells: &Cells<'_>) {
        let replaced = self.add(number, identity, cells);
        self.staged.replaced.extend(replaced);
        if self.is_estranged(number) {
            self.staged.estranged.push(number);
        }
    }

    pub(super) fn link_staged(&mut self) -> Linked {
        let all = self.data.len();
        let staged = Staged {
            first: all,
            ..Staged::default()
        };
        let Staged {
            first,
            replaced,
            estranged,
        } = std::mem::replace(&mut self.staged, staged);
        let first = u32::try_from(first).unwrap_or(u32::MAX);
        let end = u32::try_from(all).unwrap_or(u32::MAX);
        let linked = if first == 0 && replaced.is_empty() && self.postings.is_none() {
            self.link_first(end)
        } else {
            self.link_more(first, end, &replaced, BTreeSet::new())
        };
        Linked {
            estranged,
            ..linked
        }
    }
}
