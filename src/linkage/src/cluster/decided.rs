//! Clusters under what people decided.
//!
//! Evidence makes clusters of what nobody holds apart; then a person's word that two records are
//! one joins their clusters whole. Only where that would join what somebody holds apart do the
//! records that are decided to be one leave their clusters and start together.

use std::collections::{BTreeMap, BTreeSet};

use rabt_model::{Judgement, RecordNumber};

use super::resolve_by_weights;
use crate::batch::Edge;
use crate::judgement::Judgements;
use crate::model::LinkageModel;
use crate::standardise::Standardised;

/// What people decided about the members of one component. Groups that must be together have
/// two members or more, and share none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Constraints<T = u32> {
    pub(crate) together: Vec<Vec<T>>,
    pub(crate) apart: Vec<(T, T)>,
}

impl<T> Default for Constraints<T> {
    fn default() -> Self {
        Self {
            together: Vec::new(),
            apart: Vec::new(),
        }
    }
}

impl Constraints {
    /// Returns what the judgements say about some rows; `number` leads from a live row to its
    /// record.
    pub(crate) fn of(
        judgements: &Judgements,
        rows: &[u32],
        number: impl Fn(u32) -> Option<RecordNumber>,
    ) -> Self {
        let mut people: BTreeMap<RecordNumber, (Vec<RecordNumber>, Vec<u32>)> = BTreeMap::new();
        if judgements.is_empty() {
            return Self::default();
        }
        for row in rows {
            let Some(record) = number(*row) else { continue };
            if judgements.about(record).next().is_none() {
                continue;
            }
            let person = judgements.person(record);
            let first = person[0];
            people
                .entry(first)
                .or_insert((person, Vec::new()))
                .1
                .push(*row);
        }
        Self::of_people(judgements, &people)
    }

    fn of_people(
        judgements: &Judgements,
        people: &BTreeMap<RecordNumber, (Vec<RecordNumber>, Vec<u32>)>,
    ) -> Self {
        let mut constraints = Self::default();
        for (person, (records, rows)) in people {
            let mut strangers: BTreeSet<RecordNumber> = BTreeSet::new();
            for record in records {
                let apart = judgements.about(*record);
                let apart = apart.filter(|(_, judgement, _)| *judgement == Judgement::Different);
                strangers.extend(apart.map(|(other, ..)| judgements.person(other)[0]));
            }
            // Each two people once.
            for stranger in strangers.range(*person..) {
                for other in people.get(stranger).into_iter().flat_map(|(_, rows)| rows) {
                    constraints
                        .apart
                        .extend(rows.iter().map(|row| (*row, *other)));
                }
            }
            if rows.len() > 1 {
                constraints.together.push(rows.clone());
            }
        }
        constraints
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.together.is_empty() && self.apart.is_empty()
    }

    /// Returns the constraints in other terms; each group ascending. Members that have none are
    /// left out.
    pub(super) fn map<T: Ord + Copy>(&self, to: impl Fn(u32) -> Option<T>) -> Constraints<T> {
        let groups = self.together.iter().map(|group| {
            let mut group: Vec<T> = group.iter().filter_map(|row| to(*row)).collect();
            group.sort_unstable();
            group
        });
        let pairs = self.apart.iter();
        Constraints {
            together: groups.filter(|group| group.len() > 1).collect(),
            apart: pairs
                .filter_map(|(a, b)| Some((to(*a)?, to(*b)?)))
                .collect(),
        }
    }
}

/// As [`super::resolve`], under constraints that do not contradict each other.
pub(crate) fn resolve_decided(
    model: &LinkageModel,
    data: &Standardised,
    component: &[u32],
    links: &[Edge],
    constraints: &Constraints,
) -> Vec<Vec<u32>> {
    let apart = Constraints {
        together: Vec::new(),
        apart: constraints.apart.clone(),
    };
    let clusters = resolve_by_weights(model, data, component, links, &apart);
    let joined = join(clusters, &constraints.together);
    if holds_apart(&joined, &constraints.apart) {
        return joined;
    }
    resolve_by_weights(model, data, component, links, constraints)
}

/// Joins the clusters of rows that must be together.
fn join(clusters: Vec<Vec<u32>>, together: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut home: BTreeMap<u32, usize> = BTreeMap::new();
    for (place, rows) in clusters.iter().enumerate() {
        home.extend(rows.iter().map(|row| (*row, place)));
    }
    let mut joined = clusters;
    for group in together {
        let mut places = group.iter().filter_map(|row| home.get(row).copied());
        let Some(first) = places.next() else { continue };
        let others: BTreeSet<usize> = places.filter(|place| *place != first).collect();
        for place in others {
            let rows = std::mem::take(&mut joined[place]);
            home.extend(rows.iter().map(|row| (*row, first)));
            joined[first].extend(rows);
        }
    }
    joined.retain(|rows| !rows.is_empty());
    for rows in &mut joined {
        rows.sort_unstable();
    }
    joined
}

fn holds_apart(clusters: &[Vec<u32>], apart: &[(u32, u32)]) -> bool {
    let mut home: BTreeMap<u32, usize> = BTreeMap::new();
    for (place, rows) in clusters.iter().enumerate() {
        home.extend(rows.iter().map(|row| (*row, place)));
    }
    apart.iter().all(|(a, b)| home.get(a) != home.get(b))
}
