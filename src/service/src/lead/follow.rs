//! What a follower does: its resident state becomes what the leader has committed.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rabt_policy::Policy;
use rabt_storage::{Head, StorageError, Transaction};

use crate::services::Services;

/// How far the resident state has followed storage.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    step: AtomicU64,
    sources: AtomicI64,
}

impl Followed {
    /// The state of storage of this head, or a later one, is resident, up to this step.
    pub(crate) fn at(head: &Head, step: u64) -> Self {
        Self {
            step: AtomicU64::new(step),
            sources: AtomicI64::new(head.sources),
        }
    }

    /// Returns the last step that is resident, with all before it.
    pub(crate) fn step(&self) -> u64 {
        self.step.load(Ordering::Acquire)
    }

    /// The step of this number is resident, with all before it.
    pub(crate) fn reach(&self, step: u64) {
        self.step.fetch_max(step, Ordering::AcqRel);
    }
}

/// Takes over whatever was committed since the last call, and wakes the watchers.
pub(super) async fn follow(services: &Services) -> Result<(), StorageError> {
    let mut tx = services.storage.snapshot().await?;
    let head = tx.head().await?;
    // first what is restricted: profiles are composed by it
    if services.followed.sources.load(Ordering::Acquire) != head.sources {
        services.registry.refresh(tx.as_mut()).await?;
        let known = &services.followed.sources;
        known.store(head.sources, Ordering::Release);
    }
    follow_steps(services, tx.as_mut(), &head).await?;
    if !head.agreements.is_empty() && services.policy.current().revision() != head.agreements {
        follow_agreements(services, tx.as_mut()).await?;
    }
    services.protection.refresh(tx.as_mut()).await?;
    services.feed.see(tx.as_mut(), head.last_change).await
}

async fn follow_steps(
    services: &Services,
    tx: &mut dyn Transaction,
    head: &Head,
) -> Result<(), StorageError> {
    let known = &services.followed.step;
    let step = known.load(Ordering::Acquire);
    if step == head.last_step {
        return Ok(());
    }
    if head.first_step > step + 1 || head.last_step < step {
        // too far behind, or storage was restored from an older state
        let storage = services.storage.as_ref();
        services
            .directory
            .refresh(storage, &services.veil())
            .await?;
        known.store(head.last_step, Ordering::Release);
        return Ok(());
    }
    let veil = services.veil();
    let last = services.directory.follow_steps(tx, &veil, step).await?;
    known.store(last, Ordering::Release);
    Ok(())
}

async fn follow_agreements(
    services: &Services,
    tx: &mut dyn Transaction,
) -> Result<(), StorageError> {
    let Some(bundle) = tx.current_bundle().await? else {
        return Ok(());
    };
    if let Ok(policy) = Policy::from_bundle(&bundle.text, "agreements.toml") {
        services.policy.replace(policy);
    } else {
        tracing::error!(
            revision = bundle.revision,
            "agreements that another node put in force do not load here; is this an older release?"
        );
    }
    Ok(())
}
