//! What proves to anybody that an event is in the log.

use rabt_audit::{Checkpoint, Entry, Plan, Receipt};
use rabt_policy::Caller;

use super::history::{has_receipt, is_withheld};
use super::place::logs;
use super::viewer::Whose;
use super::{TransparencyError, Viewer, admit, missed, tell};
use crate::audited::Audited;
use crate::oversight::where_is;
use crate::services::Services;

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessReceipt {
    /// Its text: a C2SP tlog-proof whose extra data is the entry.
    pub text: String,
    /// The verifier key of the log; empty for the log of another node, which knows it.
    pub verifier: String,
}

/// Returns the receipt of an event about the citizen, in a current checkpoint of its log.
///
/// # Errors
/// The caller is no portal or not sure enough, there is no such event about this citizen, it has left for the archive,
/// is withheld or names a person, or the entry did not become durable.
pub async fn get_access_receipt(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
    (log, leaf): (usize, u64),
) -> Result<Audited<AccessReceipt>, TransparencyError> {
    const METHOD: &str = "GetAccessReceipt";
    let whose = admit(services, caller, viewer, METHOD).await?;
    let receipt = match find(services, &whose, (log, leaf)).await {
        Ok(Some(receipt)) => receipt,
        Ok(None) => {
            let wanted = (whose.name, "event about this citizen");
            return Err(missed(services, caller, viewer, METHOD, wanted).await);
        }
        Err(TransparencyError::Archived(place)) => {
            // that it is elsewhere is an answer too
            let outcome = (METHOD, "archived");
            let _durable = tell(services, caller, viewer, outcome, &whose, ()).await?;
            return Err(TransparencyError::Archived(place));
        }
        Err(error) => return Err(error),
    };
    tell(
        services,
        caller,
        viewer,
        (METHOD, "receipt"),
        &whose,
        receipt,
    )
    .await
}

async fn find(
    services: &Services,
    whose: &Whose,
    (log, leaf): (usize, u64),
) -> Result<Option<AccessReceipt>, TransparencyError> {
    let verifier = services.audit.verifier();
    let logs = logs(services.storage.as_ref(), verifier.origin()).await?;
    let Some((origin, log)) = logs.get(log) else {
        return Ok(None);
    };
    // says nothing of anybody: it is so of every entry below a leaf
    if let Some(place) = where_is(log.as_ref(), leaf).await? {
        return Err(TransparencyError::Archived(place));
    }
    let found = log.entries(leaf, 1).await?;
    let Some((_, stored)) = found.into_iter().find(|(found, _)| *found == leaf) else {
        return Ok(None);
    };
    let now = services.clock.now();
    let shown = Entry::decode(&stored.body).is_ok_and(|entry| {
        let mut subjects = entry.event.subjects().iter();
        let about = subjects.any(|subject| whose.names.contains(&subject.0));
        about && !is_withheld(&entry.event, now) && has_receipt(&entry)
    });
    let note = log.latest_checkpoint().await?.filter(|_| shown);
    let Some(note) = note else {
        return Ok(None);
    };
    // the one of another node may be older than its last entries for a moment
    let Ok(stated) = Checkpoint::stated(&note) else {
        return Ok(None);
    };
    let Ok(plan) = Plan::inclusion(leaf, stated.size) else {
        return Ok(None);
    };
    let proof = services.prover.hashes(origin, log.as_ref(), &plan).await?;
    let receipt = Receipt {
        index: leaf,
        body: stored.body,
        proof,
        checkpoint: note,
    };
    let own = origin == verifier.origin();
    Ok(Some(AccessReceipt {
        text: receipt.to_text(),
        verifier: if own {
            verifier.to_string()
        } else {
            String::new()
        },
    }))
}
