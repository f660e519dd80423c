//! What clerks decide: whether records are one person, and what is asked of them.

use crate::{Label, RecordNumber};

/// The number of a human decision: growing, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionNumber(pub i64);

/// The number of a review task: growing, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskNumber(pub i64);

/// What a person says about pairs of records. It stands until it is undone, whatever the records
/// come to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgement {
    /// The records are one person.
    Same,
    /// The records are two people.
    Different,
    /// Nobody can tell, and nobody is to be asked again. It joins nothing and keeps nothing apart.
    Ignore,
}

/// Why something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewKind {
    /// The evidence is between the two thresholds.
    Band,
    /// The evidence is strong, for more than one citizen who cannot be one.
    Ambiguous,
    /// The evidence is strong, and something keeps the two apart.
    Conflict,
}

/// Two records, the lower number first.
pub type RecordPair = (RecordNumber, RecordNumber);

impl Judgement {
    /// Every judgement.
    pub const ALL: [Self; 3] = [Self::Same, Self::Different, Self::Ignore];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
            Self::Ignore => "ignore",
        }
    }

    /// Returns the judgement of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Returns what people call the judgement.
    pub fn label(self) -> Label {
        let (en, ar) = match self {
            Self::Same => ("One person", "شخص واحد"),
            Self::Different => ("Two people", "شخصان"),
            Self::Ignore => ("Nobody can tell", "لا يمكن الجزم"),
        };
        Label::new(en, ar)
    }
}

impl ReviewKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Band, Self::Ambiguous, Self::Conflict];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Band => "band",
            Self::Ambiguous => "ambiguous",
            Self::Conflict => "conflict",
        }
    }

    /// Returns the kind of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Returns what people call the kind.
    pub fn label(self) -> Label {
        let (en, ar) = match self {
            Self::Band => ("Not enough evidence", "الأدلة غير كافية"),
            Self::Ambiguous => ("Fits several citizens", "يطابق أكثر من مواطن"),
            Self::Conflict => ("Evidence conflicts", "الأدلة متعارضة"),
        };
        Label::new(en, ar)
    }
}
