//! A part of a file on its way to a thread.

use std::collections::HashMap;
use std::sync::Arc;

/// Some records as they stand in their files, one after the other.
#[derive(Debug, Default)]
pub(super) struct Part {
    text: String,
    /// Where every cell of each record ends in `text`.
    ends: Vec<usize>,
    records: usize,
    /// From which record on which layout holds.
    layouts: Vec<(usize, Arc<Layout>)>,
}

/// Where the cells of the model stand in the records of one file.
#[derive(Debug)]
pub(super) struct Layout {
    /// The number of the file, where there are several.
    pub(super) file: Option<usize>,
    /// Cells of a record.
    pub(super) width: usize,
    pub(super) id: usize,
    pub(super) columns: Vec<Option<usize>>,
}

impl Part {
    /// Returns a part without records, of the file with this layout.
    pub(super) fn of(layout: &Arc<Layout>) -> Self {
        let mut part = Self::default();
        part.begin_file(layout);
        part
    }

    /// Lets the records that follow be of another file.
    pub(super) fn begin_file(&mut self, layout: &Arc<Layout>) {
        self.layouts.push((self.records, Arc::clone(layout)));
    }

    /// Returns the number of records.
    pub(super) fn len(&self) -> usize {
        self.records
    }

    /// Adds a record: all of its cells in one text, and where each ends.
    pub(super) fn push(&mut self, text: &str, ends: impl Iterator<Item = usize>) {
        let start = self.text.len();
        self.text.push_str(text);
        self.ends.extend(ends.map(|end| start + end));
        self.records += 1;
    }

    /// Calls `push(identity, cells)` for every record, in order. The identity, which breaks ties,
    /// is the id, and its file where there are several; white space around a cell does not count,
    /// and an empty one is absent.
    pub(super) fn for_each(&self, push: &mut dyn FnMut(&str, &[Option<&str>])) {
        let (mut start, mut ends) = (0, &self.ends[..]);
        let mut identity = String::new();
        for (at, (first, layout)) in self.layouts.iter().enumerate() {
            let next = self.layouts.get(at + 1).map_or(self.records, |next| next.0);
            let (own, others) = ends.split_at((next - first) * layout.width);
            ends = others;
            let mut cells: Vec<Option<&str>> = vec![None; layout.columns.len()];
            for ends in own.chunks_exact(layout.width) {
                let cell = |at: usize| {
                    let start = if at == 0 { start } else { ends[at - 1] };
                    self.text[start..ends[at]].trim()
                };
                for (place, cell_of) in cells.iter_mut().zip(&layout.columns) {
                    *place = cell_of.map(cell).filter(|text| !text.is_empty());
                }
                let id = cell(layout.id);
                match layout.file {
                    None => push(id, &cells),
                    Some(file) => {
                        identity.clear();
                        identity.push_str(&file.to_string());
                        identity.push('\u{1f}');
                        identity.push_str(id);
                        push(&identity, &cells);
                    }
                }
                start = ends[layout.width - 1];
            }
        }
    }
}

/// The people of a truth column, numbered as they are met.
#[derive(Debug, Default)]
pub(super) struct People {
    numbers: HashMap<Box<str>, u32>,
}

impl People {
    /// Returns the number of a person; none for an empty cell.
    pub(super) fn number(&mut self, person: &str) -> Option<u32> {
        if person.is_empty() {
            return None;
        }
        if let Some(number) = self.numbers.get(person) {
            return Some(*number);
        }
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(person.into(), next);
        Some(next)
    }
}
