//! The catalogue of what is recorded. Fields stand in the order of their names, because the canonical form
//! of an entry has sorted keys.

mod evidence;

use rabt_model::{AgencyId, AgreementId, Attribute, SourceId, StreamId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Pseudonym;
pub use evidence::{
    ArchiveMoved, CorrectionMoved, EmergencyReviewed, ErasureMoved, LogRead, Moved, Witnessed,
};

/// Something that happened and must not be denied later. Field names and ids, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditEvent {
    /// Something about citizens left the building.
    Disclosed(Disclosed),
    /// A question was not answered.
    Denied(Denied),
    /// A caller is stopped for what it asked.
    CallerStopped(CallerStopped),
    /// A source was registered.
    SourceCreated(SourceCreated),
    /// A source was paused, resumed or retired.
    SourceChanged(SourceChanged),
    /// Somebody looked at a source: tried it, listed its tables, or sampled its rows.
    SourceInspected(SourceInspected),
    /// A version of an agency's folder was handed in, approved or withdrawn.
    FolderMoved(FolderMoved),
    /// The reading of a source began.
    SourceStarted(SourceStarted),
    /// The reading of a source ended.
    RunFinished(RunFinished),
    /// Records were linked.
    Linked(LinkFinished),
    /// A clerk looked at citizens, or decided about them.
    Reviewed(Reviewed),
    /// Another linkage model was tried on all records, without effect.
    ModelShadowed(ModelShadowed),
    /// A version of an access agreement was handed in, approved, put in force or stopped.
    AgreementMoved(AgreementMoved),
    /// A bundle of agreements came into force.
    BundleActivated(BundleActivated),
    /// Somebody read the audit log.
    LogRead(LogRead),
    /// A witness signed a checkpoint.
    Witnessed(Witnessed),
    /// A citizen asked for a correction, or an agency took the request on.
    CorrectionMoved(CorrectionMoved),
    /// The keys of a citizen were destroyed, or somebody asked for it.
    ErasureMoved(ErasureMoved),
    /// Somebody said whether an emergency was one.
    EmergencyReviewed(EmergencyReviewed),
    /// Old entries leave storage for an archive.
    ArchiveMoved(ArchiveMoved),
    /// The node started.
    Started(Started),
    /// The node stopped in an orderly way.
    Stopped(Stopped),
}

/// Who asked what, and why. Empty texts were not stated, or were not ones the agreement lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Whose system asked.
    pub agency: AgencyId,
    /// Under which agreement, when it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<AgreementId>,
    /// How sure the caller was of its end user.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assurance: String,
    /// Why the caller went round the gate in an emergency; empty when it did not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub break_glass: String,
    /// The caller's reference of the case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case_reference: String,
    /// Over which channel.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<Pseudonym>,
    /// On which legal basis.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub legal_basis: String,
    /// Which question.
    pub method: String,
    /// Revision of the policy that decided.
    pub policy: String,
    /// For which purpose.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// Whom the caller represents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub represented_party: String,
    /// The caller's id of the request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// Role of the caller's certificate.
    pub role: String,
    /// For which public service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Which system asked.
    pub system: String,
}

/// Something about citizens left the building; that there is no such citizen counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosed {
    /// First and last change of the feed that the answer tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<(u64, u64)>,
    /// Fingerprint of the linkage model that the profiles were composed under.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// How the question ended: `disclosed`, `absent`, `unrelated`, `protected`, `verified`, `holdings`,
    /// `candidates`, `explained`, `changes`, `snapshot`, `revisions`; to a portal of the citizen `history`, `receipt`,
    /// `archived`, `own_holdings`, `corrections`, `withheld_count`.
    pub outcome: String,
    /// Who asked what, and why.
    pub question: Question,
    /// Attributes that the answer says something about.
    pub released: Vec<Attribute>,
    /// About whom, or about which identifier when nobody was found.
    pub subjects: Vec<Pseudonym>,
    /// Attributes that are held and were left out.
    pub withheld: Vec<Attribute>,
    /// Until when the citizen is not told of it; the agreement says so, and the entry is counted.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time")]
    pub withheld_until: Option<Timestamp>,
}

/// A question was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denied {
    /// Who asked what, and why.
    pub question: Question,
    /// Stable code of the rule that refused.
    pub reason: String,
}

/// A caller is stopped for what it asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerStopped {
    /// Stable code of the pattern.
    pub pattern: String,
    /// The question that completed it.
    pub question: Question,
}

