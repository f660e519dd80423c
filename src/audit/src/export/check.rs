//! Checks the files of a log: each is looked at, byte by byte, and there is no other.

use std::collections::BTreeSet;
use std::fmt;

use super::{CHECKPOINT, Exporter, WITNESSED, entries, long};
use crate::checkpoint::parts;
use crate::tree::{Hash, TILE, Tree};
use crate::{Checkpoint, CheckpointError, CheckpointVerifier, Entry, EntryError, WitnessVerifier};

/// Most problems that are listed.
const LISTED: usize = 100;

/// The result of checking an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Number of entries.
    pub entries: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// The witnesses who signed, with the size of the tree they signed and when, seconds since 1970.
    pub witnesses: Vec<(String, u64, u64)>,
    /// What is wrong; at most the first 100.
    pub problems: Vec<ExportProblem>,
}

/// One thing that is wrong with an export, and in which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportProblem {
    /// The file, below the folder.
    pub file: String,
    /// What is wrong.
    pub wrong: String,
}

/// Checks an export: `files` are the paths that are there, `read` returns what one of them holds. Every
/// signature must be one of the log's key or of a witness that is given.
pub fn verify_export(
    files: &BTreeSet<String>,
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    verifier: &CheckpointVerifier,
    witnesses: &[WitnessVerifier],
) -> Export {
    let mut check = Check {
        read,
        known: BTreeSet::new(),
        export: Export {
            entries: 0,
            root: Tree::new().root(),
            witnesses: Vec::new(),
            problems: Vec::new(),
        },
    };
    let checkpoint = check.checkpoint(CHECKPOINT, verifier, witnesses);
    let mut marks = Vec::new();
    if files.contains(WITNESSED) {
        let earlier = check.checkpoint(WITNESSED, verifier, witnesses);
        marks.extend(earlier.map(|found| (WITNESSED, found)));
    }
    if let Some(checkpoint) = checkpoint {
        let size = checkpoint.size;
        marks.push((CHECKPOINT, checkpoint));
        check.log(size, &marks);
    }
    for file in files.difference(&check.known.clone()) {
        check.note(file, "does not belong to the export");
    }
    check.export
}

/// Returns one entry of an export of so many entries that was found sound.
///
/// # Errors
/// What is wrong with its bundle, or that there is no such leaf.
pub fn exported_entry(
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    size: u64,
    leaf: u64,
) -> Result<Vec<u8>, String> {
    let number = leaf / TILE;
    let mut check = Check {
        read,
        known: BTreeSet::new(),
        export: Export {
            entries: 0,
            root: Tree::new().root(),
            witnesses: Vec::new(),
            problems: Vec::new(),
        },
    };
    if leaf >= size {
        return Err(format!("holds {size} entries, and no leaf {leaf}"));
    }
    let bodies = check.bundle(number, TILE.min(size - number * TILE));
    let place = usize::try_from(leaf % TILE).unwrap_or_default();
    let body = bodies.and_then(|bodies| bodies.into_iter().nth(place));
    body.ok_or_else(|| {
        let problem = check.export.problems.first().map(ToString::to_string);
        problem.unwrap_or_default()
    })
}

struct Check<'a> {
    read: &'a mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    /// The files that have been looked at.
    known: BTreeSet<String>,
    export: Export,
}

