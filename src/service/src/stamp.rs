//! Time stamps over checkpoints, from an authority outside: since when the log provably exists.
//!
//! Invariant: nothing waits for the authority. One that is away is told once, when it begins, and the newest
//! checkpoint of when it is back covers all that was written meanwhile.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rabt_audit::{Entry, StampError, StampRequest, StampRoots};
use rabt_model::Timestamp;
use rabt_storage::{AuditLog, StorageError, StoredStamp};

use crate::error::AuditError;
use crate::services::Services;

/// How often it is looked whether a stamp is due.
const LOOK: Duration = Duration::from_secs(1);

/// By how much the clocks of node and authority may differ before somebody should look.
const CLOCKS: Duration = Duration::from_mins(5);

/// The way to an authority for time.
#[async_trait]
pub trait TimeAuthority: Send + Sync {
    /// Sends a request and returns the reply, within a time of its own.
    ///
    /// # Errors
    /// No reply came; the text says why, and what to do.
    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, String>;
}

/// Who stamps, and how often.
#[derive(Clone)]
pub struct Stamping {
    /// The way there.
    pub authority: Arc<dyn TimeAuthority>,
    /// Whose certificates count.
    pub roots: StampRoots,
    /// The time from one stamp to the next, while the log grows.
    pub every: Duration,
}

/// What became of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamped {
    /// It is not time yet.
    NotDue,
    /// The newest checkpoint has a stamp.
    Covered,
    /// The checkpoint of so many entries got one.
    New(u64),
    /// There is none to be had.
    Missed,
}

/// How far a log is stamped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampStanding {
    /// The last stamp: of how many entries, and when the node got it.
    pub last: Option<(u64, Timestamp)>,
    /// Entries behind it.
    pub behind: u64,
    /// When the first of these was written.
    pub since: Option<Timestamp>,
}

/// Why there is no stamp.
#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error("{0}")]
    Unreachable(String),
    #[error("the reply {0}")]
    Reply(#[from] StampError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Log(#[from] AuditError),
}

/// Asks for stamps when they are due.
pub struct Stamper {
    services: Arc<Services>,
    stamping: Stamping,
    next: Option<Timestamp>,
    /// Since when there is none to be had, and how often it was tried.
    outage: Option<(Timestamp, u64)>,
    /// Whether it was told that the clocks differ.
    differs: bool,
}

/// Asks for stamps until the node stops.
pub async fn keep_stamps(services: &Arc<Services>, stamping: Stamping) {
    let stopping = services.stopping();
    let mut stamper = Stamper::new(services, stamping);
    loop {
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            _ = stamper.step() => {}
        }
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Says how far a log is stamped.
///
/// # Errors
/// The log cannot be read.
pub async fn stamp_standing(log: &dyn AuditLog) -> Result<StampStanding, StorageError> {
    let last = log.latest_stamp().await?;
    let size = last.as_ref().map_or(0, |stamp| stamp.size);
    let held = log.archived().await?.size.max(size);
    let first = log.entries(held, 1).await?;
    let first = first.first().map(|(_, entry)| Entry::decode(&entry.body));
    Ok(StampStanding {
        last: last.map(|stamp| (stamp.size, stamp.at)),
        behind: log.size().await?.saturating_sub(size),
        since: first.and_then(Result::ok).map(|entry| entry.at),
    })
}

impl StampStanding {
    /// Says whether entries wait for longer than two periods.
    pub fn is_overdue(&self, now: Timestamp, every: Duration) -> bool {
        let waits = |since: Timestamp| now.duration_since(since).unsigned_abs() > every * 2;
        self.since.is_some_and(|since| since < now && waits(since))
    }
}

impl Stamper {
    /// Returns one that has asked for nothing yet.
    pub fn new(services: &Arc<Services>, stamping: Stamping) -> Self {
        Self {
            services: Arc::clone(services),
            stamping,
            next: None,
            outage: None,
            differs: false,
        }
    }

    /// Asks for a stamp over the newest checkpoint, when one is due.
    pub async fn step(&mut self) -> Stamped {
        let (now, every) = (self.services.clock.now(), self.stamping.every);
        // a clock that was set back must not let it wait for longer than a period
        if self
            .next
            .is_some_and(|next| now < next && next <= now + every)
        {
            return Stamped::NotDue;
        }
        let began = self.next.is_none();
        self.next = Some(now + every);
        match self.stamp(now, began).await {
            Ok(stamped) => {
                if let Some((since, tries)) = self.outage.take() {
                    tracing::info!(%since, tries, "checkpoints get time stamps again");
                }
                stamped
            }
            Err(error) => {
                self.miss(now, &error);
                Stamped::Missed
            }
        }
    }

    /// Tells an outage once, when it begins.
    fn miss(&mut self, now: Timestamp, error: &Missing) {
        if let Some((_, tries)) = &mut self.outage {
            *tries += 1;
            tracing::debug!(%error, "no time stamp was got again");
            return;
        }
        self.outage = Some((now, 1));
        let every = self.stamping.every;
        tracing::warn!(%error, ?every, "no time stamp was got; the node serves on and goes on asking");
    }

    async fn stamp(&mut self, now: Timestamp, began: bool) -> Result<Stamped, Missing> {
        let log = self.services.storage.audit_log();
        let Some(note) = log.latest_checkpoint().await? else {
            return Ok(Stamped::Covered);
        };
        let verifier = self.services.audit.verifier();
        let newest = verifier.open(&note).map_err(|error| {
            AuditError::Unusable(format!("its last checkpoint {error}; verify the log"))
        })?;
        let size = newest.size;
        if let Some(last) = log.latest_stamp().await? {
            if last.size >= size {
                return Ok(Stamped::Covered);
            }
            // a node that starts again and again asks no more often than another
            let due = last.at + self.stamping.every;
            if began && now < due && last.at <= now {
                self.next = Some(due);
                return Ok(Stamped::NotDue);
            }
        }
        let mut nonce = [0; 8];
        self.services.draw(&mut nonce);
        let request = StampRequest::new(&note, u64::from_be_bytes(nonce));
        let asked = self.stamping.authority.ask(request.encode()?).await;
        let reply = asked.map_err(Missing::Unreachable)?;
        let stamp = request.open(&reply, &self.stamping.roots)?;
        let (at, told) = (self.services.clock.now(), stamp.at);
        self.compare_clocks(at, told);
        let stored = StoredStamp {
            size,
            at,
            note,
            reply,
        };
        log.put_stamp(&stored).await?;
        tracing::debug!(size, at = %told, authority = stamp.authority, "a checkpoint got a time stamp");
        Ok(Stamped::New(size))
    }

    /// A number that is used once shows that the reply is new, so a difference says that one of two clocks is wrong.
    fn compare_clocks(&mut self, now: Timestamp, told: Timestamp) {
        let differs = now.duration_since(told).unsigned_abs() > CLOCKS;
        if differs && !self.differs {
            tracing::warn!(%now, %told, "the clock of this node and that of the time-stamping authority differ");
        }
        self.differs = differs;
    }
}
