//! The task that carries out plans, on the node that leads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rabt_connect::{ConnectError, Protect};
use rabt_model::{SourceId, Timestamp};
use rabt_storage::StorageError;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::due::{Chance, RUNS};
use super::plan::plan;
use super::{Action, Asked, Candidate, Pacing, Planned, UnderWay, Why};
use crate::ingest::{CHUNK_ROWS, IngestError, Leash, ingest_on};
use crate::link::link;
use crate::services::Services;

/// How often the plan is made again at the latest: folders, states and runs may have changed.
const LOOK: Duration = Duration::from_secs(5);
/// How soon it is made again at the earliest.
const BREATH: Duration = Duration::from_millis(50);
/// How long a source is left alone whose reading ended with an error, or could not begin.
const HOLD: Duration = Duration::from_secs(30);
/// What a statement may take beyond its timeout until it is told.
const GRACE: Duration = Duration::from_mins(1);

/// Reads the sources that have a schedule, whenever this node leads, until the node stops. What was
/// read is linked.
pub async fn keep_schedules(services: &Arc<Services>, pacing: Pacing) {
    let stopping = services.stopping();
    let keep = async {
        loop {
            services.until_leads(true).await;
            let mut driver = Driver::new(services, pacing);
            while services.leads() {
                let wake = driver.step().await;
                driver.wait(wake).await;
            }
            driver.let_go();
        }
    };
    tokio::select! {
        biased;
        () = stopping.cancelled() => {}
        () = keep => {}
    }
}

/// What is being read by schedule in one term of leadership.
pub(crate) struct Driver {
    services: Arc<Services>,
    pacing: Pacing,
    chance: Chance,
    readings: BTreeMap<SourceId, Reading>,
    /// Sources whose last start failed, and until when they are left alone.
    held_back: BTreeMap<SourceId, Timestamp>,
    link: Option<JoinHandle<()>>,
    wants_link: bool,
    /// Woken when a reading or a link ends.
    ended: Arc<Notify>,
}

struct Reading {
    leash: Leash,
    began: Timestamp,
    asked: Asked,
    task: JoinHandle<Outcome>,
}

/// What became of a reading.
enum Outcome {
    /// It ended, and there may be something to link.
    Read,
    /// It ended, and nothing is new.
    Nothing,
    /// It did not reach its end; what it committed before may want a link.
    Failed,
}

impl Driver {
    pub(crate) fn new(services: &Arc<Services>, pacing: Pacing) -> Self {
        let mut seed = [0; 8];
        services.draw(&mut seed);
        Self {
            services: Arc::clone(services),
            pacing,
            chance: Chance(u64::from_be_bytes(seed)),
            readings: BTreeMap::new(),
            held_back: BTreeMap::new(),
            link: None,
            wants_link: false,
            ended: Arc::default(),
        }
    }

    /// Does what is to be done now, and returns when something will be due next.
    pub(crate) async fn step(&mut self) -> Option<Timestamp> {
        self.reap().await;
        self.link();
        let candidates = match self.candidates().await {
            Ok(candidates) => candidates,
            Err(error) => {
                // readings under way are watched all the same
                tracing::warn!(%error, "the sources could not be looked up; nothing is started");
                Vec::new()
            }
        };
        let under_way = self.under_way();
        let now = self.services.clock.now();
        let Planned { actions, wake } =
            plan(now, &self.pacing, &candidates, &under_way, self.chance);
        for action in actions {
            self.act(action, now);
        }
        wake
    }

    /// Waits until a reading ends, or until something is due.
    async fn wait(&self, wake: Option<Timestamp>) {
        let now = self.services.clock.now();
        let due = wake.map_or(LOOK, |wake| {
            Duration::try_from(wake.duration_since(now)).unwrap_or_default()
        });
        let ended = async {
            self.ended.notified().await;
            tokio::time::sleep(BREATH).await;
        };
        tokio::select! {
            () = tokio::time::sleep(due.clamp(BREATH, LOOK)) => {}
            () = ended => {}
            () = self.services.until_leads(false) => {}
        }
    }

    /// Stops what is being read: another node leads, and reads it.
    fn let_go(self) {
        for (source, reading) in self.readings {
            let place = format!("source {source}");
            let remedy = "the node that leads goes on with it";
            let why = ConnectError::transient(place, "is no longer read by this node", remedy);
            reading.leash.stop(why);
        }
    }

    fn under_way(&self) -> Vec<UnderWay> {
        let readings = self.readings.iter();
        readings
            .map(|(source, reading)| UnderWay {
                source: source.clone(),
                began: reading.began,
                heard: reading.leash.heard(),
                asked: reading.asked,
            })
            .collect()
    }

    /// Takes note of readings that have ended.
    async fn reap(&mut self) {
        let ended: Vec<SourceId> = self
            .readings
            .iter()
            .filter(|(_, reading)| reading.task.is_finished())
            .map(|(source, _)| source.clone())
            .collect();
        let now = self.services.clock.now();
        self.held_back.retain(|_, until| *until > now);
        for source in ended {
            let Some(reading) = self.readings.remove(&source) else {
                continue;
            };
            // a reading that panicked has failed
            match reading.task.await.unwrap_or(Outcome::Failed) {
                Outcome::Read => self.wants_link = true,
                Outcome::Nothing => {}
                Outcome::Failed => {
                    self.wants_link |= self.services.backlog.load(Ordering::Acquire);
                    let until = now.checked_add(HOLD).unwrap_or(now);
                    self.held_back.insert(source, until);
                }
            }
        }
    }

