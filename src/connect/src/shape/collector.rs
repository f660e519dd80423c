//! Collecting the shapes of a table, row by row.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use rabt_linkage::NationalId;
use rabt_model::Scheme;

use crate::message::Cell;
use crate::shape::column::{ColumnCollector, Row, hash};
use crate::shape::reference::national_id;
use crate::shape::{Registry, TableShapes};
use crate::step::{self, Out, Step};

/// Columns at the start of a table among which a key of two is looked for.
const KEY_COLUMNS: usize = 3;

/// Rows that are taken; later ones are not looked at, so that memory is bounded.
const MOST_ROWS: u32 = 8_192;

/// What makes cells comparable: nothing at the ends, and one kind of digits.
const CLEAN: [Step; 2] = [Step::Trim, Step::DigitsAscii];

/// Collects the shapes of a table in bounded memory. `Debug` shows how much, never what.
pub struct ShapeCollector<'r> {
    columns: Vec<ColumnCollector>,
    pairs: Vec<Pair>,
    rows: u32,
    this_year: i16,
    registry: Option<(&'r dyn Registry, Scheme)>,
}

struct Pair {
    left: usize,
    right: usize,
    seen: HashSet<(u64, u64)>,
    unique: bool,
}

/// A cell as it is looked at.
enum Clean<'c> {
    Text {
        text: Cow<'c, str>,
        other_digits: bool,
    },
    Null,
    Unreadable,
}

impl<'r> ShapeCollector<'r> {
    /// Returns a collector for rows of these columns. `this_year` (Gregorian) is what two-digit years
    /// are read by; `registry` is asked about national ids.
    pub fn new(columns: &[String], this_year: i16, registry: Option<&'r dyn Registry>) -> Self {
        let firsts = 0..columns.len().min(KEY_COLUMNS);
        let pairs = firsts.clone().flat_map(|left| {
            let rights = firsts.clone().filter(move |right| *right > left);
            rights.map(move |right| Pair::new(left, right))
        });
        let scheme = "national_id".parse().ok();
        Self {
            pairs: pairs.collect(),
            columns: columns.iter().cloned().map(ColumnCollector::new).collect(),
            rows: 0,
            this_year,
            registry: registry.zip(scheme),
        }
    }

    /// Takes one row, its cells in the order of the columns. Rows beyond a bound are not looked at.
    pub fn push_row<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) {
        if self.rows >= MOST_ROWS {
            return;
        }
        self.rows += 1;
        let cells: Vec<Clean<'c>> = cells.into_iter().map(Clean::of).collect();
        let ids: Vec<Option<NationalId>> = cells
            .iter()
            .map(|cell| cell.text().and_then(national_id))
            .collect();
        let person = ids.iter().position(Option::is_some);
        let id = person.and_then(|place| ids[place]);
        for (place, (collector, cell)) in self.columns.iter_mut().zip(&cells).enumerate() {
            let row = Row {
                id,
                own: person == Some(place),
                this_year: self.this_year,
            };
            match cell {
                Clean::Text { text, other_digits } => collector.push(text, *other_digits, row),
                Clean::Null => collector.push_null(),
                Clean::Unreadable => collector.push_unreadable(),
            }
            if ids[place].is_some() {
                let known = self.registry.as_ref().zip(cell.text());
                let known = known.map(|((registry, scheme), text)| {
                    registry.knows(scheme, &rabt_linkage::digits(text))
                });
                collector.push_national_id(known);
            }
        }
        for pair in &mut self.pairs {
            pair.push(&cells);
        }
    }

    /// Returns the number of rows taken.
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// Returns the shapes; everything else is forgotten.
    pub fn finish(self) -> TableShapes {
        let unique = self.pairs.iter().filter(|pair| pair.unique);
        TableShapes {
            rows: self.rows,
            unique_pairs: unique.map(|pair| (pair.left, pair.right)).collect(),
            columns: self
                .columns
                .into_iter()
                .map(ColumnCollector::finish)
                .collect(),
        }
    }
}

impl fmt::Debug for ShapeCollector<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShapeCollector")
            .field("columns", &self.columns.len())
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Pair {
    fn new(left: usize, right: usize) -> Self {
        Self {
            left,
            right,
            seen: HashSet::new(),
            unique: true,
        }
    }

    fn push(&mut self, cells: &[Clean<'_>]) {
        if !self.unique {
            return;
        }
        let of = |place: usize| {
            cells
                .get(place)
                .and_then(Clean::text)
                .filter(|t| !t.is_empty())
        };
        self.unique = match (of(self.left), of(self.right)) {
            (Some(left), Some(right)) => self.seen.insert((hash(left), hash(right))),
            _ => false,
        };
    }
}

/// Returns a text that can be compared.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    match step::run(&CLEAN, Some(Cow::Borrowed(text)), 0) {
        Ok(Out::Text(clean)) => clean,
        Ok(Out::Absent | Out::Date(_)) | Err(_) => Cow::Borrowed(""),
    }
}

impl<'c> Clean<'c> {
    fn of(cell: Cell<'c>) -> Self {
        let text = match cell {
            Cell::Text(text) => text,
            Cell::Null => return Self::Null,
            Cell::Unchanged | Cell::Unreadable(_) => return Self::Unreadable,
        };
        let clean = clean(text);
        Self::Text {
            // Only other digits make another text of the same number of characters.
            other_digits: !text.contains(clean.as_ref()),
            text: clean,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Null | Self::Unreadable => None,
        }
    }
}
