//! Which blocks a record is a member of: by it a pair is visited once.

use std::ops::Range;

use rayon::prelude::*;

use super::group::Group;
use super::key::KeyLayout;
use crate::aligned::{self, Aligned};

/// Per record and place: the number of its block among those of the rule, counted from 1; zero
/// where it is in none.
pub(super) struct Members {
    width: usize,
    stride: usize,
    rules: Vec<Range<usize>>,
    blocks: Aligned,
}

/// Records that are turned from columns to rows at a time.
const ROWS: usize = 1 << 12;

impl Members {
    pub(super) fn of(layout: &KeyLayout, groups: &[Group], records: usize) -> Self {
        let width = layout.places.len().max(1);
        let columns: Vec<Vec<u32>> = groups
            .par_iter()
            .flat_map(|group| columns_of(group, layout.rules[group.rule].len(), records))
            .collect();
        let stride = aligned::stride(width);
        let mut blocks = Aligned::zeros(stride * records);
        blocks
            .words_mut()
            .par_chunks_mut(stride * ROWS)
            .enumerate()
            .for_each(|(chunk, out)| {
                for (place, column) in columns.iter().enumerate() {
                    let column = &column[chunk * ROWS..];
                    for (row, block) in out.chunks_exact_mut(stride).zip(column) {
                        row[place] = *block;
                    }
                }
            });
        Self {
            width,
            stride,
            rules: layout.rules.clone(),
            blocks,
        }
    }

    /// Says whether two members of block `at` of `rule` are together in an earlier block.
    pub(super) fn met_before(&self, rule: usize, at: usize, left: u32, right: u32) -> bool {
        let (left, right) = (self.blocks_of(left), self.blocks_of(right));
        for places in &self.rules[..rule] {
            let met = if places.len() == 1 {
                left[places.start] != 0 && left[places.start] == right[places.start]
            } else {
                share(&left[places.clone()], &right[places.clone()]).is_some()
            };
            if met {
                return true;
            }
        }
        let places = self.rules[rule].clone();
        places.len() > 1 && share(&left[places.clone()], &right[places]) != Some(number(at))
    }

    /// Says whether two records share an open block of a rule.
    pub(super) fn meet(&self, rule: usize, left: u32, right: u32) -> bool {
        let places = self.rules[rule].clone();
        let (left, right) = (self.blocks_of(left), self.blocks_of(right));
        share(&left[places.clone()], &right[places]).is_some()
    }

    /// Asks the processor for what will soon be asked of these records.
    pub(super) fn prefetch(&self, rows: &[u32]) {
        for row in rows {
            crate::prefetch::prefetch(self.blocks_of(*row));
        }
    }

    fn blocks_of(&self, row: u32) -> &[u32] {
        &self.blocks.words()[row as usize * self.stride..][..self.width]
    }
}

/// Returns a column for every value that a record may have of the rule.
fn columns_of(group: &Group, values: usize, records: usize) -> Vec<Vec<u32>> {
    let mut columns = vec![vec![0; records]; values];
    for at in 0..group.len() {
        for row in group.block(at) {
            let place = columns.iter_mut().map(|column| &mut column[*row as usize]);
            if let Some(place) = place.into_iter().find(|place| **place == 0) {
                *place = number(at);
            }
        }
    }
    columns
}

/// A rule has fewer blocks than there are records, of which there are fewer than 2^32.
fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}

/// Returns the first block of `left` that `right` is in too.
fn share(left: &[u32], right: &[u32]) -> Option<u32> {
    left.iter()
        .copied()
        .find(|block| *block != 0 && right.contains(block))
}
