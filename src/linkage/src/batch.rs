//! A whole file at once: standardise on every core, block, score, cluster.
//!
//! The steps are the same functions that the resident [`Index`](crate::Index) calls, so that one
//! record at a time gives what a batch gives. Memory is a card, a key for every blocking rule and
//! an identity for each record, the members of blocks, and the pairs worth keeping.

mod arrangement;
mod histogram;
mod partition;
mod train;

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

pub use histogram::WeightHistogram;
pub use partition::Partition;
pub use train::{Trained, TrainingError, TrainingOptions};

use arrangement::Arrangement;

use crate::blocking::{Blocks, KeyLayout, RuleCount, SkippedBlock};
use crate::comparison::weight;
use crate::evaluation::{Blocking, Judge};
use crate::explanation::{self, Explanation};
use crate::model::LinkageModel;
use crate::standardise::{BLOCK, Cells, Standardised};

/// A pair of records, the lower row first, and its weight in 1/1024 bit.
pub type Edge = (u32, u32, i32);

/// Standardises parts of a file, on as many threads as call it.
#[derive(Debug)]
pub struct Standardiser {
    model: Arc<LinkageModel>,
    idle: Mutex<Vec<Standardised>>,
}

impl Standardiser {
    /// Records of a part; the last part of a file may have fewer.
    pub const PART: usize = BLOCK;

    /// Returns a standardiser that has read nothing.
    pub fn new(model: Arc<LinkageModel>) -> Self {
        Self {
            model,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Reads part `place` of the file: `read(push)` calls `push(identity, cells)` for each of its
    /// records, in order.
    pub fn read(&self, place: usize, read: impl FnOnce(&mut dyn FnMut(&str, &Cells<'_>))) {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut data = idle.unwrap_or_else(|| Standardised::new(&self.model));
        data.begin_block(place);
        read(&mut |identity, cells| data.push(&self.model, identity, cells));
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(data);
    }

    /// Puts the parts together; rows are numbered in the order of their parts.
    pub fn finish(self) -> Batch {
        let mut parts = self
            .idle
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_iter();
        let mut data = parts
            .next()
            .unwrap_or_else(|| Standardised::new(&self.model));
        for part in parts {
            data.absorb(&self.model, part);
        }
        data.settle();
        let arrangement = Arrangement::arrange(&self.model, &mut data);
        Batch {
            model: self.model,
            arrangement,
            data,
        }
    }
}

/// Standardised records of a whole file.
#[derive(Debug)]
pub struct Batch {
    model: Arc<LinkageModel>,
    arrangement: Arrangement,
    data: Standardised,
}

impl Batch {
    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Says whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.data.len() == 0
    }

    /// Returns the model by which the records were standardised.
    pub fn model(&self) -> &Arc<LinkageModel> {
        &self.model
    }

    /// Puts another model in the place of the one by which the records were standardised.
    ///
    /// # Panics
    /// When the two do not have the same columns and comparisons: cards would be read wrongly.
    pub fn set_model(&mut self, model: Arc<LinkageModel>) {
        assert!(
            model.standardises_as(&self.model),
            "another model of the same columns and comparisons"
        );
        self.model = model;
    }

    /// Returns the number of values that were set aside as placeholders.
    pub fn placeholders(&self) -> u64 {
        self.data.placeholders()
    }

    /// Groups the records by the model's blocking rules.
    pub fn block(&self) -> Candidates<'_> {
        let blocks = Blocks::build(&self.model, &KeyLayout::of(&self.model), &self.data);
        Candidates {
            batch: self,
            blocks,
        }
    }

    /// Explains a pair of rows.
    pub fn explain(&self, left: u32, right: u32) -> Explanation {
        let [left, right] = [left, right].map(|row| self.arrangement.place(row));
        explanation::explain(&self.model, &self.data, left, right)
    }

    /// Finds who is who among the links.
    pub fn cluster(&self, edges: &[Edge]) -> Partition {
        let place = |row| self.arrangement.place(row);
        let edges: Vec<Edge> = edges.par_iter().map(|edge| moved(*edge, place)).collect();
        let partition = partition::partition(&self.model, &self.data, &edges);
        partition.moved(|place| self.arrangement.row(place))
    }
}

/// The candidate pairs of a batch.
pub struct Candidates<'a> {
    batch: &'a Batch,
    blocks: Blocks,
}

/// What came of comparing the candidate pairs.
#[derive(Debug, Clone, Default)]
pub struct Scored {
    /// Pairs compared, each once.
    pub candidate_pairs: u64,
    /// Pairs at or above the review threshold, in ascending order.
    pub edges: Vec<Edge>,
    /// All pairs compared, by weight.
    pub weights: WeightHistogram,
}

impl Candidates<'_> {
    /// Returns what each rule makes, before anything is compared.
    pub fn counts(&self) -> Vec<RuleCount> {
        self.blocks.counts()
    }

