//! The parts of a workbook: the entries of a zip archive.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use rabt_connect::{ConnectError, hex};
use sha2::{Digest, Sha256};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::folder::explain;

/// Most parts of a workbook.
const MAX_PARTS: usize = 10_000;

/// Largest part that is read, unpacked: 4 GiB.
pub(super) const MAX_PART_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// An archive whose list of parts was read.
pub(super) struct Package {
    path: PathBuf,
    pub(super) place: String,
    parts: BTreeMap<String, Part>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    start: u64,
    packed: u64,
    size: u64,
    crc: u32,
    is_deflated: bool,
}

/// The bytes of a part. The last one is handed out only when their checksum is right.
pub(super) struct PartReader {
    bytes: Box<dyn Read + Send>,
    crc: Crc,
    expected: u32,
    left: u64,
    /// Bytes that may be handed out before one element has ended.
    budget: Arc<AtomicUsize>,
}

impl Package {
    /// Reads the list of parts.
    pub(super) fn open(path: &Path, head: &[u8], place: &str) -> Result<Self, ConnectError> {
        if head.starts_with(b"\xd0\xcf\x11\xe0") {
            return Err(ConnectError::data(
                place,
                "is an old or a locked workbook",
                "save it as .xlsx without a password",
            ));
        }
        let file = File::open(path).map_err(|error| explain(&error, place))?;
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| {
            if let ZipError::Io(error) = &error
                && !matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::InvalidData
                )
            {
                return explain(error, place);
            }
            damaged(place, "is no workbook, or a part of one")
        })?;
        if archive.len() > MAX_PARTS {
            return Err(damaged(place, "has over 10,000 parts"));
        }
        let mut parts = BTreeMap::new();
        for index in 0..archive.len() {
            let (name, part) = part_of(&mut archive, index)
                .ok_or_else(|| damaged(place, "is locked, or has a part that cannot be found"))?;
            if parts.insert(name, part).is_some() {
                return Err(damaged(place, "has two parts of one name"));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            place: place.to_owned(),
            parts,
        })
    }

    /// Says whether there is a part.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parts.contains_key(&folded(name))
    }

    /// Returns what tells these parts from others: their names and checksums.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for (name, part) in &self.parts {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(part.crc.to_le_bytes());
            hash.update(part.size.to_le_bytes());
        }
        hex(&hash.finalize()[..16])
    }

    /// Opens a part of at most `limit` bytes.
    pub(super) fn part(
        &self,
        name: &str,
        limit: u64,
        budget: Arc<AtomicUsize>,
    ) -> Result<PartReader, ConnectError> {
        let part = self.parts.get(&folded(name));
        let part = part.ok_or_else(|| damaged(&self.place, &format!("has no part {name}")))?;
        let open = || -> std::io::Result<_> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(part.start))?;
            Ok(BufReader::new(file.take(part.packed)))
        };
        let packed = open().map_err(|error| explain(&error, &self.place))?;
        Ok(PartReader {
            bytes: if part.is_deflated {
                Box::new(DeflateDecoder::new(packed))
            } else {
                Box::new(packed)
            },
            crc: Crc::new(),
            expected: part.crc,
            left: limit,
            budget,
        })
    }
}

/// Returns a part that can be unpacked.
fn part_of(archive: &mut ZipArchive<BufReader<File>>, index: usize) -> Option<(String, Part)> {
    let entry = archive.by_index_raw(index).ok()?;
    let is_deflated = entry.compression() == CompressionMethod::Deflated;
    let is_stored = entry.compression() == CompressionMethod::Stored;
    if entry.encrypted() || !(is_deflated || is_stored) {
        return None;
    }
    let part = Part {
        start: entry.data_start()?,
        packed: entry.compressed_size(),
        size: entry.size(),
        crc: entry.crc32(),
        is_deflated,
    };
    Some((folded(&entry.name().ok()?), part))
}

/// Returns the name of a part as it is looked up: case does not count.
fn folded(name: &str) -> String {
    let name = name.replace('\\', "/").to_lowercase();
    name.trim_start_matches('/').to_owned()
}

/// Returns the error of a workbook that cannot be understood.
pub(super) fn damaged(place: &str, what: &str) -> ConnectError {
    ConnectError::data(
        place,
        what,
        "open it in a spreadsheet program and save it again as .xlsx",
    )
}

impl Read for PartReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let budget = self.budget.load(Ordering::Relaxed);
        if budget == 0 || self.left == 0 {
            return Err(Error::from(ErrorKind::FileTooLarge));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(into.len());
        let count = self.bytes.read(&mut into[..most]).map_err(|error| {
            // What cannot be inflated is damage, not a disk that fails.
            if error.kind() == ErrorKind::InvalidInput {
                return Error::from(ErrorKind::InvalidData);
            }
            error
        })?;
        self.crc.update(&into[..count]);
        if count == 0 && most > 0 && self.crc.sum() != self.expected {
            return Err(Error::from(ErrorKind::InvalidData));
        }
        self.left -= count as u64;
        self.budget
            .store(budget.saturating_sub(count), Ordering::Relaxed);
        Ok(count)
    }
}
