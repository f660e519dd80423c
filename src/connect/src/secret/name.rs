//! Names of secrets in a store.

use std::fmt;
use std::str::FromStr;

use rabt_model::AgencyId;

/// Longest name.
const MAX_LENGTH: usize = 200;

/// The name of a secret in a store: words of `a-z 0-9 . _ -` with `/` between them, as in
/// `agencies/civil-registry/password`. A word begins with a letter or a digit, so a name is the same
/// as a path below a folder. What begins with `agencies/<agency>/` is of this agency.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretName(String);

/// A text that is not the name of a secret. It does not repeat the text, which may be a secret that
/// was given in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the name of a secret: words of a-z, 0-9, '.', '_' and '-', each from a letter or a digit on, \
     with '/' between them, at most {MAX_LENGTH} characters"
)]
pub struct SecretNameError;

impl SecretName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether the secret is one of this agency.
    pub fn is_of(&self, agency: &AgencyId) -> bool {
        let below = self.0.strip_prefix("agencies/");
        let below = below.and_then(|below| below.strip_prefix(agency.as_str()));
        below.is_some_and(|below| below.starts_with('/'))
    }
}

impl FromStr for SecretName {
    type Err = SecretNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_inside = |byte: u8| is_end(byte) || matches!(byte, b'.' | b'_' | b'-');
        let is_word = |word: &str| {
            let bytes = word.as_bytes();
            bytes.first().is_some_and(|byte| is_end(*byte))
                && bytes.iter().all(|byte| is_inside(*byte))
        };
        if text.len() > MAX_LENGTH || !text.split('/').all(is_word) {
            return Err(SecretNameError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LENGTH, SecretName};

    #[test]
    fn a_secret_is_of_the_agency_that_its_folder_is_named_by() {
        let is_of = |name: &str, agency: &str| {
            let name: SecretName = name.parse().unwrap();
            name.is_of(&agency.parse().unwrap())
        };
        assert!(is_of("agencies/tax/password", "tax"));
        assert!(is_of("agencies/tax/giza/password", "tax"));
        for name in [
            "agencies/tax",
            "agencies/tax-2/password",
            "agencies/tax.old/password",
            "agencies/customs/tax/password",
            "tax/password",
            "node/agencies/tax/password",
            "password",
        ] {
            assert!(!is_of(name, "tax"), "{name}");
        }
    }

    #[test]
    fn names_are_words_below_a_folder() {
        for name in ["a", "7", "agencies/civil-registry/password", "a.b_c-d/2"] {
            assert_eq!(name.parse::<SecretName>().unwrap().as_str(), name);
        }
        let long = "a".repeat(MAX_LENGTH + 1);
        for name in [
            "", "/", "/a", "a/", "a//b", "..", "a/..", "a/../b", ".a", "-a", "a/.b", "A", "a b",
            "a\\b", "م", "a\0", "a\n", &long,
        ] {
            let error = name.parse::<SecretName>().unwrap_err();
            assert!(error.to_string().contains("is not the name"), "{name}");
        }
    }
}
