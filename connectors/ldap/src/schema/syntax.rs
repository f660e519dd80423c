//! What kind of values an attribute has, and how they are ordered.

use std::cmp::Ordering;

use crate::time::moment;

/// Syntaxes of RFC 4517, without what they have in common.
const STANDARD: &str = "1.3.6.1.4.1.1466.115.121.1.";

/// What kind of values an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// Text of this name.
    Text(&'static str),
    /// A whole number.
    Integer,
    /// A point in time.
    Time,
    /// Bytes of this name, which are never text.
    Binary(&'static str),
    /// Bytes that may be text.
    Octets,
    /// One that is not known here.
    Other,
}

impl Syntax {
    /// Returns the syntax of an identifier.
    pub(super) fn of(oid: &str) -> Self {
        if let Some(number) = oid.strip_prefix(STANDARD) {
            return Self::of_standard(number);
        }
        match oid {
            "1.3.6.1.1.16.1" => Self::Text("UUID"),
            "1.2.840.113556.1.4.906" => Self::Integer,
            // The security descriptors of Active Directory.
            "1.2.840.113556.1.4.907" => Self::Binary("Binary"),
            "1.2.840.113556.1.4.905" => Self::Text("Directory String"),
            _ => Self::Other,
        }
    }

    fn of_standard(number: &str) -> Self {
        match number {
            "4" | "5" | "8" | "9" | "10" | "23" | "28" | "49" => Self::Binary("Binary"),
            "6" => Self::Text("Bit String"),
            "7" => Self::Text("Boolean"),
            "11" => Self::Text("Country String"),
            "12" => Self::Text("DN"),
            "15" => Self::Text("Directory String"),
            "22" => Self::Text("Facsimile Telephone Number"),
            "24" => Self::Time,
            "26" => Self::Text("IA5 String"),
            "27" => Self::Integer,
            "36" => Self::Text("Numeric String"),
            "38" => Self::Text("OID"),
            "40" => Self::Octets,
            "41" => Self::Text("Postal Address"),
            "44" => Self::Text("Printable String"),
            "50" => Self::Text("Telephone Number"),
            "53" => Self::Text("UTC Time"),
            _ => Self::Other,
        }
    }

    /// Returns the name of the syntax; empty when it is not known.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Binary(name) => name,
            Self::Integer => "Integer",
            Self::Time => "Generalized Time",
            Self::Octets => "Octet String",
            Self::Other => "",
        }
    }
}

/// How values are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// By size.
    Number,
    /// By the moment.
    Time,
    /// By the text, large and small letters alike or not.
    Text {
        /// Whether large and small letters are alike.
        fold: bool,
    },
}

impl Sort {
    /// Returns the order of a rule by its name or identifier; nothing when it is not known here.
    pub(super) fn of_rule(rule: &str, syntax: Syntax) -> Option<Self> {
        let rule = rule.to_ascii_lowercase();
        let fold = |fold| Some(Self::Text { fold });
        match rule.as_str() {
            "integerorderingmatch" | "2.5.13.15" => Some(Self::Number),
            "generalizedtimeorderingmatch" | "2.5.13.28" => Some(Self::Time),
            "caseignoreorderingmatch" | "2.5.13.3" | "uuidorderingmatch" | "1.3.6.1.1.16.3" => {
                fold(true)
            }
            "caseexactorderingmatch" | "2.5.13.6" | "numericstringorderingmatch" | "2.5.13.9" => {
                fold(false)
            }
            "octetstringorderingmatch" | "2.5.13.18" => match syntax {
                Syntax::Binary(_) => None,
                Syntax::Text(_)
                | Syntax::Integer
                | Syntax::Time
                | Syntax::Octets
                | Syntax::Other => fold(false),
            },
            _ => None,
        }
    }

    /// Returns the order of a server that does not tell it.
    pub(super) const fn of_syntax(syntax: Syntax) -> Option<Self> {
        match syntax {
            Syntax::Integer => Some(Self::Number),
            Syntax::Time => Some(Self::Time),
            Syntax::Text(_) | Syntax::Binary(_) | Syntax::Octets | Syntax::Other => None,
        }
    }

    /// Says whether every server orders a value alike: a number, a time, or a text of letters and
    /// digits.
    pub(crate) fn is_plain(self, value: &str) -> bool {
        match self {
            Self::Number => value.parse::<i128>().is_ok(),
            Self::Time => moment(value).is_some(),
            Self::Text { .. } => {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.@".contains(&byte);
                !value.is_empty() && value.bytes().all(is_plain)
            }
        }
    }

    /// Returns the order of two plain values.
    pub(crate) fn cmp(self, one: &str, other: &str) -> Ordering {
        match self {
            Self::Number => {
                let number = |text: &str| text.parse::<i128>().ok();
                number(one).cmp(&number(other))
            }
            Self::Time => moment(one).cmp(&moment(other)),
            Self::Text { fold: false } => one.cmp(other),
            Self::Text { fold: true } => {
                let small = |byte: u8| byte.to_ascii_lowercase();
                one.bytes().map(small).cmp(other.bytes().map(small))
            }
        }
    }
}