    /// Returns the blocks whose pairs are not made.
    pub fn skipped(&self) -> &[SkippedBlock] {
        &self.blocks.skipped
    }

    /// Compares and weighs every pair; `progress` is called now and then with the number of pairs
    /// since its last call.
    pub fn score(&self, progress: impl Fn(u64) + Sync) -> Scored {
        let Batch {
            model,
            data,
            arrangement,
        } = self.batch;
        score_all(
            model,
            data,
            &self.blocks,
            |at| arrangement.row(at),
            progress,
        )
    }

    /// Judges the candidate pairs by the true person of each record, without comparing or keeping
    /// any. `people` has an entry for every row, `None` where the person is not known.
    ///
    /// # Panics
    /// When `people` has fewer entries than there are rows.
    pub fn judge(&self, people: &[Option<u32>]) -> Blocking {
        let judge = Judge::new(people);
        let row = |place| self.batch.arrangement.row(place) as usize;
        let parts = self.blocks.for_each_pair(
            |_| {},
            || (0_u64, 0_u64),
            |(judged, right), one, other| {
                if let Some(same) = judge.see(row(one), row(other)) {
                    *judged += 1;
                    *right += u64::from(same);
                }
            },
        );
        let (judged, right): (Vec<u64>, Vec<u64>) = parts.into_iter().unzip();
        judge.finish(judged.iter().sum(), right.iter().sum())
    }

    /// Returns the rules by which two rows are candidates; none when they are not.
    pub fn shared_rules(&self, left: u32, right: u32) -> Vec<String> {
        let rules = &self.batch.model.blocking;
        let [left, right] = [left, right].map(|row| self.batch.arrangement.place(row));
        let shared = self.blocks.shared_rules(left, right);
        shared.map(|rule| rules[rule].id.clone()).collect()
    }
}

/// Returns an edge between the same records by other numbers of theirs.
fn moved((left, right, weight): Edge, number: impl Fn(u32) -> u32) -> Edge {
    let (left, right) = (number(left), number(right));
    (left.min(right), left.max(right), weight)
}

/// Compares and weighs the candidate pairs of a batch; edges are between the numbers that `number`
/// gives for records.
pub(crate) fn score_all(
    model: &LinkageModel,
    data: &Standardised,
    blocks: &Blocks,
    number: impl Fn(u32) -> u32 + Sync,
    progress: impl Fn(u64) + Sync,
) -> Scored {
    const TELL: u64 = 1 << 16;
    let parts = blocks.for_each_pair(
        |row| data.prefetch(row),
        Scored::default,
        |own, left, right| {
            own.candidate_pairs += 1;
            if own.candidate_pairs % TELL == 0 {
                progress(TELL);
            }
            let weight = weight(model, data, left, right);
            own.weights.add(weight);
            if weight.0 >= model.decision.review {
                own.edges.push(moved((left, right, weight.0), &number));
            }
        },
    );
    let mut scored = Scored::default();
    for part in parts {
        scored.candidate_pairs += part.candidate_pairs;
        scored.edges.extend(part.edges);
        scored.weights.merge(&part.weights);
    }
    scored.edges.par_sort_unstable();
    scored
}

#[cfg(test)]
mod tests;
