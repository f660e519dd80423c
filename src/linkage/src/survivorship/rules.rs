//! Which rules choose the value of which attribute, as configuration.

use std::collections::BTreeMap;

use rabt_model::{AgencyId, Attribute, SourceId};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::read;
use crate::model::ModelError;

/// The most values that are kept of an attribute that may have several, when nothing else is said.
const MOST: usize = 8;

/// What may tell two values apart. The list is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// A record of truth for the attribute holds the value.
    RecordOfTruth,
    /// The value is whole and valid in itself.
    Validity,
    /// More records hold the value.
    Majority,
    /// An agency or source of higher rank holds the value.
    SourceRank,
    /// A record that changed later at its source holds the value.
    Recency,
}

/// The rules by which golden records are composed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivorship {
    default: Choice,
    of: BTreeMap<Attribute, Choice>,
    fingerprint: String,
}

/// How the values of one attribute are chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Choice {
    /// In order: the first that tells two values apart decides.
    pub(crate) rules: Vec<Criterion>,
    /// Ranks of agencies and sources that take the place of what manifests say; a source's own
    /// stands before its agency's.
    pub(crate) ranks: BTreeMap<String, u8>,
    /// How many values are kept of an attribute that may have several.
    pub(crate) most: usize,
}

/// A mistake in a file of survivorship rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", line.map(|n| format!("{n}: ")).unwrap_or_default())]
pub struct SurvivorshipError {
    /// The line, counted from 1, when the mistake has one.
    pub line: Option<usize>,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl From<ModelError> for SurvivorshipError {
    fn from(error: ModelError) -> Self {
        Self {
            line: error.line,
            message: error.message,
        }
    }
}

impl Criterion {
    /// Every criterion with the word that files call it by.
    pub(crate) const WORDS: [(&str, Self); 5] = [
        ("record_of_truth", Self::RecordOfTruth),
        ("validity", Self::Validity),
        ("majority", Self::Majority),
        ("source_rank", Self::SourceRank),
        ("recency", Self::Recency),
    ];
}

impl Choice {
    /// Returns the rank that the configuration gives to a source of an agency; `None` when it
    /// gives none.
    pub(crate) fn rank(&self, agency: &AgencyId, source: &SourceId) -> Option<u8> {
        let named = self.ranks.get(source.as_str());
        named.or_else(|| self.ranks.get(agency.as_str())).copied()
    }
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            rules: Criterion::WORDS.map(|(_, criterion)| criterion).to_vec(),
            ranks: BTreeMap::new(),
            most: MOST,
        }
    }
}

impl Default for Survivorship {
    fn default() -> Self {
        Self::of(Choice::default(), BTreeMap::new())
    }
}

impl Survivorship {
    /// The shipped rules as a file: what [`Survivorship::default`] is.
    pub const SHIPPED: &'static str = include_str!("default.toml");

    /// Reads rules from TOML.
    ///
    /// # Errors
    /// Every mistake of the text, in the order of its lines.
    pub fn from_toml(text: &str) -> Result<Self, Vec<SurvivorshipError>> {
        read::read(text).map_err(|errors| errors.into_iter().map(Into::into).collect())
    }

    pub(crate) fn of(default: Choice, mut of: BTreeMap<Attribute, Choice>) -> Self {
        // What is said of an attribute and changes nothing must not change the fingerprint.
        of.retain(|_, choice| *choice != default);
        // Structures of texts and numbers always serialise.
        let parts = serde_json::to_vec(&("rabt survivorship 1", &default, &of)).unwrap_or_default();
        let fingerprint = format!("{:x}", Sha256::digest(parts));
        Self {
            default,
            of,
            fingerprint,
        }
    }

    /// Returns the SHA-256 of what the rules say, 64 hexadecimal digits: comments and layout do
    /// not change it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns how the values of an attribute are chosen.
    pub(crate) fn choice(&self, attribute: &Attribute) -> &Choice {
        self.of.get(attribute).unwrap_or(&self.default)
    }
}
