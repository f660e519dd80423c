//! Access agreements: handed in by one person, approved by another, in force until they are stopped.
//!
//! Invariant: what is in force is a bundle that one transaction compiles of every active version, and
//! the next question is decided by it; no text is in force that a second person has not approved, but
//! those of the node's own file.

mod ask;
mod import;
mod register;
mod stand;
mod view;

use rabt_audit::Entry;
use rabt_model::{AgreementId, Timestamp};
use rabt_policy::{Agreement, Caller, Dormant, Policy, Problem as Found, Role};
use rabt_storage::{AgreementState, StoredAgreement, Transaction};

use crate::audited::Audited;
use crate::error::{AgreementError, Problem};
use crate::event;
use crate::services::Services;

pub use ask::{Question, Simulated, list_my_permissions, list_services, simulate_policy};
pub use import::import_agreements;
pub use register::{Entry as RegisterEntry, Register, export_register};
pub use stand::{
    activate_agreement, approve_agreement, end_agreement, resume_agreement, suspend_agreement,
    withdraw_agreement,
};
pub use view::{AgreementView, Standing, get_agreement, list_agreements};

/// The file that problems of a text are reported under.
const FILE: &str = "agreement.toml";

const NO_DORMANT: &str =
    "the text may not have a `[[dormant]]`: the node keeps what is not in force";

const WRITERS: [Role; 2] = [Role::Operator, Role::Approver];
const APPROVERS: [Role; 1] = [Role::Approver];
const READERS: [Role; 3] = [Role::Operator, Role::Approver, Role::Auditor];

/// Takes in a new agreement, for a second person to approve.
///
/// # Errors
/// Every problem of the text; or there is an agreement of this id.
pub async fn create_agreement(
    services: &Services,
    caller: &Caller,
    text: &str,
) -> Result<Audited<AgreementView>, AgreementError> {
    allow(services, caller, "CreateAgreement", &WRITERS).await?;
    let agreement = read(services, text)?;
    let versions = |versions: &[StoredAgreement]| {
        let standing = versions.iter().any(is_standing);
        if standing {
            return Err(AgreementError::Exists(agreement.id().clone()));
        }
        Ok(())
    };
    hand_in(services, caller, &agreement, versions).await
}

/// Takes in another version of an agreement; until it is approved and activated the one in force stays
/// so. A version that was being worked on is withdrawn.
///
/// # Errors
/// Every problem of the text; there is no such agreement; or it has changed since `etag`.
pub async fn update_agreement(
    services: &Services,
    caller: &Caller,
    text: &str,
    etag: &str,
) -> Result<Audited<AgreementView>, AgreementError> {
    allow(services, caller, "UpdateAgreement", &WRITERS).await?;
    let agreement = read(services, text)?;
    let versions = |versions: &[StoredAgreement]| {
        let current = current(versions).ok_or_else(|| unknown(agreement.id()))?;
        view::match_etag(current, etag)
    };
    hand_in(services, caller, &agreement, versions).await
}

async fn hand_in(
    services: &Services,
    caller: &Caller,
    agreement: &Agreement,
    check: impl Fn(&[StoredAgreement]) -> Result<(), AgreementError>,
) -> Result<Audited<AgreementView>, AgreementError> {
    let at = services.clock.now();
    let tenure = services.lead.tenure()?;
    let _states = services.states.lock().await;
    let mut tx = services.storage.begin().await?;
    import::adopt(services, tx.as_mut(), at).await?;
    let versions = tx.agreement_versions(agreement.id()).await?;
    check(&versions)?;
    let mut entries = Vec::new();
    for open in versions.iter().filter(|version| version.state.is_open()) {
        let to = AgreementState::Withdrawn;
        entries.push(stand::step(tx.as_mut(), caller, open, (to, ""), at).await?);
    }
    let mut stored = new_version(agreement, &event::person(caller), at);
    stored.version = tx.put_agreement(&stored).await?;
    entries.push(event::of_agreement(caller, &stored, "", at));
    let versions = tx.agreement_versions(agreement.id()).await?;
    let view = AgreementView::of(&versions, at).ok_or_else(|| unknown(agreement.id()))?;
    let audited = services.audit.commit_all(tx, tenure, entries, view);
    Ok(audited.await?)
}

/// Returns the entry of a bundle that comes into force.
fn in_force(caller: &Caller, policy: &Policy, at: Timestamp) -> Entry {
    let count = policy.agreements().len() as u64;
    event::of_bundle(caller, count, policy.revision(), at)
}

fn new_version(agreement: &Agreement, author: &str, at: Timestamp) -> StoredAgreement {
    StoredAgreement {
        id: agreement.id().clone(),
        version: 0,
        text: agreement.to_text(),
        state: AgreementState::Draft,
        author: author.to_owned(),
        approver: None,
        actor: author.to_owned(),
        reason: String::new(),
        created_at: at,
        updated_at: at,
    }
}

