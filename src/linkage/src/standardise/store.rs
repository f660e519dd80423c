//! Where cards lie: blocks of a fixed number of records, so that several threads can fill them and
//! nothing is copied when they are put together.

use rayon::prelude::*;

use crate::aligned::{self, Aligned};

/// Records of a full block.
pub(crate) const BLOCK: usize = 1 << SHIFT;
const SHIFT: u32 = 15;

/// The cards and identities of a batch.
#[derive(Debug)]
pub(super) struct Store {
    width: usize,
    /// Words from one card to the next.
    stride: usize,
    blocks: Vec<Block>,
    rows: usize,
    /// One card, kept to be written again.
    pub(super) scratch: Vec<u32>,
}

#[derive(Debug)]
struct Block {
    place: usize,
    cards: Aligned,
    identities: Vec<u128>,
}

impl Store {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            stride: aligned::stride(width),
            blocks: Vec::new(),
            rows: 0,
            scratch: vec![0; width],
        }
    }

    pub(super) fn begin_block(&mut self, place: usize) {
        self.blocks.push(Block {
            place,
            cards: Aligned::with_capacity(BLOCK * self.stride),
            identities: Vec::new(),
        });
    }

    pub(super) fn push(&mut self, card: &[u32], identity: u128) {
        let full = |block: &Block| block.identities.len() == BLOCK;
        if self.blocks.last().is_none_or(full) {
            let place = self.blocks.len();
            self.begin_block(place);
        }
        if let Some(block) = self.blocks.last_mut() {
            block.cards.push(card, self.stride);
            block.identities.push(identity);
            self.rows += 1;
        }
    }

    /// Takes the last record out.
    pub(super) fn pop(&mut self) {
        let Some(block) = self.blocks.last_mut() else {
            return;
        };
        block.cards.pop(self.stride);
        block.identities.pop();
        self.rows -= 1;
        if block.identities.is_empty() {
            self.blocks.pop();
        }
    }

    /// Takes the blocks of another store, every card rewritten by `translate`.
    pub(super) fn absorb(&mut self, other: Self, translate: impl Fn(&mut [u32])) {
        self.rows += other.rows;
        for mut block in other.blocks {
            let cards = block.cards.words_mut().chunks_exact_mut(self.stride);
            cards.for_each(|card| translate(&mut card[..self.width]));
            self.blocks.push(block);
        }
    }

    /// Puts the blocks in the order of their places.
    ///
    /// # Panics
    /// When a block other than the last is not full: rows are found by their number.
    pub(super) fn settle(&mut self) {
        self.blocks.retain(|block| !block.identities.is_empty());
        self.blocks.sort_by_key(|block| block.place);
        let whole = self.blocks.len().saturating_sub(1);
        let full = self.blocks[..whole]
            .iter()
            .all(|block| block.identities.len() == BLOCK);
        assert!(full, "every block but the last holds {BLOCK} records");
    }

    /// Puts the records in another order.
    pub(super) fn permute(&mut self, rows: &[u32]) {
        const AHEAD: usize = 16;
        let block = |(place, rows): (usize, &[u32])| {
            let mut block = Block {
                place,
                cards: Aligned::with_capacity(BLOCK * self.stride),
                identities: Vec::with_capacity(rows.len()),
            };
            for (at, row) in rows.iter().enumerate() {
                if let Some(row) = rows.get(at + AHEAD) {
                    self.prefetch(*row);
                }
                block.cards.push(self.card(*row), self.stride);
                block.identities.push(self.identity(*row));
            }
            block
        };
        self.blocks = rows.par_chunks(BLOCK).enumerate().map(block).collect();
    }

    pub(super) const fn len(&self) -> usize {
        self.rows
    }

    pub(super) fn card(&self, row: u32) -> &[u32] {
        let (block, within) = place(row);
        let start = within * self.stride;
        &self.blocks[block].cards.words()[start..start + self.width]
    }

    /// Asks the processor for a card that will soon be read.
    pub(super) fn prefetch(&self, row: u32) {
        crate::prefetch::prefetch(self.card(row));
    }

    pub(super) fn identity(&self, row: u32) -> u128 {
        let (block, within) = place(row);
        self.blocks[block].identities[within]
    }
}

const fn place(row: u32) -> (usize, usize) {
    ((row >> SHIFT) as usize, row as usize & (BLOCK - 1))
}
