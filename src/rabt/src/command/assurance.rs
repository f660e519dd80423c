//! How sure one is of an end user, as it is typed.

use clap::ValueEnum;
use rabt_proto::common::AssuranceLevel;

/// A level of assurance, as in eIDAS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Assurance {
    /// Self-asserted.
    Low,
    /// Verified with a second factor.
    Substantial,
    /// Verified in person, or with a qualified certificate.
    High,
}

impl Assurance {
    /// Returns the level's code in messages.
    pub(crate) const fn code(self) -> AssuranceLevel {
        match self {
            Self::Low => AssuranceLevel::Low,
            Self::Substantial => AssuranceLevel::Substantial,
            Self::High => AssuranceLevel::High,
        }
    }
}
