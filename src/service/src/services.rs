//! Everything a use case may need, and what runs in the background.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use rabt_audit::{AuditEvent, Entry, Salt, Started, Stopped};
use rabt_connect::{Kinds, Secrets};
use rabt_linkage::{LinkageModel, Survivorship};
use rabt_model::Clock;
use rabt_policy::{Catalogue, Policy};
use rabt_storage::{Storage, StoredBundle};
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audited::{AuditKeys, Sequencer};
use crate::change::Recent;
use crate::compose::Veil;
use crate::directory::Directory;
use crate::error::StartError;
use crate::evidence::Prover;
use crate::guard::Guard;
use crate::image::{self, ImageFile, Images};
use crate::ingest::{Reading, Writer};
use crate::lead::{Followed, Lead, Node, keep};
use crate::link::{Arrivals, LinkerSlot};
use crate::oversight::{ArchivePlace, Archiving};
use crate::policy::PolicyHandle;
use crate::protection::Protection;
use crate::registry::Registry;
use crate::transparency::Portals;
use crate::vault::Vault;

/// What a node is made of. The composition root supplies all of it.
pub struct Setup {
    /// Who the node is among those that share its storage.
    pub node: Node,
    /// Durable state.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The kinds of source this binary knows.
    pub kinds: Kinds,
    /// Where the secrets of sources are.
    pub secrets: Secrets,
    /// How records are linked.
    pub model: Arc<LinkageModel>,
    /// How the values of profiles are chosen.
    pub rules: Arc<Survivorship>,
    /// The policy in force until storage holds a bundle.
    pub policy: Policy,
    /// The public services that agreements may name.
    pub catalogue: Catalogue,
    /// The keys of the audit log.
    pub keys: AuditKeys,
    /// Where citizen ids come from.
    pub random: StdRng,
    /// Where an image of the directory is kept, so that a start need not compose it anew.
    pub image: Option<ImageFile>,
    /// The systems through which citizens look at their own file.
    pub portals: Portals,
    /// Where old entries of the audit log go.
    pub archive: Option<ArchivePlace>,
    /// Version of the program.
    pub version: String,
}

/// A running node. Use cases are functions that take it first.
pub struct Services {
    /// Durable state.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The kinds of source this binary knows.
    pub kinds: Kinds,
    /// The policy in force.
    pub policy: PolicyHandle,
    /// The way into the audit log.
    pub audit: Sequencer,
    /// The profiles in memory.
    pub directory: Directory,
    pub(crate) catalogue: Catalogue,
    pub(crate) vault: Arc<Vault>,
    pub(crate) prover: Prover,
    pub(crate) portals: Portals,
    pub(crate) archiving: Archiving,
    pub(crate) secrets: Secrets,
    pub(crate) model: Arc<LinkageModel>,
    pub(crate) rules: Arc<Survivorship>,
    pub(crate) registry: Registry,
    pub(crate) protection: Protection,
    pub(crate) guard: Guard,
    pub(crate) random: Mutex<StdRng>,
    pub(crate) linker: tokio::sync::Mutex<LinkerSlot>,
    pub(crate) arrivals: Arrivals,
    pub(crate) writer: Writer,
    pub(crate) reading: Reading,
    pub(crate) feed: Recent,
    pub(crate) lead: Lead,
    pub(crate) followed: Followed,
    pub(crate) images: Option<Images>,
    /// Whether ingest wrote something since linking last looked.
    pub(crate) backlog: Arc<AtomicBool>,
    /// Whoever changes where a source or a folder stands reads it first: one after the other, and
    /// before the transaction begins.
    pub(crate) states: Arc<tokio::sync::Mutex<()>>,
    /// Linking and the writing of ingest take turns.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    pub(crate) tasks: TaskTracker,
    stop: CancellationToken,
    /// The audit log outlives everything that may still write an entry.
    last: CancellationToken,
}

