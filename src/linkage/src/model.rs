//! A linkage model: which columns there are, how they are compared, what agreement is worth, and
//! when a pair is one person. A model is data; another schema is another file.

mod blocking;
mod column;
mod comparison;
pub(crate) mod fields;
mod frequency;
mod predicate;
pub(crate) mod problem;
mod read;
mod rule;
mod splink;
mod write;

use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use crate::pack::Pack;

pub use blocking::{BlockingRule, KeyPart, Take};
pub use column::{ColumnSpec, ColumnType};
pub use comparison::{Comparison, ComparisonType, LevelWeight, Shares, TermFrequency};
pub(crate) use comparison::{Grades, scaled};
pub(crate) use frequency::Frequencies;
pub use predicate::{Predicate, Test, TestKind};
pub use problem::ModelError;
pub use rule::{Adjust, Definite, Rule, SourcePair, Sources};
pub use splink::{Imported, import_splink};
#[cfg(test)]
pub(crate) use tests::COMPANIES;

/// A model that has been read and checked.
#[derive(Debug, Clone)]
pub struct LinkageModel {
    /// The name by which it is chosen: `egypt`.
    pub name: String,
    /// The version of the model's content.
    pub version: u32,
    pub(crate) pack: Arc<Pack>,
    /// The columns it compares, in the order of the file.
    pub columns: Vec<ColumnSpec>,
    /// The rules that make candidate pairs.
    pub blocking: Vec<BlockingRule>,
    /// The comparisons, in the order of the file.
    pub comparisons: Vec<Comparison>,
    /// Priors and thresholds.
    pub decision: Decision,
    /// The column that tells a record's source, by index.
    pub source: Option<usize>,
    /// The rules that decide a pair whatever its weight.
    pub rules: Vec<Rule>,
    /// The evidence that counts for less between two sources.
    pub adjusts: Vec<Adjust>,
    /// By column: how common its values are, where that is known.
    pub(crate) frequencies: Vec<Option<Frequencies>>,
    fingerprint: OnceLock<String>,
}

/// Priors and thresholds, in 1/1024 bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// A record that fits another cluster within this much of its own is ambiguous.
    pub margin: i32,
}

/// Two models are equal when they say the same, whatever their files look like.
impl PartialEq for LinkageModel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.version == other.version
            && self.pack.id == other.pack.id
            && self.columns == other.columns
            && self.blocking == other.blocking
            && self.comparisons == other.comparisons
            && self.decision == other.decision
            && self.source == other.source
            && self.rules == other.rules
            && self.adjusts == other.adjusts
            && self.frequencies == other.frequencies
    }
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
        read::read(text)
    }

    /// Writes a model file that reads back as an equal model, under lines of comment.
    pub fn to_toml(&self, comment: &[String]) -> String {
        write::write(self, comment)
    }

    /// Returns the SHA-256, in hexadecimal, of the model as [`LinkageModel::to_toml`] writes it
    /// without a comment. So it names what the model says, not how its file is laid out.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint
            .get_or_init(|| hex(&Sha256::digest(self.to_toml(&[]).as_bytes())))
    }

    /// Returns the index of a column.
    pub fn column(&self, id: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.id == id)
    }

    /// Sets the shares of a comparison's levels, in the order of [`Comparison::levels`] with the
    /// entry of `absent` (which is not used), and makes its weights anew.
    ///
    /// # Errors
    /// When there is no such comparison, when there are fewer or more shares than levels, or when
    /// a share is not one. Nothing is changed then.
    pub fn set_shares(&mut self, comparison: &str, shares: &[Shares]) -> Result<(), ModelError> {
        let place = format!("comparison '{comparison}'");
        let found = self.comparisons.iter_mut().find(|c| c.id == comparison);
        let comparison = found.ok_or_else(|| ModelError::of(format!("there is no {place}")))?;
        if shares.len() != comparison.names.len() {
            return Err(ModelError::of(format!(
                "{place} has {} levels with 'absent', not {}",
                comparison.names.len(),
                shares.len()
            )));
        }
        for (level, shares) in shares.iter().enumerate().skip(1) {
            if let Some(fault) = comparison.fault(level, shares) {
                let name = &comparison.names[level];
                return Err(ModelError::of(format!("{place} level '{name}': {fault}")));
            }
        }
        comparison.shares[1..].copy_from_slice(&shares[1..]);
        comparison.weigh_levels();
        self.fingerprint = OnceLock::new();
        Ok(())
    }

    /// Says whether records become the same cards by both models.
    pub(crate) fn standardises_as(&self, other: &Self) -> bool {
        let compared = |model: &Self| -> Vec<(ComparisonType, Vec<usize>)> {
            let comparisons = model.comparisons.iter();
            comparisons.map(|c| (c.kind, c.columns.clone())).collect()
        };
        self.pack.id == other.pack.id
            && self.columns == other.columns
            && compared(self) == compared(other)
    }

    /// Sets priors and thresholds.
    pub fn set_decision(&mut self, decision: Decision) {
        self.decision = decision;
        self.fingerprint = OnceLock::new();
    }

    /// Sets the name and version, so that a trained model is not taken for the one it came from.
    pub fn set_version(&mut self, name: &str, version: u32) {
        name.clone_into(&mut self.name);
        self.version = version;
        self.fingerprint = OnceLock::new();
    }

    /// Sets the shares of the values of a column; a value that is not among them has share
    /// `other`.
    ///
    /// # Errors
    /// When the column's type has no such shares, or when a share is not above 0 and at most 1.
    pub fn set_term_frequency(
        &mut self,
        column: usize,
        values: Vec<(String, f64)>,
        other: f64,
    ) -> Result<(), ModelError> {
        let spec = self.columns.get(column);
        let spec = spec.ok_or_else(|| ModelError::of(format!("there is no column {column}")))?;
        let fault =
            |message: &str| ModelError::of(format!("term frequency of '{}': {message}", spec.id));
        if !Frequencies::known_of(spec.kind) {
            return Err(fault("a column of this type has none"));
        }
        let mut shares = values.iter().map(|(_, share)| *share).chain([other]);
        if !shares.all(|share| share > 0.0 && share <= 1.0) {
            return Err(fault("a share must be above 0 and at most 1"));
        }
        self.frequencies[column] = Some(Frequencies::of(spec.kind, values, other));
        self.fingerprint = OnceLock::new();
        Ok(())
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
pub(crate) mod tests;
