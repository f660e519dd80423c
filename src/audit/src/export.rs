//! A log as files, in the C2SP tlog-tiles layout: whoever has them can check it with nothing else than the
//! public key.
//!
//! ```text
//! checkpoint                  the signed checkpoint that the files are of
//! witnessed                   an earlier checkpoint that witnesses signed, where there is one
//! stamp/<size>                an earlier checkpoint that has a time stamp, as it was stamped
//! stamp/<size>.tsr            the stamp, a reply of RFC 3161
//! tile/<L>/<N>[.p/<W>]        up to 256 hashes of level 8·L
//! tile/entries/<N>[.p/<W>]    the entries of a tile of level 0, each behind its length in two bytes
//! long/<leaf>                 an entry that is too long for two bytes; its length in the bundle is 0
//! ```

mod check;

use std::fmt::Write as _;

use crate::tree::{Hash, TILE, Tree};

pub use check::{
    Export, ExportProblem, ExportTrust, Stamped, exported_bundle, exported_entry, verify_export,
};

/// Name of the file of the checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// Name of the file of a checkpoint that a witness signed.
pub const WITNESSED: &str = "witnessed";

/// A file of an export: its path below the folder, with slashes, and what it holds.
pub type ExportFile = (String, Vec<u8>);

/// Makes the files of a log from its entries, one after the other. Keeps a tile of each level.
#[derive(Debug, Default)]
pub struct Exporter {
    leaves: u64,
    /// The hashes of the unfinished tile of each level.
    levels: Vec<Vec<Hash>>,
    /// How many tiles of each level are finished.
    finished: Vec<u64>,
    bundle: Vec<u8>,
    files: Vec<ExportFile>,
}

impl Exporter {
    /// Returns an exporter that has seen no entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next tile by its root, in the place of entries that are elsewhere; none of its own files is made.
    /// To be called before the first entry.
    pub fn skip_tile(&mut self, root: Hash) {
        self.leaves += TILE;
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
            self.finished.push(0);
        }
        self.finished[0] += 1;
        self.push(1, root);
    }

    /// Takes the next entry's body.
    pub fn entry(&mut self, body: &[u8]) {
        if let Ok(length) = u16::try_from(body.len()) {
            self.bundle.extend_from_slice(&length.to_be_bytes());
            self.bundle.extend_from_slice(body);
        } else {
            self.bundle.extend_from_slice(&[0, 0]);
            self.files.push((long(self.leaves), body.to_vec()));
        }
        self.leaves += 1;
        self.push(0, crate::tree::leaf_hash(body));
        if self.leaves.is_multiple_of(TILE) {
            let bundle = std::mem::take(&mut self.bundle);
            let path = entries(self.leaves / TILE - 1, TILE);
            self.files.push((path, bundle));
        }
    }

    /// Returns the files that are finished and have not been returned yet.
    pub fn take(&mut self) -> Vec<ExportFile> {
        std::mem::take(&mut self.files)
    }

    /// Returns the files that remain: the unfinished tiles and bundle.
    pub fn finish(mut self) -> Vec<ExportFile> {
        let width = self.leaves % TILE;
        if width > 0 {
            let path = entries(self.leaves / TILE, width);
            self.files.push((path, std::mem::take(&mut self.bundle)));
        }
        for level in 0..self.levels.len() {
            let hashes = std::mem::take(&mut self.levels[level]);
            if !hashes.is_empty() {
                let path = tile(level, self.finished[level], hashes.len() as u64);
                self.files.push((path, hashes.concat()));
            }
        }
        self.files
    }

    fn push(&mut self, level: usize, hash: Hash) {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
            self.finished.push(0);
        }
        let hashes = &mut self.levels[level];
        hashes.push(hash);
        if (hashes.len() as u64) < TILE {
            return;
        }
        let hashes = std::mem::take(hashes);
        let path = tile(level, self.finished[level], TILE);
        self.finished[level] += 1;
        let root = root_of(&hashes);
        self.files.push((path, hashes.concat()));
        self.push(level + 1, root);
    }
}

/// Returns the root of a full tile.
pub(crate) fn root_of(hashes: &[Hash]) -> Hash {
    let mut tree = Tree::new();
    for hash in hashes {
        tree.append(*hash);
    }
    tree.root()
}

/// Returns the path of a tile of hashes.
pub(crate) fn tile(level: usize, number: u64, width: u64) -> String {
    format!("tile/{level}/{}", numbered(number, width))
}

/// Returns the path of a bundle of entries.
fn entries(number: u64, width: u64) -> String {
    format!("tile/entries/{}", numbered(number, width))
}

/// Returns the paths of a checkpoint that has a time stamp, and of the stamp.
pub fn stamp_files(size: u64) -> (String, String) {
    (format!("stamp/{size}"), format!("stamp/{size}.tsr"))
}

/// Returns the path of an entry that is too long for its bundle.
fn long(leaf: u64) -> String {
    format!("long/{leaf}")
}

/// Writes a number in groups of three digits, all but the last behind an x; a width that is not full is
/// written behind it.
fn numbered(number: u64, width: u64) -> String {
    let mut groups = vec![format!("{:03}", number % 1_000)];
    let mut rest = number / 1_000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1_000));
        rest /= 1_000;
    }
    groups.reverse();
    let mut path = groups.join("/");
    if width < TILE {
        let _ = write!(path, ".p/{width}");
    }
    path
}

#[cfg(test)]
mod tests;
