//! Bringing an agreement from one state to the next.

use std::sync::Arc;

use rabt_audit::Entry;
use rabt_model::{AgreementId, Timestamp};
use rabt_policy::Caller;
use rabt_storage::{AgreementMove, AgreementState, StoredAgreement, Transaction};
use tokio::sync::oneshot;

use super::view::match_etag;
use super::{
    APPROVERS, AgreementView, WRITERS, allow, compile, import, in_force, note_dormant, unknown,
};
use crate::audited::Audited;
use crate::error::{AgreementError, AuditError};
use crate::event;
use crate::services::Services;

/// Longest reason that is kept, in characters.
const REASON: usize = 500;

/// A step that somebody asks for.
#[derive(Debug, Clone)]
struct Asked {
    caller: Caller,
    id: AgreementId,
    /// As it was when it was looked at; nothing in an emergency.
    etag: Option<String>,
    reason: String,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Approve,
    Withdraw,
    Activate,
    Suspend,
    Resume,
    End,
}

/// Approves the version that is being worked on, as a second person.
///
/// # Errors
/// The caller handed it in; nothing is being worked on; or it has changed since `etag`.
pub async fn approve_agreement(
    services: &Arc<Services>,
    caller: &Caller,
    id: &AgreementId,
    etag: &str,
) -> Result<Audited<AgreementView>, AgreementError> {
    allow(services, caller, "ApproveAgreement", &APPROVERS).await?;
    take(services, caller, id, Some(etag), "", What::Approve).await
}

/// Takes back the version that is being worked on.
///
/// # Errors
/// Nothing is being worked on; or it has changed since `etag`.
pub async fn withdraw_agreement(
    services: &Arc<Services>,
    caller: &Caller,
    id: &AgreementId,
    etag: &str,
) -> Result<Audited<AgreementView>, AgreementError> {
    allow(services, caller, "WithdrawAgreement", &WRITERS).await?;
    take(services, caller, id, Some(etag), "", What::Withdraw).await
}

/// Puts the approved version in force, in place of the one before.
///
/// # Errors
/// No version is approved; the one before is suspended; or it has changed since `etag`.
pub async fn activate_agreement(
    services: &Arc<Services>,
    caller: &Caller,
    id: &AgreementId,
    etag: &str,
) -> Result<Audited<AgreementView>, AgreementError> {
    allow(services, caller, "ActivateAgreement", &WRITERS).await?;
    take(services, caller, id, Some(etag), "", What::Activate).await
}

/// Stops an agreement for every question that comes from now on. One person suffices, and what they
/// looked at does not matter.
///
/// # Errors
/// It is not in force, or no reason is given.
pub async fn suspend_agreement(
    services: &Arc<Services>,
    caller: &Caller,
    id: &AgreementId,
    reason: &str,
) -> Result<Audited<AgreementView>, AgreementError> {
    allow(services, caller, "SuspendAgreement", &WRITERS).await?;
    take(services, caller, id, None, reason, What::Suspend).await
}

/// Puts a suspended agreement in force again, as another person than the one who stopped it.
///
/// # Errors
/// It is not suspended, the caller suspended it, or it has changed since `etag`.
pub async fn resume_agreement(
    services: &Arc<Services>,
    caller: &Caller,
    id: &AgreementId,
    etag: &str,
) -> Result<Audited<AgreementView>, AgreementError> {
    allow(services, caller, "ResumeAgreement", &APPROVERS).await?;
    take(services, caller, id, Some(etag), "", What::Resume).await
}

/// Ends an agreement that is in force or suspended.
///
/// # Errors
/// It is neither, no reason is given, or it has changed since `etag`.
pub async fn end_agreement(
    services: &Arc<Services>,
    caller: &Caller,
    id: &AgreementId,
    etag: &str,
    reason: &str,
) -> Result<Audited<AgreementView>, AgreementError> {
    allow(services, caller, "EndAgreement", &WRITERS).await?;
    take(services, caller, id, Some(etag), reason, What::End).await
}

/// Takes a step to its end, also when the caller goes away meanwhile: what is committed is in force.
async fn take(
    services: &Arc<Services>,
    caller: &Caller,
    id: &AgreementId,
    etag: Option<&str>,
    reason: &str,
    what: What,
) -> Result<Audited<AgreementView>, AgreementError> {
    let asked = Asked {
        caller: caller.clone(),
        id: id.clone(),
        etag: etag.map(str::to_owned),
        reason: reason.trim().chars().take(REASON).collect(),
        what,
    };
    if matches!(what, What::Suspend | What::End) && asked.reason.is_empty() {
        return Err(AgreementError::NoReason(asked.id));
    }
    let (tell, told) = oneshot::channel();
    let owner = Arc::clone(services);
    services.tasks.spawn(async move {
        // nobody listens any more when the caller went away
        let _ = tell.send(carry_out(&owner, &asked).await);
    });
    told.await.map_err(|_| AuditError::Stopped)?
}

