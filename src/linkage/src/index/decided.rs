//! Decisions of people in the resident index, and the questions that are left for them.

use rabt_model::{DecisionNumber, Judgement, RecordNumber, RecordPair};
use rustc_hash::FxHashMap;

use super::{Index, Linked};
use crate::batch::Edge;
use crate::cluster::{self, Constraints};
use crate::explanation;
use crate::judgement::{Judgements, records_of};

impl Index {
    /// Returns the decisions in force.
    pub fn judgements(&self) -> &Judgements {
        &self.judgements
    }

    /// Puts a decision in force, which must not contradict another one, and clusters what it
    /// touches.
    pub fn decide(
        &mut self,
        number: DecisionNumber,
        judgement: Judgement,
        pairs: &[RecordPair],
    ) -> Linked {
        self.judgements.put(number, judgement, pairs);
        self.cluster_people(&records_of(pairs))
    }

    /// Takes a decision out of force and clusters what it touched.
    pub fn undo(&mut self, number: DecisionNumber) -> Linked {
        let records = self.judgements.take(number);
        self.cluster_people(&records)
    }

    /// Gives a decision in force another number.
    pub fn renumber(&mut self, from: DecisionNumber, to: DecisionNumber) {
        self.judgements.renumber(from, to);
    }

    fn cluster_people(&mut self, records: &[RecordNumber]) -> Linked {
        let rows = self.rows_of_people(records);
        self.cluster(&rows)
    }

    /// Says whether a record that somebody decided about has come to describe somebody else: what
    /// it says now speaks against its being who it was. Saying less is no evidence of that.
    pub(super) fn is_estranged(&mut self, number: RecordNumber) -> bool {
        let (Some(was), Some(now)) = (self.former.remove(&number), self.rows.get(&number)) else {
            return false;
        };
        let explanation = explanation::explain(&self.model, &self.data, was, *now);
        // One key is one person until the evidence says otherwise, so that the prior of two
        // strangers does not count.
        explanation.sums().0 < explanation.prior.0
    }

    /// Returns the live rows that were decided to be the people of these records, ascending.
    pub(super) fn rows_of_people(&self, records: &[RecordNumber]) -> Vec<u32> {
        let people = records
            .iter()
            .flat_map(|record| self.judgements.person(*record));
        let mut rows: Vec<u32> = people
            .filter_map(|record| self.rows.get(&record).copied())
            .collect();
        rows.sort_unstable();
        rows
    }

    /// Returns the live rows that were decided to be the person of a row, with it; none when
    /// nothing was decided of it.
    pub(super) fn decided_same(&self, row: u32) -> Vec<u32> {
        let number = self.numbers[row as usize];
        let Some(number) = number.filter(|_| !self.judgements.is_empty()) else {
            return Vec::new();
        };
        if self.judgements.about(number).next().is_none() {
            return Vec::new();
        }
        self.rows_of_people(&[number])
    }

    /// Splits a component into clusters, as people decided and evidence says.
    pub(super) fn resolve(&self, component: Vec<u32>, links: &[Edge]) -> Vec<Vec<u32>> {
        if component.len() == 1 {
            return vec![component];
        }
        let number = |row: u32| self.numbers[row as usize];
        let mut constraints = Constraints::of(&self.judgements, &component, number);
        let apart = self.once.apart(&self.judgements, &component, number);
        constraints.apart.extend(apart);
        if constraints.is_empty() {
            return cluster::resolve(&self.model, &self.data, &component, links);
        }
        cluster::resolve_decided(&self.model, &self.data, &component, links, &constraints)
    }

    /// Reports the pairs between these clusters, whose rows ascend, and between them and others.
    pub(super) fn ask(&self, clusters: &[Vec<u32>], linked: &mut Linked) {
        // Most components are one small cluster, and need no table of who is where.
        if let [cluster] = clusters {
            let inside = |row: u32| cluster.binary_search(&row).ok().map(|_| 0);
            self.ask_of(cluster, 0, inside, linked);
            return;
        }
        let mut home: FxHashMap<u32, usize> = FxHashMap::default();
        for (place, rows) in clusters.iter().enumerate() {
            home.extend(rows.iter().map(|row| (*row, place)));
        }
        for (place, rows) in clusters.iter().enumerate() {
            self.ask_of(rows, place, |row| home.get(&row).copied(), linked);
        }
    }

    fn ask_of(
        &self,
        rows: &[u32],
        place: usize,
        home: impl Fn(u32) -> Option<usize>,
        linked: &mut Linked,
    ) {
        for row in rows {
            for (other, weight) in &self.edges[*row as usize] {
                if home(*other) == Some(place) {
                    continue;
                }
                let numbers = (self.numbers[*row as usize], self.numbers[*other as usize]);
                if let (Some(one), Some(two)) = numbers {
                    let pair = (one.min(two), one.max(two), *weight);
                    linked.questions.push(pair);
                }
            }
        }
    }
}
