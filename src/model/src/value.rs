//! The values an attribute can have.

use serde::{Deserialize, Serialize};

use crate::PartialDate;

/// A standard value of one attribute, in the form its agency wrote it where that matters (names,
/// addresses) and in one form for all where it does not (dates, codes, identifiers).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A code, an identifier, a phone number or free text.
    Text(String),
    /// A date, perhaps known only in part.
    Date(PartialDate),
    /// A person's name.
    Name(Name),
    /// A postal address.
    Address(Address),
    /// A tie to another person.
    Relation(Relation),
}

/// A person's name: an ordered chain of kin slots, never a set of words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name {
    /// The whole name with its original spelling.
    pub text: String,
    /// The slots, when the agency keeps them in columns of their own; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<NamePart>,
}

/// One slot of a name chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NamePart {
    /// Whose name it is.
    pub kin: Kin,
    /// The name with its original spelling.
    pub text: String,
}

/// Whose name a slot of a chain holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kin {
    /// The person's own.
    Given,
    /// The father's.
    Father,
    /// The father's father's.
    Grandfather,
    /// The grandfather's father's.
    GreatGrandfather,
    /// The family's.
    Family,
}

impl Kin {
    /// Every slot, in the order of the chain.
    pub const ALL: [Self; 5] = [
        Self::Given,
        Self::Father,
        Self::Grandfather,
        Self::GreatGrandfather,
        Self::Family,
    ];

    /// Returns the slot's name as mappings write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Father => "father",
            Self::Grandfather => "grandfather",
            Self::GreatGrandfather => "great_grandfather",
            Self::Family => "family",
        }
    }
}

/// A postal address. Every part may be absent; `text` is what the agency holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Address {
    /// Two-digit governorate code, as in the national id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governorate: Option<String>,
    /// District, markaz or quarter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// House number and street.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A tie to another person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Relation {
    /// `father`, `mother`, `spouse`, `child`, `guardian`.
    pub kind: String,
    /// How the agency names the other person: an identifier or a name.
    pub to: String,
}

impl Value {
    /// Returns the value as one line of text: what a table shows and a caller reads.
    pub fn to_line(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Date(date) => date.to_string(),
            Self::Name(name) => name.text.clone(),
            Self::Address(address) => address.to_line(),
            Self::Relation(relation) => format!("{}: {}", relation.kind, relation.to),
        }
    }
}

impl Name {
    /// Returns a name known only as a whole.
    pub fn whole(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            parts: Vec::new(),
        }
    }

    /// Returns a name from its slots; the whole text is the slots joined by spaces.
    pub fn of_parts(parts: Vec<NamePart>) -> Self {
        let words: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        Self {
            text: words.join(" "),
            parts,
        }
    }
}

impl Address {
    /// Returns the parts that are known, from small to large, separated by commas.
    pub fn to_line(&self) -> String {
        let parts = [&self.text, &self.street, &self.district, &self.governorate];
        let known: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
        known.join("، ")
    }
}