impl Services {
    /// Takes the lease or follows who has it, resumes the audit log, reads the resident state from
    /// storage and starts the background tasks.
    ///
    /// # Errors
    /// Storage or the audit log cannot be read, what they hold does not load, or another process
    /// is this node already.
    pub async fn start(setup: Setup) -> Result<Arc<Self>, StartError> {
        let tasks = TaskTracker::new();
        let (stop, last) = (CancellationToken::new(), CancellationToken::new());
        let storage = setup.storage;
        let lead = Lead::start(storage.leases(), setup.node).await?;
        let (log, now) = (Arc::clone(&storage), setup.clock.now());
        let vault = Vault::open(storage.as_ref(), &setup.keys.master, now).await?;
        let vault = Arc::new(vault);
        let owns_outbox = lead.owns_outbox();
        let audit = Sequencer::start(
            log,
            setup.keys,
            Arc::clone(&vault),
            owns_outbox,
            &tasks,
            last.clone(),
        )
        .await?;
        let mut tx = storage.begin().await?;
        let bundle = tx.current_bundle().await?;
        // before anything is read: what is committed from here on is followed
        let head = tx.head().await?;
        if let Ok(tenure) = lead.tenure() {
            let interrupted = tx.interrupt_runs(setup.clock.now()).await?;
            tenure.hold(tx.as_mut()).await?;
            tx.commit().await?;
            if interrupted > 0 {
                tracing::warn!(interrupted, "runs of a killed process were ended");
            }
        } else {
            drop(tx);
        }
        let policy = in_force(bundle, setup.policy)?;
        let started = Started {
            model: setup.model.fingerprint().to_owned(),
            policy: policy.revision().to_owned(),
            size: storage.audit_log().size().await?,
            version: setup.version,
        };
        let entry = Entry::new(setup.clock.now(), AuditEvent::Started(started));
        let _durable = audit.record(entry, ()).await?;
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        // an earlier process may have left something
        let backlog = Arc::new(AtomicBool::new(true));
        let writer = Writer::start(
            Arc::clone(&storage),
            audit.clone(),
            Arc::clone(&turn),
            Arc::clone(&backlog),
            &tasks,
            stop.clone(),
        );
        let protection = Protection::load(storage.as_ref()).await?;
        let guard = Guard::default();
        let (log, now) = (storage.audit_log(), setup.clock.now());
        guard.budgets.restore(log.as_ref(), &policy, now).await?;
        let registry = Registry::load(storage.as_ref()).await?;
        let veil = Veil::new(&setup.rules, registry.current());
        let image = setup.image.as_ref();
        let (directory, resident) = image::resume(image, storage.as_ref(), &veil).await?;
        let services = Arc::new(Self {
            directory,
            registry,
            protection,
            guard,
            storage,
            clock: setup.clock,
            kinds: setup.kinds,
            catalogue: setup.catalogue,
            secrets: setup.secrets,
            policy: PolicyHandle::new(policy),
            audit,
            vault,
            prover: Prover::default(),
            portals: setup.portals,
            archiving: Archiving::new(setup.archive),
            model: setup.model,
            rules: setup.rules,
            random: Mutex::new(setup.random),
            linker: tokio::sync::Mutex::new(LinkerSlot::default()),
            arrivals: Arrivals::default(),
            writer,
            reading: Reading::default(),
            feed: Recent::default(),
            lead,
            followed: Followed::at(&head, resident),
            images: setup.image.map(Images::new),
            backlog,
            states: Arc::default(),
            turn,
            tasks,
            stop,
            last,
        });
        if services.lead.is_shared() {
            services.tasks.spawn(keep(Arc::clone(&services)));
        }
        if services.images.is_some() {
            services.tasks.spawn(image::keep(Arc::clone(&services)));
        }
        Ok(services)
    }

    /// Says whether this node writes; one that does not follows another.
    pub fn leads(&self) -> bool {
        self.lead.tenure().is_ok()
    }

    /// Waits until this node leads, or, with `false`, until it follows.
    pub async fn until_leads(&self, leads: bool) {
        self.lead.until(leads).await;
    }

    /// Returns the fingerprint of the linkage model.
    pub fn model_fingerprint(&self) -> &str {
        self.model.fingerprint()
    }

    /// Returns how many profiles are resident.
    pub fn citizens(&self) -> usize {
        self.directory.len()
    }

    /// Stops in order: readings first, then everything else, the audit log last; lets another node
    /// lead, and closes storage.
    pub async fn stop(self: &Arc<Self>, cause: &str) {
        self.stop.cancel();
        let stopped = Stopped {
            cause: cause.to_owned(),
        };
        let entry = Entry::new(self.clock.now(), AuditEvent::Stopped(stopped));
        if let Err(error) = self.audit.record(entry, ()).await {
            tracing::error!(%error, "the stop could not be recorded");
        }
        self.last.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.lead.release().await;
        image::write_last(self).await;
        self.storage.close().await;
    }

    /// Returns a token that ends when the node stops.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.child_token()
    }

    pub(crate) async fn stop_requested(&self) {
        self.stop.cancelled().await;
    }

    /// Draws a salt for the digests of one exchange.
    pub fn draw_salt(&self) -> Salt {
        let mut salt = [0; 16];
        self.draw(&mut salt);
        Salt(salt)
    }

    /// Fills bytes with randomness.
    pub(crate) fn draw(&self, bytes: &mut [u8]) {
        use rand::RngCore;
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.fill_bytes(bytes);
    }

    pub(crate) fn mint(&self) -> rabt_model::CitizenId {
        use rand::Rng;
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        rabt_model::CitizenId::from_random(random.random())
    }
}

/// Returns the policy of a stored bundle; the usual one when none is stored.
fn in_force(bundle: Option<StoredBundle>, usual: Policy) -> Result<Policy, StartError> {
    let Some(bundle) = bundle else {
        return Ok(usual);
    };
    Policy::from_bundle(&bundle.text, "agreements.toml").map_err(|problems| StartError::Policy {
        revision: bundle.revision,
        problem: problems
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
    })
}
