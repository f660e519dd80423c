//! What a model says of comparisons: their levels, and what each level is worth.

use super::{ColumnType, Predicate};
use crate::weight::{BIT, bits};

/// What a comparison compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Levels of the model's own, each with a predicate; the first that holds counts.
    Graded,
}

impl ComparisonType {
    /// The words for it in a model file.
    pub(super) const WORDS: [(&'static str, Self); 12] = [
        ("exact", Self::Exact),
        ("text", Self::Text),
        ("digits", Self::Digits),
        ("national_id", Self::NationalId),
        ("date", Self::Date),
        ("given", Self::Given),
        ("father", Self::Father),
        ("lineage", Self::Lineage),
        ("chain", Self::Chain),
        ("phone", Self::Phone),
        ("residence", Self::Residence),
        ("graded", Self::Graded),
    ];

    /// Returns the word for it in a model file.
    pub(super) fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, kind)| *kind == self);
        found.map_or("exact", |(word, _)| word)
    }

    /// Returns the names of the levels, in the order in which a comparison yields them. The first
    /// is always `absent`; those of a graded comparison are the model's own.
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
            Self::Graded => &["absent"],
        }
    }

    /// Says whether a level knows the rarity of the agreeing name without a table of shares.
    pub(super) fn knows_rarity(self, level: &str) -> bool {
        match self {
            Self::Given | Self::Father => level == "equal",
            Self::Lineage => matches!(level, "one" | "two"),
            Self::Chain => matches!(level, "both" | "given"),
            Self::Exact
            | Self::Text
            | Self::Digits
            | Self::NationalId
            | Self::Date
            | Self::Phone
            | Self::Residence
            | Self::Graded => false,
        }
    }

    /// Says whether a level may have `term_frequency = true`.
    pub(super) fn takes_frequency(self, level: &str) -> bool {
        matches!(self, Self::Exact | Self::Text) && level == "equal"
    }

    /// Returns the types that each of its columns may have; columns behind the first are optional.
    pub(super) const fn column_types(self) -> &'static [&'static [ColumnType]] {
        use ColumnType as T;
        const NAME: &[T] = &[T::Name];
        const DIGITS: &[T] = &[T::Digits, T::NationalId, T::Phone];
        match self {
            Self::Exact => &[&[
                T::Text,
                T::Code,
                T::Sex,
                T::Date,
                T::Digits,
                T::NationalId,
                T::Phone,
                T::Number,
                T::Point,
                T::Set,
            ]],
            Self::Text => &[&[T::Text, T::Code]],
            Self::Digits | Self::Phone => &[DIGITS],
            Self::NationalId => &[&[T::NationalId], &[T::Date]],
            Self::Date => &[&[T::Date]],
            Self::Given | Self::Father | Self::Lineage => &[NAME, NAME],
            Self::Chain => &[NAME],
            Self::Residence => &[&[T::Address], &[T::Code, T::Text]],
            Self::Graded => &[],
        }
    }
}

/// The shares of one level, as they are learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Share of the level among pairs of one person.
    pub m: f64,
    /// Share among pairs of strangers; absent means the share of the value itself.
    pub u: Option<f64>,
    /// Share among pairs of close relatives; absent means as among strangers.
    pub kin: Option<f64>,
}

impl Shares {
    /// The shares of a level that says nothing.
    pub(super) const NEUTRAL: Self = Self {
        m: 1.0,
        u: Some(1.0),
        kin: None,
    };
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

/// How far the share of the value itself stands in for a level's `u`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermFrequency {
    /// The column whose value counts, by index.
    pub column: usize,
    /// How much of the adjustment is made, 0 to 1.
    pub weight: f64,
    /// The least share a value is held to have: the rarest values are often slips. Zero is none.
    pub least: f64,
    /// `weight` in 1/1024.
    scale: i32,
    /// The greatest rarity, in 1/1024 bit.
    ceiling: i32,
    /// The rarity that leaves the level at its own `u`.
    pub(crate) neutral: i32,
}

