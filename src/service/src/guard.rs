//! What callers did lately, and how much their agreements still allow today.
//!
//! Invariant: a look is counted before it is answered. A budget is never exceeded, whatever is asked at
//! once, and a look that completes a pattern is not answered.

mod budget;

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use rabt_audit::Pseudonym;
use rabt_model::{AgencyId, Timestamp};
use rabt_policy::{
    Actor, Conduct, Content, DenialReason, Disclosure, End, Facts, Look, Method, Outcome, Pattern,
    Permit, Target, Verdict,
};
use rustc_hash::FxBuildHasher;

pub(crate) use budget::Budgets;

/// Looks between two times that old conduct is forgotten.
const SWEEP: u64 = 50_000;
/// Nothing older than so many hours belongs to a pattern.
const FORGET: i64 = 25;

/// Whose conduct it is: a person's whichever system they use, else a system's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// The pseudonym says whose person it is, too.
    Person([u8; 32]),
    /// Agency and system.
    System(AgencyId, String),
}

/// What is known of a question before it is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Stands for the identifier or the citizen that was asked about.
    pub(crate) pseudonym: Option<Pseudonym>,
    cohort: Option<u64>,
    wide: bool,
}

/// Keeps what callers did and what was disclosed today.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    conducts: DashMap<Who, Conduct>,
    pub(crate) budgets: Budgets,
    looks: AtomicU64,
}

impl Guard {
    /// Says whether a caller is stopped.
    pub(crate) fn is_stopped(&self, who: &Who, at: Timestamp) -> bool {
        let conduct = self.conducts.get(who);
        conduct.is_some_and(|conduct| conduct.is_stopped(at))
    }

    /// Notes a look that is about to be answered; returns the pattern that it completes.
    pub(crate) fn note(&self, who: &Who, look: Look) -> Option<Pattern> {
        if self.looks.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.forget(look.at);
        }
        let mut conduct = self
            .conducts
            .entry(who.clone())
            .or_insert_with(|| Conduct::new(who.actor()));
        conduct.note(look)
    }

    fn forget(&self, now: Timestamp) {
        let lately = |last: Timestamp| now.duration_since(last).as_hours() < FORGET;
        let keep = |_: &Who, conduct: &mut Conduct| conduct.last().is_some_and(lately);
        self.conducts.retain(keep);
    }
}

impl Who {
    /// Returns whose conduct a question is.
    pub(crate) fn of(facts: &Facts, person: Option<Pseudonym>) -> Self {
        match person {
            Some(person) => Self::Person(person.0),
            None => Self::System(facts.caller().agency.clone(), facts.caller().system.clone()),
        }
    }

    const fn actor(&self) -> Actor {
        match self {
            Self::Person(_) => Actor::Person,
            Self::System(..) => Actor::System,
        }
    }
}

impl Asked {
    /// Returns what is known of a permitted question.
    pub(crate) fn of(permit: &Permit, pseudonym: Option<Pseudonym>) -> Self {
        Self {
            pseudonym,
            cohort: cohort(permit.subject()),
            wide: permit.is_wide(),
        }
    }

    /// Returns a look about nobody: the identifier cannot be one of its scheme.
    pub(crate) fn look_at_nobody(&self, facts: &Facts) -> Look {
        self.look(facts, End::Absent)
    }

    /// Returns the look that an answer is, as patterns see it; nothing for the feed, which is about
    /// everybody.
    pub(crate) fn look_of(&self, disclosure: &Disclosure) -> Option<Look> {
        let facts = disclosure.facts();
        if facts.method().reads_feed() {
            return None;
        }
        let wrong = |verdicts: &[(String, Verdict)]| {
            let mut verdicts = verdicts.iter();
            verdicts.any(|(_, verdict)| *verdict == Verdict::NoMatch)
        };
        let end = match (facts.outcome(), disclosure.content()) {
            (Outcome::Unrelated, _) => End::Unrelated,
            (Outcome::Protected, _) => End::Protected,
            (_, Content::Absent) => End::Absent,
            (_, Content::Candidates(candidates)) if candidates.is_empty() => End::Absent,
            (_, Content::Verified(verdicts)) if wrong(verdicts) => End::Wrong,
            _ => End::Found,
        };
        Some(self.look(facts, end))
    }

    fn look(&self, facts: &Facts, end: End) -> Look {
        // who is hidden is nobody: what was asked by stands for them
        let seen = if facts.outcome() == Outcome::Restricted {
            &[]
        } else {
            facts.subjects()
        };
        let subject = match (seen, self.pseudonym) {
            ([citizen, ..], _) => citizen.bits(),
            ([], Some(pseudonym)) => u128::from(number(&pseudonym)),
            // a search that found nobody stands for itself
            ([], None) => u128::from(number(&facts.at())),
        };
        let case = facts.case_reference().trim();
        Look {
            at: facts.at(),
            subject,
            cohort: self.cohort,
            end,
            case: (!case.is_empty()).then(|| number(&case)),
            search: facts.method() == Method::SearchCitizens,
            wide: self.wide,
            emergency: !facts.break_glass().is_empty(),
        }
    }
}

/// Returns the number of citizens that an answer discloses, for the budget: changes hold no values.
pub(crate) fn disclosed(disclosure: &Disclosure) -> u64 {
    let facts = disclosure.facts();
    match facts.outcome() {
        Outcome::Disclosed
        | Outcome::Verified
        | Outcome::Holdings
        | Outcome::Candidates
        | Outcome::Explained
        | Outcome::Snapshot
        | Outcome::Revisions => facts.subjects().len() as u64,
        Outcome::Denied
        | Outcome::Permitted
        | Outcome::Absent
        | Outcome::Unrelated
        | Outcome::Protected
        | Outcome::Restricted
        | Outcome::Changes => 0,
    }
}

/// Why an answer is not given.
pub(crate) enum Stopped {
    By(Pattern),
    Budget,
}

impl Stopped {
    /// Returns the rule that refuses.
    pub(crate) const fn reason(&self) -> DenialReason {
        match self {
            Self::By(_) => DenialReason::Conduct,
            Self::Budget => DenialReason::Budget,
        }
    }
}

/// Returns what people share who were born on one day in one governorate: the first nine digits of their
/// national id.
fn cohort(target: &Target) -> Option<u64> {
    let Target::Identifier { scheme, value } = target else {
        return None;
    };
    if scheme.as_str() != "national_id" {
        return None;
    }
    let digits = value.expose().chars().filter_map(|c| match c {
        '\u{660}'..='\u{669}' => Some(u64::from(u32::from(c) - 0x660)),
        '\u{6f0}'..='\u{6f9}' => Some(u64::from(u32::from(c) - 0x6f0)),
        c => c.to_digit(10).map(u64::from),
    });
    let digits: Vec<u64> = digits.take(9).collect();
    let folded = digits.iter().fold(0, |number, digit| number * 10 + digit);
    (digits.len() == 9).then_some(folded)
}

fn number(of: &impl Hash) -> u64 {
    FxBuildHasher.hash_one(of)
}
