//! Where cards lie: blocks of a fixed number of records, so that several threads can fill them and
//! nothing is copied when they are put together.

/// Records of a full block.
pub(crate) const BLOCK: usize = 1 << SHIFT;
const SHIFT: u32 = 15;

/// The cards and identities of a batch.
#[derive(Debug)]
pub(super) struct Store {
    stride: usize,
    blocks: Vec<Block>,
    rows: usize,
    /// One card, kept to be written again.
    pub(super) scratch: Vec<u32>,
}

#[derive(Debug)]
struct Block {
    place: usize,
    cards: Vec<u32>,
    identities: Vec<u128>,
}

impl Store {
    pub(super) fn new(stride: usize) -> Self {
        Self {
            stride,
            blocks: Vec::new(),
            rows: 0,
            scratch: vec![0; stride],
        }
    }

    pub(super) fn begin_block(&mut self, place: usize) {
        self.blocks.push(Block {
            place,
            cards: Vec::new(),
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
            block.cards.extend_from_slice(card);
            block.identities.push(identity);
            self.rows += 1;
        }
    }

    /// Takes the blocks of another store, every card rewritten by `translate`.
    pub(super) fn absorb(&mut self, other: Self, translate: impl Fn(&mut [u32])) {
        self.rows += other.rows;
        for mut block in other.blocks {
            block
                .cards
                .chunks_exact_mut(self.stride.max(1))
                .for_each(&translate);
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

    pub(super) const fn len(&self) -> usize {
        self.rows
    }

    pub(super) fn card(&self, row: u32) -> &[u32] {
        let (block, within) = place(row);
        let start = within * self.stride;
        &self.blocks[block].cards[start..start + self.stride]
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
