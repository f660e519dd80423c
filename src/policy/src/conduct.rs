//! What callers do over time, and the patterns that no honest work shows.
//!
//! Pure: the same looks in the same order give the same word. A look that completes a pattern is not
//! answered, and its caller is stopped for a while.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// Looks that are remembered of one caller; none of the limits reaches it.
const REMEMBERED: usize = 64;

/// How long a caller is stopped.
pub const STOPPED_FOR: SignedDuration = SignedDuration::from_hours(1);

const MINUTES_10: SignedDuration = SignedDuration::from_mins(10);
const MINUTES_15: SignedDuration = SignedDuration::from_mins(15);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// One question of a caller that was permitted, as far as patterns need it. No value of a citizen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// About whom: a number that stands for one citizen, or for one identifier that nobody has.
    pub subject: u128,
    /// The part of a national id that people share who were born on one day in one place.
    pub cohort: Option<u64>,
    /// What came of it.
    pub end: End,
    /// A number that stands for the case reference; none when there was none.
    pub case: Option<u64>,
    /// Whether it searched.
    pub search: bool,
    /// Whether it asked for more than the agreement's default.
    pub wide: bool,
    /// Whether it went round the gate.
    pub emergency: bool,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Somebody was found.
    Found,
    /// There is nobody.
    Absent,
    /// The caller holds no file on them.
    Unrelated,
    /// They are protected.
    Protected,
    /// A claim about them was wrong.
    Wrong,
}

/// A pattern that stops a caller. The codes are stable: they stand in audit entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// Numbers one after the other.
    Sequence,
    /// Numbers that nobody has.
    Probing,
    /// Many citizens in little time.
    Breadth,
    /// Many looks without a case.
    Caseless,
    /// One case for many citizens.
    OneCase,
    /// One citizen again and again.
    Repeated,
    /// Wrong claims about one citizen.
    Guessing,
    /// Many searches in little time.
    Searching,
    /// More than the default, again and again.
    WideMasks,
    /// Citizens on whom there is no file.
    Strangers,
    /// Protected citizens.
    Protected,
    /// Emergencies, again and again.
    Emergencies,
}

/// Who a conduct is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person at the calling agency.
    Person,
    /// A system that asks for no person.
    System,
}

/// What one caller did lately.
#[derive(Debug, Clone)]
pub struct Conduct {
    actor: Actor,
    looks: VecDeque<Look>,
    stopped_until: Option<Timestamp>,
}