impl Check<'_> {
    fn note(&mut self, file: &str, wrong: impl fmt::Display) {
        if self.export.problems.len() < LISTED {
            self.export.problems.push(ExportProblem {
                file: file.to_owned(),
                wrong: wrong.to_string(),
            });
        }
    }

    fn read(&mut self, file: &str) -> Option<Vec<u8>> {
        self.known.insert(file.to_owned());
        match (self.read)(file) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.note(file, error);
                None
            }
        }
    }

    /// Reads a checkpoint of the log and checks each of its signatures.
    fn checkpoint(
        &mut self,
        file: &str,
        verifier: &CheckpointVerifier,
        witnesses: &[WitnessVerifier],
    ) -> Option<Checkpoint> {
        let note = self.read(file)?;
        let opened = verifier.open(&note).and_then(|checkpoint| {
            let (text, lines) = parts(&note)?;
            let mut own = 0;
            for line in lines.split('\n') {
                if verifier.check(text, line)? {
                    own += 1;
                    continue;
                }
                let (name, at) = signer(text, line, witnesses)?;
                let size = checkpoint.size;
                self.export.witnesses.push((name, size, at));
            }
            (own == 1)
                .then_some(checkpoint)
                .ok_or(CheckpointError::Note)
        });
        match opened {
            Ok(checkpoint) => Some(checkpoint),
            Err(error) => {
                self.note(file, error);
                None
            }
        }
    }

    /// Reads the entries, makes the files anew from them, and compares.
    fn log(&mut self, size: u64, marks: &[(&str, Checkpoint)]) {
        let mut exporter = Exporter::new();
        let mut tree = Tree::new();
        for (file, mark) in marks.iter().filter(|(_, mark)| mark.size > size) {
            self.note(
                file,
                format_args!("is of {} entries, and there are {size}", mark.size),
            );
        }
        for number in 0..size.div_ceil(TILE) {
            let width = TILE.min(size - number * TILE);
            let Some(bodies) = self.bundle(number, width) else {
                return;
            };
            for body in bodies {
                let leaf = tree.append(crate::tree::leaf_hash(&body));
                if let Err(error) = Entry::decode(&body) {
                    self.unreadable(&entries(number, width), leaf, error);
                }
                exporter.entry(&body);
                self.export.entries += 1;
                self.compare_marks(&tree, marks);
            }
            for (file, bytes) in exporter.take() {
                self.compare(&file, &bytes);
            }
        }
        if size == 0 {
            self.compare_marks(&tree, marks);
        }
        for (file, bytes) in exporter.finish() {
            self.compare(&file, &bytes);
        }
        self.export.root = tree.root();
    }

    fn unreadable(&mut self, file: &str, leaf: u64, error: EntryError) {
        self.note(file, format_args!("leaf {leaf}: the entry {error}"));
    }

    fn compare_marks(&mut self, tree: &Tree, marks: &[(&str, Checkpoint)]) {
        for (file, mark) in marks {
            if mark.size == tree.size() && mark.root != tree.root() {
                let wrong = "the entries are not those that were signed: one or more were changed";
                self.note(file, wrong);
            }
        }
    }

    /// Returns the entries of a bundle.
    fn bundle(&mut self, number: u64, width: u64) -> Option<Vec<Vec<u8>>> {
        let file = entries(number, width);
        let bytes = self.read(&file)?;
        let mut rest = bytes.as_slice();
        let mut bodies = Vec::new();
        for leaf in number * TILE..number * TILE + width {
            let taken = rest.split_first_chunk::<2>().and_then(|(length, behind)| {
                behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))
            });
            let Some((body, behind)) = taken else {
                self.note(&file, format_args!("ends before leaf {leaf}"));
                return None;
            };
            rest = behind;
            bodies.push(if body.is_empty() {
                self.read(&long(leaf))?
            } else {
                body.to_vec()
            });
        }
        if !rest.is_empty() {
            self.note(&file, "holds more than its entries");
            return None;
        }
        Some(bodies)
    }

    fn compare(&mut self, file: &str, made: &[u8]) {
        if self.known.contains(file) {
            return;
        }
        let Some(held) = self.read(file) else {
            return;
        };
        if let Some(place) =
            (0..held.len().max(made.len())).find(|at| held.get(*at) != made.get(*at))
        {
            let hash = place / 32;
            match file.strip_prefix("tile/0/") {
                // one of the two was changed, and the checkpoint says which only of the whole
                Some(tile) => self.note(
                    file,
                    format_args!("hash {hash} is not that of the entry in tile/entries/{tile}"),
                ),
                None => self.note(file, format_args!("hash {hash} is not that of the entries")),
            }
        }
    }
}

fn signer(
    text: &str,
    line: &str,
    witnesses: &[WitnessVerifier],
) -> Result<(String, u64), CheckpointError> {
    for witness in witnesses {
        if let Some(signed) = witness.check(text, line)? {
            return Ok((witness.name().to_owned(), signed.at));
        }
    }
    Err(CheckpointError::Stranger)
}

impl fmt::Display for ExportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.wrong)
    }
}
