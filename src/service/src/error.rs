//! Why a use case failed. Every text here is safe to show: it names things and places, no values.

use std::fmt;

use rabt_linkage::Judged;
use rabt_model::{
    AgreementId, DecisionNumber, ErrorClass, Judgement, SourceId, TaskNumber, Timestamp,
};
use rabt_policy::Denial;
use rabt_storage::StorageError;

use crate::audited::Audited;
use crate::vault::VaultError;

/// An entry could not be made durable, so that nothing may leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// More entries wait than the node can write; the request may be tried again.
    #[error("the audit log is behind; try again")]
    Overloaded,
    /// The node is shutting down.
    #[error("the audit log is closed")]
    Stopped,
    /// This node follows: nothing was changed, and the leader is to be asked.
    #[error("node `{node}` follows and changes nothing; {}", remedy(.leader.as_deref()))]
    NotLeading {
        /// This node.
        node: String,
        /// The leading node and where it is reached; `None` between two leaders.
        leader: Option<String>,
    },
    /// Storage failed.
    #[error("the audit log cannot be written: {0}")]
    Storage(#[from] StorageError),
    /// The log's key or an entry is not usable.
    #[error("the audit log cannot be used: {0}")]
    Unusable(String),
    /// The key of a person cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The node could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Storage cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The audit log cannot be resumed.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The keys that seal what storage holds cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Another process of this name holds the lease, and renews it.
    #[error("another node is named `{0}` too, and runs; give each node.name its own")]
    SameName(String),
    /// The stored agreements no longer load.
    #[error(
        "the stored agreements (revision {revision}) do not load: {problem}; activate a corrected bundle"
    )]
    Policy {
        /// Revision of the bundle.
        revision: String,
        /// The first problem.
        problem: String,
    },
}

