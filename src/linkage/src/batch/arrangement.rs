//! Where the records of a batch lie: those that will be compared, near each other.
//!
//! Rows are numbered as in the file; places are where the cards lie in memory. Most pairs are of
//! records that share a value, and fetching two cards from one corner of memory costs far less
//! than from two. No result shows the places.

use rayon::prelude::*;

use crate::blocking::part_hashes;
use crate::model::{KeyPart, LinkageModel, Take};
use crate::standardise::{BLOCK, Standardised};

/// Rows by place and places by row; empty where both are the same.
#[derive(Debug, Default)]
pub(super) struct Arrangement {
    rows: Vec<u32>,
    places: Vec<u32>,
}

impl Arrangement {
    /// Moves the records that share the value that most blocking rules begin with together.
    pub(super) fn arrange(model: &LinkageModel, data: &mut Standardised) -> Self {
        let Some(part) = leading(model).filter(|_| data.len() > BLOCK) else {
            return Self::default();
        };
        let hashes = part_hashes(model, data, part);
        let mut order: Vec<(u64, u32)> = hashes.into_iter().zip(0..).collect();
        order.par_sort_unstable();
        let rows: Vec<u32> = order.into_iter().map(|(_, row)| row).collect();
        data.permute(&rows);
        let mut places = vec![0; rows.len()];
        for (place, row) in (0..).zip(&rows) {
            places[*row as usize] = place;
        }
        Self { rows, places }
    }

    /// Returns the row of a place.
    #[inline]
    pub(super) fn row(&self, place: u32) -> u32 {
        self.rows.get(place as usize).copied().unwrap_or(place)
    }

    /// Returns the place of a row.
    #[inline]
    pub(super) fn place(&self, row: u32) -> u32 {
        self.places.get(row as usize).copied().unwrap_or(row)
    }

    /// Returns what is known by row, by place.
    pub(super) fn by_place<T: Copy>(&self, by_row: &[T]) -> Vec<T> {
        let places = 0..u32::try_from(by_row.len()).unwrap_or(u32::MAX);
        let values = places.map(|place| by_row[self.row(place) as usize]);
        values.collect()
    }
}

/// Returns the whole value that most blocking rules begin with.
fn leading(model: &LinkageModel) -> Option<&KeyPart> {
    let first = model.blocking.iter().filter_map(|rule| rule.parts.first());
    let whole: Vec<&KeyPart> = first.filter(|part| part.take == Take::Whole).collect();
    let count = |part: &KeyPart| whole.iter().filter(|other| **other == part).count();
    // Of several the first, so that the model alone decides.
    whole.iter().rev().copied().max_by_key(|part| count(part))
}
