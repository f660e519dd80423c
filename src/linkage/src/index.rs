//! The resident candidate index: every live record's card, its blocking keys and its edges.
//!
//! It is rebuilt from storage and never a source of truth. Invariant: after any sequence of
//! [`Index::link`], [`Index::remove`], [`Index::decide`] and [`Index::undo`] calls its clusters are
//! those of one call with the records that are live and the decisions in force, so that online
//! equals batch.

mod block;
mod decided;
mod once;
mod staged;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use rabt_model::{Pii, RecordNumber, SourceId, SourceRecord, StreamId};
use rustc_hash::{FxHashMap, FxHashSet};

use block::{Cards, Postings};
use once::Once;
use staged::Staged;

use crate::batch::{self, Edge};
use crate::blocking::{Blocks, KeyLayout, SkippedBlock};
use crate::comparison::weight;
use crate::explanation::{self, Explanation};
use crate::judgement::Judgements;
use crate::model::LinkageModel;
use crate::registry;
use crate::standardise::{Cells, Standardised};
use crate::weight::MatchWeight;

/// Records, keys and edges in memory.
#[derive(Debug)]
pub struct Index {
    model: Arc<LinkageModel>,
    layout: KeyLayout,
    data: Standardised,
    /// Per row; `None` once the row is replaced or removed.
    numbers: Vec<Option<RecordNumber>>,
    rows: FxHashMap<RecordNumber, u32>,
    /// Built when the second batch comes: a first batch is blocked by sorting.
    postings: Option<Postings>,
    /// Per row: the rows at or above the review threshold, with their weights.
    edges: Vec<Vec<(u32, i32)>>,
    judgements: Judgements,
    once: Once,
    /// Of records that somebody decided about: the row of what they said before.
    former: FxHashMap<RecordNumber, u32>,
    staged: Staged,
    reached: Reached,
}

/// Which rows a walk has been at; forgetting all of them costs nothing.
#[derive(Debug, Default)]
struct Reached {
    walks: Vec<u32>,
    walk: u32,
}

impl Reached {
    fn begin(&mut self, rows: usize) {
        self.walks.resize(rows, 0);
        self.walk = self.walk.checked_add(1).unwrap_or_else(|| {
            self.walks.fill(0);
            1
        });
    }

    /// Marks a row and says whether it had been reached before.
    fn reach(&mut self, row: u32) -> bool {
        std::mem::replace(&mut self.walks[row as usize], self.walk) == self.walk
    }
}

/// What a call of [`Index::link`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linked {
    /// Every cluster of every component that the batch touched, each ascending, in the order of
    /// their first records.
    pub clusters: Vec<Vec<RecordNumber>>,
    /// Pairs compared.
    pub candidate_pairs: u64,
    /// Pairs at or above the link threshold.
    pub links: u64,
    /// Pairs in the review band.
    pub reviews: u64,
    /// Links that clustering did not follow: their records ended in different clusters.
    pub contradicted: u64,
    /// Pairs at or above the review threshold that touch these clusters and whose records are in
    /// different ones, each once and ascending, with weight in 1/1024 bit.
    pub questions: Vec<(RecordNumber, RecordNumber, i32)>,
    /// Records that somebody decided about and that no longer describe whom they described: what
    /// they say now and what they said are two people.
    pub estranged: Vec<RecordNumber>,
    /// Blocks above their cap.
    pub skipped_blocks: Vec<SkippedBlock>,
}

impl Index {
    /// Returns an index that holds nothing.
    pub fn new(model: Arc<LinkageModel>) -> Self {
        Self {
            layout: KeyLayout::of(&model),
            data: Standardised::new(&model),
            model,
            numbers: Vec::new(),
            rows: FxHashMap::default(),
            postings: None,
            edges: Vec::new(),
            judgements: Judgements::default(),
            once: Once::default(),
            former: FxHashMap::default(),
            staged: Staged::default(),
            reached: Reached::default(),
        }
    }

