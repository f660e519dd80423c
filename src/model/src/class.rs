//! The closed set of ways in which a request can fail.

/// What kind of failure an error is. Every error of every crate maps to one of these, and the
/// gRPC edge maps each to one status and one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The caller may not do this, or there is no such person: the two are not told apart.
    NotPermitted,
    /// The agreement exists but is not in force now.
    AgreementNotActive,
    /// A stronger authentication of the end user is needed.
    StepUpRequired,
    /// A second person must approve.
    SecondPersonRequired,
    /// The request is malformed: a mask, a size, a missing field.
    InvalidRequest,
    /// The search criteria would match too many people.
    CriteriaTooWeak,
    /// The identifier cannot be one of its scheme.
    BadIdentifier,
    /// A named resource (never a citizen) does not exist.
    NotFound,
    /// A resource of this name exists already.
    AlreadyExists,
    /// The resource changed since it was read.
    EtagMismatch,
    /// The agreement's volume is used up.
    QuotaExceeded,
    /// Too much has been disclosed to this caller or end user.
    DisclosureBudgetExceeded,
    /// An agency's database cannot be reached.
    SourceUnreachable,
    /// The node sheds load; the request may be tried again.
    Overloaded,
    /// The node follows another one, which is to be asked.
    NotLeading,
    /// The asked-for position of the feed is no longer kept.
    SequenceExpired,
    /// A setting or manifest is wrong; an operator must act.
    Configuration,
    /// A fault of ours.
    Defect,
}

impl ErrorClass {
    /// Every class, in the order of the documented table.
    pub const ALL: [Self; 18] = [
        Self::NotPermitted,
        Self::AgreementNotActive,
        Self::StepUpRequired,
        Self::SecondPersonRequired,
        Self::InvalidRequest,
        Self::CriteriaTooWeak,
        Self::BadIdentifier,
        Self::NotFound,
        Self::AlreadyExists,
        Self::EtagMismatch,
        Self::QuotaExceeded,
        Self::DisclosureBudgetExceeded,
        Self::SourceUnreachable,
        Self::Overloaded,
        Self::NotLeading,
        Self::SequenceExpired,
        Self::Configuration,
        Self::Defect,
    ];

    /// Returns the reason as it stands in `ErrorInfo.reason`.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotPermitted => "NOT_PERMITTED",
            Self::AgreementNotActive => "AGREEMENT_NOT_ACTIVE",
            Self::StepUpRequired => "STEP_UP_REQUIRED",
            Self::SecondPersonRequired => "SECOND_PERSON_REQUIRED",
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::CriteriaTooWeak => "CRITERIA_TOO_WEAK",
            Self::BadIdentifier => "BAD_IDENTIFIER",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::EtagMismatch => "ETAG_MISMATCH",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::DisclosureBudgetExceeded => "DISCLOSURE_BUDGET_EXCEEDED",
            Self::SourceUnreachable => "SOURCE_UNREACHABLE",
            Self::Overloaded => "OVERLOADED",
            Self::NotLeading => "NOT_LEADING",
            Self::SequenceExpired => "SEQUENCE_EXPIRED",
            Self::Configuration => "CONFIGURATION",
            Self::Defect => "DEFECT",
        }
    }
}