async fn carry_out(
    services: &Services,
    asked: &Asked,
) -> Result<Audited<AgreementView>, AgreementError> {
    let at = services.clock.now();
    let tenure = services.lead.tenure()?;
    let _states = services.states.lock().await;
    let mut tx = services.storage.begin().await?;
    import::adopt(services, tx.as_mut(), at).await?;
    let versions = tx.agreement_versions(&asked.id).await?;
    let version = meant(&versions, asked)?;
    let mut entries = Vec::new();
    if asked.what == What::Activate
        && let Some(before) = versions.iter().find(|other| other.state.is_held())
    {
        if before.state == AgreementState::Suspended {
            let remedy = "resume it first, or end it";
            return Err(wrong(&asked.id, before.state.as_str(), remedy));
        }
        let to = (AgreementState::Ended, "");
        entries.push(step(tx.as_mut(), &asked.caller, before, to, at).await?);
    }
    let to = (asked.what.leads_to(), asked.reason.as_str());
    entries.push(step(tx.as_mut(), &asked.caller, version, to, at).await?);
    let policy = if asked.what.changes_what_is_in_force() {
        Some(compile(services, tx.as_mut(), at).await?)
    } else {
        note_dormant(services, tx.as_mut(), at).await?
    };
    let bundle = policy.iter();
    entries.extend(bundle.map(|policy| in_force(&asked.caller, policy, at)));
    let versions = tx.agreement_versions(&asked.id).await?;
    let view = AgreementView::of(&versions, at).ok_or_else(|| unknown(&asked.id))?;
    let audited = services.audit.commit_all(tx, tenure, entries, view).await?;
    if let Some(policy) = policy {
        services.policy.replace(policy);
    }
    Ok(audited)
}

/// Returns the version that a step is about, when it may be taken.
fn meant<'v>(
    versions: &'v [StoredAgreement],
    asked: &Asked,
) -> Result<&'v StoredAgreement, AgreementError> {
    let last = versions.first().ok_or_else(|| unknown(&asked.id))?;
    let (from, remedy) = asked.what.comes_from();
    let found = versions
        .iter()
        .find(|version| from.contains(&version.state));
    let version = found.ok_or_else(|| {
        let current = super::current(versions).unwrap_or(last);
        wrong(&asked.id, current.state.as_str(), remedy)
    })?;
    if let Some(etag) = &asked.etag {
        match_etag(version, etag)?;
    }
    let person = event::person(&asked.caller);
    let first = match asked.what {
        What::Approve => Some(&version.author),
        What::Resume => Some(&version.actor),
        What::Withdraw | What::Activate | What::Suspend | What::End => None,
    };
    if first == Some(&person) {
        return Err(AgreementError::SecondPerson(asked.id.clone()));
    }
    Ok(version)
}

/// Changes where a version stands, and returns the entry that tells so.
pub(super) async fn step(
    tx: &mut dyn Transaction,
    caller: &Caller,
    version: &StoredAgreement,
    (state, reason): (AgreementState, &str),
    at: Timestamp,
) -> Result<Entry, AgreementError> {
    let actor = event::person(caller);
    let step = AgreementMove {
        state,
        approver: (state == AgreementState::Approved).then(|| actor.clone()),
        actor,
        reason: reason.to_owned(),
        at,
    };
    tx.move_agreement(&version.id, version.version, &step)
        .await?;
    let from = version.state.as_str();
    let moved = StoredAgreement {
        state,
        ..version.clone()
    };
    Ok(event::of_agreement(caller, &moved, from, at))
}

fn wrong(id: &AgreementId, state: &'static str, remedy: &'static str) -> AgreementError {
    AgreementError::State {
        id: id.clone(),
        state,
        remedy,
    }
}

impl What {
    /// Returns the states that a step is taken from, and what to do in others.
    const fn comes_from(self) -> (&'static [AgreementState], &'static str) {
        use AgreementState as At;
        match self {
            Self::Approve => (&[At::Draft], "hand in a version first"),
            Self::Withdraw => (&[At::Draft, At::Approved], "nothing is being worked on"),
            Self::Activate => (&[At::Approved], "have a version approved first"),
            Self::Suspend => (&[At::Active], "only what is in force can be suspended"),
            Self::Resume => (&[At::Suspended], "only what is suspended can be resumed"),
            Self::End => (
                &[At::Active, At::Suspended],
                "only what is in force or suspended can end",
            ),
        }
    }

    const fn leads_to(self) -> AgreementState {
        match self {
            Self::Approve => AgreementState::Approved,
            Self::Withdraw => AgreementState::Withdrawn,
            Self::Activate | Self::Resume => AgreementState::Active,
            Self::Suspend => AgreementState::Suspended,
            Self::End => AgreementState::Ended,
        }
    }

    const fn changes_what_is_in_force(self) -> bool {
        !matches!(self, Self::Approve | Self::Withdraw)
    }
}
