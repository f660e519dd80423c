//! Events about the evidence itself, and about what citizens ask for.

use rabt_model::{AgencyId, AgreementId, Attribute};
use serde::{Deserialize, Serialize};

use super::{
    AuditEvent, CallerStopped, Denied, Disclosed, FolderMoved, Question, Reviewed, SourceCreated,
    SourceInspected,
};
use crate::Pseudonym;

/// Somebody read the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRead {
    /// Who read it.
    pub actor: String,
    /// Lowest and highest leaf that was shown; none when no entry was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<(u64, u64)>,
    /// How: `ListEvents`, `TailEvents`, `GetCheckpoint` and so on.
    pub method: String,
}

/// A witness signed a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witnessed {
    /// Who handed the signature in.
    pub actor: String,
    /// Size of the tree.
    pub size: u64,
    /// Name of the witness.
    pub witness: String,
}

/// A citizen asked for a value to be corrected, or an agency took the request on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionMoved {
    /// Who did it.
    pub actor: String,
    /// Which attribute it is about.
    pub attribute: Attribute,
    /// Number of the request.
    pub correction: i64,
    /// Where it stands now.
    pub state: String,
    /// Whose it is.
    pub subjects: Vec<Pseudonym>,
}

/// That nobody can find a citizen's entries any more was asked for, done or taken back. It names no citizen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureMoved {
    /// Who did it.
    pub actor: String,
    /// Number of the erasure.
    pub erasure: i64,
    /// Number of keys that were destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<u64>,
    /// Who asked for it.
    pub proposer: String,
    /// Why.
    pub reason: String,
    /// Where it stands now.
    pub state: String,
}

/// Somebody said whether an emergency was one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmergencyReviewed {
    /// Who did it.
    pub actor: String,
    /// Whose system asked in the emergency.
    pub agency: AgencyId,
    /// Number of the entry about the look.
    pub leaf: u64,
    /// Origin of the log that it is in.
    pub log: String,
    /// What was said: `confirmed`, `disputed`.
    pub state: String,
}

/// That old entries leave storage for an archive was asked for, done or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveMoved {
    /// Who did it.
    pub actor: String,
    /// Number of the archive.
    pub archive: i64,
    /// Entries of before this time leave.
    pub cutoff: String,
    /// What left by this entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// Who asked for it.
    pub proposer: String,
    /// Why.
    pub reason: String,
    /// Where it stands now.
    pub state: String,
}

/// Entries that left storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// Name of the folder that they are in.
    pub folder: String,
    /// The first of them.
    pub from: u64,
    /// Root of the tree that ends with them.
    #[serde(with = "crate::hex")]
    pub root: [u8; 32],
    /// The leaf behind the last of them.
    pub to: u64,
}

/// The persons whom an event is about, to read or to change; `None` for an event that names nobody.
macro_rules! subjects {
    ($event:expr) => {
        match $event {
            Self::Disclosed(Disclosed { subjects, .. })
            | Self::Reviewed(Reviewed { subjects, .. })
            | Self::CorrectionMoved(CorrectionMoved { subjects, .. }) => Some(subjects),
            Self::Denied(_)
            | Self::CallerStopped(_)
            | Self::SourceCreated(_)
            | Self::SourceChanged(_)
            | Self::SourceInspected(_)
            | Self::FolderMoved(_)
            | Self::SourceStarted(_)
            | Self::RunFinished(_)
            | Self::Linked(_)
            | Self::ModelShadowed(_)
            | Self::AgreementMoved(_)
            | Self::BundleActivated(_)
            | Self::LogRead(_)
            | Self::Witnessed(_)
            | Self::ErasureMoved(_)
            | Self::EmergencyReviewed(_)
            | Self::ArchiveMoved(_)
            | Self::Started(_)
            | Self::Stopped(_) => None,
        }
    };
}

/// What can be asked of an event of any kind.
impl AuditEvent {
    /// Returns the persons whom the event is about, for the index of a citizen's own entries.
    pub fn subjects(&self) -> &[Pseudonym] {
        subjects!(self).map_or(&[], Vec::as_slice)
    }

