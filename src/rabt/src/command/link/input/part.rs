//! A part of a file on its way to a thread.

use std::collections::HashMap;

/// Cells of some records, one after the other.
#[derive(Debug)]
pub(super) struct Part {
    columns: usize,
    text: String,
    /// Where the identity and every cell of each record end in `text`.
    ends: Vec<usize>,
}

impl Part {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns,
            text: String::new(),
            ends: Vec::new(),
        }
    }

    /// Returns the number of records.
    pub(super) fn len(&self) -> usize {
        self.ends.len() / (self.columns + 1)
    }

    /// Begins a record, by the text that breaks ties: its id, and its file where there are several.
    pub(super) fn begin(&mut self, file: Option<usize>, id: &str) {
        if let Some(file) = file {
            self.text.push_str(&file.to_string());
            self.text.push('\u{1f}');
        }
        self.cell(id);
    }

    /// Adds the next cell of the record; an empty one is absent.
    pub(super) fn cell(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// Calls `push(identity, cells)` for every record, in order.
    pub(super) fn for_each(&self, push: &mut dyn FnMut(&str, &[Option<&str>])) {
        let mut start = 0;
        let mut cells: Vec<Option<&str>> = vec![None; self.columns];
        for ends in self.ends.chunks_exact(self.columns + 1) {
            let identity = &self.text[start..ends[0]];
            start = ends[0];
            for (cell, end) in cells.iter_mut().zip(&ends[1..]) {
                let text = &self.text[start..*end];
                *cell = (!text.is_empty()).then_some(text);
                start = *end;
            }
            push(identity, &cells);
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
