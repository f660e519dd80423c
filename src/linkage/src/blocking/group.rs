//! Records of one rule, grouped by key.

use std::ops::Range;

use super::key::{self, BlockingKey, Columns, KeyLayout, Place};
use super::{RuleCount, SkippedBlock};
use crate::model::LinkageModel;
use crate::standardise::Standardised;

/// The open blocks of one rule.
pub(super) struct Group {
    pub(super) rule: usize,
    /// Records, block after block.
    rows: Vec<u32>,
    /// Where each block ends in `rows`.
    ends: Vec<usize>,
    pub(super) count: RuleCount,
    pub(super) skipped: Vec<SkippedBlock>,
}

type Entry = (BlockingKey, u32);

/// Groups the records that have a key of `rule`.
pub(super) fn group(
    model: &LinkageModel,
    data: &Standardised,
    layout: &KeyLayout,
    keys: &Columns,
    rule: usize,
) -> Group {
    let mut group = Group {
        rule,
        rows: Vec::new(),
        ends: Vec::new(),
        count: RuleCount {
            rule: model.blocking[rule].id.clone(),
            ..RuleCount::default()
        },
        skipped: Vec::new(),
    };
    let entries = shared_entries(keys, &layout.rules[rule]);
    group.take_in(model, data, layout, &entries, 0);
    group.order_by_first();
    group
}

/// Heaps into which keys are dealt, by their highest bits: the work on one stays in the cache.
const HEAPS: usize = 1 << HEAP_BITS;
const HEAP_BITS: u32 = 8;

/// Returns the keys of the rule that may be shared, sorted, with their records.
fn shared_entries(keys: &Columns, places: &Range<usize>) -> Vec<Entry> {
    let dealt = Dealt::of(keys, places);
    let mut entries = Vec::new();
    let mut seen = Vec::new();
    for heap in dealt.heaps() {
        keep_shared(heap, &mut seen, &mut entries);
    }
    entries
}

/// Adds the entries of a heap whose keys are not one record's alone, sorted. Most are, and a small
/// table of counts tells nearly all of them.
fn keep_shared(heap: &[Entry], seen: &mut Vec<u8>, entries: &mut Vec<Entry>) {
    let slots = (2 * heap.len()).next_power_of_two().max(64);
    let shift = 64 - slots.trailing_zeros();
    let slot = |key: BlockingKey| usize::try_from((key << HEAP_BITS) >> shift).unwrap_or(0);
    seen.clear();
    seen.resize(slots, 0);
    for (key, _) in heap {
        let count = &mut seen[slot(*key)];
        *count = count.saturating_add(1);
    }
    let start = entries.len();
    entries.extend(heap.iter().filter(|(key, _)| seen[slot(*key)] > 1));
    entries[start..].sort_unstable();
}

/// The entries of one rule, dealt into heaps.
struct Dealt {
    entries: Vec<Entry>,
    ends: Vec<usize>,
}

impl Dealt {
    fn of(keys: &Columns, places: &Range<usize>) -> Self {
        let heap = |key: BlockingKey| usize::try_from(key >> (64 - HEAP_BITS)).unwrap_or(0);
        let mut next = vec![0; HEAPS];
        keys.for_each(places.clone(), |key, _| next[heap(key)] += 1);
        let mut start = 0;
        for count in &mut next {
            start += std::mem::replace(count, start);
        }
        let mut entries = vec![(0, 0); start];
        keys.for_each(places.clone(), |key, row| {
            let place = &mut next[heap(key)];
            entries[*place] = (key, row);
            *place += 1;
        });
        Self {
            entries,
            ends: next,
        }
    }

    fn heaps(&self) -> impl Iterator<Item = &[Entry]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.entries[*start..*end])
    }
}

impl Group {
    /// Makes blocks of sorted entries; those above the cap are split by the next part of the rule.
    fn take_in(
        &mut self,
        model: &LinkageModel,
        data: &Standardised,
        layout: &KeyLayout,
        entries: &[Entry],
        depth: usize,
    ) {
        let rule = &model.blocking[self.rule];
        for block in entries.chunk_by(|a, b| a.0 == b.0) {
            if block.len() < 2 {
                continue;
            }
            let pairs = block.len() as u64 * (block.len() as u64 - 1) / 2;
            if block.len() <= rule.cap {
                self.rows.extend(block.iter().map(|(_, row)| *row));
                self.ends.push(self.rows.len());
                self.count.blocks += 1;
                self.count.pairs += pairs;
            } else if depth < rule.split.len() {
                self.count.split_blocks += 1;
                self.split(model, data, layout, block, depth + 1);
            } else {
                self.skip(&rule.id, block);
            }
        }
    }

    /// Puts the blocks in the order of their first records, so that half of what is read for
    /// their pairs lies side by side.
    fn order_by_first(&mut self) {
        let mut order: Vec<(u32, u32)> = (0..self.len())
            .map(|at| (self.block(at)[0], u32::try_from(at).unwrap_or(u32::MAX)))
            .collect();
        order.sort_unstable();
        let mut rows = Vec::with_capacity(self.rows.len());
        let mut ends = Vec::with_capacity(self.ends.len());
        for (_, at) in order {
            rows.extend_from_slice(self.block(at as usize));
            ends.push(rows.len());
        }
        (self.rows, self.ends) = (rows, ends);
    }

    fn split(
        &mut self,
        model: &LinkageModel,
        data: &Standardised,
        layout: &KeyLayout,
        block: &[Entry],
        depth: usize,
    ) {
        let rule = self.rule;
        let values = layout.rules[rule].len();
        let mut parts: Vec<Entry> = Vec::with_capacity(block.len());
        for (old, row) in block {
            let card = data.card(*row);
            let at = |value, depth| key::key(model, data, card, Place { rule, value, depth });
            let value = (0..values).find(|value| at(*value, depth - 1) == *old);
            let new = value.map_or(0, |value| at(value, depth));
            if new != 0 {
                parts.push((new, *row));
            }
        }
        parts.sort_unstable();
        self.take_in(model, data, layout, &parts, depth);
    }

    fn skip(&mut self, rule: &str, block: &[Entry]) {
        self.skipped.push(SkippedBlock {
            rule: rule.to_owned(),
            records: block.len(),
        });
        self.count.skipped_blocks += 1;
        self.count.skipped_records += block.len() as u64;
    }

    /// Returns ranges of at most `size` blocks.
    pub(super) fn takes(&self, size: usize) -> impl Iterator<Item = Range<usize>> {
        let count = self.ends.len();
        (0..count)
            .step_by(size)
            .map(move |start| start..count.min(start + size))
    }

    /// Returns the number of blocks.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the records of a block.
    pub(super) fn block(&self, at: usize) -> &[u32] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.rows[start..self.ends[at]]
    }
}