    /// Returns the places of those persons, for whoever knows them by other names.
    pub fn subjects_mut(&mut self) -> &mut [Pseudonym] {
        subjects!(self).map_or(&mut [], Vec::as_mut_slice)
    }

    /// Returns the question that was asked, where one was.
    pub const fn question(&self) -> Option<&Question> {
        if let Self::Disclosed(Disclosed { question, .. })
        | Self::Denied(Denied { question, .. })
        | Self::CallerStopped(CallerStopped { question, .. }) = self
        {
            Some(question)
        } else {
            None
        }
    }

    /// Returns the agency that asked or whose folder or source it is, where there is one.
    pub fn agency(&self) -> Option<&AgencyId> {
        if let Self::SourceCreated(SourceCreated { agency, .. })
        | Self::FolderMoved(FolderMoved { agency, .. })
        | Self::EmergencyReviewed(EmergencyReviewed { agency, .. }) = self
        {
            return Some(agency);
        }
        self.question().map(|question| &question.agency)
    }

    /// Returns the agreement that was asked under, where there is one.
    pub fn agreement(&self) -> Option<&AgreementId> {
        if let Self::AgreementMoved(moved) = self {
            return Some(&moved.agreement);
        }
        self.question()?.agreement.as_ref()
    }

    /// Returns which method was called; empty for what no call tells.
    pub fn method(&self) -> &str {
        if let Self::SourceInspected(SourceInspected { method, .. })
        | Self::LogRead(LogRead { method, .. }) = self
        {
            return method;
        }
        self.question().map_or("", |question| &question.method)
    }

    /// Returns how it ended, or where something stands since: a code; empty for what only happened.
    pub fn outcome(&self) -> &str {
        match self {
            Self::Disclosed(event) => &event.outcome,
            Self::Denied(event) => &event.reason,
            Self::CallerStopped(event) => &event.pattern,
            Self::AgreementMoved(event) => &event.to,
            Self::SourceChanged(event) => &event.state,
            Self::SourceInspected(event) => event.failure.as_deref().unwrap_or_default(),
            Self::FolderMoved(event) => &event.to,
            Self::RunFinished(event) => &event.outcome,
            Self::Reviewed(event) => &event.action,
            Self::CorrectionMoved(event) => &event.state,
            Self::ErasureMoved(event) => &event.state,
            Self::ArchiveMoved(event) => &event.state,
            Self::EmergencyReviewed(event) => &event.state,
            Self::Stopped(event) => &event.cause,
            Self::SourceCreated(_)
            | Self::SourceStarted(_)
            | Self::Linked(_)
            | Self::ModelShadowed(_)
            | Self::BundleActivated(_)
            | Self::LogRead(_)
            | Self::Witnessed(_)
            | Self::Started(_) => "",
        }
    }

    /// Returns who did it: agency, system or person, and role, as one text; empty for the node itself.
    pub fn actor(&self) -> String {
        let asked = |question: &Question| {
            let Question {
                agency,
                system,
                role,
                ..
            } = question;
            format!("{agency}:{system}:{role}")
        };
        match self {
            Self::Disclosed(event) => asked(&event.question),
            Self::Denied(event) => asked(&event.question),
            Self::CallerStopped(event) => asked(&event.question),
            Self::AgreementMoved(event) => event.actor.clone(),
            Self::SourceCreated(event) => event.actor.clone(),
            Self::SourceChanged(event) => event.actor.clone(),
            Self::SourceInspected(event) => event.actor.clone(),
            Self::FolderMoved(event) => event.actor.clone(),
            Self::SourceStarted(event) => event.actor.clone(),
            Self::Reviewed(event) => event.actor.clone(),
            Self::ModelShadowed(event) => event.actor.clone(),
            Self::BundleActivated(event) => event.actor.clone(),
            Self::LogRead(event) => event.actor.clone(),
            Self::Witnessed(event) => event.actor.clone(),
            Self::CorrectionMoved(event) => event.actor.clone(),
            Self::ErasureMoved(event) => event.actor.clone(),
            Self::ArchiveMoved(event) => event.actor.clone(),
            Self::EmergencyReviewed(event) => event.actor.clone(),
            Self::RunFinished(_) | Self::Linked(_) | Self::Started(_) | Self::Stopped(_) => {
                String::new()
            }
        }
    }
}
