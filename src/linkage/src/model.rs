//! A linkage model: which columns there are, how they are compared, what agreement is worth, and
//! when a pair is one person. A model is data; another schema is another file.

mod file;

use sha2::{Digest, Sha256};

use crate::standardise::Lexicon;

pub use file::ModelError;

/// A model that has been read and checked.
#[derive(Debug, Clone)]
pub struct LinkageModel {
    /// The name by which it is chosen: `egypt`.
    pub name: String,
    /// The version of the model's content.
    pub version: u32,
    /// The columns it compares, in the order of the file.
    pub columns: Vec<ColumnSpec>,
    /// The rules that make candidate pairs.
    pub blocking: Vec<BlockingRule>,
    /// The comparisons, in the order of the file.
    pub comparisons: Vec<Comparison>,
    /// Priors and thresholds.
    pub decision: Decision,
    pub(crate) lexicon: Lexicon,
    fingerprint: String,
}

/// What kind of thing a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// A chain of names.
    Name,
    /// Words.
    Text,
    /// A number compared digit by digit.
    Digits,
    /// An Egyptian national id.
    NationalId,
    /// A telephone number.
    Phone,
    /// A date.
    Date,
    /// A code of a short list.
    Code,
    /// Male or female, however it is written.
    Sex,
    /// House number and street.
    Address,
}

/// One column of a model.
#[derive(Debug, Clone)]
pub struct ColumnSpec {
    /// Its name in the model; an attribute id when the model serves the registry.
    pub id: String,
    /// What it holds.
    pub kind: ColumnType,
    /// Other names under which files may hold it.
    pub synonyms: Vec<String>,
    /// The index of the national id column whose embedded value fills a gap.
    pub fill_from: Option<usize>,
    /// How many values a record may have.
    pub many: usize,
}

/// What part of a column goes into a blocking key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// The whole value.
    Whole,
    /// The first name of a chain, by consonant skeleton.
    Given,
    /// The second name, by skeleton.
    Father,
    /// The third name, by skeleton.
    Grandfather,
    /// The last name of a chain of three or more, by skeleton.
    Last,
    /// The year of a date.
    Year,
    /// The month and day of a date.
    MonthDay,
    /// The consonant skeleton of a text.
    Skeleton,
}

/// One part of a blocking key.
#[derive(Debug, Clone, Copy)]
pub struct KeyPart {
    /// Indices of the columns; the first that has a value is taken.
    pub columns: [usize; 2],
    /// What is taken.
    pub take: Take,
}

/// A rule: records that share its key are candidates.
#[derive(Debug, Clone)]
pub struct BlockingRule {
    /// Its name in reports.
    pub id: String,
    /// Its parts; a record that lacks one has no key.
    pub parts: Vec<KeyPart>,
    /// The largest block whose pairs are made; larger ones are skipped and reported.
    pub cap: usize,
}

/// What a comparison compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonType {
    /// Equal or not.
    Exact,
    /// Graded likeness of words.
    Text,
    /// Equal, one slip, different.
    Digits,
    /// As digits; two valid ones that differ are stronger evidence.
    NationalId,
    /// The typical slips of dates.
    Date,
    /// The first name of a chain, after alignment.
    Given,
    /// The second name of a chain, after alignment.
    Father,
    /// The rest of a chain, after alignment.
    Lineage,
    /// A relative's chain as a whole.
    Chain,
    /// Any of several numbers.
    Phone,
    /// House, street, region.
    Residence,
}

impl ComparisonType {
    /// Returns the names of the levels, in the order in which a comparison yields them. The first
    /// is always `absent`.
    pub const fn levels(self) -> &'static [&'static str] {
        match self {
            Self::Exact => &["absent", "equal", "different"],
            Self::Text => &["absent", "equal", "close", "similar", "different"],
            Self::Digits => &["absent", "equal", "near", "different"],
            Self::NationalId => &["absent", "equal", "near", "doubtful", "different"],
            Self::Date => &[
                "absent",
                "equal",
                "swapped",
                "near_day",
                "near_year",
                "decade",
                "same_month",
                "year_known",
                "same_year",
                "different",
            ],
            Self::Given | Self::Father => &["absent", "equal", "close", "typo", "different"],
            Self::Lineage => &["absent", "two", "one", "partial", "different"],
            Self::Chain => &["absent", "both", "given", "close", "conflict", "different"],
            Self::Phone => &["absent", "equal", "near", "different"],
            Self::Residence => &[
                "absent",
                "house",
                "street",
                "region",
                "different_street",
                "different_region",
            ],
        }
    }
}

/// What one level of a comparison is worth, in 1/1024 bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LevelWeight {
    /// Against the hypothesis that the two are strangers.
    pub stranger: i32,
    /// Against the hypothesis that the two are close relatives.
    pub kin: i32,
    /// Whether the rarity of the value is added to `stranger`.
    pub rarity: bool,
}

/// One comparison of a model.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Its name in explanations.
    pub id: String,
    /// What it compares.
    pub kind: ComparisonType,
    /// Indices of its columns.
    pub columns: Vec<usize>,
    /// The weight of each level, in the order of [`ComparisonType::levels`].
    pub weights: Vec<LevelWeight>,
}

/// Priors and thresholds, in 1/1024 bit.
#[derive(Debug, Clone, Copy)]
pub struct Decision {
    /// Log2 odds that two records of the candidates' population are one person, against
    /// strangers.
    pub prior: i32,
    /// The same against close relatives; `None` when the model knows no relatives.
    pub kin_prior: Option<i32>,
    /// At or above: link.
    pub link: i32,
    /// At or above and below `link`: review.
    pub review: i32,
    /// A cluster is joined to another only when the mean weight across is at least this.
    pub mean: i32,
}

impl LinkageModel {
    /// The names of the models that come with the engine.
    pub const SHIPPED: [&'static str; 2] = ["egypt", "febrl"];

    /// Returns a model that comes with the engine, or `None` when there is none of this name.
    pub fn shipped(name: &str) -> Option<Self> {
        let text = match name {
            "egypt" => include_str!("models/egypt.toml"),
            "febrl" => include_str!("models/febrl.toml"),
            _ => return None,
        };
        Self::from_toml(text).ok()
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// Every problem of the file, each with its line.
    pub fn from_toml(text: &str) -> Result<Self, Vec<ModelError>> {
        let mut model = file::read(text)?;
        model.fingerprint = hex(&Sha256::digest(text.as_bytes()));
        Ok(model)
    }

    /// Returns the SHA-256 of the model's text, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns the index of a column.
    pub fn column(&self, id: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.id == id)
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests;
