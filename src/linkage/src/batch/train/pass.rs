//! The pairs of one blocking rule, thinned by key.
//!
//! A pass takes whole blocks in the order of a hash of their keys until it has pairs enough. So it
//! is a sample of the rule's blocks, and what fraction of them it is, is known.

use rayon::prelude::*;

use super::TrainingOptions;
use super::pairs::pattern;
use crate::blocking::{BlockingKey, KeyLayout, write_keys};
use crate::comparison::{compare, weigh};
use crate::model::{BlockingRule, LinkageModel};
use crate::standardise::Standardised;
use crate::training::Counts;
use crate::weight::BIT;

/// The largest block: larger ones are of frequent values, and would be most of a pass.
const CAP: usize = 100;

/// How far above the link threshold the old model must have a pair for it to be surely of one
/// person.
const SURE: i32 = 6 * BIT;

/// A rule to learn from.
#[derive(Debug, Clone)]
pub(super) struct PassRule {
    pub(super) id: String,
    /// A model whose only blocking rule it is: that is whose keys are made.
    pub(super) model: LinkageModel,
    /// The comparisons that its key holds constant.
    pub(super) constant: Vec<usize>,
}

impl PassRule {
    pub(super) fn of(model: &LinkageModel, rule: BlockingRule, constant: Vec<usize>) -> Self {
        let mut own = model.clone();
        let id = rule.id.clone();
        own.blocking = vec![rule];
        Self {
            id,
            model: own,
            constant,
        }
    }

    fn layout(&self) -> KeyLayout {
        KeyLayout::of(&self.model).shallow()
    }
}

/// What a pass made.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    pub(super) counts: Counts,
    /// Pairs of the whole rule, not of the sample alone, that the old model is sure of and that no
    /// earlier pass makes.
    pub(super) sure: u64,
    /// The blocks taken, for whatever else is to be learned from their pairs.
    pub(super) blocks: Sample,
}

/// Blocks of one rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    /// `(hash of the key, key, row)`, block after block.
    entries: Vec<(u64, BlockingKey, u32)>,
    /// The part of all keys that was looked at.
    fraction: f64,
}

/// Makes the pairs of every rule.
pub(super) fn make_all(
    model: &LinkageModel,
    data: &Standardised,
    rules: &[PassRule],
    options: &TrainingOptions<'_>,
) -> Vec<Made> {
    let places = 0..rules.len();
    places
        .map(|place| make(model, data, &rules[..=place], options.pass_pairs))
        .collect()
}

/// Makes the pairs of the last of `rules`; the others are those before it.
fn make(model: &LinkageModel, data: &Standardised, rules: &[PassRule], wanted: u64) -> Made {
    let Some((rule, earlier)) = rules.split_last() else {
        return Made::default();
    };
    let blocks = sample(rule, data, wanted);
    let met = Met::of(data, earlier);
    let sure = model.decision.link + SURE;
    let parts = blocks.fold(rule, data, |own: &mut (Counts, u64), left, right| {
        let vector = compare(model, data, left, right);
        own.0.add(pattern(model, &vector), 1);
        if weigh(model, &vector).0 >= sure && !met.before(left, right) {
            own.1 += 1;
        }
    });
    let (counts, seen) = parts
        .into_iter()
        .fold((Counts::default(), 0), |(counts, seen), (more, also)| {
            (counts.merge(more), seen + also)
        });
    Made {
        counts,
        sure: whole(seen, blocks.fraction),
        blocks,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a number of pairs, far below 2^52"
)]
fn whole(seen: u64, fraction: f64) -> u64 {
    (seen as f64 / fraction.max(1e-9)).round() as u64
}

/// Takes blocks of a rule until they hold the pairs that are wanted, or are all there are.
fn sample(rule: &PassRule, data: &Standardised, wanted: u64) -> Sample {
    let layout = rule.layout();
    let width = layout.places.len().max(1);
    let mut keys: Vec<BlockingKey> = vec![0; width * data.len()];
    let count = u32::try_from(data.len()).unwrap_or(u32::MAX);
    keys.par_chunks_mut(width)
        .zip(0..count)
        .for_each(|(out, row)| write_keys(&rule.model, &layout, data, row, out));
    // Few keys are looked at first, and four times as many as long as their pairs are too few.
    let mut shift = data.len().ilog2_or_zero().saturating_sub(15);
    loop {
        let bound = u64::MAX >> shift;
        let entries = entries_below(&keys, width, bound);
        let (taken, pairs, last) = take(&entries, wanted);
        if pairs >= wanted || shift == 0 {
            let mut entries = entries;
            entries.truncate(taken);
            let bound = if pairs >= wanted { last } else { bound };
            return Sample {
                entries,
                fraction: part_of_all(bound),
            };
        }
        shift = shift.saturating_sub(2);
    }
}