impl TermFrequency {
    pub(crate) fn of(column: usize, weight: f64, least: f64) -> Self {
        Self {
            column,
            weight,
            least,
            scale: scale(weight),
            ceiling: if least > 0.0 {
                bits(1.0 / least)
            } else {
                i32::MAX
            },
            neutral: 0,
        }
    }

    /// Returns the part of a value's rarity that counts.
    pub(crate) fn counted(&self, rarity: i32) -> i32 {
        scaled(rarity.min(self.ceiling), self.scale)
    }
}

/// Returns a factor from 0 to 1 in 1/1024.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is held within 0 and 1,024"
)]
pub(crate) fn scale(factor: f64) -> i32 {
    (factor.clamp(0.0, 1.0) * f64::from(BIT)).round() as i32
}

/// Returns the part of a weight that a factor in 1/1024 leaves, rounded towards zero.
pub(crate) const fn scaled(weight: i32, scale: i32) -> i32 {
    // A weight is within ± 65,536 and a factor at most 1,024, so the product stays in range.
    weight * scale / BIT
}

/// The conditions of a graded comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grades {
    /// What makes the pair say nothing; `None`: that no test of the comparison can be made.
    pub(crate) absent_when: Option<Predicate>,
    /// The condition of each level behind `absent`; the last has none.
    pub(crate) when: Vec<Option<Predicate>>,
    /// The columns its tests read, left and right; without those that are read to ask whether
    /// they are absent.
    pub(crate) reads: Vec<(usize, usize)>,
    /// Whether a level asks for absence, so that absent values are its own business.
    pub(crate) of_absence: bool,
}

/// One comparison of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Its name in explanations.
    pub id: String,
    /// What it compares.
    pub kind: ComparisonType,
    /// Indices of its columns; for a graded one, all that it reads.
    pub columns: Vec<usize>,
    /// The weight of each level, in the order of [`Comparison::levels`].
    pub weights: Vec<LevelWeight>,
    /// The shares that the weights are made of, in the same order; those of `absent` say nothing.
    pub shares: Vec<Shares>,
    /// The levels whose evidence is adjusted by the share of the value, in the same order.
    pub frequencies: Vec<Option<TermFrequency>>,
    pub(crate) names: Vec<String>,
    pub(crate) grades: Option<Grades>,
}

impl Comparison {
    /// The most levels of a comparison, with `absent`: a level fits four bits.
    pub const MOST_LEVELS: usize = 16;

    /// Returns the names of the levels, in the order in which the comparison yields them. The
    /// first is always `absent`.
    pub fn levels(&self) -> &[String] {
        &self.names
    }

    /// Makes the integer weights from the shares.
    pub(super) fn weigh_levels(&mut self) {
        self.weights = vec![LevelWeight::default(); self.names.len()];
        for (level, weight) in self.weights.iter_mut().enumerate().skip(1) {
            let Shares { m, u, kin } = self.shares[level];
            let plain = bits(m / u.unwrap_or(1.0));
            let mut neutral = 0;
            if let Some(frequency) = &mut self.frequencies[level] {
                neutral = u.map_or(0, |u| frequency.counted(bits(1.0 / u)));
                frequency.neutral = neutral;
            }
            *weight = LevelWeight {
                stranger: plain - neutral,
                kin: kin.map_or(plain, |kin| bits(m / kin)),
                rarity: u.is_none() || self.frequencies[level].is_some(),
            };
        }
    }

    /// Says what is wrong with the shares of a level, or nothing.
    pub(super) fn fault(&self, level: usize, shares: &Shares) -> Option<&'static str> {
        let given = [Some(shares.m), shares.u, shares.kin];
        if given.into_iter().flatten().any(|s| !(s > 0.0 && s <= 1.0)) {
            return Some("a share must be above 0 and at most 1");
        }
        if shares.u.is_some() || self.kind.knows_rarity(&self.names[level]) {
            return None;
        }
        match &self.frequencies[level] {
            None => Some("lacks 'u', the share of the level among strangers"),
            Some(frequency) if frequency.scale != BIT => {
                Some("lacks 'u', which a term frequency of weight below 1 needs")
            }
            Some(_) => None,
        }
    }
}
