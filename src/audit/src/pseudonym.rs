//! Pseudonyms: the same person always has the same one at a node, and nobody without the key can say whose
//! it is.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, Mac};
use rabt_model::{AgencyId, CitizenId, Scheme};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::hex;

/// The name of a person in the audit log: HMAC-SHA-256, written as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pseudonym(#[serde(with = "crate::hex")] pub [u8; 32]);

/// The node's key for pseudonyms. Without it entries cannot be tied to persons.
#[derive(Clone)]
pub struct PseudonymKey {
    /// Keyed state; a pseudonym costs two compressions less than with the key itself.
    state: Hmac<Sha256>,
}

/// The text is not a pseudonym.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 lower-case hexadecimal digits")]
pub struct ParsePseudonymError;

impl Pseudonym {
    /// Returns the name of whoever has this random key of their own: HMAC-SHA-256 of a constant. Who has neither
    /// the key nor the name learns nothing of the one from the other.
    pub fn of_key(key: &[u8; 32]) -> Self {
        PseudonymKey::new(key).name(b"subject", &[], &[])
    }
}

impl PseudonymKey {
    /// Returns the key of these bytes; the caller supplies the randomness.
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[expect(clippy::unwrap_used, reason = "HMAC takes keys of any length")]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self {
            state: Hmac::new_from_slice(bytes).unwrap(),
        }
    }

    /// Returns the pseudonym of a citizen.
    pub fn citizen(&self, citizen: CitizenId) -> Pseudonym {
        self.name(b"citizen", &citizen.bits().to_be_bytes(), &[])
    }

    /// Returns the pseudonym of an identifier for which no citizen was found. White space around the number
    /// does not count.
    pub fn identifier(&self, scheme: &Scheme, value: &str) -> Pseudonym {
        self.name(
            b"identifier",
            scheme.as_str().as_bytes(),
            value.trim().as_bytes(),
        )
    }

    /// Returns the pseudonym of a person at a calling agency.
    pub fn end_user(&self, agency: &AgencyId, id: &str) -> Pseudonym {
        self.name(b"end-user", agency.as_str().as_bytes(), id.as_bytes())
    }

    /// Returns the seal of a token that is given to an agency's system.
    pub fn token(&self, agency: &AgencyId, text: &str) -> Pseudonym {
        self.name(b"token", agency.as_str().as_bytes(), text.as_bytes())
    }

    /// Parts are separated by a zero byte. The first two never hold one but for citizens, which have no
    /// third, so different inputs stay different.
    fn name(&self, domain: &[u8], first: &[u8], second: &[u8]) -> Pseudonym {
        let mut mac = self.state.clone();
        for part in [domain, first] {
            mac.update(part);
            mac.update(&[0]);
        }
        mac.update(second);
        Pseudonym(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(self.0, f)
    }
}

impl FromStr for Pseudonym {
    type Err = ParsePseudonymError;
    fn from_str(text: &str) -> Result<Self, ParsePseudonymError> {
        hex::read(text).map(Self).ok_or(ParsePseudonymError)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pseudonym, PseudonymKey};
    use rabt_model::CitizenId;

    #[test]
    fn pseudonyms_are_keyed_stable_and_kept_apart() {
        let key = PseudonymKey::new(&[7; 32]);
        let citizen = key.citizen(CitizenId::from_random(5));
        assert_eq!(
            citizen,
            PseudonymKey::new(&[7; 32]).citizen(CitizenId::from_random(5))
        );
        assert_ne!(
            citizen,
            PseudonymKey::new(&[8; 32]).citizen(CitizenId::from_random(5))
        );
        assert_ne!(citizen, key.citizen(CitizenId::from_random(6)));
        let scheme = "tax".parse().unwrap();
        assert_eq!(key.identifier(&scheme, " 1 "), key.identifier(&scheme, "1"));
        assert_ne!(
            key.identifier(&scheme, "1").0,
            key.end_user(&"tax".parse().unwrap(), "1").0
        );
        assert_eq!(citizen.to_string().parse(), Ok(citizen));
        assert!("0".parse::<Pseudonym>().is_err());
        assert_eq!(format!("{key:?}"), "[secret]");
        assert_ne!(Pseudonym::of_key(&[7; 32]), Pseudonym::of_key(&[8; 32]));
        assert_ne!(Pseudonym::of_key(&[7; 32]), citizen);
    }

    #[test]
    fn the_construction_is_hmac_sha_256() {
        // RFC 4231 has no case of this shape; this one was computed with Python's hmac module.
        let key = PseudonymKey::new(&[0x0b; 32]);
        let expected = "13ad592dc57b673009ebdb419da2425795955113720e32e34235b0e2e0d9750c";
        assert_eq!(key.citizen(CitizenId::from_random(1)).to_string(), expected);
    }
}
