//! Digests of what was asked and what was answered.
//!
//! Invariant: a digest tells nothing without its salt. The salt leaves with the answer and stays nowhere at the
//! node, so that nobody who reads the log can try national ids until a digest fits, and whoever was answered
//! can open it before anybody.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::tree::Hash;

/// What makes the digests of one exchange unlike those of any other: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

/// Which side of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What was asked.
    Request,
    /// What was answered.
    Response,
}

/// The text is not a salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 lower-case hexadecimal digits")]
pub struct ParseSaltError;

impl Side {
    /// Labels of one length, so that no two inputs run together.
    const fn label(self) -> &'static [u8; 24] {
        match self {
            Self::Request => b"rabt.audit.v1/request\0\0\0",
            Self::Response => b"rabt.audit.v1/response\0\0",
        }
    }
}

impl Salt {
    /// Returns SHA-256 of the label of the side, 24 bytes, the salt, 16 bytes, and the message in its
    /// canonical form: the encoding of protocol buffers with fields ascending and defaults left out.
    pub fn digest(&self, side: Side, message: &[u8]) -> Hash {
        let mut digest = Sha256::new();
        digest.update(side.label());
        digest.update(self.0);
        digest.update(message);
        digest.finalize().into()
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for Salt {
    type Err = ParseSaltError;
    fn from_str(text: &str) -> Result<Self, ParseSaltError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(ParseSaltError)
    }
}

#[cfg(test)]
mod tests {
    use super::{Salt, Side};

    #[test]
    fn digests_are_salted_and_the_sides_kept_apart() {
        let salt = Salt([7; 16]);
        let asked = salt.digest(Side::Request, b"29801010112345");
        assert_eq!(asked, salt.digest(Side::Request, b"29801010112345"));
        assert_ne!(asked, salt.digest(Side::Response, b"29801010112345"));
        assert_ne!(
            asked,
            Salt([8; 16]).digest(Side::Request, b"29801010112345")
        );
        assert_ne!(asked, salt.digest(Side::Request, b"29801010112346"));
        assert_eq!(salt.to_string().parse(), Ok(salt));
        for wrong in ["", "07", &"7".repeat(33), &"G".repeat(32)] {
            assert!(wrong.parse::<Salt>().is_err());
        }
        assert_eq!(format!("{salt:?}"), "[secret]");
    }

    #[test]
    fn the_construction_is_what_the_documentation_says() {
        // computed with Python: sha256(b"rabt.audit.v1/request\0\0\0" + bytes(range(16)) + b"x")
        let salt = Salt([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        let digest = salt.digest(Side::Request, b"x");
        let expected = "09c90050584d7fd52902d65e251d98dcdf6cd5806057e9de614b3b6665c66289";
        assert_eq!(data_encoding::HEXLOWER.encode(&digest), expected);
    }
}
