//! That nobody can find a citizen's entries any more, as two people decide; and the keys of it.

use rabt_model::{CitizenId, Timestamp};

/// Where an erasure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureState {
    /// Waits for a second person.
    Asked,
    /// A second person confirmed it, and the keys are being destroyed; nobody can take it back.
    Confirmed,
    /// The keys are destroyed.
    Done,
    /// A second person refused, or the first one took it back.
    Withdrawn,
}

/// That somebody asks for a citizen's keys to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredErasure {
    /// Its number.
    pub number: i64,
    /// Whose keys; `None` once it is over.
    pub citizen: Option<CitizenId>,
    /// Why. It names nobody.
    pub reason: String,
    /// Where it stands.
    pub state: ErasureState,
    /// The person who asked.
    pub proposer: String,
    /// The person who decided; empty while nobody has.
    pub decider: String,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

/// A key that seals what storage holds, sealed by the node's master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDataKey {
    /// Its number, from 1. What it sealed names it.
    pub id: u32,
    /// The sealed key, and what says which master key sealed it.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A random key of one person, under which entries name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectKey {
    /// What it is found by: a keyed hash of the citizen or of the identifier.
    pub name: [u8; 32],
    /// The key, sealed by a data key.
    pub sealed: Vec<u8>,
}

impl ErasureState {
    /// Returns the state's code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Confirmed => "confirmed",
            Self::Done => "done",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Returns the state of a code.
    pub fn of(code: &str) -> Option<Self> {
        let all = [Self::Asked, Self::Confirmed, Self::Done, Self::Withdrawn];
        all.into_iter().find(|state| state.as_str() == code)
    }
}
