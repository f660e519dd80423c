//! Predicates: what must hold of a pair of records for a level or a rule to count.

use super::ColumnType;

/// A condition on two records. It holds the same whichever record is called the left one.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Every part holds.
    All(Vec<Predicate>),
    /// One part or more holds.
    Any(Vec<Predicate>),
    /// The part does not hold. A test on an absent value does not hold, so its `Not` does.
    Not(Box<Predicate>),
    /// A test of one column.
    Test(Test),
}

/// A test of one value of the left record and one of the right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// What is tested.
    pub kind: TestKind,
    /// The column, by index.
    pub column: usize,
    /// The column that is read on the other record; mostly the same.
    pub other: usize,
    /// With two columns: whether the test must hold both ways round and not only one way.
    pub both_ways: bool,
    /// The bound of tests that have one; zero for the others.
    pub bound: f64,
}

/// What a test tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestKind {
    /// The values are the same.
    Equal,
    /// Jaro-Winkler similarity of the texts.
    JaroWinkler,
    /// Jaro similarity of the texts.
    Jaro,
    /// Letters put in, left out or replaced.
    Levenshtein,
    /// As Levenshtein, two neighbours swapped counting once.
    DamerauLevenshtein,
    /// Pairs of neighbouring letters, or members of sets, in common of all there are.
    Jaccard,
    /// Equal leading letters.
    Prefix,
    /// The consonants are the same, in any script.
    SameSkeleton,
    /// Difference of two numbers.
    Difference,
    /// Difference of two numbers as a share of the larger.
    RelativeDifference,
    /// Days between two dates.
    Days,
    /// Months between two dates.
    Months,
    /// Years between two dates.
    Years,
    /// Kilometres between two points, over the ground.
    DistanceKm,
    /// Members in common of two sets.
    Overlap,
    /// Members in common as a share of the smaller set.
    OverlapShare,
    /// One value or both are absent.
    Absent,
    /// Both values are absent.
    BothAbsent,
    /// Exactly one value is absent.
    OneAbsent,
}

/// What the bound of a test may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// The test has none.
    None,
    /// `at_least`, above 0 and at most 1.
    LeastShare,
    /// `at_least`, a whole number from 1.
    LeastCount,
    /// `at_most`, a whole number from 0.
    MostCount,
    /// `at_most`, a number from 0.
    MostNumber,
}

impl Bound {
    /// Returns the field that holds it.
    pub(crate) const fn field(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::LeastShare | Self::LeastCount => Some("at_least"),
            Self::MostCount | Self::MostNumber => Some("at_most"),
        }
    }

    /// Says whether a bound may have this value.
    pub(crate) fn allows(self, value: f64) -> bool {
        let whole = value.fract().abs() < f64::EPSILON && value <= 1e9;
        match self {
            Self::None => true,
            Self::LeastShare => value > 0.0 && value <= 1.0,
            Self::LeastCount => whole && value >= 1.0,
            Self::MostCount => whole && value >= 0.0,
            Self::MostNumber => value >= 0.0,
        }
    }

    /// Returns what the bound must be, in words.
    pub(crate) const fn wanted(self) -> &'static str {
        match self {
            Self::None => "absent",
            Self::LeastShare => "above 0 and at most 1",
            Self::LeastCount => "a whole number, 1 or more",
            Self::MostCount => "a whole number, 0 or more",
            Self::MostNumber => "a number, 0 or more",
        }
    }
}

impl TestKind {
    /// The words for it in a model file.
    pub(crate) const WORDS: [(&'static str, Self); 19] = [
        ("equal", Self::Equal),
        ("jaro_winkler", Self::JaroWinkler),
        ("jaro", Self::Jaro),
        ("levenshtein", Self::Levenshtein),
        ("damerau_levenshtein", Self::DamerauLevenshtein),
        ("jaccard", Self::Jaccard),
        ("prefix", Self::Prefix),
        ("same_skeleton", Self::SameSkeleton),
        ("difference", Self::Difference),
        ("relative_difference", Self::RelativeDifference),
        ("days", Self::Days),
        ("months", Self::Months),
        ("years", Self::Years),
        ("distance_km", Self::DistanceKm),
        ("overlap", Self::Overlap),
        ("overlap_share", Self::OverlapShare),
        ("absent", Self::Absent),
        ("both_absent", Self::BothAbsent),
        ("one_absent", Self::OneAbsent),
    ];

    /// Returns the word for it in a model file.
    pub(crate) fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, kind)| *kind == self);
        found.map_or("equal", |(word, _)| word)
    }

    /// Returns what its bound may be.
    pub(crate) const fn bound(self) -> Bound {
        match self {
            Self::Equal
            | Self::SameSkeleton
            | Self::Absent
            | Self::BothAbsent
            | Self::OneAbsent => Bound::None,
            Self::JaroWinkler | Self::Jaro | Self::Jaccard | Self::OverlapShare => {
                Bound::LeastShare
            }
            Self::Prefix | Self::Overlap => Bound::LeastCount,
            Self::Levenshtein
            | Self::DamerauLevenshtein
            | Self::Days
            | Self::Months
            | Self::Years => Bound::MostCount,
            Self::Difference | Self::RelativeDifference | Self::DistanceKm => Bound::MostNumber,
        }
    }

    /// Says whether it asks if values are there and nothing else.
    pub(crate) const fn is_of_absence(self) -> bool {
        matches!(self, Self::Absent | Self::BothAbsent | Self::OneAbsent)
    }

    /// Says whether two columns of these types can be tested so.
    pub(crate) fn fits(self, left: ColumnType, right: ColumnType) -> bool {
        let both = |wanted: &[ColumnType]| wanted.contains(&left) && wanted.contains(&right);
        match self {
            Self::Equal => left.family() == right.family(),
            Self::JaroWinkler
            | Self::Jaro
            | Self::Levenshtein
            | Self::DamerauLevenshtein
            | Self::Prefix => left.is_spelt() && right.is_spelt(),
            Self::Jaccard => (left.is_spelt() && right.is_spelt()) || both(&[ColumnType::Set]),
            Self::SameSkeleton => {
                both(&[ColumnType::Text, ColumnType::Code]) || both(&[ColumnType::Name])
            }
            Self::Difference | Self::RelativeDifference => both(&[ColumnType::Number]),
            Self::Days | Self::Months | Self::Years => both(&[ColumnType::Date]),
            Self::DistanceKm => both(&[ColumnType::Point]),
            Self::Overlap | Self::OverlapShare => both(&[ColumnType::Set]),
            Self::Absent | Self::BothAbsent | Self::OneAbsent => true,
        }
    }
}

impl Predicate {
    /// Calls `visit` for every test in it.
    pub(crate) fn for_each_test(&self, visit: &mut impl FnMut(&Test)) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.for_each_test(visit);
                }
            }
            Self::Not(part) => part.for_each_test(visit),
            Self::Test(test) => visit(test),
        }
    }
}
