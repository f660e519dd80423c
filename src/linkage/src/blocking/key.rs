//! Keys of one record.

use std::ops::Range;

use rayon::prelude::*;

use crate::model::{ColumnType, KeyPart, LinkageModel, Take};
use crate::standardise::date::unpack;
use crate::standardise::name::CHAIN;
use crate::standardise::{BLOCK, Standardised, digits_at, hash};

/// A hash of a rule and of the parts it takes.
pub(crate) type BlockingKey = u64;

/// One place among the keys of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) rule: usize,
    /// Which value of a column with several.
    pub(crate) value: usize,
    /// How many of the rule's splitting parts are in the key.
    pub(crate) depth: usize,
}

/// Where the keys of each rule lie among the keys of a record.
#[derive(Debug, Clone)]
pub(crate) struct KeyLayout {
    pub(crate) places: Vec<Place>,
    /// Per rule: its places.
    pub(crate) rules: Vec<Range<usize>>,
}

impl KeyLayout {
    /// Returns the layout of all depths.
    pub(crate) fn of(model: &LinkageModel) -> Self {
        Self::to_depth(model.blocking.iter().enumerate().map(|(rule, spec)| {
            let many = spec
                .parts
                .iter()
                .map(|part| model.columns[part.columns[0]].many);
            (rule, many.max().unwrap_or(1), spec.split.len())
        }))
    }

    /// Returns the layout of the keys that are not split.
    pub(crate) fn shallow(&self) -> Self {
        Self::to_depth(self.rules.iter().enumerate().map(|(rule, places)| {
            let whole = self.places[places.clone()]
                .iter()
                .filter(|place| place.depth == 0);
            (rule, whole.count(), 0)
        }))
    }

    fn to_depth(rules: impl Iterator<Item = (usize, usize, usize)>) -> Self {
        let mut layout = Self {
            places: Vec::new(),
            rules: Vec::new(),
        };
        for (rule, values, depths) in rules {
            let start = layout.places.len();
            for depth in 0..=depths {
                for value in 0..values {
                    layout.places.push(Place { rule, value, depth });
                }
            }
            layout.rules.push(start..layout.places.len());
        }
        layout
    }
}

/// The keys of a batch: parts of a fixed number of records, in each the keys of one place after
/// those of the other, so that a rule reads only its own.
pub(super) struct Columns {
    width: usize,
    parts: Vec<Vec<BlockingKey>>,
}

impl Columns {
    pub(super) fn of(model: &LinkageModel, layout: &KeyLayout, data: &Standardised) -> Self {
        let count = data.len();
        let starts: Vec<usize> = (0..count).step_by(BLOCK).collect();
        let recipe = Recipe::of(model, layout);
        let part = |start: &usize| {
            let rows = count.min(start + BLOCK) - start;
            let mut part = vec![0; rows * layout.places.len()];
            let mut hashes = vec![None; recipe.parts.len()];
            for at in 0..rows {
                let card = data.card(u32::try_from(start + at).unwrap_or(u32::MAX));
                for ((value, spec), hash) in recipe.parts.iter().zip(&mut hashes) {
                    *hash = part_hash(model, data, card, spec, *value);
                }
                for (index, (rule, parts)) in recipe.keys.iter().enumerate() {
                    let parts = parts.iter().map(|part| hashes[*part]);
                    part[index * rows + at] = key_of(*rule, parts);
                }
            }
            part
        };
        Self {
            width: layout.places.len().max(1),
            parts: starts.par_iter().map(part).collect(),
        }
    }

    /// Calls `visit` for every key at the places, once for each record.
    pub(super) fn for_each(&self, places: Range<usize>, mut visit: impl FnMut(BlockingKey, u32)) {
        let mut row = 0;
        for part in &self.parts {
            let rows = part.len() / self.width;
            let columns = &part[places.start * rows..places.end * rows];
            for at in 0..rows {
                let value = |value: usize| columns[value * rows + at];
                for index in 0..places.len() {
                    let key = value(index);
                    if key != 0 && !(0..index).any(|earlier| value(earlier) == key) {
                        visit(key, row);
                    }
                }
                row += 1;
            }
        }
    }
}

/// Returns a hash of one part for every record; the greatest number where it is absent.
pub(crate) fn part_hashes(model: &LinkageModel, data: &Standardised, part: &KeyPart) -> Vec<u64> {
    let rows = 0..u32::try_from(data.len()).unwrap_or(u32::MAX);
    let hash = |row| part_hash(model, data, data.card(row), part, 0).unwrap_or(u64::MAX);
    rows.into_par_iter().map(hash).collect()
}