    /// Returns an index that holds nothing, of streams that hold each person once: no two of
    /// their rows become one person by evidence.
    pub fn with_registers(
        model: Arc<LinkageModel>,
        registers: BTreeSet<(SourceId, StreamId)>,
    ) -> Self {
        Self {
            once: Once::of(registers),
            ..Self::new(model)
        }
    }

    /// Returns the streams that hold each person once.
    pub fn registers(&self) -> &BTreeSet<(SourceId, StreamId)> {
        self.once.registers()
    }

    /// Returns the model the index works by.
    pub fn model(&self) -> &LinkageModel {
        &self.model
    }

    /// Returns the number of live records.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Says whether a record is live.
    pub fn holds(&self, number: RecordNumber) -> bool {
        self.rows.contains_key(&number)
    }

    /// Returns the number of values that were set aside as placeholders since the start.
    pub fn placeholders(&self) -> u64 {
        self.data.placeholders()
    }

    /// Says whether there is no live record.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds records, or replaces those whose numbers it knows, and clusters what they touch.
    pub fn link(&mut self, batch: &[(RecordNumber, &SourceRecord)]) -> Linked {
        self.stage(batch);
        self.link_staged()
    }

    /// As [`Index::link`] for `count` records of named text columns: `read(at, push)` calls
    /// `push(number, identity, cells)` once for record `at`.
    pub fn link_with(
        &mut self,
        count: usize,
        mut read: impl FnMut(usize, &mut dyn FnMut(RecordNumber, &str, &Cells<'_>)),
    ) -> Linked {
        for at in 0..count {
            read(at, &mut |number, identity, cells| {
                self.stage_one(number, identity, cells);
            });
        }
        self.link_staged()
    }

    /// Takes records out and clusters what they leave behind.
    pub fn remove(&mut self, numbers: &[RecordNumber]) -> Linked {
        let gone: Vec<u32> = numbers
            .iter()
            .filter_map(|number| self.retire(*number))
            .collect();
        let end = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        let left = self.rows_of_people(numbers);
        self.link_more(end, end, &gone, left.into_iter().collect())
    }

    /// Returns the live records that may be the person of these cells, at or above the review
    /// threshold, the likeliest first; equal weights in the order of the numbers. Nothing is kept
    /// of the search. The first search on an index that was linked in one batch builds its blocks.
    ///
    /// # Panics
    /// When `cells` has another length than the model has columns.
    pub fn search(&mut self, cells: &Cells<'_>) -> Vec<(RecordNumber, MatchWeight)> {
        if self.postings.is_none() {
            let end = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
            self.postings = Some(self.build_postings(end, &[]));
        }
        let (model, numbers) = (&*self.model, &self.numbers);
        let Some(postings) = &self.postings else {
            return Vec::new();
        };
        self.data.visit(model, cells, |data, row| {
            let candidates = postings.candidates(Cards { model, data }, row).into_iter();
            let weighed = candidates.filter_map(|other| {
                let weight = weight(model, data, row, other);
                Some((numbers[other as usize]?, weight))
            });
            let mut found: Vec<_> = weighed
                .filter(|(_, weight)| weight.0 >= model.decision.review)
                .collect();
            found.sort_unstable_by_key(|(number, weight)| (Reverse(*weight), *number));
            found
        })
    }

    /// As [`Index::search`], for an agency's record.
    pub fn search_record(&mut self, record: &SourceRecord) -> Vec<(RecordNumber, MatchWeight)> {
        let cells = registry::Columns::of(&self.model).cells(record);
        let texts: Vec<Option<&str>> = cells.iter().map(Option::as_deref).collect();
        self.search(&texts)
    }

    /// Explains the pair, or returns `None` when one of the records is not here.
    pub fn explain(&self, left: RecordNumber, right: RecordNumber) -> Option<Explanation> {
        let (left, right) = (*self.rows.get(&left)?, *self.rows.get(&right)?);
        Some(explanation::explain(&self.model, &self.data, left, right))
    }

    /// Returns the pairs at or above the review threshold, each once, with weight in 1/1024 bit.
    pub fn pairs(&self) -> Vec<(RecordNumber, RecordNumber, i32)> {
        let mut pairs = Vec::new();
        for (row, edges) in (0_u32..).zip(&self.edges) {
            let Some(left) = self.numbers[row as usize] else {
                continue;
            };
            for (other, weight) in edges.iter().filter(|(other, _)| *other > row) {
                if let Some(right) = self.numbers[*other as usize] {
                    pairs.push((left.min(right), left.max(right), *weight));
                }
            }
        }
        pairs.sort_unstable();
        pairs
    }

    /// Adds a card; returns the row that it replaces.
    fn add(&mut self, number: RecordNumber, identity: &str, cells: &Cells<'_>) -> Option<u32> {
        let replaced = self.retire(number);
        let row = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        self.data.push(&self.model, identity, cells);
        self.numbers.push(Some(number));
        self.rows.insert(number, row);
        self.edges.push(Vec::new());
        replaced
    }

    fn retire(&mut self, number: RecordNumber) -> Option<u32> {
        let row = self.rows.remove(&number)?;
        self.numbers[row as usize] = None;
        if self.judgements.about(number).next().is_some() {
            self.former.insert(number, row);
        }
        Some(row)
    }

    /// The first batch: blocks by sorting, all rows affected.
    fn link_first(&mut self, end: u32) -> Linked {
        let blocks = Blocks::build(&self.model, &self.layout, &self.data);
        let scored = batch::score_all(&self.model, &self.data, &blocks, |row| row, |_| {});
        for (left, right, weight) in scored.edges {
            self.edges[left as usize].push((right, weight));
            self.edges[right as usize].push((left, weight));
        }
        let seeds: Vec<u32> = (0..end).collect();
        let mut linked = self.cluster(&seeds);
        linked.candidate_pairs = scored.candidate_pairs;
        linked.skipped_blocks = blocks.skipped;
        linked
    }

    /// A later batch: rows `first..end` are new, `gone` are dead, and `touched` lost company.
    fn link_more(
        &mut self,
        first: u32,
        end: u32,
        gone: &[u32],
        mut touched: BTreeSet<u32>,
    ) -> Linked {
        let mut postings = self
            .postings
            .take()
            .unwrap_or_else(|| self.build_postings(first, gone));
        touched.extend(first..end);
        let mut revisit: FxHashSet<u64> = FxHashSet::default();
        for row in gone.iter().filter(|row| **row < first) {
            revisit.extend(postings.remove(self.cards(), *row));
            for (other, _) in std::mem::take(&mut self.edges[*row as usize]) {
                self.edges[other as usize].retain(|(to, _)| to != row);
                touched.insert(other);
            }
        }
        let live = |row: &u32| self.numbers[*row as usize].is_some();
        let fresh: Vec<u32> = (first..end).filter(live).collect();
        for row in &fresh {
            revisit.extend(postings.insert(self.cards(), *row));
        }
        let mut candidate_pairs = 0;
        for row in fresh {
            for other in postings.candidates(self.cards(), row) {
                candidate_pairs += 1;
                self.connect(row, other);
            }
        }
        touched.extend(self.revisit(&postings, &revisit));
        self.postings = Some(postings);
        let live: Vec<u32> = touched
            .into_iter()
            .filter(|row| self.numbers[*row as usize].is_some())
            .collect();
        let mut linked = self.cluster(&live);
        linked.candidate_pairs = candidate_pairs;
        linked
    }

    fn cards(&self) -> Cards<'_> {
        Cards {
            model: &self.model,
            data: &self.data,
        }
    }

    fn build_postings(&self, end: u32, gone: &[u32]) -> Postings {
        let mut postings = Postings::new(&self.layout);
        for row in 0..end {
            if self.numbers[row as usize].is_some() || gone.contains(&row) {
                let _ = postings.insert(self.cards(), row);
            }
        }
        postings
    }

    /// Blocks that crossed their cap gain or lose their pairs. Returns the rows this touches.
    fn revisit(&mut self, postings: &Postings, crossed: &FxHashSet<u64>) -> Vec<u32> {
        let mut touched = Vec::new();
        for key in crossed {
            let rows = postings.rows(*key);
            for (index, left) in rows.iter().enumerate() {
                for right in &rows[index + 1..] {
                    let meet = postings.meet(self.cards(), *left, *right);
                    let known = self.edges[*left as usize].iter().any(|(to, _)| to == right);
                    match (meet, known) {
                        (true, false) => self.connect(*left, *right),
                        (false, true) => {
                            self.edges[*left as usize].retain(|(to, _)| to != right);
                            self.edges[*right as usize].retain(|(to, _)| to != left);
                        }
                        _ => continue,
                    }
                    touched.extend([*left, *right]);
                }
            }
        }
        touched
    }

    fn connect(&mut self, left: u32, right: u32) {
        let MatchWeight(weight) = weight(&self.model, &self.data, left, right);
        let known = self.edges[left as usize].iter().any(|(to, _)| *to == right);
        if weight >= self.model.decision.review && !known {
            self.edges[left as usize].push((right, weight));
            self.edges[right as usize].push((left, weight));
        }
    }

    /// Clusters the components of the given live rows.
    fn cluster(&mut self, seeds: &[u32]) -> Linked {
        let link = self.model.decision.link;
        let mut linked = Linked::default();
        let mut reached = std::mem::take(&mut self.reached);
        reached.begin(self.data.len());
        for seed in seeds {
            if reached.reach(*seed) {
                continue;
            }
            let component = self.component(*seed, link, &mut reached);
            let links = self.links(&component, link, &mut linked);
            let clusters = self.resolve(component, &links);
            count_contradicted(&clusters, &links, &mut linked);
            self.ask(&clusters, &mut linked);
            for rows in clusters {
                let mut numbers: Vec<RecordNumber> = rows
                    .iter()
                    .filter_map(|row| self.numbers[*row as usize])
                    .collect();
                numbers.sort_unstable();
                linked.clusters.push(numbers);
            }
        }
        self.reached = reached;
        linked.clusters.sort_unstable();
        linked.questions.sort_unstable();
        linked.questions.dedup();
        linked
    }

    /// Returns the rows that links or decisions lead to from one that has been reached.
    fn component(&self, seed: u32, link: i32, reached: &mut Reached) -> Vec<u32> {
        let mut component = vec![seed];
        let mut next = 0;
        while let Some(row) = component.get(next).copied() {
            next += 1;
            for (other, weight) in &self.edges[row as usize] {
                if *weight >= link && !reached.reach(*other) {
                    component.push(*other);
                }
            }
            let same = self.decided_same(row);
            component.extend(same.into_iter().filter(|other| !reached.reach(*other)));
        }
        component
    }

    fn links(&self, component: &[u32], link: i32, linked: &mut Linked) -> Vec<Edge> {
        let mut links = Vec::new();
        for row in component {
            for (other, weight) in self.edges[*row as usize].iter().filter(|(to, _)| to > row) {
                if *weight >= link {
                    linked.links += 1;
                    links.push((*row, *other, *weight));
                } else {
                    linked.reviews += 1;
                }
            }
        }
        links
    }
}

fn count_contradicted(clusters: &[Vec<u32>], links: &[Edge], linked: &mut Linked) {
    if clusters.len() < 2 {
        return;
    }
    let mut home: FxHashMap<u32, usize> = FxHashMap::default();
    for (index, rows) in clusters.iter().enumerate() {
        home.extend(rows.iter().map(|row| (*row, index)));
    }
    let apart = links
        .iter()
        .filter(|(left, right, _)| home[left] != home[right]);
    linked.contradicted += apart.count() as u64;
}

/// Returns the identity of a record as an exposed text, for hashing only.
pub(crate) fn exposed(key: &Pii<String>) -> &str {
    key.expose()
}

#[cfg(test)]
mod tests;
