//! Which node writes: one leads, reads sources and links; the others follow it and serve.
//!
//! Invariant: a commit holds the lease under the tenure in which its work began. A node that lost
//! the lease meanwhile, asleep or cut off, commits nothing, also when it has the lease again.

mod follow;
mod keep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rabt_storage::{Holder, Leader, Lease, Leases, StorageError, Transaction};
use tokio::sync::watch;

use crate::error::{AuditError, StartError};

pub(crate) use follow::Followed;
pub(crate) use keep::keep;

/// The one lease: it covers ingest, linking, decisions and administration together, because each
/// of them builds on what the others have written.
const LEASE: &str = "write";

/// Who a node is among those that share its storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name; no other node has it.
    pub name: String,
    /// Where it is reached, for those who asked a node that follows; may be empty.
    pub address: String,
    /// A random number, so that it is told from the process of its name before it.
    pub process: i64,
    /// How fast it acts.
    pub pace: Pace,
}

/// How fast leadership changes hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a lease lasts without a renewal.
    pub ttl: Duration,
    /// How often a leader renews it.
    pub renew: Duration,
    /// How often a follower looks for what is new, and whether the leader is gone.
    pub poll: Duration,
}

/// The time between one change of leader and the next, at one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tenure(u64);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Leads(Tenure),
    /// Behind a leader, unless there is none for the moment.
    Follows(Option<Leader>),
}

/// A node's place among the others.
pub(crate) struct Lead {
    leases: Arc<dyn Leases>,
    holder: Holder,
    pace: Pace,
    standing: watch::Sender<Standing>,
    /// Whether the outbox is this node's to integrate.
    owns_outbox: Arc<AtomicBool>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            name: "node-1".to_owned(),
            address: String::new(),
            process: 0,
            pace: Pace::default(),
        }
    }
}

impl Default for Pace {
    /// A leader that is gone is replaced within ten seconds, also on a busy machine.
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(5),
            renew: Duration::from_millis(1_500),
            poll: Duration::from_millis(500),
        }
    }
}

impl Tenure {
    /// Lets a transaction commit in this tenure only. Belongs at its end: whoever takes the lease
    /// over waits for it.
    pub(crate) async fn hold(self, tx: &mut dyn Transaction) -> Result<(), StorageError> {
        tx.hold(LEASE, self.0).await
    }
}

impl Lead {
    /// Takes the lease, or follows whoever has it. What a process of the same name left, killed a
    /// moment ago, is waited for.
    pub(crate) async fn start(leases: Arc<dyn Leases>, node: Node) -> Result<Self, StartError> {
        let holder = Holder {
            node: node.name,
            address: node.address,
            process: node.process,
        };
        let started = tokio::time::Instant::now();
        let standing = loop {
            match leases.take(LEASE, &holder, node.pace.ttl).await? {
                Lease::Held { epoch } => break Standing::Leads(Tenure(epoch)),
                Lease::Elsewhere(leader) if leader.node != holder.node => {
                    break Standing::Follows(Some(leader));
                }
                Lease::Elsewhere(_) if started.elapsed() > node.pace.ttl * 2 => {
                    return Err(StartError::SameName(holder.node));
                }
                Lease::Elsewhere(_) => tokio::time::sleep(node.pace.poll).await,
            }
        };
        let leads = matches!(standing, Standing::Leads(_));
        Ok(Self {
            leases,
            holder,
            pace: node.pace,
            standing: watch::Sender::new(standing),
            owns_outbox: Arc::new(AtomicBool::new(leads)),
        })
    }

    /// Returns the tenure to begin a piece of writing with.
    pub(crate) fn tenure(&self) -> Result<Tenure, AuditError> {
        match &*self.standing.borrow() {
            Standing::Leads(tenure) => Ok(*tenure),
            Standing::Follows(leader) => Err(AuditError::NotLeading {
                node: self.holder.node.clone(),
                leader: leader.as_ref().map(shown),
            }),
        }
    }

    /// Returns whether the outbox is this node's to integrate, as it is at any time.
    pub(crate) fn owns_outbox(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.owns_outbox)
    }

    /// Returns the number that tells this process from any other.
    pub(crate) fn process(&self) -> i64 {
        self.holder.process
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.leases.is_shared()
    }

    /// Waits until the node leads, or until it does not.
    pub(crate) async fn until(&self, leads: bool) {
        let mut standing = self.standing.subscribe();
        let is = |standing: &Standing| matches!(standing, Standing::Leads(_)) == leads;
        // the sender is here, so the wait ends with what was waited for
        let _ = standing.wait_for(is).await;
    }

    /// Gives the lease back, when it is this node's.
    pub(crate) async fn release(&self) {
        let Ok(Tenure(epoch)) = self.tenure() else {
            return;
        };
        self.owns_outbox.store(false, Ordering::Release);
        self.standing.send_replace(Standing::Follows(None));
        if let Err(error) = self.leases.release(LEASE, epoch).await {
            tracing::warn!(%error, "the lease runs out by itself");
        }
    }
}

/// Names a leader: `node-2 (https://rabt-2.example:7443)`.
fn shown(leader: &Leader) -> String {
    let Leader { node, address, .. } = leader;
    if address.is_empty() {
        return node.clone();
    }
    format!("{node} ({address})")
}
