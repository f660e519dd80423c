//! Labelled pairs: of one person where both persons are known and the same, of two people where
//! they are known and differ.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::pairs::{count_pairs, pattern};
use super::pass::{Made, PassRule};
use crate::comparison::compare;
use crate::model::LinkageModel;
use crate::standardise::Standardised;
use crate::training::{Counts, LabelledCounts, Pass};

/// The most pairs of one person that are counted.
const SAME: usize = 300_000;

/// Records beyond which a person's pairs are not made: such a label is a mistake.
const MOST: usize = 100;

/// Counts labelled pairs. Those of one person are all pairs of a person's records, whether a rule
/// makes them or not: what a rule makes would agree too much. Those of two people are the pairs of
/// the passes, pass by pass, also those that another pass makes too: without them a pass would lack
/// what agrees on the other's key.
pub(super) fn count(
    model: &LinkageModel,
    data: &Standardised,
    labels: &[Option<u32>],
    rules: &[PassRule],
    made: &[Made],
) -> LabelledCounts {
    let mut different = Vec::with_capacity(rules.len());
    for (rule, made) in rules.iter().zip(made) {
        let parts = made
            .blocks
            .fold(rule, data, |own: &mut Counts, left, right| {
                let people = [left, right].map(|row| labels[row as usize]);
                let differ = people[0].is_some() && people[1].is_some() && people[0] != people[1];
                if differ {
                    own.add(pattern(model, &compare(model, data, left, right)), 1);
                }
            });
        different.push(Pass {
            rule_id: rule.id.clone(),
            excluded: rule.constant.clone(),
            counts: parts.into_iter().fold(Counts::default(), Counts::merge),
        });
    }
    LabelledCounts {
        same: same(model, data, labels),
        different,
        kin: None,
    }
}

fn same(model: &LinkageModel, data: &Standardised, labels: &[Option<u32>]) -> Counts {
    let mut people: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for (row, person) in (0_u32..).zip(labels) {
        if let Some(person) = person {
            people.entry(*person).or_default().push(row);
        }
    }
    // Numbers of people depend on the order of records; their least identities do not.
    let mut people: Vec<(u128, Vec<u32>)> = people
        .into_values()
        .filter(|rows| (2..=MOST).contains(&rows.len()))
        .map(|rows| (least(data, &rows), rows))
        .collect();
    people.par_sort_unstable();
    let mut pairs = 0;
    let enough = people.iter().position(|(_, rows)| {
        pairs += rows.len() * (rows.len() - 1) / 2;
        pairs >= SAME
    });
    people.truncate(enough.map_or(people.len(), |last| last + 1));
    let parts = people
        .par_chunks(1024)
        .fold(Counts::default, |counts, take| {
            let pairs = take.iter().flat_map(|(_, rows)| {
                let each = rows.iter().enumerate();
                each.flat_map(move |(at, left)| {
                    rows[at + 1..].iter().map(move |right| (*left, *right))
                })
            });
            count_pairs(model, data, counts, pairs)
        });
    parts.reduce(Counts::default, Counts::merge)
}

fn least(data: &Standardised, rows: &[u32]) -> u128 {
    let identities = rows.iter().map(|row| data.identity(*row));
    identities.min().unwrap_or_default()
}
