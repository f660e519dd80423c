//! A world of sources that are read, fail, hang and are operated, step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use rabt_model::{ErrorClass, RunId, SourceId, Timestamp};
use rabt_storage::{RunError, RunState, SourceState};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::due::{Chance, TRIPS, due, is_scheduled, unreachable_in_a_row};
use super::super::plan::plan;
use super::super::{Action, Asked, Candidate, Pacing, UnderWay};
use super::{at, candidate, minutes, run};

/// The sources, who is being read, and what the planner is held to.
pub(super) struct World {
    random: StdRng,
    now: Timestamp,
    chance: Chance,
    pacing: Pacing,
    sources: Vec<Candidate>,
    under_way: Vec<UnderWay>,
    /// Readings from which nothing comes.
    hanging: Vec<SourceId>,
    runs: i64,
    /// Since when a source could be started and was not.
    waiting: BTreeMap<SourceId, Timestamp>,
    pub(super) starts: BTreeMap<SourceId, u32>,
    pub(super) longest_wait: Duration,
}

const SCHEDULES: [&str; 5] = [
    "[schedule]\nevery = \"5m\"",
    "[schedule]\nevery = \"15m\"\njitter = \"5m\"",
    "[schedule]\nevery = \"30m\"\n[protect]\nwindow = \"22:00-06:00\"\nzone = \"Africa/Cairo\"",
    "[schedule]\ncron = \"*/20 * * * *\"\nzone = \"Africa/Cairo\"\n[protect]\nwindow = \"00:00-13:30\"\nzone = \"Africa/Cairo\"",
    "[schedule]\ncron = \"30 0 * * *\"\nzone = \"Africa/Cairo\"\njitter = \"1h\"",
];