/// An enquiry without an answer.
#[derive(Debug, thiserror::Error)]
pub enum EnquiryError {
    /// Policy refused, or the use case did by one of its reasons; the refusal itself has been
    /// audited.
    #[error("{}", ***.0)]
    Denied(Box<Audited<Denial>>),
    /// The answer was withheld because its entry did not become durable.
    #[error(transparent)]
    NotAudited(#[from] AuditError),
    /// The resident state could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// One mistake in a text that an operator sent, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the name that the text was sent under.
    pub file: String,
    /// The line, from 1; 0 when it is not known.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

/// An operator's request that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// The caller's role does not allow it; the refusal itself has been audited.
    #[error("not permitted")]
    NotPermitted(Audited<()>),
    /// A manifest, mapping or bundle has problems; all of them.
    #[error("{} problem(s): {}", .0.len(), lines(.0))]
    Problems(Vec<Problem>),
    /// Nothing of this name.
    #[error("{}", absent(.thing, .name))]
    NotFound {
        /// What kind of thing.
        thing: &'static str,
        /// Its name.
        name: String,
    },
    /// Something of this name is there already.
    #[error("{thing} `{name}` exists already; {remedy}")]
    Exists {
        /// What kind of thing.
        thing: &'static str,
        /// Its name.
        name: String,
        /// What to do.
        remedy: &'static str,
    },
    /// It cannot be done in the state the thing is in.
    #[error("source `{source_id}` is {state}; {remedy}")]
    State {
        /// Which source.
        source_id: SourceId,
        /// The state it is in.
        state: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Who handed a folder in may not approve it.
    #[error(
        "version {version} of the folder of source `{source_id}` was handed in by the same person; \
         another one with the role approver must approve it"
    )]
    SecondPerson {
        /// Which source.
        source_id: SourceId,
        /// Which version.
        version: u32,
    },
    /// The version that was named is not the one that is being worked on.
    #[error(
        "version {version} of the folder of source `{source_id}` is being worked on now; look at it, \
         and name that one"
    )]
    Moved {
        /// Which source.
        source_id: SourceId,
        /// Which version is.
        version: u32,
    },
    /// The source could not be looked at.
    #[error("{source_id}: {error}")]
    Connect {
        /// Which source.
        source_id: SourceId,
        /// What went wrong, and what to do.
        error: rabt_connect::ConnectError,
    },
    /// Linking failed on the way.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The entry did not become durable.
    #[error(transparent)]
    NotAudited(#[from] AuditError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why nothing became of a step with an agreement; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AgreementError {
    /// The caller's role does not allow it; the refusal itself has been audited.
    #[error("not permitted")]
    NotPermitted(Audited<()>),
    /// The text has problems; all of them.
    #[error("{} problem(s): {}", .0.len(), lines(.0))]
    Problems(Vec<Problem>),
    /// Nothing of this id.
    #[error("{}", absent("agreement", .0))]
    NotFound(String),
    /// There is one of this id.
    #[error("agreement `{0}` exists already; update it instead")]
    Exists(AgreementId),
    /// It stands where this step does not lead on from.
    #[error("agreement `{id}` is {state}; {remedy}")]
    State {
        /// Which agreement.
        id: AgreementId,
        /// Where it stands.
        state: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The person who took the step before cannot be the one who takes this one.
    #[error(
        "agreement `{0}` needs a second person; another one with the role approver must do this"
    )]
    SecondPerson(AgreementId),
    /// It has changed since it was looked at.
    #[error("agreement `{0}` has changed since it was looked at; look at it, and name its etag")]
    Moved(AgreementId),
    /// What stops or ends an agreement is said.
    #[error("say why agreement `{0}` is stopped")]
    NoReason(AgreementId),
    /// The entry did not become durable.
    #[error(transparent)]
    NotAudited(#[from] AuditError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a clerk asked for and did not get; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The caller's role does not allow it; the refusal itself has been audited.
    #[error("not permitted")]
    NotPermitted(Audited<()>),
    /// Nothing of this name.
    #[error("{}", absent(.thing, .name))]
    NotFound {
        /// What kind of thing.
        thing: &'static str,
        /// Its name.
        name: String,
    },
    /// The request cannot be carried out as it is.
    #[error("{0}")]
    Invalid(String),
    /// Another person has claimed the task.
    #[error("task {} is another person's until {until}; take another, or wait", .task.0)]
    Claimed {
        /// Which task.
        task: TaskNumber,
        /// Until when it is theirs.
        until: Timestamp,
    },
    /// The decision stands where this step does not lead on from.
    #[error("decision {} is {state}; {remedy}", .decision.0)]
    State {
        /// Which decision.
        decision: DecisionNumber,
        /// Where it stands.
        state: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The person who proposed a step cannot be the one who confirms it.
    #[error("decision {} needs a second person; another certificate must confirm it", .0.0)]
    SecondPerson(DecisionNumber),
    /// Somebody else took the decision a step on in the meantime.
    #[error("decision {} was changed in the meantime; look at it again", .0.0)]
    Moved(DecisionNumber),
    /// It contradicts decisions in force; the chain that does.
    #[error("it contradicts what was decided: {}; undo one of these decisions first", chain(.0))]
    Contradicts(Vec<Judged>),
    /// Linking failed on the way.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The entry did not become durable.
    #[error(transparent)]
    NotAudited(#[from] AuditError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Says that there is nothing of a name. One with as many digits as a person's number is not repeated:
/// somebody may have written that number in its place.
fn absent(thing: &str, name: &str) -> String {
    const FEW_DIGITS: usize = 8;
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if digits > FEW_DIGITS {
        return format!("there is no such {thing}");
    }
    format!("there is no {thing} `{name}`")
}

/// Says where to go instead.
fn remedy(leader: Option<&str>) -> String {
    match leader {
        Some(leader) => format!("ask {leader}, which leads"),
        None => "no node leads for the moment; try again".to_owned(),
    }
}

/// Writes a chain of decisions: `record 4 is record 7 (decision 12), …`.
fn chain(links: &[Judged]) -> String {
    let links = links.iter().map(|link| {
        let is = match link.judgement {
            Judgement::Same => "is",
            Judgement::Different => "is not",
            Judgement::Ignore => "may be",
        };
        let by = match link.decision {
            Some(decision) => format!("decision {}", decision.0),
            None => "this one".to_owned(),
        };
        format!("record {} {is} record {} ({by})", link.left.0, link.right.0)
    });
    links.collect::<Vec<_>>().join(", ")
}

/// Linking stopped; what was committed stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The entry did not become durable.
    #[error(transparent)]
    NotAudited(#[from] AuditError),
    /// The node is shutting down.
    #[error("linking was stopped")]
    Stopped,
    /// The engine reported no cluster for records that it was given.
    #[error("the linkage engine left {0} record(s) without a cluster; report this as a defect")]
    Unclustered(u64),
}

impl From<rabt_connect::Problem> for Problem {
    fn from(problem: rabt_connect::Problem) -> Self {
        let message = match problem.key.as_str() {
            "" => problem.message,
            key => format!("{key}: {}", problem.message),
        };
        Self {
            file: problem.file,
            line: usize::try_from(problem.line).unwrap_or(0),
            message,
            suggestion: problem.suggestion,
        }
    }
}

impl From<rabt_policy::Problem> for Problem {
    fn from(problem: rabt_policy::Problem) -> Self {
        Self {
            file: problem.file,
            line: problem.line,
            message: problem.message,
            suggestion: problem.suggestion,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

impl AuditError {
    /// Returns the class that the failure belongs to.
    pub const fn class(&self) -> ErrorClass {
        match self {
            // whoever asks may come again when there is room
            Self::Storage(StorageError::Full { .. })
            | Self::Overloaded
            | Self::Stopped
            | Self::NotLeading { leader: None, .. } => ErrorClass::Overloaded,
            Self::Storage(error) => error.class(),
            Self::NotLeading { .. } => ErrorClass::NotLeading,
            Self::Unusable(_) | Self::Vault(_) => ErrorClass::Configuration,
        }
    }
}

impl EnquiryError {
    /// Returns the class that the failure belongs to.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Denied(denial) => denial.class(),
            Self::NotAudited(error) => error.class(),
            Self::Storage(error) => error.class(),
        }
    }
}

impl OperateError {
    /// Returns the class that the failure belongs to.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::NotPermitted(_) => ErrorClass::NotPermitted,
            Self::Problems(_) => ErrorClass::InvalidRequest,
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Exists { .. } => ErrorClass::AlreadyExists,
            Self::State { .. } => ErrorClass::Configuration,
            Self::SecondPerson { .. } => ErrorClass::SecondPersonRequired,
            Self::Moved { .. } => ErrorClass::EtagMismatch,
            Self::Connect { error, .. } => error.class(),
            Self::Link(error) => error.class(),
            Self::NotAudited(error) => error.class(),
            Self::Storage(error) => error.class(),
        }
    }
}

impl AgreementError {
    /// Returns the class that the failure belongs to.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NotPermitted(_) => ErrorClass::NotPermitted,
            Self::Problems(_) | Self::NoReason(_) => ErrorClass::InvalidRequest,
            Self::NotFound(_) => ErrorClass::NotFound,
            Self::Exists(_) => ErrorClass::AlreadyExists,
            Self::State { .. } => ErrorClass::Configuration,
            Self::SecondPerson(_) => ErrorClass::SecondPersonRequired,
            Self::Moved(_) => ErrorClass::EtagMismatch,
            Self::NotAudited(error) => error.class(),
            Self::Storage(error) => error.class(),
        }
    }
}

impl ReviewError {
    /// Returns the class that the failure belongs to.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::NotPermitted(_) => ErrorClass::NotPermitted,
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Invalid(_) => ErrorClass::InvalidRequest,
            Self::SecondPerson(_) => ErrorClass::SecondPersonRequired,
            Self::Moved(_) => ErrorClass::EtagMismatch,
            Self::Claimed { .. } | Self::State { .. } | Self::Contradicts(_) => {
                ErrorClass::Configuration
            }
            Self::Link(error) => error.class(),
            Self::NotAudited(error) => error.class(),
            Self::Storage(error) => error.class(),
        }
    }
}

impl LinkError {
    /// Returns the class that the failure belongs to.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Storage(error) => error.class(),
            Self::NotAudited(error) => error.class(),
            Self::Stopped => ErrorClass::Overloaded,
            Self::Unclustered(_) => ErrorClass::Defect,
        }
    }
}