trait Log2 {
    fn ilog2_or_zero(self) -> u32;
}

impl Log2 for usize {
    fn ilog2_or_zero(self) -> u32 {
        self.checked_ilog2().unwrap_or_default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a fraction")]
fn part_of_all(bound: u64) -> f64 {
    bound as f64 / u64::MAX as f64
}

/// Returns the entries whose key's hash is not above a bound, in the order of these hashes.
fn entries_below(keys: &[BlockingKey], width: usize, bound: u64) -> Vec<(u64, BlockingKey, u32)> {
    let rows = keys.par_chunks(width).zip(0..u32::MAX);
    let mut entries: Vec<_> = rows
        .flat_map_iter(|(keys, row)| {
            let own = keys.iter().enumerate();
            own.filter(move |(at, key)| **key != 0 && !keys[..*at].contains(*key))
                .map(move |(_, key)| (spread(*key), *key, row))
                .filter(move |(hash, ..)| *hash <= bound)
        })
        .collect();
    entries.par_sort_unstable();
    entries
}

/// Returns a hash of a key that orders keys by nothing they mean.
const fn spread(key: BlockingKey) -> u64 {
    let mixed = (key ^ 0x5bd1_e995).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed ^ (mixed >> 29)
}

/// Returns how many entries make the wanted number of pairs, how many pairs they make, and the
/// hash of the last key.
fn take(entries: &[(u64, BlockingKey, u32)], wanted: u64) -> (usize, u64, u64) {
    let (mut taken, mut pairs, mut last) = (0, 0, 0);
    for block in entries.chunk_by(|a, b| a.1 == b.1) {
        taken += block.len();
        last = block[0].0;
        if block.len() <= CAP {
            pairs += block.len() as u64 * (block.len() as u64 - 1) / 2;
        }
        if pairs >= wanted {
            break;
        }
    }
    (taken, pairs, last)
}

impl Sample {
    /// Calls `visit` once for every pair of the blocks; each thread has a value of its own.
    pub(super) fn fold<T: Default + Send>(
        &self,
        rule: &PassRule,
        data: &Standardised,
        visit: impl Fn(&mut T, u32, u32) + Sync,
    ) -> Vec<T> {
        let twice = Met::of(data, std::slice::from_ref(rule));
        let several = rule.layout().places.len() > 1;
        let blocks: Vec<_> = self.entries.chunk_by(|a, b| a.1 == b.1).collect();
        let blocks = blocks.into_par_iter().with_min_len(256);
        blocks
            .filter(|block| (2..=CAP).contains(&block.len()))
            .fold(T::default, |mut own, block| {
                for (place, (_, key, left)) in block.iter().enumerate() {
                    for (.., right) in &block[place + 1..] {
                        // Of two keys that both records have, a pair is made at the first.
                        if !several || twice.first(*left, *right) == Some(*key) {
                            visit(&mut own, *left, *right);
                        }
                    }
                }
                own
            })
            .collect()
    }
}

/// Tells whether two records share a key of some rules.
pub(super) struct Met<'a> {
    data: &'a Standardised,
    rules: Vec<(&'a LinkageModel, KeyLayout)>,
}

impl<'a> Met<'a> {
    pub(super) fn of(data: &'a Standardised, rules: &'a [PassRule]) -> Self {
        let rules = rules.iter().map(|rule| (&rule.model, rule.layout()));
        Self {
            data,
            rules: rules.collect(),
        }
    }

    pub(super) fn before(&self, left: u32, right: u32) -> bool {
        self.first(left, right).is_some()
    }

    /// Returns the first key that two records share.
    fn first(&self, left: u32, right: u32) -> Option<BlockingKey> {
        self.rules.iter().find_map(|(model, layout)| {
            let [left, right] = [left, right].map(|row| {
                let mut keys = vec![0; layout.places.len()];
                write_keys(model, layout, self.data, row, &mut keys);
                keys
            });
            let mut shared = left
                .into_iter()
                .filter(|key| *key != 0 && right.contains(key));
            shared.next()
        })
    }
}
