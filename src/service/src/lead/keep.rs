//! The task that renews the lease, notices that it is free, and lets the node follow meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rabt_storage::{Lease, StorageError};
use tokio::time::Instant;

use super::follow::follow;
use super::{LEASE, Standing, Tenure};
use crate::services::Services;

/// Keeps the node's place until it stops.
pub(crate) async fn keep(services: Arc<Services>) {
    let mut renewed = Instant::now();
    let mut erased = 0;
    loop {
        let pace = services.lead.pace;
        let pause = match services.lead.tenure() {
            Ok(_) => pace.renew,
            Err(_) => pace.poll,
        };
        tokio::select! {
            biased;
            () = services.stop_requested() => return,
            () = tokio::time::sleep(pause) => {}
        }
        beat(&services, &mut renewed).await;
        forget_erased(&services, &mut erased).await;
    }
}

/// Forgets the names of persons that are in memory when a node destroyed keys.
async fn forget_erased(services: &Arc<Services>, seen: &mut u64) {
    match services.storage.audit_log().erasures().await {
        Ok(erased) if erased != *seen => {
            *seen = erased;
            let owner = Arc::clone(services);
            // it waits for keys that are on their way; the lease does not
            let forgetting = async move { owner.audit.forget_names().await };
            services.tasks.spawn(forgetting);
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "whether keys were destroyed could not be read"),
    }
}

async fn beat(services: &Services, renewed: &mut Instant) {
    let lead = &services.lead;
    let asked = Instant::now();
    match lead.leases.take(LEASE, &lead.holder, lead.pace.ttl).await {
        Ok(Lease::Held { epoch }) => {
            *renewed = asked;
            let tenure = Tenure(epoch);
            if lead.tenure() == Ok(tenure) {
                // what a commit of ours could not hand over at once is handed over now
                services.audit.integrate_soon();
                return;
            }
            match take_over(services, tenure).await {
                Ok(()) => *renewed = Instant::now(),
                Err(error) => tracing::error!(%error, "leadership could not be taken over"),
            }
        }
        Ok(Lease::Elsewhere(leader)) => {
            step_down(services, Standing::Follows(Some(leader)));
        }
        Err(error) => {
            tracing::warn!(%error, "the lease could not be renewed");
            if renewed.elapsed() > lead.pace.ttl {
                step_down(services, Standing::Follows(None));
            }
        }
    }
    if lead.tenure().is_err()
        && let Err(error) = follow(services).await
    {
        tracing::warn!(%error, "what the leader wrote could not be followed");
    }
}

fn step_down(services: &Services, to: Standing) {
    let lead = &services.lead;
    if lead.tenure().is_ok() {
        tracing::warn!("this node leads no more; it follows and serves");
    }
    lead.owns_outbox.store(false, Ordering::Release);
    lead.standing.send_replace(to);
}

/// Becomes the leader: with all that the one before has committed, and nothing of it left open.
/// The lease is renewed meanwhile.
async fn take_over(services: &Services, tenure: Tenure) -> Result<(), StorageError> {
    let lead = &services.lead;
    // a tenure that ended unnoticed is over before the next one begins
    step_down(services, Standing::Follows(None));
    let mut work = Box::pin(succeed(services, tenure));
    loop {
        tokio::select! {
            biased;
            done = &mut work => break done?,
            () = tokio::time::sleep(lead.pace.renew) => {
                lead.leases.take(LEASE, &lead.holder, lead.pace.ttl).await?;
            }
        }
    }
    lead.owns_outbox.store(true, Ordering::Release);
    lead.standing.send_replace(Standing::Leads(tenure));
    services.audit.integrate_soon();
    tracing::info!(epoch = tenure.0, "this node leads");
    Ok(())
}

async fn succeed(services: &Services, tenure: Tenure) -> Result<(), StorageError> {
    follow(services).await?;
    let mut tx = services.storage.begin().await?;
    let interrupted = tx.interrupt_runs(services.clock.now()).await?;
    tenure.hold(tx.as_mut()).await?;
    tx.commit().await?;
    if interrupted > 0 {
        tracing::warn!(interrupted, "runs of the leader before were ended");
    }
    Ok(())
}
