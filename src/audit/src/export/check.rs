//! Checks the files of a log: each is looked at, byte by byte, and there is no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rabt_model::Timestamp;

use super::{CHECKPOINT, Exporter, WITNESSED, entries, long, stamp_files, tile};
use crate::checkpoint::parts;
use crate::tree::{Hash, TILE, Tree};
use crate::{
    Checkpoint, CheckpointError, CheckpointVerifier, Entry, EntryError, StampRoots,
    WitnessVerifier, verify_stamp,
};

/// Most problems that are listed.
const LISTED: usize = 100;

/// The result of checking an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// First entry: 0, or in an archive the one behind those of the archives before.
    pub first: u64,
    /// Number of entries that were read.
    pub entries: u64,
    /// Number of entries of the tree.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// The witnesses who signed, with the size of the tree they signed and when, seconds since 1970.
    pub witnesses: Vec<(String, u64, u64)>,
    /// The time stamps that hold, ascending by size.
    pub stamps: Vec<Stamped>,
    /// Number of time stamps that were not checked, because no authority was given.
    pub unchecked: u64,
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

/// Returns the entries of the tile that a leaf is in, of an export of so many entries.
///
/// # Errors
/// What is wrong with the bundle, or that there is no such leaf.
pub fn exported_bundle(
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    size: u64,
    leaf: u64,
) -> Result<Vec<Vec<u8>>, String> {
    if leaf >= size {
        return Err(format!("holds {size} entries, and no leaf {leaf}"));
    }
    let number = leaf / TILE;
    let mut check = Check::new(read);
    let bodies = check.bundle(number, TILE.min(size - number * TILE));
    bodies.ok_or_else(|| {
        let problem = check.export.problems.first().map(ToString::to_string);
        problem.unwrap_or_default()
    })
}

/// That the first entries of a log existed at a time, as an authority for time says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// How many entries.
    pub size: u64,
    /// When, at the latest.
    pub at: Timestamp,
    /// Who says so.
    pub authority: String,
}

/// Whose signatures count.
#[derive(Debug, Clone, Copy)]
pub struct ExportTrust<'a> {
    /// The key of the log.
    pub log: &'a CheckpointVerifier,
    /// Those who may sign checkpoints too.
    pub witnesses: &'a [WitnessVerifier],
    /// The authorities of time stamps; without them no stamp is checked.
    pub time: Option<&'a StampRoots>,
}

/// What checkpoints say of the log, by its size, each with its file.
type Marks = BTreeMap<u64, Vec<(String, Hash)>>;

/// Checks an export: `files` are the paths that are there, `read` returns what one of them holds. Every
/// signature must be one of those that count.
pub fn verify_export(
    files: &BTreeSet<String>,
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    trust: ExportTrust<'_>,
) -> Export {
    let mut check = Check::new(read);
    let checkpoint = check.last(trust);
    let mut marks = Marks::new();
    let mut mark = |file: &str, found: &Checkpoint| {
        let of_size = marks.entry(found.size).or_default();
        of_size.push((file.to_owned(), found.root));
    };
    if files.contains(WITNESSED)
        && let Some(earlier) = check.checkpoint(WITNESSED, trust)
    {
        mark(WITNESSED, &earlier);
    }
    for size in stamped_sizes(files) {
        if let Some(earlier) = check.stamp(size, trust) {
            mark(&stamp_files(size).0, &earlier);
        }
    }
    if let Some((checkpoint, from)) = checkpoint {
        mark(CHECKPOINT, &checkpoint);
        check.log((from, checkpoint.size), &marks);
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
    let bodies = exported_bundle(read, size, leaf)?;
    let place = usize::try_from(leaf % TILE).unwrap_or_default();
    let body = bodies.into_iter().nth(place);
    body.ok_or_else(|| format!("has no leaf {leaf}"))
}

/// Returns the sizes of the checkpoints that have a time stamp, ascending.
fn stamped_sizes(files: &BTreeSet<String>) -> BTreeSet<u64> {
    let sizes = files.iter().filter_map(|file| {
        let size = file.strip_prefix("stamp/")?.strip_suffix(".tsr")?;
        size.parse().ok()
    });
    sizes.collect()
}

struct Check<'a> {
    read: &'a mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    /// The files that have been looked at.
    known: BTreeSet<String>,
    export: Export,
}

impl<'a> Check<'a> {
    fn new(read: &'a mut dyn FnMut(&str) -> Result<Vec<u8>, String>) -> Self {
        Self {
            read,
            known: BTreeSet::new(),
            export: Export {
                first: 0,
                entries: 0,
                size: 0,
                root: Tree::new().root(),
                witnesses: Vec::new(),
                stamps: Vec::new(),
                unchecked: 0,
                problems: Vec::new(),
            },
        }
    }

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

