//! Ranges of entries by an attribute that the server can compare.
//!
//! A directory gives entries in an order of its own, and forgets a page with its connection. So a read
//! asks for the order attribute of all entries first, cuts it into ranges, and asks for one range after
//! the other by `>=`. A range ends in a checkpoint.
//!
//! Invariant: whatever order the server has, each entry is in a range: some bound is the last that it
//! lies behind. No entry is in two, because bounds are values that every server orders alike.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::client::Entry;
use crate::filter::{all, any, at_least, equals, not};
use crate::schema::Sort;

/// Order values that are kept of a table; of more, every second one, every fourth, and so on.
const MOST_KEYS: usize = 200_000;

/// The attribute that a range goes by, and the one that parts entries of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct By {
    pub(crate) attribute: String,
    pub(crate) sort: Sort,
    /// An attribute of text that no two entries share.
    pub(crate) tie: Option<String>,
    /// Whether the server keeps the attribute itself.
    pub(crate) is_kept: bool,
}

/// Where a range begins: at this value, and among its entries at this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bound {
    value: String,
    tie: Option<String>,
}

/// The order values of some entries.
pub(crate) struct Keys {
    by: By,
    kept: Vec<Bound>,
    /// One of so many is kept.
    every: u64,
    /// Entries with a value.
    pub(crate) seen: u64,
    /// Entries without one.
    pub(crate) absent: u64,
    /// The greatest value.
    pub(crate) greatest: Option<String>,
}

/// The tie of entries whose order value is the same.
const TIE: Sort = Sort::Text { fold: true };

impl By {
    /// Returns the attributes that are asked for.
    pub(crate) fn attributes(&self) -> Vec<String> {
        let tie = self.tie.iter();
        [&self.attribute].into_iter().chain(tie).cloned().collect()
    }

    /// Returns the filter of entries at a bound and behind it.
    pub(crate) fn from(&self, bound: &Bound) -> String {
        let behind = at_least(&self.attribute, &bound.value);
        let (Some(tie), Some(name)) = (&bound.tie, &self.tie) else {
            return behind;
        };
        let same = equals(&self.attribute, &bound.value);
        any([all([behind, not(&same)]), all([same, at_least(name, tie)])])
    }

    /// Returns where an entry lies; nothing when it has no value, or none that every server orders
    /// alike. Of several values, the greatest counts, for by that one an entry is found.
    fn place(&self, entry: &Entry) -> Option<Bound> {
        let values = entry.texts(&self.attribute);
        if !values.iter().all(|value| self.sort.is_plain(value)) {
            return None;
        }
        let greatest = values
            .into_iter()
            .max_by(|one, other| self.sort.cmp(one, other))?;
        let ties = self.tie.as_ref().map(|name| entry.texts(name));
        let tie = ties.and_then(|ties| ties.first().map(|tie| (*tie).to_owned()));
        Some(Bound {
            value: greatest.to_owned(),
            tie: tie.filter(|tie| TIE.is_plain(tie)),
        })
    }

    /// Returns the order of two bounds; one without a tie lies before all with its value.
    fn cmp(&self, one: &Bound, other: &Bound) -> Ordering {
        let values = self.sort.cmp(&one.value, &other.value);
        values.then_with(|| match (&one.tie, &other.tie) {
            (Some(one), Some(other)) => TIE.cmp(one, other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        })
    }

    /// Says whether an entry that came with a range lies in it, as far as that can be told here.
    pub(crate) fn holds(&self, range: &Range, entry: &Entry) -> bool {
        let Some(place) = self.place(entry) else {
            return true;
        };
        let from = |bound: &Bound| match (&bound.tie, &place.tie) {
            // Of a bound among equals, an entry without a tie tells nothing.
            (Some(_), None) => self.sort.cmp(&place.value, &bound.value),
            _ => self.cmp(&place, bound),
        };
        range.from.as_ref().is_none_or(|bound| from(bound).is_ge())
            && range.to.as_ref().is_none_or(|bound| {
                let same = bound.tie.is_some() && place.tie.is_none();
                from(bound).is_lt() || (same && from(bound).is_eq())
            })
    }
}

impl Bound {
    /// Returns the bound of all entries from a value on.
    pub(crate) fn at(value: &str) -> Self {
        Self {
            value: value.to_owned(),
            tie: None,
        }
    }
}

/// Entries from one bound to before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: Option<Bound>,
    /// Nothing for the last range, which has no end.
    pub(crate) to: Option<Bound>,
}

impl Keys {
    pub(crate) fn new(by: By) -> Self {
        Self {
            by,
            kept: Vec::new(),
            every: 1,
            seen: 0,
            absent: 0,
            greatest: None,
        }
    }

    /// Notes an entry.
    pub(crate) fn note(&mut self, entry: &Entry) {
        if entry.texts(&self.by.attribute).is_empty() {
            self.absent += 1;
            return;
        }
        self.seen += 1;
        let Some(place) = self.by.place(entry) else {
            return;
        };
        let greatest = self.greatest.as_deref();
        if greatest.is_none_or(|greatest| self.by.sort.cmp(&place.value, greatest).is_gt()) {
            self.greatest = Some(place.value.clone());
        }
        if self.seen.is_multiple_of(self.every) {
            self.kept.push(place);
        }
        if self.kept.len() >= MOST_KEYS {
            self.sort();
            let mut at = 0_u32;
            self.kept.retain(|_| {
                at += 1;
                at.is_multiple_of(2)
            });
            self.every *= 2;
        }
    }

    fn sort(&mut self) {
        let by = self.by.clone();
        self.kept.sort_by(|one, other| by.cmp(one, other));
    }

    /// Returns the least value that was kept.
    pub(crate) fn least(&mut self) -> Option<&str> {
        self.sort();
        self.kept.first().map(|bound| bound.value.as_str())
    }

    /// Returns ranges of about `rows` entries each, from a bound on. Entries of one value stay together
    /// unless a tie parts them.
    pub(crate) fn ranges(mut self, from: Option<Bound>, rows: u32) -> Vec<Range> {
        self.sort();
        let step = u64::from(rows.max(1)).div_ceil(self.every).max(1);
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        let mut bounds: Vec<Bound> = Vec::new();
        let mut begun = 0;
        for at in 1..self.kept.len() {
            if at - begun < step {
                continue;
            }
            let (last, next) = (&self.kept[at - 1], &self.kept[at]);
            let bound = if self.by.sort.cmp(&last.value, &next.value).is_ne() {
                Bound::at(&next.value)
            } else if last.tie != next.tie && next.tie.is_some() {
                next.clone()
            } else {
                continue;
            };
            let behind = bounds.last().or(from.as_ref());
            if behind.is_none_or(|behind| self.by.cmp(&bound, behind).is_gt()) {
                bounds.push(bound);
                begun = at;
            }
        }
        let starts = std::iter::once(from).chain(bounds.iter().cloned().map(Some));
        let ends = bounds.iter().cloned().map(Some).chain([None]);
        starts
            .zip(ends)
            .map(|(from, to)| Range { from, to })
            .collect()
    }
}

#[cfg(test)]
mod tests;
