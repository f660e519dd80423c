//! Typed identifiers, never interchangeable.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::Pii;

/// Why a text is not an identifier. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty, or longer than the 63 characters a name may have.
    #[error("must have 1 to 63 characters")]
    Length,
    /// A character other than `a-z`, `0-9`, `-`, `_`, or not starting with a letter.
    #[error("must be lower-case letters, digits, '-' or '_', starting with a letter")]
    Character,
    /// Not the 26 letters and digits of a citizen id.
    #[error("is not a citizen id")]
    Citizen,
}

fn check_name(text: &str) -> Result<(), IdError> {
    if text.is_empty() || text.len() > 63 {
        return Err(IdError::Length);
    }
    let body = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    if !text.as_bytes()[0].is_ascii_lowercase() || !text.bytes().all(body) {
        return Err(IdError::Character);
    }
    Ok(())
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                check_name(text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name_id! {
    /// An organisation: `civil-registry`.
    AgencyId
}
name_id! {
    /// One registered database or file set of an agency: `civil-registry`, or
    /// `electricity-cairo` for a regional office.
    SourceId
}
name_id! {
    /// One table or view of a source: `person`.
    StreamId
}
name_id! {
    /// The scheme of an identifier: `national_id`, `passport`, `tax`.
    Scheme
}
name_id! {
    /// The name of an agency's own fact: `pension_status`.
    FactName
}

/// An access agreement: `AG-2026-014`. Capital letters, digits and `-`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct AgreementId(Arc<str>);

impl AgreementId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AgreementId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.is_empty() || text.len() > 63 {
            return Err(IdError::Length);
        }
        let body = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'-';
        if !text.bytes().all(body) {
            return Err(IdError::Character);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for AgreementId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<AgreementId> for String {
    fn from(id: AgreementId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for AgreementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who a record is: the source, the stream and the source's own key. Orders by content, so that
/// results that depend on an order do not depend on arrival.
///
/// The key may itself be personal (an agency may use the national id as its key).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// The database the row is in.
    pub source: SourceId,
    /// The table or view.
    pub stream: StreamId,
    /// The row's key; parts of a composite key are joined by U+001F.
    pub key: Pii<String>,
}

/// A record's number in this node's storage: opaque, growing, safe to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordNumber(pub i64);

/// One reading of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

/// A citizen's identity in Rabt: 128 random bits, for life, derived from nothing. Written as 26
/// lower-case letters and digits (Crockford base 32).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CitizenId(u128);

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl CitizenId {
    /// Returns the id with these bits; the caller supplies the randomness.
    pub const fn from_random(bits: u128) -> Self {
        Self(bits)
    }

    /// Returns the bits.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for CitizenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for position in (0..26).rev() {
            let digit = (self.0 >> (position * 5)) & 31;
            let index = usize::try_from(digit).unwrap_or(0);
            write!(f, "{}", char::from(ALPHABET[index]))?;
        }
        Ok(())
    }
}

impl FromStr for CitizenId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != 26 || !text.starts_with(|c: char| ('0'..='7').contains(&c)) {
            return Err(IdError::Citizen);
        }
        let mut bits = 0_u128;
        for byte in text.bytes() {
            let digit = ALPHABET
                .iter()
                .position(|a| *a == byte)
                .ok_or(IdError::Citizen)?;
            bits = (bits << 5) | digit as u128;
        }
        Ok(Self(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::{AgreementId, CitizenId, IdError, SourceId};

    #[test]
    fn citizen_ids_round_trip() {
        for bits in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = CitizenId::from_random(bits);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!("8".repeat(26).parse::<CitizenId>(), Err(IdError::Citizen));
        assert_eq!("29001011234567".parse::<CitizenId>(), Err(IdError::Citizen));
    }

    #[test]
    fn names_are_checked() {
        assert!("electricity-cairo".parse::<SourceId>().is_ok());
        assert_eq!("".parse::<SourceId>(), Err(IdError::Length));
        assert_eq!("Cairo".parse::<SourceId>(), Err(IdError::Character));
        assert_eq!("9x".parse::<SourceId>(), Err(IdError::Character));
        assert!("AG-2026-014".parse::<AgreementId>().is_ok());
    }
}
