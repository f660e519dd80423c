//! The end of the feed in memory, for those who have read everything before it.
//!
//! Invariant: what is kept is bounded, whoever reads it or does not; it has no gap and ends with
//! the last change that this node has heard of. Whoever wants what is no longer kept reads storage.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rabt_model::{Change, Timestamp};
use rabt_storage::{Storage, StorageError, StoredChange, Transaction};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

use super::concern::Concerns;

/// Changes that are kept.
const KEPT: usize = 10_000;
/// Changes of one block.
const BLOCK: usize = 500;
/// Watchers that may read storage at once, so that linking and enquiries always find a connection.
const READERS: usize = 2;
/// How long what somebody saw of other nodes' commits counts for everybody.
const SEEN: Duration = Duration::from_millis(500);

/// Some changes that follow each other, shared by all who read them.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) changes: Vec<StoredChange>,
    concerns: OnceCell<Concerns>,
}

/// Where a place in the feed stands to what is kept.
pub(super) enum Place {
    /// Nothing has happened behind it.
    Head,
    /// The next change is in this block.
    In(Arc<Block>),
    /// What is behind it is in storage only.
    Before,
}

/// What is kept, and who is woken by what comes.
#[derive(Debug)]
pub(crate) struct Recent {
    bell: watch::Sender<u64>,
    kept: Mutex<Kept>,
    readers: Semaphore,
    looked: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Kept {
    blocks: VecDeque<Arc<Block>>,
    count: usize,
    /// The last change that this node has heard of; `None` when it has not looked yet.
    last: Option<u64>,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            bell: watch::Sender::new(0),
            kept: Mutex::new(Kept::default()),
            readers: Semaphore::new(READERS),
            looked: tokio::sync::Mutex::new(None),
        }
    }
}

impl Block {
    /// Returns whom the changes concern; storage is asked by the first who wants to know.
    pub(super) async fn concerns(&self, storage: &dyn Storage) -> Result<&Concerns, StorageError> {
        let find = || async {
            let mut tx = storage.snapshot().await?;
            Concerns::find(tx.as_mut(), &self.changes).await
        };
        self.concerns.get_or_try_init(find).await
    }
}

impl Recent {
    /// Takes in what was committed, up to the change `last`, and wakes everybody who waits.
    pub(crate) fn announce(&self, last: u64, changes: Vec<Change>, recorded_at: Timestamp) {
        let before = last.saturating_sub(changes.len() as u64);
        let stored = (before + 1..)
            .zip(changes)
            .map(|(sequence, change)| StoredChange {
                sequence,
                recorded_at,
                change,
            });
        self.take(last, stored.collect());
    }

    /// Returns what somebody waits with: it changes with the last change.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    /// Learns where the feed ended when somebody saw it; of use to a node that has just started.
    pub(super) fn learn(&self, last: u64) {
        self.kept().last.get_or_insert(last);
    }

    /// Returns what is kept behind a place.
    pub(super) fn behind(&self, place: u64) -> Place {
        let kept = self.kept();
        if kept.last == Some(place) {
            return Place::Head;
        }
        let next = place + 1;
        let at = kept.blocks.partition_point(|block| block.last() < next);
        match kept.blocks.get(at) {
            Some(block) if block.first() <= next => Place::In(Arc::clone(block)),
            _ => Place::Before,
        }
    }