/// Reads a text that has one agreement, which the catalogue of services does not object to.
fn read(services: &Services, text: &str) -> Result<Agreement, AgreementError> {
    let policy = Policy::from_bundle(text, FILE).map_err(problems)?;
    let problem = |message: &str| {
        let problem = Problem {
            file: FILE.to_owned(),
            line: 1,
            message: message.to_owned(),
            suggestion: None,
        };
        AgreementError::Problems(vec![problem])
    };
    let agreements = policy.agreements();
    let [agreement] = agreements.as_slice() else {
        return Err(problem(
            "the text must have one `[[agreement]]`: each is handed in and approved by itself",
        ));
    };
    if !policy.services().services().is_empty() {
        return Err(problem(
            "the text may not have a `[[service]]`: the catalogue of services is the node's own",
        ));
    }
    if policy.dormant().next().is_some() {
        return Err(problem(NO_DORMANT));
    }
    let objections = services.catalogue.objections(agreement);
    match objections.first() {
        None => Ok((*agreement).clone()),
        Some(objection) => Err(problem(objection)),
    }
}

/// Returns the agreement that a stored version is.
fn parse(version: &StoredAgreement) -> Result<Agreement, AgreementError> {
    let policy = Policy::from_bundle(&version.text, FILE).map_err(problems)?;
    let agreement = policy.agreement(version.id.as_str()).cloned();
    agreement.ok_or_else(|| unknown(&version.id))
}

/// Returns the policy of every version that is active, and makes it the current bundle.
async fn compile(
    services: &Services,
    tx: &mut dyn Transaction,
    at: Timestamp,
) -> Result<Policy, AgreementError> {
    let standing = tx.standing_agreements().await?;
    let active = standing.iter();
    let active = active.filter(|version| version.state == AgreementState::Active);
    let active: Vec<Agreement> = active.map(parse).collect::<Result<_, _>>()?;
    let policy = Policy::of_agreements(active, &services.catalogue);
    let policy = policy.with_dormant(dormant(tx).await?);
    put(tx, policy, at).await
}

/// Makes a policy the current bundle, and returns it as everybody reads it.
async fn put(
    tx: &mut dyn Transaction,
    policy: Policy,
    at: Timestamp,
) -> Result<Policy, AgreementError> {
    let text = policy.to_text();
    // it is read by every node and at every start, so it must be readable
    let again = Policy::from_bundle(&text, FILE).map_err(problems)?;
    tx.put_bundle(again.revision(), &text, at).await?;
    Ok(again)
}

/// Brings up to date which agreements are known not to be in force, and leaves what is in force as it is; nothing
/// when that is known already.
async fn note_dormant(
    services: &Services,
    tx: &mut dyn Transaction,
    at: Timestamp,
) -> Result<Option<Policy>, AgreementError> {
    let current = services.policy.current();
    let policy = current.with_dormant(dormant(tx).await?);
    if policy.dormant().eq(current.dormant()) {
        return Ok(None);
    }
    put(tx, policy, at).await.map(Some)
}

/// Returns the agreements that are not in force and that a second person stands behind, or that once were; they are
/// whose the suspended version says, else the last such one. A draft is nobody's.
async fn dormant(tx: &mut dyn Transaction) -> Result<Vec<Dormant>, AgreementError> {
    let mut dormant = Vec::new();
    for last in tx.last_agreements().await? {
        let versions = tx.agreement_versions(&last.id).await?;
        if versions
            .iter()
            .any(|one| one.state == AgreementState::Active)
        {
            continue;
        }
        let held = versions.iter().find(|version| version.state.is_held());
        let agreed =
            |one: &&StoredAgreement| one.approver.is_some() || one.state == AgreementState::Ended;
        let version = held.or_else(|| versions.iter().find(agreed));
        // a text of long ago that is none any more stops nobody
        let agreement = version.and_then(|version| parse(version).ok());
        dormant.extend(agreement.as_ref().map(Dormant::of));
    }
    Ok(dormant)
}

/// Returns the version that an operator means: the one being worked on, else the one in force or
/// suspended, else the last one.
fn current(versions: &[StoredAgreement]) -> Option<&StoredAgreement> {
    let open = versions.iter().find(|version| version.state.is_open());
    let held = || versions.iter().find(|version| version.state.is_held());
    open.or_else(held).or_else(|| versions.first())
}

const fn is_standing(version: &StoredAgreement) -> bool {
    version.state.is_open() || version.state.is_held()
}

/// Refuses callers of other roles; the refusal is audited.
async fn allow(
    services: &Services,
    caller: &Caller,
    method: &str,
    roles: &[Role],
) -> Result<(), AgreementError> {
    match crate::operate::refuse(services, caller, method, roles).await? {
        None => Ok(()),
        Some(refusal) => Err(AgreementError::NotPermitted(refusal)),
    }
}

fn unknown(id: &AgreementId) -> AgreementError {
    AgreementError::NotFound(id.as_str().to_owned())
}

fn problems(found: Vec<Found>) -> AgreementError {
    AgreementError::Problems(found.into_iter().map(Problem::from).collect())
}
