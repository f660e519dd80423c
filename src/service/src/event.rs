//! What the audit log says about each use case.

use rabt_audit::{
    AgreementMoved, AuditEvent, BundleActivated, CallerStopped, Denied, Disclosed, Entry,
    FolderMoved, LinkFinished, Pseudonym, PseudonymKey, Question, Reviewed, RunFinished,
    SourceChanged, SourceCreated, SourceInspected, SourceStarted,
};
use rabt_model::{
    CitizenId, DecisionNumber, ErrorClass, Judgement, RunId, Scheme, SourceId, StreamId,
    TaskNumber, Timestamp,
};
use rabt_policy::{Caller, DenialReason, Facts, Pattern, Target};
use rabt_storage::{
    DecisionState, FolderState, RunCounts, RunState, StoredAgreement, StoredFolder, StoredSource,
};
use sha2::{Digest, Sha256};

use crate::ingest::Unit;
use crate::link::LinkSummary;
use crate::services::Services;

/// An answer left. When it is about nobody, the identifier that was asked about stands in.
pub(crate) fn of_answer(
    keys: &PseudonymKey,
    model: &str,
    facts: &Facts,
    asked: Option<Pseudonym>,
) -> Entry {
    let found = facts
        .subjects()
        .iter()
        .map(|citizen| keys.citizen(*citizen));
    let mut subjects: Vec<Pseudonym> = found.collect();
    if subjects.is_empty() {
        subjects.extend(asked);
    }
    let disclosed = Disclosed {
        changes: facts.changes(),
        model: model.to_owned(),
        outcome: facts.outcome().code().to_owned(),
        question: question(keys, facts),
        released: facts.released().to_vec(),
        subjects,
        withheld: facts.withheld().to_vec(),
        withheld_until: facts.withheld_until(),
    };
    Entry::new(facts.at(), AuditEvent::Disclosed(disclosed))
}

/// A question was refused.
pub(crate) fn of_denial(keys: &PseudonymKey, facts: &Facts, reason: DenialReason) -> Entry {
    let denied = Denied {
        question: question(keys, facts),
        reason: reason.code().to_owned(),
    };
    Entry::new(facts.at(), AuditEvent::Denied(denied))
}

/// A caller did what no honest work shows.
pub(crate) fn of_stop(keys: &PseudonymKey, facts: &Facts, pattern: Pattern) -> Entry {
    let stopped = CallerStopped {
        pattern: pattern.code().to_owned(),
        question: question(keys, facts),
    };
    Entry::new(facts.at(), AuditEvent::CallerStopped(stopped))
}

/// Returns the pseudonym of the end user of a question; nobody when none is named.
pub(crate) fn person_of(keys: &PseudonymKey, facts: &Facts) -> Option<Pseudonym> {
    let user = facts.end_user()?;
    let id = user.id.expose().trim();
    (!id.is_empty()).then(|| keys.end_user(&facts.caller().agency, user.id.expose()))
}

/// Returns the pseudonym of whom a question is about, before anybody is looked up.
pub(crate) fn asked(keys: &PseudonymKey, target: &Target) -> Option<Pseudonym> {
    match target {
        Target::Identifier { scheme, value } => Some(identifier(keys, scheme, value.expose())),
        Target::Citizen(citizen) => Some(keys.citizen(*citizen)),
        Target::Criteria(_) | Target::Feed(_) => None,
    }
}

/// Returns what the key of an identifier is found by: the same whatever digits it is written in.
pub(crate) fn identifier(keys: &PseudonymKey, scheme: &Scheme, text: &str) -> Pseudonym {
    let digit = |c: char| match c {
        '\u{660}'..='\u{669}' => u32::from(c) - 0x660,
        '\u{6f0}'..='\u{6f9}' => u32::from(c) - 0x6f0,
        _ => 10,
    };
    let plain = |c: char| char::from_digit(digit(c), 10).unwrap_or(c);
    let folded: String = text.trim().chars().map(plain).collect();
    keys.identifier(scheme, &folded)
}

/// Returns a person's id as it is compared where nobody may judge their own look.
pub(crate) fn plain_id(id: &str) -> String {
    id.trim().to_lowercase()
}

fn question(keys: &PseudonymKey, facts: &Facts) -> Question {
    let caller = facts.caller();
    let end_user = facts.end_user();
    let name = |id: &str| match facts.break_glass() {
        "" => keys.end_user(&caller.agency, id),
        // somebody else has to review it, however either of them is written
        _ => keys.end_user(&caller.agency, &plain_id(id)),
    };
    Question {
        agency: caller.agency.clone(),
        agreement: facts.agreement().cloned(),
        assurance: end_user
            .map_or("", |user| user.assurance.as_str())
            .to_owned(),
        break_glass: facts.break_glass().to_owned(),
        case_reference: facts.case_reference().to_owned(),
        channel: facts.channel().to_owned(),
        end_user: end_user.map(|user| name(user.id.expose())),
        legal_basis: facts.legal_basis().to_owned(),
        method: facts.method().as_str().to_owned(),
        policy: facts.revision().to_owned(),
        purpose: facts.purpose().to_owned(),
        represented_party: facts.represented_party().to_owned(),
        request_id: facts.request_id().to_owned(),
        role: caller.role.as_str().to_owned(),
        service: facts.service().to_owned(),
        system: caller.system.clone(),
    }
}

