//! Blocks of the resident index: who shares which key.

use rustc_hash::FxHashMap;

use crate::blocking::{BlockingKey, KeyLayout};
use crate::model::LinkageModel;

/// Rows by key. Blocks above their cap keep their rows but make no pairs.
#[derive(Debug, Default)]
pub(super) struct Postings {
    blocks: FxHashMap<BlockingKey, Block>,
}

#[derive(Debug)]
struct Block {
    cap: usize,
    rows: Vec<u32>,
}

impl Block {
    fn is_open(&self) -> bool {
        self.rows.len() <= self.cap
    }
}

impl Postings {
    /// Adds a row under its keys; returns the keys whose blocks crossed their cap.
    pub(super) fn insert(
        &mut self,
        model: &LinkageModel,
        layout: &KeyLayout,
        row: u32,
        keys: &[BlockingKey],
    ) -> Vec<BlockingKey> {
        let mut crossed = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            if *key == 0 || keys[..place].contains(key) {
                continue;
            }
            let cap = model.blocking[layout.places[place].rule].cap;
            let block = self.blocks.entry(*key).or_insert_with(|| Block {
                cap,
                rows: Vec::new(),
            });
            let open = block.is_open();
            block.rows.push(row);
            if open && !block.is_open() {
                crossed.push(*key);
            }
        }
        crossed
    }

    /// Takes a row out; returns the keys whose blocks came below their cap.
    pub(super) fn remove(&mut self, row: u32, keys: &[BlockingKey]) -> Vec<BlockingKey> {
        let mut crossed = Vec::new();
        for key in keys {
            let Some(block) = self.blocks.get_mut(key) else {
                continue;
            };
            let open = block.is_open();
            block.rows.retain(|other| *other != row);
            if !open && block.is_open() {
                crossed.push(*key);
            }
        }
        crossed
    }

    /// Returns the rows of a block, open or not.
    pub(super) fn rows(&self, key: BlockingKey) -> &[u32] {
        self.blocks.get(&key).map_or(&[], |block| &block.rows)
    }

    /// Returns the other rows that share an open block with `row`, each once, ascending.
    pub(super) fn candidates(&self, row: u32, keys: &[Vec<BlockingKey>]) -> Vec<u32> {
        let mut found = Vec::new();
        for key in &keys[row as usize] {
            if let Some(block) = self.blocks.get(key).filter(|block| block.is_open()) {
                found.extend(block.rows.iter().copied().filter(|other| *other != row));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Says whether two rows share an open block.
    pub(super) fn meet(&self, left: &[BlockingKey], right: &[BlockingKey]) -> bool {
        let open = |key: &BlockingKey| self.blocks.get(key).is_some_and(Block::is_open);
        left.iter()
            .any(|key| *key != 0 && right.contains(key) && open(key))
    }
}
