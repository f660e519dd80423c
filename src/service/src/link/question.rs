//! What a feed of records leaves for clerks to answer, kept as review tasks.
//!
//! Invariant: the open tasks are a function of the pairs in the index, the clusters and the
//! decisions in force; only claims and proposals are added by people.

use rabt_linkage::{Judgements, Linked};
use rabt_model::{CitizenId, Judgement, RecordNumber, RecordPair, ReviewKind, Timestamp};
use rabt_storage::{NewTask, StorageError, TaskPlace, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Linker;
use super::partition::Held;

/// Tasks that are read at a time.
const PAGE: u32 = 10_000;

/// The pairs across clusters that a feed reported. Later reports replace earlier ones.
#[derive(Debug, Default)]
pub(super) struct Questions {
    touched: FxHashSet<RecordNumber>,
    pairs: FxHashMap<RecordPair, i32>,
}

/// The best pair of two citizens on its way to a task.
struct Asked {
    left: RecordNumber,
    right: RecordNumber,
    weight: i32,
    pairs: u32,
}

impl Questions {
    /// Takes a report; `gone` are records that were removed with it.
    pub(super) fn report(&mut self, linked: &mut Linked, gone: &[RecordNumber]) {
        let told = linked.clusters.iter().flatten().chain(gone);
        if self.pairs.is_empty() {
            self.touched.extend(told);
        } else {
            let told: FxHashSet<RecordNumber> = told.copied().collect();
            self.pairs
                .retain(|(left, right), _| !told.contains(left) && !told.contains(right));
            self.touched.extend(told);
        }
        let pairs = std::mem::take(&mut linked.questions).into_iter();
        self.pairs
            .extend(pairs.map(|(left, right, weight)| ((left, right), weight)));
    }

    /// Returns the citizens who have the touched records now.
    pub(super) fn citizens(&self, held: &Held) -> FxHashSet<CitizenId> {
        self.touched
            .iter()
            .filter_map(|record| held.of(*record))
            .collect()
    }

    /// Returns the tasks that are to be open, in the order of their records. `link` is the link
    /// threshold.
    fn tasks(&self, held: &Held, judgements: &Judgements, link: i32) -> Vec<NewTask> {
        let asked = self.by_citizens(held);
        let settled = self.settled(held, judgements);
        let mut strong: FxHashMap<CitizenId, usize> = FxHashMap::default();
        for ((one, other), _) in asked.iter().filter(|(_, asked)| asked.weight >= link) {
            *strong.entry(*one).or_default() += 1;
            *strong.entry(*other).or_default() += 1;
        }
        let open = asked.iter().filter(|(pair, _)| !settled.contains(*pair));
        let tasks = open.filter_map(|((one, other), asked)| {
            let kind = match asked.weight >= link {
                false => ReviewKind::Band,
                true if strong[one] > 1 || strong[other] > 1 => ReviewKind::Ambiguous,
                true => ReviewKind::Conflict,
            };
            let worth = held.size(*one) + held.size(*other);
            Some(NewTask {
                kind,
                left: (asked.left, held.of(asked.left)?),
                right: (asked.right, held.of(asked.right)?),
                weight: asked.weight,
                pairs: asked.pairs,
                worth: u32::try_from(worth).unwrap_or(u32::MAX),
            })
        });
        let mut tasks: Vec<NewTask> = tasks.collect();
        tasks.sort_unstable_by_key(|task| (task.left.0, task.right.0));
        tasks
    }

    fn by_citizens(&self, held: &Held) -> FxHashMap<(CitizenId, CitizenId), Asked> {
        let mut asked: FxHashMap<(CitizenId, CitizenId), Asked> = FxHashMap::default();
        for ((left, right), weight) in &self.pairs {
            let (Some(one), Some(other)) = (held.of(*left), held.of(*right)) else {
                continue;
            };
            if one == other {
                continue;
            }
            let new = Asked {
                left: *left,
                right: *right,
                weight: *weight,
                pairs: 0,
            };
            let best = asked.entry((one.min(other), one.max(other))).or_insert(new);
            best.pairs += 1;
            let rank = (-*weight, *left, *right);
            if rank < (-best.weight, best.left, best.right) {
                (best.left, best.right, best.weight) = (*left, *right, *weight);
            }
        }
        asked
    }

    /// Returns pairs of citizens of whom somebody said that they are two, or that nobody can tell.
    fn settled(&self, held: &Held, judgements: &Judgements) -> FxHashSet<(CitizenId, CitizenId)> {
        let mut settled = FxHashSet::default();
        if judgements.is_empty() {
            return settled;
        }
        for record in &self.touched {
            let others = judgements.about(*record);
            let others = others.filter(|(_, judgement, _)| *judgement != Judgement::Same);
            for (other, ..) in others {
                if let (Some(one), Some(two)) = (held.of(*record), held.of(other)) {
                    settled.insert((one.min(two), one.max(two)));
                }
            }
        }
        settled
    }
}

impl Linker {
    /// Makes the tasks of everybody who was touched those that are to be open. `before` had the
    /// touched records before the feed; the memberships are those behind it.
    pub(super) async fn put_tasks(
        &mut self,
        tx: &mut dyn Transaction,
        questions: &Questions,
        before: &FxHashSet<CitizenId>,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        let link = self.index.model().decision.link;
        let tasks = questions.tasks(&self.held, self.index.judgements(), link);
        if tasks.is_empty() && self.asked.is_empty() {
            return Ok(());
        }
        let mut named: FxHashSet<CitizenId> = FxHashSet::default();
        for task in &tasks {
            named.extend([task.left.1, task.right.1]);
        }
        let mut citizens: FxHashSet<CitizenId> = questions.citizens(&self.held);
        citizens.extend(before);
        citizens.retain(|citizen| named.contains(citizen) || self.asked.contains(citizen));
        let mut list: Vec<CitizenId> = citizens.iter().copied().collect();
        list.sort_unstable();
        if list.is_empty() {
            return Ok(());
        }
        tx.put_tasks(&list, &tasks, at).await?;
        self.asked.retain(|citizen| !citizens.contains(citizen));
        self.asked.extend(named);
        Ok(())
    }
}

/// Returns the citizens whom an open task names.
pub(super) async fn asked_of(
    tx: &mut dyn Transaction,
) -> Result<FxHashSet<CitizenId>, StorageError> {
    let mut asked = FxHashSet::default();
    let mut after: Option<TaskPlace> = None;
    loop {
        let page = tx
            .tasks_after(&rabt_storage::TaskFilter::default(), after, PAGE)
            .await?;
        let Some(last) = page.last() else {
            return Ok(asked);
        };
        after = Some(last.place());
        for task in &page {
            asked.extend([task.task.left.1, task.task.right.1]);
        }
    }
}
