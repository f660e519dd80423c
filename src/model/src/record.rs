//! A row of an agency, after its mapping.

use jiff::Timestamp;

use crate::{AgencyId, Attribute, Pii, RecordId, Value};

/// One row of a stream about one person, in the words of the canonical person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    /// Which row it is.
    pub id: RecordId,
    /// Whose row it is.
    pub agency: AgencyId,
    /// What the row says, in the order of the mapping.
    pub values: Vec<RecordValue>,
    /// The source's own version of the row (its cursor column), when it has one.
    pub version: Option<String>,
    /// The key of the row of the same stream that takes this one's place, when the source says so.
    pub replaced_by: Option<Pii<String>>,
    /// When the source says the row last changed; golden values are chosen by this time.
    pub event_at: Option<Timestamp>,
    /// When Rabt read the row.
    pub observed_at: Timestamp,
    /// SHA-256 over key, version, replacement and values: equal hashes are the same version of the row.
    pub content_hash: [u8; 32],
}

/// One value of a record and the columns it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordValue {
    /// What is known.
    pub attribute: Attribute,
    /// The value.
    pub value: Pii<Value>,
    /// The agency's column, or columns joined by `+`: the key of the value's lineage.
    pub column: String,
}

impl SourceRecord {
    /// Returns the record's values of one attribute.
    pub fn values_of<'a>(
        &'a self,
        attribute: &'a Attribute,
    ) -> impl Iterator<Item = &'a RecordValue> + 'a {
        self.values
            .iter()
            .filter(move |value| value.attribute == *attribute)
    }
}
