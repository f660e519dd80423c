//! The content hash of a record: equal hashes are the same version of a row.
//!
//! Invariant: every text is hashed with its length in front, so no two contents share their bytes.

use rabt_model::Value;
use sha2::{Digest, Sha256};

/// Collects texts, each apart from its neighbours, and hashes them in one go.
pub(super) struct ContentHash(Vec<u8>);

impl ContentHash {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(1_024))
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.extend((text.len() as u64).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    /// Hashes a text that may be absent; absent and empty differ.
    pub(super) fn optional(&mut self, text: Option<&str>) {
        match text {
            None => self.0.push(0),
            Some(text) => {
                self.0.push(1);
                self.text(text);
            }
        }
    }

    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Text(text) => {
                self.0.extend(b"t");
                self.text(text);
            }
            Value::Date(date) => {
                self.0.extend(b"d");
                self.0.extend(date.year().to_le_bytes());
                self.0
                    .extend([date.month().unwrap_or(0), date.day().unwrap_or(0)]);
            }
            Value::Name(name) => {
                self.0.extend(b"n");
                self.text(&name.text);
                self.0.extend((name.parts.len() as u64).to_le_bytes());
                for part in &name.parts {
                    self.text(part.kin.as_str());
                    self.text(&part.text);
                }
            }
            Value::Address(address) => {
                self.0.extend(b"a");
                self.optional(address.governorate.as_deref());
                self.optional(address.district.as_deref());
                self.optional(address.street.as_deref());
                self.optional(address.text.as_deref());
            }
            Value::Relation(relation) => {
                self.0.extend(b"r");
                self.text(&relation.kind);
                self.text(&relation.to);
            }
        }
    }

    pub(super) fn finish(self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}