    /// Reads the checkpoint that the files are of, and the leaf that their entries begin with.
    fn last(&mut self, trust: ExportTrust<'_>) -> Option<(Checkpoint, u64)> {
        let note = self.read(CHECKPOINT)?;
        let opened = self.opened(CHECKPOINT, &note, trust)?;
        let from = Checkpoint::archive_from(&note).unwrap_or(0);
        if !from.is_multiple_of(TILE) || from > opened.size {
            self.note(CHECKPOINT, "is of an archive that begins nowhere");
            return None;
        }
        Some((opened, from))
    }

    /// Reads a checkpoint of the log and checks each of its signatures.
    fn checkpoint(&mut self, file: &str, trust: ExportTrust<'_>) -> Option<Checkpoint> {
        let note = self.read(file)?;
        self.opened(file, &note, trust)
    }

    fn opened(&mut self, file: &str, note: &[u8], trust: ExportTrust<'_>) -> Option<Checkpoint> {
        let opened = trust.log.open(note).and_then(|checkpoint| {
            let (text, lines) = parts(note)?;
            let mut own = 0;
            for line in lines.split('\n') {
                if trust.log.check(text, line)? {
                    own += 1;
                    continue;
                }
                let (name, at) = signer(text, line, trust.witnesses)?;
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

    /// Reads a checkpoint that has a time stamp, and checks the stamp.
    fn stamp(&mut self, size: u64, trust: ExportTrust<'_>) -> Option<Checkpoint> {
        let (file, reply) = stamp_files(size);
        let (note, stamp) = (self.read(&file)?, self.read(&reply)?);
        let opened = self.opened(&file, &note, trust)?;
        if opened.size != size {
            self.note(&file, format_args!("is of {} entries", opened.size));
            return None;
        }
        match trust.time.map(|roots| verify_stamp(&note, &stamp, roots)) {
            None => self.export.unchecked += 1,
            Some(Ok(stamp)) => self.export.stamps.push(Stamped {
                size,
                at: stamp.at,
                authority: stamp.authority,
            }),
            Some(Err(error)) => self.note(&reply, error),
        }
        Some(opened)
    }

    /// Reads the entries, makes the files anew from them, and compares.
    fn log(&mut self, (from, size): (u64, u64), marks: &Marks) {
        let mut exporter = Exporter::new();
        let mut tree = Tree::new();
        (self.export.first, self.export.size) = (from, size);
        let Some(before) = self.roots_before(from, size) else {
            return;
        };
        for root in before {
            exporter.skip_tile(root);
            tree.append_tile(root);
        }
        for (more, files) in marks.range(size + 1..) {
            for (file, _) in files {
                let wrong = format_args!("is of {more} entries, and there are {size}");
                self.note(file, wrong);
            }
        }
        for number in from / TILE..size.div_ceil(TILE) {
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
        if size == from {
            self.compare_marks(&tree, marks);
        }
        for (file, bytes) in exporter.finish() {
            self.compare(&file, &bytes);
        }
        self.export.root = tree.root();
    }

    /// Returns the roots of the tiles whose entries are elsewhere, as the tiles above say. Those are compared later with
    /// what is made of them.
    fn roots_before(&mut self, from: u64, size: u64) -> Option<Vec<Hash>> {
        let mut roots = Vec::new();
        let count = from / TILE;
        for above in 0..count.div_ceil(TILE) {
            let file = tile(1, above, TILE.min(size / TILE - above * TILE));
            let held = match (self.read)(&file) {
                Ok(held) => held,
                Err(error) => {
                    self.note(&file, error);
                    return None;
                }
            };
            let wanted = TILE.min(count - above * TILE);
            let hashes = held.as_chunks::<32>().0.iter().copied();
            let before = roots.len() as u64;
            roots.extend(hashes.take(usize::try_from(wanted).ok()?));
            if roots.len() as u64 != before + wanted {
                self.note(&file, format_args!("holds fewer than {wanted} hashes"));
                return None;
            }
        }
        Some(roots)
    }

    fn unreadable(&mut self, file: &str, leaf: u64, error: EntryError) {
        self.note(file, format_args!("leaf {leaf}: the entry {error}"));
    }

    fn compare_marks(&mut self, tree: &Tree, marks: &Marks) {
        for (file, root) in marks.get(&tree.size()).into_iter().flatten() {
            if *root != tree.root() {
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