impl Pattern {
    /// Every pattern, in the order in which they are looked for.
    pub const ALL: [Self; 12] = [
        Self::Sequence,
        Self::Probing,
        Self::Guessing,
        Self::Protected,
        Self::Emergencies,
        Self::Strangers,
        Self::Repeated,
        Self::OneCase,
        Self::Searching,
        Self::WideMasks,
        Self::Caseless,
        Self::Breadth,
    ];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sequence => "SEQUENCE",
            Self::Probing => "PROBING",
            Self::Breadth => "BREADTH",
            Self::Caseless => "CASELESS",
            Self::OneCase => "ONE_CASE",
            Self::Repeated => "REPEATED",
            Self::Guessing => "GUESSING",
            Self::Searching => "SEARCHING",
            Self::WideMasks => "WIDE_MASKS",
            Self::Strangers => "STRANGERS",
            Self::Protected => "PROTECTED",
            Self::Emergencies => "EMERGENCIES",
        }
    }

    /// Returns the number of the look that is not answered any more, and within which time.
    pub const fn limit(self, actor: Actor) -> (usize, SignedDuration) {
        match self {
            Self::Sequence => (8, HOUR),
            Self::Probing => match actor {
                Actor::Person => (20, HOUR),
                Actor::System => (50, MINUTES_10),
            },
            Self::Breadth => (40, MINUTES_10),
            Self::Caseless => (30, HOUR),
            Self::OneCase => (15, DAY),
            Self::Repeated => (12, DAY),
            Self::Guessing => (10, HOUR),
            Self::Searching | Self::WideMasks => (25, MINUTES_15),
            Self::Strangers => (10, HOUR),
            Self::Protected => (3, DAY),
            Self::Emergencies => (4, DAY),
        }
    }

    /// Says whether systems that ask for no person show the pattern too.
    pub const fn is_of(self, actor: Actor) -> bool {
        match actor {
            Actor::Person => true,
            Actor::System => matches!(self, Self::Sequence | Self::Probing | Self::Guessing),
        }
    }

    /// Returns how many looks there are of the pattern that the last one belongs to; 0 when it belongs
    /// to none.
    fn count(self, looks: &VecDeque<Look>, last: &Look, within: SignedDuration) -> usize {
        let recent = || {
            let looks = looks.iter();
            looks.filter(|look| last.at.duration_since(look.at) <= within)
        };
        match self {
            Self::Sequence => match last.cohort {
                None => 0,
                Some(_) => distinct(recent().filter(|look| look.cohort == last.cohort)),
            },
            Self::Probing => of_kind(last, recent(), |look| look.end == End::Absent),
            Self::Strangers => of_kind(last, recent(), |look| look.end == End::Unrelated),
            Self::Protected => of_kind(last, recent(), |look| look.end == End::Protected),
            Self::Emergencies => of_kind(last, recent(), |look| look.emergency),
            Self::Searching => of_kind(last, recent(), |look| look.search),
            Self::WideMasks => of_kind(last, recent(), |look| look.wide),
            Self::Caseless => of_kind(last, recent(), |look| look.case.is_none()),
            Self::Guessing => of_kind(last, recent(), |look| {
                look.end == End::Wrong && look.subject == last.subject
            }),
            Self::Repeated => recent().filter(|look| look.subject == last.subject).count(),
            Self::OneCase => match last.case {
                None => 0,
                Some(_) => distinct(recent().filter(|look| look.case == last.case)),
            },
            Self::Breadth => distinct(recent().filter(|look| look.end == End::Found)),
        }
    }
}

impl Conduct {
    /// Returns the conduct of a caller who has done nothing yet.
    pub const fn new(actor: Actor) -> Self {
        Self {
            actor,
            looks: VecDeque::new(),
            stopped_until: None,
        }
    }

    /// Says whether the caller is stopped at an instant.
    pub fn is_stopped(&self, at: Timestamp) -> bool {
        self.stopped_until.is_some_and(|until| at < until)
    }

    /// Returns when the caller last asked, or until when it is stopped.
    pub fn last(&self) -> Option<Timestamp> {
        let asked = self.looks.back().map(|look| look.at);
        asked.max(self.stopped_until)
    }

    /// Notes a look before it is answered. Returns the pattern that it completes: it is not answered then,
    /// and the caller is stopped.
    pub fn note(&mut self, look: Look) -> Option<Pattern> {
        if self.looks.len() == REMEMBERED {
            self.looks.pop_front();
        }
        // A clock that was moved back hides nothing: looks are no older than the last one.
        let latest = self.looks.back().map_or(look.at, |last| last.at);
        let look = Look {
            at: look.at.max(latest),
            ..look
        };
        self.looks.push_back(look);
        let shown = |pattern: &Pattern| {
            let (limit, within) = pattern.limit(self.actor);
            pattern.is_of(self.actor) && pattern.count(&self.looks, &look, within) >= limit
        };
        let pattern = Pattern::ALL.into_iter().find(shown)?;
        self.looks.clear();
        self.stopped_until = look.at.checked_add(STOPPED_FOR).ok();
        Some(pattern)
    }
}

/// Returns the number of looks of a kind, when the last one is of it.
fn of_kind<'l>(
    last: &Look,
    looks: impl Iterator<Item = &'l Look>,
    kind: impl Fn(&Look) -> bool,
) -> usize {
    if !kind(last) {
        return 0;
    }
    looks.filter(|look| kind(look)).count()
}

/// Returns the number of citizens that looks are about.
fn distinct<'l>(looks: impl Iterator<Item = &'l Look>) -> usize {
    let mut subjects: Vec<u128> = looks.map(|look| look.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects.len()
}

#[cfg(test)]
mod tests;
