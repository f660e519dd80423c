//! What a follower does: its resident state becomes what the leader has committed.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rabt_model::CitizenId;
use rabt_policy::Policy;
use rabt_storage::{Head, StorageError, Transaction};

use crate::services::Services;

/// Steps that are read at a time.
const STEPS: u32 = 16;
/// Citizens that are read at a time.
const CITIZENS: usize = 2_000;

/// How far the resident state has followed storage.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    step: AtomicU64,
    sources: AtomicI64,
}

impl Followed {
    /// The state of storage of this head, or a later one, is resident.
    pub(crate) fn at(head: &Head) -> Self {
        Self {
            step: AtomicU64::new(head.last_step),
            sources: AtomicI64::new(head.sources),
        }
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
    follow_steps(services, tx.as_mut(), &head).await?;
    if services.followed.sources.load(Ordering::Acquire) != head.sources {
        services.registry.refresh(tx.as_mut()).await?;
        let known = &services.followed.sources;
        known.store(head.sources, Ordering::Release);
    }
    if !head.agreements.is_empty() && services.policy.current().revision() != head.agreements {
        follow_agreements(services, tx.as_mut()).await?;
    }
    services.feed.see(tx.as_mut(), head.last_change).await
}

async fn follow_steps(
    services: &Services,
    tx: &mut dyn Transaction,
    head: &Head,
) -> Result<(), StorageError> {
    let known = &services.followed.step;
    let mut step = known.load(Ordering::Acquire);
    if step == head.last_step {
        return Ok(());
    }
    if head.first_step > step + 1 || head.last_step < step {
        // too far behind, or storage was restored from an older state
        let storage = services.storage.as_ref();
        services.directory.refresh(storage).await?;
        known.store(head.last_step, Ordering::Release);
        return Ok(());
    }
    loop {
        let steps = tx.steps_after(step, STEPS).await?;
        let Some((last, _)) = steps.last() else {
            return Ok(());
        };
        step = *last;
        let touched = steps.into_iter().flat_map(|(_, citizens)| citizens);
        let mut touched: Vec<CitizenId> = touched.collect();
        touched.sort_unstable();
        touched.dedup();
        for citizens in touched.chunks(CITIZENS) {
            services.directory.follow(tx, citizens).await?;
        }
        known.store(step, Ordering::Release);
    }
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
