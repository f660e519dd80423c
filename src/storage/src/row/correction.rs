//! A request of a citizen that a value be corrected.

use rabt_model::{AgencyId, Attribute, CitizenId, Pii, SourceId, StreamId, Timestamp};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectionState {
    /// Waits for the agency.
    Asked,
    /// The agency has corrected the value in its own database.
    Corrected,
    /// The agency says that the value is right.
    Refused,
}

/// A request of a citizen that a value be corrected where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCorrection {
    /// Its number.
    pub number: i64,
    /// Whose it is.
    pub citizen: CitizenId,
    /// Who holds the record.
    pub agency: AgencyId,
    /// In which database.
    pub source: SourceId,
    /// In which table or view.
    pub stream: StreamId,
    /// Under which key.
    pub record_key: Pii<String>,
    /// Which attribute.
    pub attribute: Attribute,
    /// What is wrong, in the citizen's words.
    pub wrong: Pii<String>,
    /// Reference of the evidence; empty for none.
    pub evidence: String,
    /// Where it stands.
    pub state: CorrectionState,
    /// What the agency says; empty while it has not.
    pub answer: String,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

impl CorrectionState {
    /// Returns the state's code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Corrected => "corrected",
            Self::Refused => "refused",
        }
    }

    /// Returns the state of a code.
    pub fn of(code: &str) -> Option<Self> {
        let all = [Self::Asked, Self::Corrected, Self::Refused];
        all.into_iter().find(|state| state.as_str() == code)
    }
}
