//! What is started, let rest and stopped.
//!
//! Invariants: a source is read once at a time; nothing is started outside its window; whatever is
//! due is started in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use rabt_model::{AgencyId, SourceId, Timestamp};
use rabt_storage::SourceState;

use super::due::{Chance, due};
use super::{Action, Asked, Candidate, Pacing, Planned, UnderWay, Why};

/// Returns what to do at `now`.
pub(super) fn plan(
    now: Timestamp,
    pacing: &Pacing,
    candidates: &[Candidate],
    under_way: &[UnderWay],
    chance: Chance,
) -> Planned {
    let mut planned = Planned::default();
    let known: BTreeMap<&SourceId, &Candidate> = candidates
        .iter()
        .map(|candidate| (&candidate.source, candidate))
        .collect();
    for run in under_way {
        let candidate = known.get(&run.source).copied();
        watch(now, pacing, run, candidate, &mut planned);
    }
    let mut slots = Slots::new(pacing, &known, under_way);
    let mut ready = Vec::new();
    for candidate in candidates {
        if slots.reads(&candidate.source) {
            continue;
        }
        let Some(due) = due(candidate, chance) else {
            continue;
        };
        let earliest = due.max(now);
        let opens = candidate
            .window
            .as_ref()
            .map_or(earliest, |window| window.opens(earliest));
        if opens <= now {
            ready.push((due, candidate));
        } else {
            planned.wake_at(opens);
        }
    }
    while let Some(place) = slots.next(&ready) {
        let (_, candidate) = ready.swap_remove(place);
        slots.take(candidate, now);
        planned
            .actions
            .push(Action::Start(candidate.source.clone()));
    }
    planned
}

/// Watches over a reading under way.
fn watch(
    now: Timestamp,
    pacing: &Pacing,
    run: &UnderWay,
    candidate: Option<&Candidate>,
    planned: &mut Planned,
) {
    if run.asked == Asked::Stop {
        return;
    }
    let idle = candidate.map_or(pacing.idle, |candidate| candidate.idle);
    let limits = [
        (run.began, pacing.deadline, Why::Deadline(pacing.deadline)),
        (run.heard.max(run.began), idle, Why::Idle(idle)),
    ];
    for (from, most, why) in limits {
        let end = end(from, most);
        if end <= now {
            let stop = Action::Stop(run.source.clone(), why);
            planned.actions.push(stop);
            return;
        }
        planned.wake_at(end);
    }
    let window = candidate.and_then(|candidate| candidate.window.as_ref());
    if let (Asked::Nothing, Some(window)) = (run.asked, window) {
        let closes = window.closes(now);
        if closes <= now {
            planned.actions.push(Action::Rest(run.source.clone()));
        } else {
            planned.wake_at(closes);
        }
    }
}

fn end(from: Timestamp, most: Duration) -> Timestamp {
    from.checked_add(most).unwrap_or(Timestamp::MAX)
}

impl Planned {
    fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }
}

/// Who reads, and who may begin.
struct Slots<'a> {
    free: usize,
    /// Most readings of one agency.
    share: usize,
    reading: Vec<&'a SourceId>,
    agencies: BTreeMap<&'a AgencyId, Turn>,
    /// Whether a degraded source is being tried.
    probing: bool,
}

/// How an agency stands among the others.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    reading: usize,
    /// When a reading of it last began.
    began: Option<Timestamp>,
}

impl<'a> Slots<'a> {
    fn new(
        pacing: &Pacing,
        known: &BTreeMap<&SourceId, &'a Candidate>,
        under_way: &'a [UnderWay],
    ) -> Self {
        let parallel = pacing.parallel.max(1);
        let mut slots = Self {
            free: parallel.saturating_sub(under_way.len()),
            share: parallel.div_ceil(2),
            reading: under_way.iter().map(|run| &run.source).collect(),
            agencies: BTreeMap::new(),
            probing: false,
        };
        for candidate in known.values() {
            let last = candidate.runs.first().map(|run| run.started_at);
            let turn = slots.agencies.entry(&candidate.agency).or_default();
            turn.began = turn.began.max(last);
        }
        for run in under_way {
            if let Some(candidate) = known.get(&run.source) {
                slots.book(candidate, run.began);
            }
        }
        slots
    }

    fn reads(&self, source: &SourceId) -> bool {
        self.reading.contains(&source)
    }

    /// Returns the place of the source that is next: the agencies take turns, and of an agency the
    /// one that has waited longest.
    fn next(&self, ready: &[(Timestamp, &'a Candidate)]) -> Option<usize> {
        if self.free == 0 {
            return None;
        }
        let may = ready.iter().enumerate().filter(|(_, (_, candidate))| {
            let turn = self.turn(candidate);
            turn.reading < self.share && !(self.probing && is_probe(candidate))
        });
        let first = may.min_by_key(|(_, (due, candidate))| {
            (self.turn(candidate).began, *due, &candidate.source)
        });
        first.map(|(place, _)| place)
    }

    fn turn(&self, candidate: &Candidate) -> Turn {
        self.agencies
            .get(&candidate.agency)
            .copied()
            .unwrap_or_default()
    }

    fn take(&mut self, candidate: &'a Candidate, now: Timestamp) {
        self.free -= 1;
        self.reading.push(&candidate.source);
        self.book(candidate, now);
    }

    fn book(&mut self, candidate: &'a Candidate, began: Timestamp) {
        let turn = self.agencies.entry(&candidate.agency).or_default();
        turn.reading += 1;
        turn.began = turn.began.max(Some(began));
        self.probing |= is_probe(candidate);
    }
}

fn is_probe(candidate: &Candidate) -> bool {
    candidate.state == SourceState::Degraded
}