/// How the keys of a layout are made of parts, each of which is hashed once for a record.
struct Recipe<'a> {
    /// Which value of a column with several, and the part.
    parts: Vec<(usize, &'a KeyPart)>,
    /// Per place: its rule, and which parts its key takes.
    keys: Vec<(usize, Vec<usize>)>,
}

impl<'a> Recipe<'a> {
    fn of(model: &'a LinkageModel, layout: &KeyLayout) -> Self {
        let mut parts: Vec<(usize, &KeyPart)> = Vec::new();
        let keys = layout.places.iter().map(|place| {
            let own = parts_of(model, *place).map(|part| {
                let wanted = (value_of(model, part, place.value), part);
                parts
                    .iter()
                    .position(|known| *known == wanted)
                    .unwrap_or_else(|| {
                        parts.push(wanted);
                        parts.len() - 1
                    })
            });
            (place.rule, own.collect())
        });
        Self {
            keys: keys.collect(),
            parts,
        }
    }
}

/// Returns which value of a part's column is meant: the first where it has but one.
fn value_of(model: &LinkageModel, part: &KeyPart, value: usize) -> usize {
    let many = |column: &usize| model.columns[*column].many > 1;
    if part.columns.iter().any(many) {
        value
    } else {
        0
    }
}

/// Returns the parts of the key at a place.
fn parts_of(model: &LinkageModel, place: Place) -> impl Iterator<Item = &KeyPart> {
    let rule = &model.blocking[place.rule];
    rule.parts.iter().chain(&rule.split[..place.depth])
}

/// Returns the key of a rule over the hashes of its parts; zero when one is absent.
fn key_of(rule: usize, parts: impl Iterator<Item = Option<u64>>) -> BlockingKey {
    let mut hash = mix(0x5241_4254, rule as u64 + 1);
    for part in parts {
        match part {
            Some(part) => hash = mix(hash, part),
            None => return 0,
        }
    }
    hash
}

/// Writes the keys of a record to `out`, one for every place.
pub(crate) fn write_keys(
    model: &LinkageModel,
    layout: &KeyLayout,
    data: &Standardised,
    row: u32,
    out: &mut [BlockingKey],
) {
    let card = data.card(row);
    for (place, out) in layout.places.iter().zip(out) {
        *out = key(model, data, card, *place);
    }
}

/// Returns the key of a record at a place; zero when a part is absent.
pub(crate) fn key(
    model: &LinkageModel,
    data: &Standardised,
    card: &[u32],
    place: Place,
) -> BlockingKey {
    let parts = parts_of(model, place);
    key_of(
        place.rule,
        parts.map(|part| part_hash(model, data, card, part, place.value)),
    )
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
            let packed = Some(digits_at(card, at + 2 * value)).filter(|packed| *packed != 0);
            match part.take {
                // Four bits a digit, the first lowest.
                Take::Prefix(length @ ..16) => {
                    packed.map(|packed| packed & ((1 << (4 * length)) - 1))
                }
                Take::Initial => packed.map(|packed| packed & 15),
                Take::Whole | Take::Prefix(_) | Take::Skeleton | Take::Year | Take::MonthDay => {
                    packed
                }
                Take::Given | Take::Father | Take::Grandfather | Take::Last => packed,
            }
        }
        (ColumnType::Date, take) => date_part(word, take),
        (ColumnType::Text | ColumnType::Code, Take::Skeleton) => {
            Some(data.texts.entry(word).skeleton_hash)
        }
        (ColumnType::Text | ColumnType::Code, Take::Prefix(length)) => Some(prefix_hash(
            &data.texts.entry(word).text,
            usize::from(length),
        )),
        (ColumnType::Text | ColumnType::Code, Take::Initial) => {
            Some(prefix_hash(&data.texts.entry(word).text, 1))
        }
        (ColumnType::Text | ColumnType::Code | ColumnType::Sex | ColumnType::Set, _) => {
            Some(data.texts.entry(word).hash)
        }
        (ColumnType::Number | ColumnType::Point, _) => {
            Some(u64::from(word) << 32 | u64::from(card[at + 1]))
        }
        // A street without a number is no key: half a town lives in it.
        (ColumnType::Address, _) => {
            (card[at + 1] != 0).then(|| mix(u64::from(word), data.texts.entry(card[at + 1]).hash))
        }
    }
}

/// Returns a hash of the first letters of a text.
fn prefix_hash(text: &str, letters: usize) -> u64 {
    let end = text
        .char_indices()
        .nth(letters)
        .map_or(text.len(), |(at, _)| at);
    hash(&text[..end])
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
        Take::Prefix(_) | Take::Initial => return None,
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
        Take::Prefix(_) | Take::Initial => None,
    }
}