/// Records between two checkpoints were committed; the run goes on.
pub(crate) fn of_unit(unit: &Unit, counts: RunCounts) -> Entry {
    of_run(unit.run, &unit.source, RunState::Running, counts, unit.at)
}

/// A run ended.
pub(crate) fn of_run(
    run: RunId,
    source: &SourceId,
    state: RunState,
    counts: RunCounts,
    at: Timestamp,
) -> Entry {
    let finished = RunFinished {
        deleted: counts.deleted,
        late: counts.late,
        outcome: state.as_str().to_owned(),
        records: counts.records,
        rejected: counts.rejected,
        rows: counts.rows,
        run: run.0,
        source: source.clone(),
        unchanged: counts.unchanged,
    };
    Entry::new(at, AuditEvent::RunFinished(finished))
}

/// Records were linked.
pub(crate) fn of_link(summary: &LinkSummary, model: &str, at: Timestamp) -> Entry {
    let linked = LinkFinished {
        candidate_pairs: summary.candidate_pairs,
        links: summary.links,
        model: model.to_owned(),
        profiles: summary.profiles,
        records: summary.records,
        redirects: summary.merged_citizens,
    };
    Entry::new(at, AuditEvent::Linked(linked))
}

/// A version of an agency's folder was handed in, approved or withdrawn; `from` is where it stood,
/// empty for a new one.
pub(crate) fn of_folder(
    caller: &Caller,
    folder: &StoredFolder,
    from: &str,
    to: FolderState,
    at: Timestamp,
) -> Entry {
    let moved = FolderMoved {
        actor: actor(caller),
        agency: folder.agency.clone(),
        author: folder.author.clone(),
        from: from.to_owned(),
        manifest: digest(&folder.manifest, &folder.mapping),
        to: to.as_str().to_owned(),
        version: folder.version,
    };
    Entry::new(at, AuditEvent::FolderMoved(moved))
}

/// Somebody looked at a source, and was answered or not.
pub(crate) fn of_inspection(
    caller: &Caller,
    source: &SourceId,
    (method, rows): (&str, u64),
    failure: Option<ErrorClass>,
    at: Timestamp,
) -> Entry {
    let inspected = SourceInspected {
        actor: actor(caller),
        failure: failure.map(|class| class.reason().to_owned()),
        method: method.to_owned(),
        rows,
        source: source.clone(),
    };
    Entry::new(at, AuditEvent::SourceInspected(inspected))
}

fn digest(manifest: &str, mapping: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(manifest);
    digest.update([0]);
    digest.update(mapping);
    data_encoding::HEXLOWER.encode(&digest.finalize())
}

/// A source was registered, or its manifest replaced.
pub(crate) fn of_source(caller: &Caller, source: &StoredSource) -> Entry {
    let created = SourceCreated {
        actor: actor(caller),
        agency: source.agency.clone(),
        kind: source.kind.clone(),
        manifest: digest(&source.manifest, &source.mapping),
        source: source.id.clone(),
    };
    Entry::new(source.updated_at, AuditEvent::SourceCreated(created))
}

/// A call of a method was refused, for this reason.
pub(crate) fn of_refusal(
    caller: &Caller,
    (method, reason): (&str, &str),
    policy: &str,
    at: Timestamp,
) -> Entry {
    let question = Question {
        agency: caller.agency.clone(),
        agreement: None,
        assurance: String::new(),
        break_glass: String::new(),
        case_reference: String::new(),
        channel: String::new(),
        end_user: None,
        legal_basis: String::new(),
        method: method.to_owned(),
        policy: policy.to_owned(),
        purpose: String::new(),
        represented_party: String::new(),
        request_id: String::new(),
        role: caller.role.as_str().to_owned(),
        service: String::new(),
        system: caller.system.clone(),
    };
    let reason = reason.to_owned();
    Entry::new(at, AuditEvent::Denied(Denied { question, reason }))
}

/// The state of a source was changed.
pub(crate) fn of_state(caller: &Caller, source: &SourceId, state: &str, at: Timestamp) -> Entry {
    of_streams(caller, source, (state, &[]), None, at)
}

/// What is held of streams of a source changed; of so many records, when some were taken out.
pub(crate) fn of_streams(
    caller: &Caller,
    source: &SourceId,
    (state, streams): (&str, &[StreamId]),
    records: Option<u64>,
    at: Timestamp,
) -> Entry {
    let changed = SourceChanged {
        actor: actor(caller),
        records,
        source: source.clone(),
        state: state.to_owned(),
        streams: streams.to_vec(),
    };
    Entry::new(at, AuditEvent::SourceChanged(changed))
}