/// A source was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceCreated {
    /// Who registered it: the role and id of the certificate.
    pub actor: String,
    /// Whose database it is.
    pub agency: AgencyId,
    /// The kind of connector.
    pub kind: String,
    /// SHA-256 of manifest and mapping, hexadecimal.
    pub manifest: String,
    /// Its id.
    pub source: SourceId,
}

/// A source was paused, resumed or retired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceChanged {
    /// Who did it.
    pub actor: String,
    /// Number of records that were taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Which source.
    pub source: SourceId,
    /// The new state.
    pub state: String,
    /// The streams that it is about; none when it is about the source as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamId>,
}

/// Somebody looked at a source: tried it, listed its tables, or sampled its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceInspected {
    /// Who did it.
    pub actor: String,
    /// The class of the error that it ended with; none when it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How: `CheckSource`, `PreviewSource`.
    pub method: String,
    /// Number of rows that were read; they were not kept.
    pub rows: u64,
    /// Which source.
    pub source: SourceId,
}

/// A version of an agency's folder was handed in, approved or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderMoved {
    /// Who did it.
    pub actor: String,
    /// Whose folder it is.
    pub agency: AgencyId,
    /// Who handed it in.
    pub author: String,
    /// Where it stood before; empty for one that is new.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// SHA-256 of manifest and mapping, hexadecimal.
    pub manifest: String,
    /// Where it stands now.
    pub to: String,
    /// Which version of it.
    pub version: u32,
}

/// A version of an access agreement was handed in, approved, put in force or stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementMoved {
    /// Who did it.
    pub actor: String,
    /// Which agreement.
    pub agreement: AgreementId,
    /// Who handed it in.
    pub author: String,
    /// Where it stood before; empty for one that is new.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// SHA-256 of its text, hexadecimal.
    pub text: String,
    /// Where it stands now.
    pub to: String,
    /// Which version of it.
    pub version: u32,
}

/// The reading of a source began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceStarted {
    /// Who started it.
    pub actor: String,
    /// Number of the run.
    pub run: i64,
    /// Which source.
    pub source: SourceId,
}

/// The reading of a source ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFinished {
    /// Number of records that were taken out; entries of before this was counted have none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deleted: u64,
    /// Number of records and deletions that came too late; as above.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late: u64,
    /// How it ended: the state of the run.
    pub outcome: String,
    /// Number of new or changed records.
    pub records: u64,
    /// Number of rejected rows.
    pub rejected: u64,
    /// Number of rows that were read.
    pub rows: u64,
    /// Number of the run.
    pub run: i64,
    /// Which source.
    pub source: SourceId,
    /// Number of records that were held already.
    pub unchanged: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde wants"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Records were linked, and profiles composed from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkFinished {
    /// Number of candidate pairs that were compared.
    pub candidate_pairs: u64,
    /// Number of pairs held to be one person.
    pub links: u64,
    /// Fingerprint of the linkage model.
    pub model: String,
    /// Number of profiles that were composed.
    pub profiles: u64,
    /// Number of records.
    pub records: u64,
    /// Number of citizens who became one with another.
    pub redirects: u64,
}

/// A clerk looked at citizens, or decided about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewed {
    /// What was done: `read`, `claim`, `release`, `preview`, `explain`, `list_decisions`, `list_corrections`,
    /// `list_erasures`, `request_erasure`, `protect`, `unprotect`, or the state that a decision came to: `proposed`, `standing`, `undo_proposed`,
    /// `undone`, `withdrawn`.
    pub action: String,
    /// Who did it.
    pub actor: String,
    /// Number of the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<i64>,
    /// What the decision says: `same`, `different`, `ignore`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub judgement: String,
    /// About whom.
    pub subjects: Vec<Pseudonym>,
    /// Number of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<i64>,
}

/// Another linkage model was tried on all records, without effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelShadowed {
    /// Who tried it.
    pub actor: String,
    /// Fingerprint of the model.
    pub model: String,
    /// Number of records that would belong to another citizen.
    pub moved: u64,
    /// Number of records.
    pub records: u64,
}

/// A bundle of agreements came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleActivated {
    /// Who activated it.
    pub actor: String,
    /// Number of agreements.
    pub agreements: u64,
    /// Revision of the policy: SHA-256 of the bundle's text, hexadecimal.
    pub revision: String,
}

/// The node started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Started {
    /// Fingerprint of the linkage model.
    pub model: String,
    /// Revision of the policy.
    pub policy: String,
    /// Number of entries in the log when the node started.
    pub size: u64,
    /// Version of the program.
    pub version: String,
}

