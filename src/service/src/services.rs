//! Everything a use case may need, and what runs in the background.

use std::sync::{Arc, Mutex, PoisonError};

use rabt_audit::{AuditEvent, Entry, Started, Stopped};
use rabt_connect::Kinds;
use rabt_linkage::{LinkageModel, Survivorship};
use rabt_model::Clock;
use rabt_policy::Policy;
use rabt_storage::{Storage, StorageError};
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audited::{AuditKeys, Sequencer};
use crate::change::Recent;
use crate::directory::Directory;
use crate::error::AuditError;
use crate::ingest::{Reading, Writer};
use crate::link::{Arrivals, LinkerSlot};
use crate::policy::PolicyHandle;
use crate::registry::Registry;

/// What a node is made of. The composition root supplies all of it.
pub struct Setup {
    /// Durable state.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The kinds of source this binary knows.
    pub kinds: Kinds,
    /// How records are linked.
    pub model: Arc<LinkageModel>,
    /// How the values of profiles are chosen.
    pub rules: Arc<Survivorship>,
    /// The policy in force until storage holds a bundle.
    pub policy: Policy,
    /// The keys of the audit log.
    pub keys: AuditKeys,
    /// Where citizen ids come from.
    pub random: StdRng,
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
    pub(crate) model: Arc<LinkageModel>,
    pub(crate) rules: Arc<Survivorship>,
    pub(crate) registry: Registry,
    pub(crate) random: Mutex<StdRng>,
    pub(crate) linker: tokio::sync::Mutex<LinkerSlot>,
    pub(crate) arrivals: Arrivals,
    pub(crate) writer: Writer,
    pub(crate) reading: Reading,
    pub(crate) feed: Recent,
    /// Linking and the writing of ingest take turns.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    pub(crate) tasks: TaskTracker,
    stop: CancellationToken,
    /// The audit log outlives everything that may still write an entry.
    last: CancellationToken,
}

/// The node could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Storage cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The audit log cannot be resumed.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The stored agreements no longer load.
    #[error(
        "the stored agreements (revision {revision}) do not load: {problem}; activate a corrected bundle"
    )]
    Policy {
        /// Revision of the bundle.
        revision: String,
        /// The first problem.
        problem: String,
    },
}

impl Services {
    /// Resumes the audit log, reads the resident state from storage and starts the background
    /// tasks.
    ///
    /// # Errors
    /// Storage or the audit log cannot be read, or what they hold does not load.
    pub async fn start(setup: Setup) -> Result<Arc<Self>, StartError> {
        let tasks = TaskTracker::new();
        let (stop, last) = (CancellationToken::new(), CancellationToken::new());
        let storage = setup.storage;
        let log = Arc::clone(&storage);
        let audit = Sequencer::start(log, setup.keys, &tasks, last.clone()).await?;
        let mut tx = storage.begin().await?;
        let interrupted = tx.interrupt_runs(setup.clock.now()).await?;
        let bundle = tx.current_bundle().await?;
        tx.commit().await?;
        if interrupted > 0 {
            tracing::warn!(interrupted, "runs of a killed process were ended");
        }
        let policy = match bundle {
            None => setup.policy,
            Some(bundle) => {
                Policy::from_bundle(&bundle.text, "agreements.toml").map_err(|problems| {
                    StartError::Policy {
                        revision: bundle.revision,
                        problem: problems
                            .first()
                            .map(ToString::to_string)
                            .unwrap_or_default(),
                    }
                })?
            }
        };
        let started = Started {
            model: setup.model.fingerprint().to_owned(),
            policy: policy.revision().to_owned(),
            size: storage.audit_log().size().await?,
            version: setup.version,
        };
        let entry = Entry::new(setup.clock.now(), AuditEvent::Started(started));
        let _durable = audit.record(&entry, ()).await?;
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        let writer = Writer::start(
            Arc::clone(&storage),
            audit.clone(),
            Arc::clone(&turn),
            &tasks,
            stop.clone(),
        );
        Ok(Arc::new(Self {
            directory: Directory::load(storage.as_ref()).await?,
            registry: Registry::load(storage.as_ref()).await?,
            storage,
            clock: setup.clock,
            kinds: setup.kinds,
            policy: PolicyHandle::new(policy),
            audit,
            model: setup.model,
            rules: setup.rules,
            random: Mutex::new(setup.random),
            linker: tokio::sync::Mutex::new(LinkerSlot::default()),
            arrivals: Arrivals::default(),
            writer,
            reading: Reading::default(),
            feed: Recent::default(),
            turn,
            tasks,
            stop,
            last,
        }))
    }

    /// Returns the fingerprint of the linkage model.
    pub fn model_fingerprint(&self) -> &str {
        self.model.fingerprint()
    }

    /// Returns how many profiles are resident.
    pub fn citizens(&self) -> usize {
        self.directory.len()
    }

    /// Stops in order: readings first, then everything else, the audit log last; closes storage.
    pub async fn stop(&self, cause: &str) {
        self.stop.cancel();
        let stopped = Stopped {
            cause: cause.to_owned(),
        };
        let entry = Entry::new(self.clock.now(), AuditEvent::Stopped(stopped));
        if let Err(error) = self.audit.record(&entry, ()).await {
            tracing::error!(%error, "the stop could not be recorded");
        }
        self.last.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.storage.close().await;
    }

    /// Returns a token that ends when the node stops.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.child_token()
    }

    pub(crate) async fn stop_requested(&self) {
        self.stop.cancelled().await;
    }

    pub(crate) fn mint(&self) -> rabt_model::CitizenId {
        use rand::Rng;
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        rabt_model::CitizenId::from_random(random.random())
    }
}
