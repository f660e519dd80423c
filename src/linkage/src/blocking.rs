//! Blocking: which records are worth comparing.
//!
//! A rule makes a key from parts of a record; records that share a key of any rule are candidates.
//! Keys are hashes of content, so they are the same in every batch and process. A block above its
//! rule's cap makes no pairs and is reported.

use rayon::prelude::*;

use crate::model::{ColumnType, KeyPart, LinkageModel, Take};
use crate::standardise::date::unpack;
use crate::standardise::name::CHAIN;
use crate::standardise::{Standardised, digits_at};

/// A hash of a rule and of the parts it takes.
pub(crate) type BlockingKey = u64;

/// The keys of one record: one place per rule and value, zero where the record has no key.
pub(crate) type Keys = Vec<BlockingKey>;

/// A block whose pairs were not made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkippedBlock {
    /// The rule.
    pub rule: String,
    /// Number of records that share the key.
    pub records: usize,
}

/// Where the keys of each rule lie among the keys of a record.
#[derive(Debug, Clone)]
pub(crate) struct KeyLayout {
    /// `(rule, which value of a column with several)` for every place.
    pub(crate) places: Vec<(usize, usize)>,
}

impl KeyLayout {
    pub(crate) fn of(model: &LinkageModel) -> Self {
        let mut places = Vec::new();
        for (rule, spec) in model.blocking.iter().enumerate() {
            let many = spec
                .parts
                .iter()
                .map(|part| model.columns[part.columns[0]].many)
                .max();
            for value in 0..many.unwrap_or(1) {
                places.push((rule, value));
            }
        }
        Self { places }
    }
}

/// Returns the keys of a record.
pub(crate) fn keys(
    model: &LinkageModel,
    layout: &KeyLayout,
    data: &Standardised,
    row: u32,
) -> Keys {
    let card = data.card(row);
    let mut keys: Keys = Vec::with_capacity(layout.places.len());
    for (rule, value) in &layout.places {
        let mut hash = mix(0x5241_4254, *rule as u64 + 1);
        for part in &model.blocking[*rule].parts {
            let Some(part) = part_hash(model, data, card, part, *value) else {
                hash = 0;
                break;
            };
            hash = mix(hash, part);
        }
        keys.push(hash);
    }
    keys
}

