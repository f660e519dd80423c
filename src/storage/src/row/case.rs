//! The case of an emergency: somebody went round the gate, and somebody else says whether it was one.

use rabt_model::{AgencyId, Timestamp};

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseState {
    /// Nobody has looked at it.
    Open,
    /// It was an emergency.
    Confirmed,
    /// It was none.
    Disputed,
}

/// The case of an emergency, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCase {
    /// Number of the entry about the look, in its log.
    pub leaf: u64,
    /// Whose system asked.
    pub agency: AgencyId,
    /// When.
    pub at: Timestamp,
    /// Where it stands.
    pub state: CaseState,
    /// The person who said so; empty while nobody has.
    pub reviewer: String,
    /// What they say to it, as whoever stored it sealed it; empty while nobody has.
    pub text: Vec<u8>,
    /// When they said so.
    pub reviewed_at: Option<Timestamp>,
}

/// What an entry does to a case, in its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseStep {
    /// It is an emergency: its case begins.
    Open {
        /// Whose system asked.
        agency: AgencyId,
        /// When.
        at: Timestamp,
    },
    /// Somebody says whether one was; nothing happens to a case that is not open.
    Judge {
        /// The log of the case.
        origin: String,
        /// The case: its leaf, and where it stands from now on.
        case: StoredCase,
    },
}

impl CaseState {
    /// Returns the state's code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Confirmed => "confirmed",
            Self::Disputed => "disputed",
        }
    }

    /// Returns the state of a code.
    pub fn of(code: &str) -> Option<Self> {
        let all = [Self::Open, Self::Confirmed, Self::Disputed];
        all.into_iter().find(|state| state.as_str() == code)
    }
}