impl World {
    /// Makes a world that begins in the week in which Cairo puts its clock forward.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut sources = Vec::new();
        for (agency, offices) in [("alone", 1), ("pair", 2), ("some", 4), ("many", 9)] {
            for office in 0..offices {
                let schedule = SCHEDULES[random.random_range(0..SCHEDULES.len())];
                let mut source = candidate(agency, &format!("o{office}"), schedule);
                source.since = at("2026-04-20T00:00:00Z");
                source.state = SourceState::Approved;
                sources.push(source);
            }
        }
        Self {
            now: at("2026-04-20T00:00:00Z"),
            chance: Chance(random.random()),
            pacing: Pacing {
                parallel: random.random_range(1..6),
                deadline: minutes(40),
                idle: minutes(5),
            },
            random,
            sources,
            under_way: Vec::new(),
            hanging: Vec::new(),
            runs: 0,
            waiting: BTreeMap::new(),
            starts: BTreeMap::new(),
            longest_wait: Duration::ZERO,
        }
    }

    /// Lets some time pass, something happen and the planner act.
    pub(super) fn step(&mut self) {
        let passed = self.random.random_range(1..400);
        self.now += Duration::from_secs(passed);
        if self.random.random_ratio(1, 200) {
            self.restart();
        }
        self.read();
        self.operate();
        let planned = plan(
            self.now,
            &self.pacing,
            &self.sources,
            &self.under_way,
            self.chance,
        );
        assert!(
            planned.wake.is_none_or(|wake| wake > self.now),
            "it would spin"
        );
        for action in planned.actions {
            self.act(action);
        }
        self.check();
    }

    /// Another process takes over: readings are lost, and chance is another.
    fn restart(&mut self) {
        self.chance = Chance(self.random.random());
        for lost in std::mem::take(&mut self.under_way) {
            self.end(&lost, RunState::Interrupted, None);
        }
    }

    fn read(&mut self) {
        for mut reading in std::mem::take(&mut self.under_way) {
            let hangs = self.hanging.contains(&reading.source);
            if !hangs {
                reading.heard = self.now;
            }
            let stopped = reading.asked != Asked::Nothing && !hangs;
            let ends = !hangs && self.random.random_ratio(1, 3);
            if reading.asked == Asked::Stop {
                self.end(
                    &reading,
                    RunState::Failed,
                    Some(ErrorClass::SourceUnreachable),
                );
            } else if stopped {
                self.end(&reading, RunState::Cancelled, None);
            } else if ends {
                let (state, class) = match self.random.random_range(0..12) {
                    0..=2 => (RunState::Failed, Some(ErrorClass::SourceUnreachable)),
                    3 => (RunState::Failed, Some(ErrorClass::Overloaded)),
                    4 => (RunState::Failed, Some(ErrorClass::Configuration)),
                    _ => (RunState::Succeeded, None),
                };
                self.end(&reading, state, class);
            } else {
                self.under_way.push(reading);
            }
        }
    }

    fn end(&mut self, reading: &UnderWay, state: RunState, class: Option<ErrorClass>) {
        self.hanging.retain(|source| *source != reading.source);
        let now = self.now;
        let source = self.source(&reading.source);
        let last = &mut source.runs[0];
        assert_eq!(last.state, RunState::Running);
        last.state = state;
        last.finished_at = Some(now);
        last.error = class.map(|class| RunError {
            class,
            summary: String::new(),
        });
        if source.state == SourceState::Paused {
            return;
        }
        source.state = match (state, class) {
            (RunState::Succeeded, _) => SourceState::Live,
            (RunState::Failed, Some(ErrorClass::Configuration)) => SourceState::Quarantined,
            _ if unreachable_in_a_row(&source.runs) >= TRIPS => SourceState::Degraded,
            _ => source.state,
        };
    }

    /// Operators pause sources and look after those that wait for them.
    fn operate(&mut self) {
        let place = self.random.random_range(0..self.sources.len());
        let state = self.sources[place].state;
        let waits = matches!(state, SourceState::Paused | SourceState::Quarantined);
        let next = if waits {
            SourceState::Approved
        } else if self.random.random_ratio(1, 40) {
            SourceState::Paused
        } else {
            return;
        };
        self.sources[place].state = next;
        self.sources[place].since = self.now;
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Start(id) => self.start(&id),
            Action::Rest(id) => {
                let window = self.source(&id).window.clone().unwrap();
                assert!(!window.contains(self.now), "the window is open");
                self.ask(&id, Asked::Rest);
            }
            Action::Stop(id, _) => self.ask(&id, Asked::Stop),
        }
    }

    fn ask(&mut self, id: &SourceId, asked: Asked) {
        let mut readings = self.under_way.iter_mut();
        let reading = readings.find(|reading| reading.source == *id).unwrap();
        assert!(reading.asked < asked, "it was asked already");
        reading.asked = asked;
    }

    fn start(&mut self, id: &SourceId) {
        let twice = self.under_way.iter().any(|reading| reading.source == *id);
        assert!(!twice, "{id} is read twice at once");
        self.runs += 1;
        let (now, number) = (self.now, self.runs);
        let source = self.source(id);
        assert!(is_scheduled(source.state), "{id} may not be read");
        let open = source
            .window
            .as_ref()
            .is_none_or(|window| window.contains(now));
        assert!(open, "{id} is started outside its window");
        let mut begun = run(number, "2026-01-01T00:00:00Z", RunState::Running, None);
        begun.run = RunId(number);
        begun.started_at = now;
        begun.finished_at = None;
        source.runs.insert(0, begun);
        source.runs.truncate(8);
        if source.state == SourceState::Approved {
            source.state = SourceState::Snapshot;
        }
        if self.random.random_ratio(1, 20) {
            self.hanging.push(id.clone());
        }
        *self.starts.entry(id.clone()).or_default() += 1;
        self.under_way.push(UnderWay {
            source: id.clone(),
            began: now,
            heard: now,
            asked: Asked::Nothing,
        });
    }

    fn source(&mut self, id: &SourceId) -> &mut Candidate {
        let mut sources = self.sources.iter_mut();
        sources.find(|source| source.source == *id).unwrap()
    }

    /// Holds the planner to its limits, and sees who has waited how long.
    fn check(&mut self) {
        assert!(self.under_way.len() <= self.pacing.parallel);
        let reading = |source: &Candidate| {
            let mut readings = self.under_way.iter();
            readings.any(|reading| reading.source == source.source)
        };
        for agency in ["alone", "pair", "some", "many"] {
            let of_agency = |source: &&Candidate| source.agency.as_str() == agency;
            let count = self.sources.iter().filter(of_agency).filter(|s| reading(s));
            assert!(
                count.count() <= self.pacing.parallel.div_ceil(2),
                "{agency}"
            );
        }
        let degraded = |source: &&Candidate| source.state == SourceState::Degraded;
        let probes = self.sources.iter().filter(degraded).filter(|s| reading(s));
        assert!(
            probes.count() <= 1,
            "degraded sources are tried one at a time"
        );
        let now = self.now;
        let ready = |source: &&Candidate| {
            let open = source
                .window
                .as_ref()
                .is_none_or(|window| window.contains(now));
            !reading(source) && open && due(source, self.chance).is_some_and(|due| due <= now)
        };
        let ready: Vec<SourceId> = self
            .sources
            .iter()
            .filter(ready)
            .map(|source| source.source.clone())
            .collect();
        self.waiting.retain(|source, _| ready.contains(source));
        for source in ready {
            let since = *self.waiting.entry(source).or_insert(now);
            let waited = Duration::try_from(now.duration_since(since)).unwrap();
            self.longest_wait = self.longest_wait.max(waited);
        }
    }
}