    /// Links what was read, one link at a time: it covers all that was read until it begins.
    fn link(&mut self) {
        let under_way = self.link.as_ref().is_some_and(|link| !link.is_finished());
        if !self.wants_link || under_way {
            return;
        }
        self.wants_link = false;
        let (services, ended) = (Arc::clone(&self.services), Arc::clone(&self.ended));
        self.link = Some(self.services.tasks.spawn(async move {
            let linked = tokio::select! {
                biased;
                () = services.stop_requested() => return,
                linked = link(&services) => linked,
            };
            if let Err(error) = linked {
                tracing::error!(%error, "linking failed");
            }
            ended.notify_one();
        }));
    }

    /// Returns the sources that have a schedule, as storage has them.
    async fn candidates(&self) -> Result<Vec<Candidate>, StorageError> {
        // before storage is asked: what begins in between is found out when it is started
        let read = self.services.reading.all();
        let registry = self.services.registry.current();
        let mut tx = self.services.storage.snapshot().await?;
        let mut candidates = Vec::new();
        for stored in tx.list_sources().await? {
            let Some(registered) = registry.source(&stored.id) else {
                continue;
            };
            let Some(schedule) = registered.spec.schedule.clone() else {
                continue;
            };
            candidates.push(Candidate {
                runs: tx.runs(&stored.id, RUNS).await?,
                busy: read.contains(&stored.id),
                not_before: self.held_back.get(&stored.id).copied(),
                idle: patience(registered.spec.protect, self.pacing.idle),
                window: registered.spec.window.clone(),
                agency: stored.agency,
                source: stored.id,
                state: stored.state,
                since: stored.updated_at,
                schedule,
            });
        }
        Ok(candidates)
    }

    fn act(&mut self, action: Action, now: Timestamp) {
        match action {
            Action::Start(source) => self.start(source, now),
            Action::Rest(source) => {
                tracing::info!(%source, "its window has closed; its reading stops at the next checkpoint");
                self.ask(&source, Asked::Rest, Leash::rest);
            }
            Action::Stop(source, why) => {
                let error = why.error(&source);
                tracing::warn!(%source, %error, "a reading is stopped");
                self.ask(&source, Asked::Stop, |leash| leash.stop(error));
            }
        }
    }

    fn ask(&mut self, source: &SourceId, asked: Asked, ask: impl FnOnce(&Leash)) {
        if let Some(reading) = self.readings.get_mut(source) {
            reading.asked = reading.asked.max(asked);
            ask(&reading.leash);
        }
    }

    fn start(&mut self, source: SourceId, now: Timestamp) {
        let leash = Leash::default();
        leash.hear(now);
        let (services, ended) = (Arc::clone(&self.services), Arc::clone(&self.ended));
        let (id, hold) = (source.clone(), leash.clone());
        let task = self.services.tasks.spawn(async move {
            let outcome = read(&services, &id, &hold).await;
            ended.notify_one();
            outcome
        });
        let reading = Reading {
            leash,
            began: now,
            asked: Asked::Nothing,
            task,
        };
        self.readings.insert(source, reading);
    }

    /// Returns the sources that are being read.
    #[cfg(test)]
    pub(crate) fn reading(&self) -> Vec<SourceId> {
        let readings = self.readings.iter();
        let open = readings.filter(|(_, reading)| !reading.task.is_finished());
        open.map(|(source, _)| source.clone()).collect()
    }

    /// Says whether something is being linked.
    #[cfg(test)]
    pub(crate) fn is_linking(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.is_finished())
    }
}

async fn read(services: &Services, source: &SourceId, leash: &Leash) -> Outcome {
    match ingest_on(services, source, leash).await {
        Ok(summary) => {
            let counts = summary.counts;
            tracing::info!(
                %source, run = summary.run.0, rows = counts.rows, records = counts.records,
                rejected = counts.rejected, deleted = counts.deleted, "read by schedule"
            );
            if counts.records + counts.deleted > 0 {
                Outcome::Read
            } else {
                Outcome::Nothing
            }
        }
        Err(IngestError::Connect {
            error: ConnectError::Cancelled,
            ..
        }) => {
            tracing::info!(%source, "a reading by schedule stopped on the way");
            Outcome::Failed
        }
        Err(error) => {
            tracing::warn!(%source, %error, "a reading by schedule failed");
            Outcome::Failed
        }
    }
}

/// Returns the longest time in which nothing may come of a source: one that is read slowly or may
/// take its time for a statement is waited for.
fn patience(protect: Protect, idle: Duration) -> Duration {
    let statement = protect.statement_timeout.map(|most| most + GRACE);
    let chunk = protect.rows_per_second.map(|rows| {
        let rows = rows.max(1);
        Duration::from_secs(u64::from(CHUNK_ROWS.div_ceil(rows)))
    });
    idle.max(statement.unwrap_or_default()) + chunk.unwrap_or_default()
}

impl Why {
    fn error(self, source: &SourceId) -> ConnectError {
        let place = format!("source {source}");
        match self {
            Self::Idle(most) => ConnectError::transient(
                place,
                format!("nothing came for {} s", most.as_secs()),
                "look whether it hangs; sources.idle_s is the longest wait",
            ),
            Self::Deadline(most) => ConnectError::transient(
                place,
                format!("was read for {} s", most.as_secs()),
                "the next reading goes on from there; sources.deadline_s is the longest time",
            ),
        }
    }
}
