//! Words that profiles repeat, kept once.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use rabt_model::{AgencyId, Attribute, SourceId, StreamId};
use rustc_hash::FxHashMap;

/// Where a record was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) agency: AgencyId,
    pub(super) source: SourceId,
    pub(super) stream: StreamId,
}

/// Attributes, columns and origins by number. It only grows, and stays as small as the manifests.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    words: RwLock<Words>,
}

/// The words at one moment; numbers handed out before are all in it.
#[derive(Debug, Default)]
pub(super) struct Words {
    attributes: Numbered<Attribute>,
    columns: Numbered<String>,
    origins: Numbered<Origin>,
}

#[derive(Debug)]
struct Numbered<T> {
    items: Vec<T>,
    numbers: FxHashMap<T, usize>,
}

impl Dictionary {
    /// Returns a view for reading; one shared lock for a whole profile.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Words> {
        self.words.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn attribute_number(&self, attribute: &Attribute) -> usize {
        let known = self.read().attributes.numbers.get(attribute).copied();
        known.unwrap_or_else(|| self.write(|words| words.attributes.number(attribute.clone())))
    }

    pub(super) fn column_number(&self, column: &str) -> usize {
        let known = self.read().columns.numbers.get(column).copied();
        known.unwrap_or_else(|| self.write(|words| words.columns.number(column.to_owned())))
    }

    pub(super) fn origin_number(&self, origin: Origin) -> usize {
        let known = self.read().origins.numbers.get(&origin).copied();
        known.unwrap_or_else(|| self.write(|words| words.origins.number(origin)))
    }

    fn write(&self, add: impl FnOnce(&mut Words) -> usize) -> usize {
        add(&mut self.words.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Words {
    /// Returns how many attributes, columns and origins there are.
    pub(super) fn counts(&self) -> [usize; 3] {
        [
            self.attributes.items.len(),
            self.columns.items.len(),
            self.origins.items.len(),
        ]
    }

    pub(super) fn attribute(&self, number: usize) -> Option<&Attribute> {
        self.attributes.items.get(number)
    }

    pub(super) fn column(&self, number: usize) -> Option<&str> {
        self.columns.items.get(number).map(String::as_str)
    }

    pub(super) fn origin(&self, number: usize) -> Option<&Origin> {
        self.origins.items.get(number)
    }
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            numbers: FxHashMap::default(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Numbered<T> {
    fn number(&mut self, item: T) -> usize {
        if let Some(number) = self.numbers.get(&item) {
            return *number;
        }
        let number = self.items.len();
        self.items.push(item.clone());
        self.numbers.insert(item, number);
        number
    }
}