/// The node stopped in an orderly way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stopped {
    /// Why: `signal`, `finished`.
    pub cause: String,
}

impl AuditEvent {
    /// Returns the stable name of the kind of event.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Disclosed(_) => "disclosed",
            Self::Denied(_) => "denied",
            Self::CallerStopped(_) => "caller_stopped",
            Self::SourceCreated(_) => "source_created",
            Self::SourceChanged(_) => "source_changed",
            Self::SourceInspected(_) => "source_inspected",
            Self::FolderMoved(_) => "folder_moved",
            Self::SourceStarted(_) => "source_started",
            Self::RunFinished(_) => "run_finished",
            Self::Linked(_) => "linked",
            Self::Reviewed(_) => "reviewed",
            Self::ModelShadowed(_) => "model_shadowed",
            Self::AgreementMoved(_) => "agreement_moved",
            Self::BundleActivated(_) => "bundle_activated",
            Self::LogRead(_) => "log_read",
            Self::Witnessed(_) => "witnessed",
            Self::CorrectionMoved(_) => "correction_moved",
            Self::ErasureMoved(_) => "erasure_moved",
            Self::EmergencyReviewed(_) => "emergency_reviewed",
            Self::ArchiveMoved(_) => "archive_moved",
            Self::Started(_) => "started",
            Self::Stopped(_) => "stopped",
        }
    }

    /// Reads the fields of an event of a kind; `None` when there is no such kind.
    pub(crate) fn from_fields(
        kind: &str,
        fields: serde_json::Value,
    ) -> Option<Result<Self, serde_json::Error>> {
        use serde_json::from_value as read;
        Some(match kind {
            "disclosed" => read(fields).map(Self::Disclosed),
            "denied" => read(fields).map(Self::Denied),
            "caller_stopped" => read(fields).map(Self::CallerStopped),
            "source_created" => read(fields).map(Self::SourceCreated),
            "source_changed" => read(fields).map(Self::SourceChanged),
            "source_inspected" => read(fields).map(Self::SourceInspected),
            "folder_moved" => read(fields).map(Self::FolderMoved),
            "source_started" => read(fields).map(Self::SourceStarted),
            "run_finished" => read(fields).map(Self::RunFinished),
            "linked" => read(fields).map(Self::Linked),
            "reviewed" => read(fields).map(Self::Reviewed),
            "model_shadowed" => read(fields).map(Self::ModelShadowed),
            "agreement_moved" => read(fields).map(Self::AgreementMoved),
            "bundle_activated" => read(fields).map(Self::BundleActivated),
            "log_read" => read(fields).map(Self::LogRead),
            "witnessed" => read(fields).map(Self::Witnessed),
            "correction_moved" => read(fields).map(Self::CorrectionMoved),
            "erasure_moved" => read(fields).map(Self::ErasureMoved),
            "emergency_reviewed" => read(fields).map(Self::EmergencyReviewed),
            "archive_moved" => read(fields).map(Self::ArchiveMoved),
            "started" => read(fields).map(Self::Started),
            "stopped" => read(fields).map(Self::Stopped),
            _ => return None,
        })
    }
}

/// Writes the fields of the event, without its kind.
impl Serialize for AuditEvent {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Disclosed(fields) => fields.serialize(s),
            Self::Denied(fields) => fields.serialize(s),
            Self::CallerStopped(fields) => fields.serialize(s),
            Self::SourceCreated(fields) => fields.serialize(s),
            Self::SourceChanged(fields) => fields.serialize(s),
            Self::SourceInspected(fields) => fields.serialize(s),
            Self::FolderMoved(fields) => fields.serialize(s),
            Self::SourceStarted(fields) => fields.serialize(s),
            Self::RunFinished(fields) => fields.serialize(s),
            Self::Linked(fields) => fields.serialize(s),
            Self::Reviewed(fields) => fields.serialize(s),
            Self::ModelShadowed(fields) => fields.serialize(s),
            Self::AgreementMoved(fields) => fields.serialize(s),
            Self::BundleActivated(fields) => fields.serialize(s),
            Self::LogRead(fields) => fields.serialize(s),
            Self::Witnessed(fields) => fields.serialize(s),
            Self::CorrectionMoved(fields) => fields.serialize(s),
            Self::ErasureMoved(fields) => fields.serialize(s),
            Self::EmergencyReviewed(fields) => fields.serialize(s),
            Self::ArchiveMoved(fields) => fields.serialize(s),
            Self::Started(fields) => fields.serialize(s),
            Self::Stopped(fields) => fields.serialize(s),
        }
    }
}
