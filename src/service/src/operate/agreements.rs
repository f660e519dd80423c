//! Agreements.

use rabt_policy::{Caller, Policy};

use super::{WRITERS, allow};
use crate::audited::Audited;
use crate::error::{OperateError, Problem};
use crate::event;
use crate::services::Services;

/// Puts a bundle of agreements in force, for every request that comes from now on.
///
/// # Errors
/// Every problem of the bundle; the policy in force stays.
pub async fn activate_policy(
    services: &Services,
    caller: &Caller,
    text: &str,
) -> Result<Audited<String>, OperateError> {
    allow(services, caller, "ActivatePolicy", &WRITERS).await?;
    let policy = Policy::from_bundle(text, "agreements.toml").map_err(|problems| {
        OperateError::Problems(problems.into_iter().map(Problem::from).collect())
    })?;
    let at = services.clock.now();
    let revision = policy.revision().to_owned();
    let agreements = policy.agreements().len() as u64;
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    tx.put_bundle(&revision, text, at).await?;
    let entry = event::of_bundle(caller, agreements, &revision, at);
    let audited = services.audit.commit(tx, tenure, &entry, revision).await?;
    services.policy.replace(policy);
    Ok(audited)
}
