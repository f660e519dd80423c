//! Blocking: which records are worth comparing.
//!
//! A rule makes a key from parts of a record; records that share a key of any rule are candidates.
//! A block above its rule's cap is split by the rule's further parts, and what is still above the
//! cap makes no pairs and is reported. Keys are hashes of content, so they are the same in every
//! batch and process. Invariant: two records are candidates when they share any key, at any depth
//! of splitting, whose block is not above its cap; so the order of records changes nothing.

mod group;
mod key;
mod member;

use rayon::prelude::*;

pub(crate) use key::{BlockingKey, KeyLayout, Place, key, part_hashes, write_keys};

use crate::model::LinkageModel;
use crate::standardise::Standardised;
use group::Group;
use member::Members;

/// A block whose pairs were not made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkippedBlock {
    /// The rule.
    pub rule: String,
    /// Number of records that share the key.
    pub records: usize,
}

/// What one rule makes of a batch, known before any pair is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleCount {
    /// The rule.
    pub rule: String,
    /// Blocks of two records or more.
    pub blocks: u64,
    /// Pairs within them; a pair that several rules make is counted at each.
    pub pairs: u64,
    /// Blocks above the cap that were split by further parts.
    pub split_blocks: u64,
    /// Blocks above the cap that could not be split and make no pairs.
    pub skipped_blocks: u64,
    /// Records of the skipped blocks.
    pub skipped_records: u64,
}

/// Candidate pairs of a whole batch, made block by block.
pub(crate) struct Blocks {
    groups: Vec<Group>,
    members: Members,
    pub(crate) skipped: Vec<SkippedBlock>,
}

/// Blocks that one thread takes at a time.
const TAKE: usize = 512;

/// How many blocks, or pairs, ahead records are fetched from memory.
const AHEAD: usize = 8;

/// Pairs that are gathered before they are visited, about.
const PAIRS: usize = 1 << 12;

impl Blocks {
    /// Groups the records of a batch by their keys.
    pub(crate) fn build(model: &LinkageModel, layout: &KeyLayout, data: &Standardised) -> Self {
        let layout = layout.shallow();
        let keys = key::Columns::of(model, &layout, data);
        let rules: Vec<usize> = (0..model.blocking.len()).collect();
        let mut groups: Vec<Group> = rules
            .par_iter()
            .map(|rule| group::group(model, data, &layout, &keys, *rule))
            .collect();
        drop(keys);
        let mut skipped: Vec<SkippedBlock> = Vec::new();
        for group in &mut groups {
            skipped.append(&mut group.skipped);
        }
        skipped.sort();
        let members = Members::of(&layout, &groups, data.len());
        Self {
            groups,
            members,
            skipped,
        }
    }

    /// Returns what each rule makes, in the order of the model.
    pub(crate) fn counts(&self) -> Vec<RuleCount> {
        let counts = self.groups.iter().map(|group| group.count.clone());
        counts.collect()
    }

    /// Calls `visit` once for every candidate pair, at the first block that the two share. Every
    /// thread collects into a value of its own; they are returned in no particular order.
    /// `ahead` is called with each row of a pair some time before the pair is visited.
    pub(crate) fn for_each_pair<T: Send>(
        &self,
        ahead: impl Fn(u32) + Sync,
        start: impl Fn() -> T + Sync + Send,
        visit: impl Fn(&mut T, u32, u32) + Sync,
    ) -> Vec<T> {
        let takes = self
            .groups
            .iter()
            .flat_map(|group| group.takes(TAKE).map(move |take| (group, take)));
        let takes: Vec<_> = takes.collect();
        // First which pairs are new, then the pairs: most of what rules make has been met before,
        // and no card is fetched for it.
        let visit_all = |own: &mut T, pairs: &mut Vec<(u32, u32)>| {
            for (at, (left, right)) in pairs.iter().enumerate() {
                if let Some((left, right)) = pairs.get(at + AHEAD) {
                    ahead(*left);
                    ahead(*right);
                }
                visit(own, *left, *right);
            }
            pairs.clear();
        };
        let states = takes.into_par_iter().fold(
            || (start(), Vec::with_capacity(PAIRS)),
            |(mut own, mut pairs), (group, take)| {
                for at in take.clone() {
                    if at + AHEAD < take.end {
                        self.members.prefetch(group.block(at + AHEAD));
                    }
                    let rows = group.block(at);
                    for (index, left) in rows.iter().enumerate() {
                        for right in &rows[index + 1..] {
                            if !self.members.met_before(group.rule, at, *left, *right) {
                                pairs.push((*left, *right));
                            }
                        }
                        if pairs.len() >= PAIRS {
                            visit_all(&mut own, &mut pairs);
                        }
                    }
                }
                visit_all(&mut own, &mut pairs);
                (own, pairs)
            },
        );
        states.map(|(own, _)| own).collect()
    }

    /// Returns the rules of which two records share an open block.
    pub(crate) fn shared_rules(&self, left: u32, right: u32) -> impl Iterator<Item = usize> {
        (0..self.groups.len()).filter(move |rule| self.members.meet(*rule, left, right))
    }
}