/// Somebody started the reading of a source.
pub(crate) fn of_start(caller: &Caller, source: &SourceId, run: RunId, at: Timestamp) -> Entry {
    let started = SourceStarted {
        actor: actor(caller),
        run: run.0,
        source: source.clone(),
    };
    Entry::new(at, AuditEvent::SourceStarted(started))
}

/// A version of an access agreement came to stand where it does.
pub(crate) fn of_agreement(
    caller: &Caller,
    version: &StoredAgreement,
    from: &str,
    at: Timestamp,
) -> Entry {
    let moved = AgreementMoved {
        actor: actor(caller),
        agreement: version.id.clone(),
        author: version.author.clone(),
        from: from.to_owned(),
        text: data_encoding::HEXLOWER.encode(&Sha256::digest(&version.text)),
        to: version.state.as_str().to_owned(),
        version: version.version,
    };
    Entry::new(at, AuditEvent::AgreementMoved(moved))
}

/// Agreements came into force.
pub(crate) fn of_bundle(caller: &Caller, agreements: u64, revision: &str, at: Timestamp) -> Entry {
    let activated = BundleActivated {
        actor: actor(caller),
        agreements,
        revision: revision.to_owned(),
    };
    Entry::new(at, AuditEvent::BundleActivated(activated))
}

/// What a clerk did, for the log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clerical {
    pub(crate) action: &'static str,
    pub(crate) task: Option<TaskNumber>,
    pub(crate) decision: Option<DecisionNumber>,
    pub(crate) judgement: Option<Judgement>,
}

impl Clerical {
    pub(crate) fn of(action: &'static str) -> Self {
        Self {
            action,
            ..Self::default()
        }
    }

    pub(crate) fn of_task(action: &'static str, task: TaskNumber) -> Self {
        Self {
            task: Some(task),
            ..Self::of(action)
        }
    }

    /// A decision came to stand at a state.
    pub(crate) fn of_decision(
        decision: DecisionNumber,
        judgement: Judgement,
        state: DecisionState,
    ) -> Self {
        Self {
            decision: Some(decision),
            judgement: Some(judgement),
            ..Self::of(state.code())
        }
    }
}

/// A clerk looked at citizens, or decided about them.
pub(crate) fn of_review(
    services: &Services,
    caller: &Caller,
    clerical: &Clerical,
    citizens: &[CitizenId],
    at: Timestamp,
) -> Entry {
    let keys = services.audit.pseudonyms();
    let reviewed = Reviewed {
        action: clerical.action.to_owned(),
        actor: actor(caller),
        decision: clerical.decision.map(|decision| decision.0),
        judgement: clerical.judgement.map_or("", Judgement::code).to_owned(),
        subjects: citizens
            .iter()
            .map(|citizen| keys.citizen(*citizen))
            .collect(),
        task: clerical.task.map(|task| task.0),
    };
    Entry::new(at, AuditEvent::Reviewed(reviewed))
}

/// Somebody at the node looked for a person, who need not be a citizen.
pub(crate) fn of_look(caller: &Caller, action: &str, person: Pseudonym, at: Timestamp) -> Entry {
    let reviewed = Reviewed {
        action: action.to_owned(),
        actor: actor(caller),
        decision: None,
        judgement: String::new(),
        subjects: vec![person],
        task: None,
    };
    Entry::new(at, AuditEvent::Reviewed(reviewed))
}

/// Who ends decisions of themselves.
pub(crate) const LINKER: &str = "rabt-linker";

/// A decision ended of itself.
pub(crate) fn of_lapse(decision: DecisionNumber, judgement: Judgement, at: Timestamp) -> Entry {
    let reviewed = Reviewed {
        action: DecisionState::Undone.code().to_owned(),
        actor: format!("{LINKER}:system"),
        decision: Some(decision.0),
        judgement: judgement.code().to_owned(),
        subjects: Vec::new(),
        task: None,
    };
    Entry::new(at, AuditEvent::Reviewed(reviewed))
}

/// The linker followed what the owner of a row says of its replacement, or no longer.
pub(crate) fn of_replacement(
    decision: DecisionNumber,
    state: DecisionState,
    at: Timestamp,
) -> Entry {
    let reviewed = Reviewed {
        action: state.code().to_owned(),
        actor: format!("{LINKER}:system"),
        decision: Some(decision.0),
        judgement: Judgement::Same.code().to_owned(),
        subjects: Vec::new(),
        task: None,
    };
    Entry::new(at, AuditEvent::Reviewed(reviewed))
}

/// Returns the name of a person, whatever their role: who it is for the rule of two people.
pub(crate) fn person(caller: &Caller) -> String {
    format!("{}:{}", caller.agency, caller.system)
}

/// Returns who did something, with the role it was done under.
pub(crate) fn actor(caller: &Caller) -> String {
    format!(
        "{}:{}:{}",
        caller.agency,
        caller.system,
        caller.role.as_str()
    )
}
