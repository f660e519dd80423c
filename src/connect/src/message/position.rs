//! Where reading resumes.
//!
//! Invariant: a position is only ever understood by the kind, the source and the table it came
//! from; any other refuses it as a configuration error.

use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ConnectError;
use crate::hex::hex;

const FORMAT: u32 = 1;

/// Which table of which source a position belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    kind: String,
    table: String,
}

/// A place in a table, as text that storage keeps. It may hold a key, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Position(String);

#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u32,
    kind: String,
    table: String,
    place: serde_json::Value,
}

impl Identity {
    /// Returns the identity of a table: the kind and a fingerprint of `parts` (source, schema,
    /// table, key columns, mode, and whatever else the kind's places depend on).
    pub fn new(kind: &str, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let table = hex(&hash.finalize()[..16]);
        Self {
            kind: kind.to_owned(),
            table,
        }
    }
}

impl Position {
    /// Returns the position of `place` in a table.
    ///
    /// # Errors
    /// A defect when the place cannot be written as JSON.
    pub fn new<P: Serialize>(identity: &Identity, place: &P) -> Result<Self, ConnectError> {
        let unwritable = |_| ConnectError::defect("position", "the place cannot be written");
        let envelope = Envelope {
            format: FORMAT,
            kind: identity.kind.clone(),
            table: identity.table.clone(),
            place: serde_json::to_value(place).map_err(unwritable)?,
        };
        serde_json::to_string(&envelope)
            .map(Self)
            .map_err(unwritable)
    }

    /// Returns the place in the table of `identity`.
    ///
    /// # Errors
    /// A configuration error when the position is of another kind, source or table, of a later
    /// format, or no position at all.
    pub fn place<P: DeserializeOwned>(&self, identity: &Identity) -> Result<P, ConnectError> {
        let envelope: Envelope =
            serde_json::from_str(&self.0).map_err(|_| refuse("is not a position"))?;
        if envelope.format != FORMAT {
            return Err(refuse("has the format of another version of Rabt"));
        }
        if envelope.kind != identity.kind || envelope.table != identity.table {
            return Err(refuse("belongs to another source, table, key or mode"));
        }
        serde_json::from_value(envelope.place).map_err(|_| refuse("names no place in this table"))
    }

    /// Returns the position as the text that storage keeps.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an operator can do about a position that leads nowhere any more.
pub const READ_ANEW: &str =
    "rewind the source with `rabt source rewind ID`, so that it is read from the beginning";

fn refuse(what: &str) -> ConnectError {
    ConnectError::configuration("position", what, READ_ANEW)
}

impl FromStr for Position {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[position]")
    }
}

impl Serialize for Position {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, Position};

    #[test]
    fn only_its_own_table_understands_a_position() {
        let own = Identity::new("sqlite", &["tax", "person"]);
        let position = Position::new(&own, &vec!["29001011234567"]).unwrap();
        let text = position.as_str().to_owned();
        let again: Position = text.parse().unwrap();
        assert_eq!(again.place::<Vec<String>>(&own).unwrap().len(), 1);
        for other in [
            Identity::new("sqlite", &["tax", "persons"]),
            Identity::new("sqlite", &["taxp", "erson"]),
            Identity::new("files", &["tax", "person"]),
        ] {
            let error = again.place::<Vec<String>>(&other).unwrap_err();
            assert_eq!(error.name(), "configuration");
        }
        assert!(again.place::<u32>(&own).is_err());
        assert_eq!(format!("{position:?}"), "[position]");
    }

    #[test]
    fn later_formats_and_garbage_are_refused() {
        let own = Identity::new("sqlite", &["t"]);
        let position = Position::new(&own, &1).unwrap();
        let later = position.as_str().replace("\"format\":1", "\"format\":2");
        for text in [later.as_str(), "", "{}", "7"] {
            let position: Position = text.parse().unwrap();
            let error = position.place::<u32>(&own).unwrap_err();
            assert_eq!(error.name(), "configuration");
            assert!(!error.remedy().is_empty());
        }
    }
}
