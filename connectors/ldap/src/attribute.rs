//! Names of attributes: a type, and options such as a language.

use std::collections::BTreeSet;

/// Option of values that were transferred as bytes.
const BINARY: &str = "binary";

/// What a server writes before the range of values it gave of a long list.
const RANGE: &str = "range=";

/// A name of an attribute, parted: `cn;lang-ar`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// The type as it was written: a name or an object identifier.
    pub(crate) kind: String,
    /// The options in small letters, without those of the transfer.
    pub(crate) options: BTreeSet<String>,
    /// Whether the values were transferred as bytes.
    pub(crate) binary: bool,
    /// Whether only some of the values came.
    pub(crate) partial: bool,
}

impl Described {
    /// Returns the parts of a name; nothing when it can be no name of an attribute.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';');
        let kind = parts.next().filter(|kind| is_name(kind))?.to_owned();
        let mut described = Self {
            kind,
            options: BTreeSet::new(),
            binary: false,
            partial: false,
        };
        for option in parts {
            let option = option.to_ascii_lowercase();
            if option == BINARY {
                described.binary = true;
            } else if option.starts_with(RANGE) {
                described.partial = true;
            } else if !option.is_empty() && option.bytes().all(is_letter) {
                described.options.insert(option);
            } else {
                return None;
            }
        }
        Some(described)
    }
}

/// Says whether a text can be the name of a type or a class: a word or an object identifier.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    match bytes.next() {
        Some(first) if first.is_ascii_alphabetic() => {
            bytes.all(|byte| is_letter(byte) || byte == b'_')
        }
        Some(first) if first.is_ascii_digit() => {
            bytes.all(|byte| byte.is_ascii_digit() || byte == b'.') && !text.ends_with('.')
        }
        Some(_) | None => false,
    }
}

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::{Described, is_name};

    #[test]
    fn names_are_parted() {
        let described = Described::parse("cn;Lang-AR;x-1").unwrap();
        assert_eq!(described.kind, "cn");
        assert_eq!(
            described.options.into_iter().collect::<Vec<_>>(),
            ["lang-ar", "x-1"]
        );
        let one = Described::parse("userCertificate;binary").unwrap();
        assert!(one.binary && one.options.is_empty());
        assert!(Described::parse("member;range=0-1499").unwrap().partial);
        for wrong in [
            "",
            ";x",
            "a b",
            "cn;",
            "cn;a b",
            "cn)(uid=*",
            "1.2.",
            "الاسم",
        ] {
            assert_eq!(Described::parse(wrong), None, "{wrong}");
        }
        assert!(is_name("1.2.840.113556") && is_name("x-y") && !is_name("-x"));
    }
}