fn mix(hash: u64, value: u64) -> u64 {
    let product = (hash ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (product ^ (product >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) | 1
}

fn part_hash(
    model: &LinkageModel,
    data: &Standardised,
    card: &[u32],
    part: &KeyPart,
    value: usize,
) -> Option<u64> {
    let present = |column: usize| card[data.slots[column].offset] != 0;
    let column = part.columns.into_iter().find(|column| present(*column))?;
    let at = data.slots[column].offset;
    let word = card[at];
    match (model.columns[column].kind, part.take) {
        (ColumnType::Name, Take::Whole) => None,
        (ColumnType::Name, take) => name_part(data, &card[at..at + CHAIN], take),
        (ColumnType::Digits | ColumnType::NationalId | ColumnType::Phone, _) => {
            let value = if model.columns[column].many > 1 {
                value
            } else {
                0
            };
            Some(digits_at(card, at + 2 * value)).filter(|packed| *packed != 0)
        }
        (ColumnType::Date, take) => date_part(word, take),
        (ColumnType::Text | ColumnType::Code | ColumnType::Sex, Take::Skeleton) => {
            Some(data.texts.entry(word).skeleton_hash)
        }
        (ColumnType::Text | ColumnType::Code | ColumnType::Sex, _) => {
            Some(data.texts.entry(word).hash)
        }
        // A street without a number is no key: half a town lives in it.
        (ColumnType::Address, _) => (card[at] != 0 && card[at + 1] != 0)
            .then(|| mix(u64::from(card[at]), data.texts.entry(card[at + 1]).hash)),
    }
}

fn name_part(data: &Standardised, chain: &[u32], take: Take) -> Option<u64> {
    let length = chain
        .iter()
        .position(|word| *word == 0)
        .unwrap_or(chain.len());
    // A leading محمد may be left out elsewhere: the key starts at the name behind it.
    let skip = usize::from(length >= 4 && data.names.entry(chain[0]).optional_first);
    let place = match take {
        Take::Given => 0,
        Take::Father => 1,
        Take::Grandfather => 2,
        Take::Last if length >= 3 => length - 1 - skip,
        Take::Last | Take::Whole | Take::Year | Take::MonthDay | Take::Skeleton => return None,
    };
    let code = chain[..length].get(place + if take == Take::Last { skip } else { 0 })?;
    Some(data.names.entry(*code).skeleton_hash)
}

fn date_part(word: u32, take: Take) -> Option<u64> {
    let (year, month, day) = unpack(word);
    match take {
        Take::Year => Some(u64::from(year)),
        Take::MonthDay if day != 0 => Some(u64::from(month * 32 + day)),
        Take::Whole if day != 0 => Some(u64::from(word)),
        Take::Whole | Take::MonthDay | Take::Skeleton => None,
        Take::Given | Take::Father | Take::Grandfather | Take::Last => None,
    }
}

/// Candidate pairs of a whole batch, made block by block.
pub(crate) struct Blocks {
    keys: Vec<BlockingKey>,
    width: usize,
    /// `(key, row)` of every place, sorted; only keys that two records or more share.
    shared: Vec<(BlockingKey, u32)>,
    pub(crate) skipped: Vec<SkippedBlock>,
}

impl Blocks {
    /// Groups records `0..count` by their keys.
    pub(crate) fn build(
        model: &LinkageModel,
        layout: &KeyLayout,
        data: &Standardised,
        count: u32,
    ) -> Self {
        let width = layout.places.len();
        let mut all: Vec<BlockingKey> = vec![0; width * count as usize];
        all.par_chunks_mut(width.max(1))
            .zip(0..count)
            .for_each(|(slot, row)| {
                slot.copy_from_slice(&keys(model, layout, data, row));
            });
        let mut pairs: Vec<(BlockingKey, u32)> = Vec::new();
        for (row, slot) in (0..count).zip(all.chunks(width.max(1))) {
            for (place, key) in slot.iter().enumerate() {
                if *key != 0 && !slot[..place].contains(key) {
                    pairs.push((*key, row));
                }
            }
        }
        pairs.par_sort_unstable();
        let mut blocks = Self {
            keys: all,
            width,
            shared: pairs,
            skipped: Vec::new(),
        };
        blocks.skip_oversize(model, layout);
        blocks
    }

    /// Takes the keys of oversize blocks away, so that their records can meet elsewhere.
    fn skip_oversize(&mut self, model: &LinkageModel, layout: &KeyLayout) {
        let width = self.width;
        let mut kept = Vec::with_capacity(self.shared.len());
        for block in self.shared.chunk_by(|a, b| a.0 == b.0) {
            let (key, first) = block[0];
            if block.len() < 2 {
                continue;
            }
            let start = first as usize * width;
            let place = self.keys[start..start + width]
                .iter()
                .position(|k| *k == key)
                .unwrap_or(0);
            let rule = &model.blocking[layout.places[place].0];
            if block.len() <= rule.cap {
                kept.extend_from_slice(block);
                continue;
            }
            self.skipped.push(SkippedBlock {
                rule: rule.id.clone(),
                records: block.len(),
            });
            for (_, row) in block {
                let start = *row as usize * width;
                for slot in &mut self.keys[start..start + width] {
                    if *slot == key {
                        *slot = 0;
                    }
                }
            }
        }
        self.skipped.sort();
        self.shared = kept;
    }

    /// Calls `visit` once for every candidate pair, at the first key that the two share, and
    /// collects what it returns. Pairs come in no particular order.
    pub(crate) fn for_each_pair<T: Send>(
        &self,
        visit: impl Fn(u32, u32) -> Option<T> + Sync,
    ) -> (u64, Vec<T>) {
        let blocks: Vec<&[(BlockingKey, u32)]> = self.shared.chunk_by(|a, b| a.0 == b.0).collect();
        blocks
            .par_iter()
            .fold(
                || (0_u64, Vec::new()),
                |(mut count, mut found), block| {
                    for (index, (key, left)) in block.iter().enumerate() {
                        for (_, right) in &block[index + 1..] {
                            if self.first_shared(*left, *right) == Some(*key) {
                                count += 1;
                                found.extend(visit(*left, *right));
                            }
                        }
                    }
                    (count, found)
                },
            )
            .reduce(
                || (0, Vec::new()),
                |(a, mut left), (b, right)| {
                    left.extend(right);
                    (a + b, left)
                },
            )
    }

    fn first_shared(&self, left: u32, right: u32) -> Option<BlockingKey> {
        let of = |row: u32| &self.keys[row as usize * self.width..][..self.width];
        first_shared(of(left), of(right))
    }
}

/// Returns the first key of `left` that `right` has too.
pub(crate) fn first_shared(left: &[BlockingKey], right: &[BlockingKey]) -> Option<BlockingKey> {
    // Most shared keys stand at the same place; only columns with several values may cross.
    left.iter().enumerate().find_map(|(place, key)| {
        let shared = *key != 0 && (right[place] == *key || right.contains(key));
        shared.then_some(*key)
    })
}
