//! A citizen's entries over every log of the database, the newest first, and the token of a place in such a list.
//!
//! Invariant: a token works for the caller and the question that it was made for, such as a portal and the history of a
//! citizen, on every node that has the same key, also after a restart.

use std::collections::VecDeque;
use std::sync::Arc;

use rabt_audit::{AuditEvent, Entry, PseudonymKey};
use rabt_policy::Caller;
use rabt_storage::{AuditLog, CaseState, Storage, StorageError};

/// Entries that are read of a log at a time.
const PAGE: u32 = 200;

/// An entry about the citizen, and where it is.
#[derive(Debug)]
pub(super) struct Placed {
    /// Which log, in the order in which they began.
    pub(super) log: usize,
    /// Which leaf.
    pub(super) leaf: u64,
    /// What it says.
    pub(super) entry: Entry,
}

/// The entries about a citizen, one after the other.
pub(super) struct Walk {
    names: Vec<[u8; 32]>,
    logs: Vec<Reading>,
}

/// One log, and how far down it has been read.
struct Reading {
    log: Arc<dyn AuditLog>,
    /// What was read and not taken.
    read: VecDeque<(u64, Entry)>,
    /// Lowest leaf that was read; `None` before the first one.
    before: Option<u64>,
    /// Lowest leaf that was taken.
    taken: Option<u64>,
    ended: bool,
}

/// Returns every log of the database with its origin, in the order in which they began.
pub(crate) async fn logs(
    storage: &dyn Storage,
    own: &str,
) -> Result<Vec<(String, Arc<dyn AuditLog>)>, StorageError> {
    let mut logs = Vec::new();
    for origin in storage.audit_origins().await? {
        if let Some(log) = storage.audit_log_of(&origin).await? {
            logs.push((origin, log));
        }
    }
    if logs.is_empty() {
        logs.push((own.to_owned(), storage.audit_log()));
    }
    Ok(logs)
}

impl Walk {
    /// Begins at the newest entry, or behind the places of a token.
    pub(super) fn begin(
        logs: Vec<(String, Arc<dyn AuditLog>)>,
        names: Vec<[u8; 32]>,
        places: &[u64],
    ) -> Self {
        let logs = logs.into_iter().enumerate().map(|(number, (_, log))| {
            let place = places
                .get(number)
                .copied()
                .filter(|place| *place < u64::MAX);
            Reading {
                log,
                read: VecDeque::new(),
                before: place,
                taken: place,
                ended: false,
            }
        });
        Self {
            names,
            logs: logs.collect(),
        }
    }

    /// Returns the next entry; `None` when there is none left.
    pub(super) async fn next(&mut self) -> Result<Option<Placed>, StorageError> {
        for reading in &mut self.logs {
            reading.fill(&self.names).await?;
        }
        let newest = self.logs.iter().enumerate().filter_map(|(log, reading)| {
            let (_, entry) = reading.read.front()?;
            Some((entry.at, std::cmp::Reverse(log)))
        });
        let Some((_, std::cmp::Reverse(log))) = newest.max() else {
            return Ok(None);
        };
        let reading = &mut self.logs[log];
        let Some((leaf, entry)) = reading.read.pop_front() else {
            return Ok(None);
        };
        reading.taken = Some(leaf);
        Ok(Some(Placed { log, leaf, entry }))
    }

    /// Returns what somebody said to an emergency; `None` for what was none.
    pub(super) async fn case_of(&self, placed: &Placed) -> Result<Option<CaseState>, StorageError> {
        let AuditEvent::Disclosed(disclosed) = &placed.entry.event else {
            return Ok(None);
        };
        if disclosed.question.break_glass.is_empty() {
            return Ok(None);
        }
        let case = self.logs[placed.log].log.case(placed.leaf).await?;
        Ok(case.map(|case| case.state))
    }

    /// Returns the place behind what was taken, of each log.
    pub(super) fn places(&self) -> Vec<u64> {
        let taken = self.logs.iter().map(|reading| reading.taken);
        taken.map(|taken| taken.unwrap_or(u64::MAX)).collect()
    }
}

impl Reading {
    async fn fill(&mut self, names: &[[u8; 32]]) -> Result<(), StorageError> {
        while self.read.is_empty() && !self.ended {
            let page = self.log.entries_about(names, self.before, PAGE).await?;
            self.ended = page.len() < PAGE as usize;
            for (leaf, stored) in page {
                self.before = Some(leaf);
                // one of a newer version cannot be read here
                if let Ok(entry) = Entry::decode(&stored.body) {
                    self.read.push_back((leaf, entry));
                }
            }
        }
        Ok(())
    }
}

/// Returns the token of a place: of a leaf in each log, `u64::MAX` for none yet. The question is the name of the list
/// and what must be the same from page to page.
pub(crate) fn seal(
    key: &PseudonymKey,
    caller: &Caller,
    question: (&str, &str),
    places: &[u64],
) -> String {
    let places = places.iter().map(|place| format!("{place:016x}"));
    let places = places.collect::<Vec<String>>().concat();
    let seal = seal_of(key, caller, question, &places);
    format!("{seal}{places}")
}

/// Returns the place of a token; `None` when it was not given to this caller for this question.
pub(crate) fn open(
    key: &PseudonymKey,
    caller: &Caller,
    question: (&str, &str),
    token: &str,
) -> Option<Vec<u64>> {
    let (seal, places) = token.split_at_checked(24)?;
    if seal != seal_of(key, caller, question, places) || !places.is_ascii() {
        return None;
    }
    let digits = places.as_bytes().chunks(16).map(std::str::from_utf8);
    let places = digits.map(|digits| u64::from_str_radix(digits.ok()?, 16).ok());
    places.collect()
}

fn seal_of(
    key: &PseudonymKey,
    caller: &Caller,
    (list, whose): (&str, &str),
    places: &str,
) -> String {
    let text = format!("{list}\u{1f}{}\u{1f}{whose}\u{1f}{places}", caller.system);
    let seal = key.token(&caller.agency, &text).to_string();
    seal.get(..24).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use rabt_audit::PseudonymKey;
    use rabt_policy::{Caller, Role};

    use super::{open, seal};

    #[test]
    fn tokens_are_bound_to_portal_and_citizen() {
        let portal = |system: &str| Caller {
            agency: "egov".parse().unwrap(),
            system: system.to_owned(),
            role: Role::System,
        };
        let key = PseudonymKey::new(&[1; 32]);
        let (one, other) = (("history", "01"), ("history", "02"));
        let token = seal(&key, &portal("a"), one, &[7, u64::MAX]);
        assert_eq!(
            open(&key, &portal("a"), one, &token),
            Some(vec![7, u64::MAX])
        );
        assert_eq!(open(&key, &portal("b"), one, &token), None);
        assert_eq!(open(&key, &portal("a"), other, &token), None);
        assert_eq!(open(&key, &portal("a"), ("cases", one.1), &token), None);
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(open(&key, &portal("a"), one, &forged), None, "{at}");
        }
        for wrong in ["", "م", &token[..24], &"م".repeat(30)] {
            assert_eq!(open(&key, &portal("a"), one, wrong), None);
        }
    }
}
