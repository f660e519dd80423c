//! How many citizens were disclosed today under which agreement.

use dashmap::DashMap;
use rabt_audit::{AuditEvent, Disclosed, Entry};
use rabt_model::{AgreementId, Timestamp};
use rabt_policy::{Budget, Policy};
use rabt_storage::{AuditLog, StorageError};
use rustc_hash::FxHashMap;

/// Entries that are read at a time.
const PAGE: u64 = 2_000;
const SECONDS_OF_A_DAY: i64 = 86_400;

/// What was disclosed, by agreement. Days are those of UTC.
#[derive(Debug, Default)]
pub(crate) struct Budgets(DashMap<AgreementId, Day>);

#[derive(Debug, Default)]
struct Day {
    /// Since 1970.
    number: i64,
    used: u64,
    /// By the pseudonym of the end user.
    users: FxHashMap<[u8; 32], u64>,
}

impl Budgets {
    /// Takes so many citizens of an agreement's budget, all or none; says whether they were there.
    pub(crate) fn take(
        &self,
        agreement: &AgreementId,
        budget: Budget,
        user: Option<[u8; 32]>,
        count: u64,
        at: Timestamp,
    ) -> bool {
        if count == 0 || budget == Budget::default() {
            return true;
        }
        let mut day = self.0.entry(agreement.clone()).or_default();
        day.reach(day_of(at));
        let of_user = user.map_or(0, |user| day.users.get(&user).copied().unwrap_or(0));
        let fits = |used: u64, limit: Option<u64>| limit.is_none_or(|most| used + count <= most);
        let is_known = user.is_some_and(|user| day.users.contains_key(&user));
        let users = day.users.len() as u64;
        let has_place = is_known || budget.end_users.is_none_or(|most| users < most);
        // who names no end user has the budget of nobody
        let user_fits = match user {
            Some(_) => fits(of_user, budget.per_end_user) && has_place,
            None => budget.per_end_user.is_none() && budget.end_users.is_none(),
        };
        if !fits(day.used, budget.per_day) || !user_fits {
            return false;
        }
        day.add(user, count);
        true
    }

    /// Counts what a log says was disclosed today, so that a restart gives nobody a second budget.
    pub(crate) async fn restore(
        &self,
        log: &dyn AuditLog,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let limited = |id: &AgreementId| {
            let agreement = policy.agreement(id.as_str());
            agreement.is_some_and(|one| one.terms().budget() != Budget::default())
        };
        if !policy.agreements().iter().any(|one| limited(one.id())) {
            return Ok(());
        }
        let (today, mut end) = (day_of(now), log.size().await?);
        // what has left for the archive is older
        let held = log.archived().await?.size;
        while end > held {
            let first = end.saturating_sub(PAGE).max(held);
            let page = log.entries(first, end - first).await?;
            let mut before = false;
            for (_, stored) in &page {
                let Ok(entry) = Entry::decode(&stored.body) else {
                    continue;
                };
                before |= day_of(entry.at) < today;
                if let AuditEvent::Disclosed(disclosed) = &entry.event
                    && day_of(entry.at) == today
                    && let Some(agreement) = &disclosed.question.agreement
                    && limited(agreement)
                {
                    self.count(agreement, disclosed, today);
                }
            }
            if before {
                break;
            }
            end = first;
        }
        Ok(())
    }

    fn count(&self, agreement: &AgreementId, disclosed: &Disclosed, today: i64) {
        let nothing = ["absent", "unrelated", "protected", "restricted", "changes"];
        if nothing.contains(&disclosed.outcome.as_str()) {
            return;
        }
        let mut day = self.0.entry(agreement.clone()).or_default();
        day.reach(today);
        let user = disclosed.question.end_user.map(|user| user.0);
        day.add(user, disclosed.subjects.len() as u64);
    }
}

impl Day {
    /// A later day begins with nothing used; a clock that was moved back begins no day anew.
    fn reach(&mut self, number: i64) {
        if number > self.number {
            *self = Self {
                number,
                ..Self::default()
            };
        }
    }

    fn add(&mut self, user: Option<[u8; 32]>, count: u64) {
        self.used += count;
        if let Some(user) = user {
            *self.users.entry(user).or_default() += count;
        }
    }
}

fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS_OF_A_DAY)
}
