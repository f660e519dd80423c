//! The agreements of the node's own file.

use std::collections::BTreeMap;

use rabt_model::{AgreementId, Timestamp};
use rabt_policy::{Agreement, Caller, Policy};
use rabt_storage::{AgreementState, StoredAgreement, Transaction};

use super::{NO_DORMANT, WRITERS, allow, compile, in_force, new_version, problems, stand};
use crate::audited::Audited;
use crate::error::{AgreementError, Problem};
use crate::event;
use crate::services::Services;

/// Who stands behind what a bundle held before agreements were kept one by one.
const BEFORE: &str = "rabt:bundle";

/// Puts the agreements of a file in force, in the caller's name and without a second person: whoever
/// writes the node's settings runs the node. Agreements that came to be in another way stay as they are,
/// one that somebody suspended or ended stays so, and those that an earlier file had and this one has not
/// end. Returns the revision that is in force.
///
/// # Errors
/// Every problem of the text; nothing is changed.
pub async fn import_agreements(
    services: &Services,
    caller: &Caller,
    text: &str,
) -> Result<Audited<String>, AgreementError> {
    allow(services, caller, "ImportAgreements", &WRITERS).await?;
    let wanted = read_file(services, text)?;
    let at = services.clock.now();
    let tenure = services.lead.tenure()?;
    let _states = services.states.lock().await;
    let mut tx = services.storage.begin().await?;
    adopt(services, tx.as_mut(), at).await?;
    let mut entries = Vec::new();
    let held = held(tx.as_mut()).await?;
    let person = event::person(caller);
    let own = |version: &StoredAgreement| version.author == person || version.author == BEFORE;
    for (id, agreement) in &wanted {
        let before = held.get(id);
        if before.is_some_and(|before| before.text == agreement.to_text()) {
            continue;
        }
        if before.is_some_and(|before| !own(before)) {
            tracing::warn!(agreement = %id, "the file's text of an agreement is not used: another was handed in");
            continue;
        }
        if before.is_none() && was_ended(tx.as_mut(), id, &person).await? {
            tracing::warn!(agreement = %id, "the file's text of an agreement is not used: somebody ended it");
            continue;
        }
        let mut version = new_version(agreement, &person, at);
        version.approver = Some(person.clone());
        version.state = before.map_or(AgreementState::Active, |before| before.state);
        if let Some(before) = before {
            let to = (AgreementState::Ended, "");
            entries.push(stand::step(tx.as_mut(), caller, before, to, at).await?);
        }
        version.version = tx.put_agreement(&version).await?;
        entries.push(event::of_agreement(caller, &version, "", at));
    }
    for (id, before) in &held {
        if !wanted.contains_key(id) && own(before) {
            let to = (AgreementState::Ended, "");
            entries.push(stand::step(tx.as_mut(), caller, before, to, at).await?);
        }
    }
    let policy = compile(services, tx.as_mut(), at).await?;
    let revision = policy.revision().to_owned();
    let unchanged = entries.is_empty() && services.policy.current().revision() == revision;
    entries.push(in_force(caller, &policy, at));
    if let (true, Some(only)) = (unchanged, entries.pop_if(|_| unchanged)) {
        drop(tx);
        return Ok(services.audit.record(only, revision).await?);
    }
    let audited = services.audit.commit_all(tx, tenure, entries, revision);
    let audited = audited.await?;
    services.policy.replace(policy);
    Ok(audited)
}

fn read_file(
    services: &Services,
    text: &str,
) -> Result<BTreeMap<AgreementId, Agreement>, AgreementError> {
    let policy = Policy::from_bundle(text, "agreements.toml").map_err(problems)?;
    let mut wanted = BTreeMap::new();
    let mut found = Vec::new();
    if policy.dormant().next().is_some() {
        found.push(Problem {
            file: "agreements.toml".to_owned(),
            line: 1,
            message: NO_DORMANT.to_owned(),
            suggestion: None,
        });
    }
    for agreement in policy.agreements() {
        for objection in services.catalogue.objections(agreement) {
            found.push(Problem {
                file: "agreements.toml".to_owned(),
                line: 1,
                message: format!("agreement `{}`: {objection}", agreement.id()),
                suggestion: None,
            });
        }
        wanted.insert(agreement.id().clone(), agreement.clone());
    }
    if found.is_empty() {
        return Ok(wanted);
    }
    Err(AgreementError::Problems(found))
}

async fn held(
    tx: &mut dyn Transaction,
) -> Result<BTreeMap<AgreementId, StoredAgreement>, AgreementError> {
    let standing = tx.standing_agreements().await?.into_iter();
    let held = standing.filter(|version| version.state.is_held());
    Ok(held.map(|version| (version.id.clone(), version)).collect())
}

/// Says whether somebody else than the node itself ended the agreement: the file does not bring it back.
async fn was_ended(
    tx: &mut dyn Transaction,
    id: &AgreementId,
    node: &str,
) -> Result<bool, AgreementError> {
    let versions = tx.agreement_versions(id).await?;
    let mut ended = versions.iter();
    let ended = ended.find(|version| version.state == AgreementState::Ended);
    Ok(ended.is_some_and(|version| version.actor != node))
}

/// Takes the agreements in force among the kept ones, when none is kept: they are from a bundle of a
/// release that kept nothing else.
pub(super) async fn adopt(
    services: &Services,
    tx: &mut dyn Transaction,
    at: Timestamp,
) -> Result<(), AgreementError> {
    if !tx.last_agreements().await?.is_empty() {
        return Ok(());
    }
    let policy = services.policy.current();
    for agreement in policy.agreements() {
        let mut version = new_version(agreement, BEFORE, at);
        version.state = AgreementState::Active;
        tx.put_agreement(&version).await?;
    }
    Ok(())
}