    /// Waits for the turn to read storage.
    pub(super) async fn reader(&self) -> Option<SemaphorePermit<'_>> {
        self.readers.acquire().await.ok()
    }

    /// Looks in storage for commits of other nodes, unless somebody has just done so.
    pub(super) async fn look(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < SEEN) {
            return Ok(());
        }
        let mut tx = storage.snapshot().await?;
        let last = tx.last_change().await?;
        self.see(tx.as_mut(), last).await?;
        *looked = Some(Instant::now());
        Ok(())
    }

    /// Takes in what a state of storage holds, of which `last` is the last change.
    pub(crate) async fn see(
        &self,
        tx: &mut dyn Transaction,
        last: u64,
    ) -> Result<(), StorageError> {
        let known = self.kept().last.unwrap_or(0);
        if last > known {
            let most = u32::try_from(KEPT).unwrap_or(u32::MAX);
            let from = known.max(last.saturating_sub(KEPT as u64));
            let changes = tx.changes_after(from, most).await?;
            self.take(last, changes);
        }
        self.learn(last);
        Ok(())
    }

    fn take(&self, last: u64, changes: Vec<StoredChange>) {
        self.kept().take(last, changes);
        self.bell.send_if_modified(|known| {
            let new = last > *known;
            *known = last.max(*known);
            new
        });
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Appends what is new of these changes. Where something between is not known, or not all of
    /// it is at hand, what was kept before is of no use.
    fn take(&mut self, last: u64, mut changes: Vec<StoredChange>) {
        let known = self.last.unwrap_or(0);
        if self.last.is_some() && last <= known {
            return;
        }
        changes.retain(|stored| stored.sequence > known);
        let first = changes.first().map_or(last + 1, |stored| stored.sequence);
        if first != known + 1 {
            self.blocks.clear();
            self.count = 0;
        }
        self.last = Some(last);
        if changes.len() > KEPT {
            changes.drain(..changes.len() - KEPT);
            self.blocks.clear();
            self.count = 0;
        }
        self.count += changes.len();
        while !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(BLOCK));
            self.blocks.push_back(Arc::new(Block {
                changes,
                concerns: OnceCell::new(),
            }));
            changes = rest;
        }
        while self.count > KEPT
            && let Some(oldest) = self.blocks.pop_front()
        {
            self.count -= oldest.changes.len();
        }
    }
}

impl Block {
    fn first(&self) -> u64 {
        self.changes.first().map_or(0, |stored| stored.sequence)
    }

    fn last(&self) -> u64 {
        self.changes.last().map_or(0, |stored| stored.sequence)
    }
}

#[cfg(test)]
mod tests {
    use rabt_model::{Change, ChangeCause, ChangeKind, CitizenId, Timestamp};

    use super::{BLOCK, KEPT, Place, Recent};

    fn tell(recent: &Recent, last: u64, count: usize) {
        let citizen = CitizenId::from_random(1);
        let change = Change::new(ChangeKind::Updated, citizen, ChangeCause::Link);
        recent.announce(last, vec![change; count], Timestamp::UNIX_EPOCH);
    }

    /// Reads on from a place; `None` when storage must be asked.
    fn read(recent: &Recent, mut place: u64) -> Option<Vec<u64>> {
        let mut read = Vec::new();
        loop {
            match recent.behind(place) {
                Place::Head => return Some(read),
                Place::Before => return None,
                Place::In(block) => {
                    let next = block.changes.iter().map(|stored| stored.sequence);
                    read.extend(next.filter(|sequence| *sequence > place));
                    place = *read.last().unwrap();
                }
            }
        }
    }

    #[test]
    fn the_end_of_the_feed_is_read_from_any_kept_place() {
        let recent = Recent::default();
        assert_eq!(
            read(&recent, 0),
            None,
            "a node that has just started asks storage"
        );
        recent.learn(7);
        assert_eq!(read(&recent, 7), Some(vec![]));
        assert_eq!(read(&recent, 6), None);
        tell(&recent, 8, 1);
        tell(&recent, 11, 3);
        for place in 7..=11 {
            assert_eq!(read(&recent, place), Some((place + 1..=11).collect()));
        }
        // the same commit may be seen in storage before it is announced
        tell(&recent, 11, 3);
        assert_eq!(read(&recent, 7), Some((8..=11).collect()));
        tell(&recent, 13, 3);
        assert_eq!(read(&recent, 7), Some((8..=13).collect()));
    }

    #[test]
    fn nothing_is_kept_in_front_of_a_gap() {
        let recent = Recent::default();
        tell(&recent, 3, 3);
        tell(&recent, 9, 2);
        assert_eq!(read(&recent, 3), None);
        assert_eq!(read(&recent, 7), Some(vec![8, 9]));
        recent.learn(12);
        assert_eq!(read(&recent, 7), Some(vec![8, 9]));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let recent = Recent::default();
        let mut last = 0;
        for commit in 1..200 {
            last += commit as u64 * 3;
            tell(&recent, last, commit * 3);
            let kept = recent.kept();
            let held = kept.blocks.iter().map(|block| block.changes.len());
            assert_eq!(held.sum::<usize>(), kept.count);
            assert!(kept.count <= KEPT);
            assert!(kept.blocks.iter().all(|block| block.changes.len() <= BLOCK));
        }
        assert_eq!(read(&recent, last - 9_000).unwrap().len(), 9_000);
        assert_eq!(read(&recent, last - 10_001), None);
        let huge = KEPT * 2;
        tell(&recent, last + huge as u64, huge);
        assert_eq!(recent.kept().count, KEPT);
        assert_eq!(read(&recent, last), None);
    }
}
