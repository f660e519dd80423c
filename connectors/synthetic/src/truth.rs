//! Who each row is about. The truth stays outside the databases.

use std::collections::BTreeMap;
use std::collections::HashMap;

use rabt_model::{RecordId, SourceId, StreamId};

/// Which person each row of each database is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    tables: BTreeMap<(SourceId, StreamId), HashMap<String, u32>>,
    rows: usize,
}

impl Truth {
    /// Returns the number of the person a record is about; `None` for a record that was not made.
    pub fn person_of(&self, record: &RecordId) -> Option<u32> {
        let table = (record.source.clone(), record.stream.clone());
        let rows = self.tables.get(&table)?;
        rows.get(record.key.expose()).copied()
    }

    /// Returns how many rows there are in all databases.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Says whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns every row: source, stream, key and person, tables in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&SourceId, &StreamId, &str, u32)> {
        self.tables.iter().flat_map(|((source, stream), rows)| {
            rows.iter()
                .map(move |(key, person)| (source, stream, key.as_str(), *person))
        })
    }

    pub(crate) fn add(
        &mut self,
        source: SourceId,
        stream: StreamId,
        rows: impl IntoIterator<Item = (String, u32)>,
    ) {
        let table: HashMap<String, u32> = rows.into_iter().collect();
        self.rows += table.len();
        self.tables.insert((source, stream), table);
    }
}
