//! Blocks of the resident index: who shares which key.
//!
//! A block is a chain of rows, found by its key. Only blocks that split are followed into their
//! parts, and keys are made again from cards when they are needed instead of being kept.

use rustc_hash::FxHashMap;

use crate::blocking::{BlockingKey, KeyLayout, Place, key};
use crate::model::LinkageModel;
use crate::standardise::Standardised;

/// Ends a chain.
const NONE: u32 = u32::MAX;

/// Rows by key. Blocks above their cap keep their rows but make no pairs.
#[derive(Debug)]
pub(super) struct Postings {
    /// Per rule: how many values of a record have a key.
    values: Vec<usize>,
    blocks: FxHashMap<BlockingKey, Block>,
    /// Links of all chains.
    links: Vec<Link>,
    /// The first link that is free; the others follow it.
    free: u32,
}

/// The rows of one key.
#[derive(Debug, Clone, Copy)]
struct Block {
    first: u32,
    count: u32,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    row: u32,
    next: u32,
}

/// What keys are made from.
#[derive(Clone, Copy)]
pub(super) struct Cards<'a> {
    pub(super) model: &'a LinkageModel,
    pub(super) data: &'a Standardised,
}

impl Cards<'_> {
    fn key(self, row: u32, place: Place) -> BlockingKey {
        key(self.model, self.data, self.data.card(row), place)
    }

    fn is_open(self, rule: usize, count: u32) -> bool {
        count as usize <= self.model.blocking[rule].cap
    }

    /// Returns the place of the parts into which a block splits.
    fn below(self, place: Place) -> Option<Place> {
        let deepest = self.model.blocking[place.rule].split.len();
        (place.depth < deepest).then_some(Place {
            depth: place.depth + 1,
            ..place
        })
    }
}

impl Postings {
    /// Returns blocks without rows.
    pub(super) fn new(layout: &KeyLayout) -> Self {
        let shallow = layout.shallow();
        Self {
            values: shallow.rules.iter().map(ExactSizeIterator::len).collect(),
            blocks: FxHashMap::default(),
            links: Vec::new(),
            free: NONE,
        }
    }

    /// Adds a row under its keys; returns the keys whose blocks crossed their cap.
    pub(super) fn insert(&mut self, cards: Cards<'_>, row: u32) -> Vec<BlockingKey> {
        let mut crossed = Vec::new();
        for (place, key) in self.keys(cards, row) {
            self.add(cards, row, place, key, &mut crossed);
        }
        crossed
    }

    /// Takes a row out; returns the keys whose blocks came below their cap.
    pub(super) fn remove(&mut self, cards: Cards<'_>, row: u32) -> Vec<BlockingKey> {
        let mut crossed = Vec::new();
        for (place, key) in self.keys(cards, row) {
            self.take(cards, row, place, key, &mut crossed);
        }
        crossed
    }

    /// Returns the rows of a block, open or not, ascending.
    pub(super) fn rows(&self, key: BlockingKey) -> Vec<u32> {
        let mut rows: Vec<u32> = self.chain(key).collect();
        rows.sort_unstable();
        rows
    }

