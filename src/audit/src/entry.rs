//! One entry of the log: its canonical bytes and its leaf hash.

use rabt_model::Timestamp;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use crate::AuditEvent;
use crate::hex::Hex;
use crate::tree::{Hash, leaf_hash};

/// Version of the canonical form.
const VERSION: u32 = 1;

/// Something that happened, when, and the digests of what was asked and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it happened, UTC.
    pub at: Timestamp,
    /// What happened.
    pub event: AuditEvent,
    /// Salted digest of the request, as [`Salt::digest`](crate::Salt::digest) makes it.
    pub request: Option<Hash>,
    /// Salted digest of the answer as it left.
    pub response: Option<Hash>,
}

/// An entry in the form that is hashed and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEntry {
    /// The canonical bytes: compact JSON with sorted keys.
    pub body: Vec<u8>,
    /// SHA-256 over a zero byte and the body.
    pub leaf_hash: Hash,
}

/// Why bytes are not an entry. It never repeats them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not JSON of the right shape.
    #[error("is not an entry: the shape is wrong in column {0}")]
    Shape(usize),
    /// Written by a newer version.
    #[error("has a version of the form that is not known here")]
    Version,
    /// Holds an event of a newer version.
    #[error("holds a kind of event that is not known here")]
    Kind,
    /// The fields of the event are not those of its kind.
    #[error("holds fields that its kind of event does not have")]
    Fields,
    /// An entry, but not in the form that this crate writes.
    #[error("is not in canonical form")]
    Form,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    at: String,
    event: serde_json::Value,
    kind: String,
    request: Option<Hex>,
    response: Option<Hex>,
    v: u32,
}

impl Entry {
    /// Returns an entry without digests.
    pub const fn new(at: Timestamp, event: AuditEvent) -> Self {
        Self {
            at,
            event,
            request: None,
            response: None,
        }
    }

    /// Returns the canonical bytes and the leaf hash.
    ///
    /// # Panics
    /// Never: the catalogue holds nothing that JSON cannot.
    #[expect(
        clippy::unwrap_used,
        reason = "texts, numbers and lists always serialise"
    )]
    pub fn encode(&self) -> EncodedEntry {
        let mut body = Vec::with_capacity(1024);
        serde_json::to_writer(&mut body, self).unwrap();
        let leaf_hash = leaf_hash(&body);
        EncodedEntry { body, leaf_hash }
    }

    /// Reads an entry from its canonical bytes.
    ///
    /// # Errors
    /// The bytes are not what [`Entry::encode`] writes, or come from a newer version.
    pub fn decode(body: &[u8]) -> Result<Self, EntryError> {
        let raw: Raw =
            serde_json::from_slice(body).map_err(|error| EntryError::Shape(error.column()))?;
        if raw.v != VERSION {
            return Err(EntryError::Version);
        }
        let event = AuditEvent::from_fields(&raw.kind, raw.event).ok_or(EntryError::Kind)?;
        let entry = Self {
            at: raw.at.parse().map_err(|_| EntryError::Form)?,
            event: event.map_err(|_| EntryError::Fields)?,
            request: raw.request.map(|digest| digest.0),
            response: raw.response.map(|digest| digest.0),
        };
        if entry.encode().body != body {
            return Err(EntryError::Form);
        }
        Ok(entry)
    }
}

/// Writes the entry with its keys in order.
impl Serialize for Entry {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("at", &format_args!("{}", self.at))?;
        map.serialize_entry("event", &self.event)?;
        map.serialize_entry("kind", self.event.kind())?;
        for (name, digest) in [("request", self.request), ("response", self.response)] {
            if let Some(digest) = digest {
                map.serialize_entry(name, &Hex(digest))?;
            }
        }
        map.serialize_entry("v", &VERSION)?;
        map.end()
    }
}

#[cfg(test)]
mod tests;
