//! The kinds a binary knows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::connector::Connector;

/// The registered kinds, by name.
#[derive(Clone, Default)]
pub struct Kinds {
    kinds: BTreeMap<&'static str, Arc<dyn Connector>>,
}

impl Kinds {
    /// Returns a registry without a kind.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the registry with one more kind, under the name it describes itself by.
    #[must_use]
    pub fn with(mut self, connector: Arc<dyn Connector>) -> Self {
        self.kinds.insert(connector.describe().kind, connector);
        self
    }

    /// Returns a kind.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Connector>> {
        self.kinds.get(name)
    }

    /// Returns the names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.kinds.keys().copied()
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}
