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
    let entries = shared_entries(keys, layout.rules[rule].clone(), data.len());
    group.take_in(model, data, layout, &entries, 0);
    group.order_by_first();
    group
}

/// Returns the keys of the rule that may be shared, sorted, with their records.
fn shared_entries(keys: &Columns, places: Range<usize>, records: usize) -> Vec<Entry> {
    // Most keys are one record's alone: a small table of counts tells nearly all of them.
    let slots = (2 * records).next_power_of_two().max(64);
    let shift = 64 - slots.trailing_zeros();
    let slot = |key: BlockingKey| {
        usize::try_from(key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> shift).unwrap_or(0)
    };
    let mut seen = vec![0_u8; slots];
    let mut kept = 0;
    keys.for_each(places.clone(), |key, _| {
        let count = &mut seen[slot(key)];
        kept += usize::from(*count > 0) + usize::from(*count == 1);
        *count = (*count + 1).min(2);
    });
    let mut entries = Vec::with_capacity(kept);
    keys.for_each(places, |key, row| {
        if seen[slot(key)] > 1 {
            entries.push((key, row));
        }
    });
    entries.sort_unstable();
    entries
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