    /// Returns the other rows that share an open block with `row`, each once, ascending.
    pub(super) fn candidates(&self, cards: Cards<'_>, row: u32) -> Vec<u32> {
        let mut found = Vec::new();
        for (mut place, mut key) in self.keys(cards, row) {
            while let Some(block) = self.blocks.get(&key) {
                if cards.is_open(place.rule, block.count) {
                    found.extend(self.chain(key).filter(|other| *other != row));
                    break;
                }
                let Some(below) = cards.below(place) else {
                    break;
                };
                (place, key) = (below, cards.key(row, below));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Says whether two rows share an open block.
    pub(super) fn meet(&self, cards: Cards<'_>, left: u32, right: u32) -> bool {
        self.keys(cards, left).into_iter().any(|(place, _)| {
            let mut values = 0..self.values[place.rule];
            values.any(|value| self.share(cards, (left, place), (right, Place { value, ..place })))
        })
    }

    /// Says whether two rows share an open block by their keys at these places, or below them.
    fn share(&self, cards: Cards<'_>, left: (u32, Place), right: (u32, Place)) -> bool {
        let ((left, place), (right, other)) = (left, right);
        let key = cards.key(left, place);
        if key == 0 || key != cards.key(right, other) {
            return false;
        }
        let count = self.blocks.get(&key).map_or(0, |block| block.count);
        if cards.is_open(place.rule, count) {
            return true;
        }
        match (cards.below(place), cards.below(other)) {
            (Some(place), Some(other)) => self.share(cards, (left, place), (right, other)),
            _ => false,
        }
    }

    /// Returns the keys of a row that are not split, each once, with their places.
    fn keys(&self, cards: Cards<'_>, row: u32) -> Vec<(Place, BlockingKey)> {
        let mut keys: Vec<(Place, BlockingKey)> = Vec::with_capacity(self.values.len() + 2);
        for (rule, values) in self.values.iter().enumerate() {
            for value in 0..*values {
                let place = Place {
                    rule,
                    value,
                    depth: 0,
                };
                let key = cards.key(row, place);
                if key != 0 && keys.iter().all(|(_, known)| *known != key) {
                    keys.push((place, key));
                }
            }
        }
        keys
    }

    /// Adds a row to the block of `key` and, where that is closed, to its parts. Keys of blocks that
    /// close go to `crossed`.
    fn add(
        &mut self,
        cards: Cards<'_>,
        row: u32,
        place: Place,
        key: BlockingKey,
        crossed: &mut Vec<BlockingKey>,
    ) {
        if key == 0 {
            return;
        }
        let was = self.push(key, row);
        if cards.is_open(place.rule, was + 1) {
            return;
        }
        let closes = cards.is_open(place.rule, was);
        if closes {
            crossed.push(key);
        }
        let Some(below) = cards.below(place) else {
            return;
        };
        // A block that closes sends all of its rows on to its parts.
        let rows = if closes { self.rows(key) } else { vec![row] };
        for row in rows {
            if let Some(place) = self.same_key(cards, row, below, key) {
                self.add(cards, row, place, cards.key(row, place), crossed);
            }
        }
    }

    /// Takes a row out of the block of `key` and of its parts. Keys of blocks that open again go to
    /// `crossed`.
    fn take(
        &mut self,
        cards: Cards<'_>,
        row: u32,
        place: Place,
        key: BlockingKey,
        crossed: &mut Vec<BlockingKey>,
    ) {
        let Some(was) = self.pull(key, row) else {
            return;
        };
        if cards.is_open(place.rule, was) {
            return;
        }
        let opens = cards.is_open(place.rule, was - 1);
        if opens {
            crossed.push(key);
        }
        let Some(below) = cards.below(place) else {
            return;
        };
        // A block that opens again needs its parts no more.
        let mut rows = if opens { self.rows(key) } else { Vec::new() };
        rows.push(row);
        for row in rows {
            if let Some(place) = self.same_key(cards, row, below, key) {
                self.take(cards, row, place, cards.key(row, place), crossed);
            }
        }
    }

    /// Returns the place below for the value by which a row is in the block of `key`.
    fn same_key(
        &self,
        cards: Cards<'_>,
        row: u32,
        below: Place,
        key: BlockingKey,
    ) -> Option<Place> {
        let above = below.depth - 1;
        (0..self.values[below.rule])
            .map(|value| Place { value, ..below })
            .find(|place| {
                cards.key(
                    row,
                    Place {
                        depth: above,
                        ..*place
                    },
                ) == key
            })
    }

    fn chain(&self, key: BlockingKey) -> impl Iterator<Item = u32> {
        let mut at = self.blocks.get(&key).map_or(NONE, |block| block.first);
        std::iter::from_fn(move || {
            let link = self.links.get(at as usize)?;
            at = link.next;
            Some(link.row)
        })
    }

    /// Adds a row to a block and returns how many it had.
    fn push(&mut self, key: BlockingKey, row: u32) -> u32 {
        let block = self.blocks.entry(key).or_insert(Block {
            first: NONE,
            count: 0,
        });
        let link = Link {
            row,
            next: block.first,
        };
        let at = self.free;
        block.first = if let Some(place) = self.links.get_mut(at as usize) {
            self.free = place.next;
            *place = link;
            at
        } else {
            self.links.push(link);
            u32::try_from(self.links.len() - 1).unwrap_or(NONE)
        };
        block.count += 1;
        block.count - 1
    }

    /// Takes a row out of a block and returns how many it had; `None` when it was not there.
    fn pull(&mut self, key: BlockingKey, row: u32) -> Option<u32> {
        let block = self.blocks.get_mut(&key)?;
        let (mut before, mut at) = (NONE, block.first);
        while self.links.get(at as usize)?.row != row {
            (before, at) = (at, self.links[at as usize].next);
        }
        let next = self.links[at as usize].next;
        match self.links.get_mut(before as usize) {
            Some(link) => link.next = next,
            None => block.first = next,
        }
        self.links[at as usize].next = self.free;
        self.free = at;
        block.count -= 1;
        let was = block.count + 1;
        if block.count == 0 {
            self.blocks.remove(&key);
        }
        Some(was)
    }
}
