//! An image of the directory: what a start reads instead of composing every profile again.
//!
//! Invariant: an image says from which step of storage on it knows nothing. It may hold more than
//! that step, because it is taken while profiles change; whoever reads it takes all later steps
//! from storage, and so ends in the state of storage.

use std::io::{self, BufRead, Read, Write};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use rabt_model::{CitizenId, SourceId};

use super::Directory;
use super::dictionary::{Dictionary, Origin, Words};
use super::pack::{put_length, put_text, take_length, take_text};
use super::seal::{NONCE, Opener, Sealer, invalid};
use super::shelf::Shelf;

/// The kind of the file and its version, which changes with [`pack`](super::pack) and with what
/// profiles are composed from.
const LABEL: &[u8] = b"rabt directory 2\n";

/// Citizens of one part.
const PART: usize = 1_024;
/// Parts that wait for a thread.
const QUEUE: usize = 8;
/// No part is longer, bytes; what says so is damaged.
const LONGEST: usize = 1 << 30;

const WORDS: u8 = 1;
const CITIZENS: u8 = 2;
const END: u8 = 3;
const OPEN: u8 = 4;

/// The step that an image holds, with all before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Imaged {
    /// The number of the step.
    pub(crate) step: u64,
    /// The process whose step it is.
    pub(crate) process: i64,
    /// The sources that were restricted, ascending: an image is of no use where others are.
    pub(crate) restricted: Vec<SourceId>,
}

impl Directory {
    /// Writes an image, sealed with a key and a nonce that never comes again. Everything up to the
    /// step is resident already; profiles may change meanwhile.
    /// Behind each part `between` is called, which may rest, or end it all with an error.
    pub(crate) fn write_image<W: Write>(
        &self,
        imaged: &Imaged,
        out: W,
        (key, nonce): (&[u8; 32], [u8; NONCE]),
        between: &impl Fn() -> io::Result<()>,
    ) -> io::Result<W> {
        let mut sealer = Sealer::begin(out, LABEL, key, nonce)?;
        self.write_parts(imaged, &mut sealer, between)?;
        sealer.finish()
    }

    /// Reads an image that was sealed with this key, on as many threads as there are processors.
    pub(crate) fn read_image(input: impl BufRead, key: &[u8; 32]) -> io::Result<(Self, Imaged)> {
        Self::read_parts(&mut Opener::begin(input, LABEL, key)?)
    }

    fn write_parts(
        &self,
        imaged: &Imaged,
        out: &mut impl Write,
        between: &impl Fn() -> io::Result<()>,
    ) -> io::Result<()> {
        out.write_all(&imaged.step.to_le_bytes())?;
        out.write_all(&imaged.process.to_le_bytes())?;
        put_part(out, OPEN, &list(&imaged.restricted))?;
        let mut known = [0; 3];
        let mut written = 0_u64;
        // first what tells less: who is in the second shelf alone is nobody's to see
        for (kind, shelf) in [(OPEN, &self.open), (CITIZENS, &self.whole)] {
            // only the ids under one lock: questions must not wait for a disk
            let ids: Vec<CitizenId> = shelf.ids().into_iter().collect();
            for ids in ids.chunks(PART) {
                let (body, count) = part_of(shelf, ids);
                let words = words_behind(&shelf.lexicon().dictionary.read(), &mut known);
                put_part(out, WORDS, &words)?;
                put_part(out, kind, &body)?;
                written += count;
                between()?;
            }
        }
        put_part(out, END, &written.to_le_bytes())
    }

    fn read_parts(input: &mut impl Read) -> io::Result<(Self, Imaged)> {
        let (mut step, mut process) = ([0; 8], [0; 8]);
        input.read_exact(&mut step)?;
        input.read_exact(&mut process)?;
        let (kind, restricted) = take_part(input)?;
        if kind != OPEN {
            return Err(damaged());
        }
        let imaged = Imaged {
            step: u64::from_le_bytes(step),
            process: i64::from_le_bytes(process),
            restricted: listed(&restricted).ok_or_else(damaged)?,
        };
        let directory = Self::default();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let count = thread::scope(|scope| {
            let mut places = Vec::with_capacity(threads);
            let mut work = Vec::with_capacity(threads);
            for _ in 0..threads {
                let (place, parts) = sync_channel(QUEUE);
                places.push(place);
                work.push(scope.spawn(|| directory.take_in(parts)));
            }
            let deal = |turn: usize, part: Part| {
                let dealt = places[turn % threads].send(part);
                dealt.map_err(|_| damaged())
            };
            let read = read_all(input, &directory.whole.lexicon().dictionary, deal);
            drop(places);
            for thread in work {
                thread.join().map_err(|_| damaged())??;
            }
            read
        })?;
        let held = directory.whole.len() + directory.open.len();
        if count != held as u64 {
            return Err(damaged());
        }
        Ok((directory, imaged))
    }

    /// Puts the citizens of parts in.
    fn take_in(&self, parts: Receiver<Part>) -> io::Result<()> {
        for Part { open, body } in parts {
            let place = if open { &self.open } else { &self.whole };
            let mut rest = body.as_slice();
            while !rest.is_empty() {
                take_one(place, &mut rest).ok_or_else(damaged)?;
            }
        }
        Ok(())
    }
}

/// Some citizens of one shelf.
struct Part {
    open: bool,
    body: Vec<u8>,
}

/// Writes those of some citizens who are there, and says how many they are.
fn part_of(shelf: &Shelf, ids: &[CitizenId]) -> (Vec<u8>, u64) {
    let (mut body, mut count) = (Vec::new(), 0);
    for citizen in ids {
        // who went meanwhile is in a later step
        let Some(packed) = shelf.packed(*citizen) else {
            continue;
        };
        body.extend_from_slice(&citizen.bits().to_le_bytes());
        put_length(&mut body, packed.len());
        body.extend_from_slice(&packed);
        count += 1;
    }
    (body, count)
}

fn take_one(shelf: &Shelf, rest: &mut &[u8]) -> Option<()> {
    let (id, behind) = rest.split_first_chunk::<16>()?;
    *rest = behind;
    let length = take_length(rest)?;
    let (packed, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    shelf.put_packed(
        CitizenId::from_random(u128::from_le_bytes(*id)),
        packed.into(),
    )
}

fn list(sources: &[SourceId]) -> Vec<u8> {
    let mut out = Vec::new();
    put_length(&mut out, sources.len());
    for source in sources {
        put_text(&mut out, source.as_str());
    }
    out
}

fn listed(body: &[u8]) -> Option<Vec<SourceId>> {
    let mut rest = body;
    let count = take_length(&mut rest)?;
    let sources = (0..count).map(|_| take_text(&mut rest)?.parse().ok());
    let sources = sources.collect::<Option<Vec<_>>>()?;
    rest.is_empty().then_some(sources)
}

/// Reads the parts of an image in their order; returns how many citizens it says it has.
fn read_all(
    input: &mut impl Read,
    dictionary: &Dictionary,
    deal: impl Fn(usize, Part) -> io::Result<()>,
) -> io::Result<u64> {
    for turn in 0.. {
        let (kind, body) = take_part(input)?;
        match kind {
            WORDS => learn(dictionary, &body).ok_or_else(damaged)?,
            CITIZENS | OPEN => {
                let open = kind == OPEN;
                deal(turn, Part { open, body })?;
            }
            END => {
                let count = <[u8; 8]>::try_from(body.as_slice()).map_err(|_| damaged())?;
                // reads on to the seal of the end
                if input.read(&mut [0])? != 0 {
                    return Err(damaged());
                }
                return Ok(u64::from_le_bytes(count));
            }
            _ => return Err(damaged()),
        }
    }
    Err(damaged())
}

fn put_part(out: &mut impl Write, kind: u8, body: &[u8]) -> io::Result<()> {
    out.write_all(&[kind])?;
    out.write_all(&(body.len() as u64).to_le_bytes())?;
    out.write_all(body)
}

fn take_part(input: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let (mut kind, mut length) = ([0], [0; 8]);
    input.read_exact(&mut kind)?;
    input.read_exact(&mut length)?;
    let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(damaged());
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok((kind[0], body))
}

/// Writes the words that came since as many of each kind were known.
fn words_behind(words: &Words, known: &mut [usize; 3]) -> Vec<u8> {
    let mut out = Vec::new();
    let counts = words.counts();
    put_length(&mut out, counts[0] - known[0]);
    for attribute in (known[0]..counts[0]).filter_map(|number| words.attribute(number)) {
        put_text(&mut out, &attribute.to_string());
    }
    put_length(&mut out, counts[1] - known[1]);
    for column in (known[1]..counts[1]).filter_map(|number| words.column(number)) {
        put_text(&mut out, column);
    }
    put_length(&mut out, counts[2] - known[2]);
    for origin in (known[2]..counts[2]).filter_map(|number| words.origin(number)) {
        put_text(&mut out, origin.agency.as_str());
        put_text(&mut out, origin.source.as_str());
        put_text(&mut out, origin.stream.as_str());
    }
    *known = counts;
    out
}

/// Gives words the numbers they had.
fn learn(dictionary: &Dictionary, body: &[u8]) -> Option<()> {
    let mut rest = body;
    for _ in 0..take_length(&mut rest)? {
        dictionary.attribute_number(&take_text(&mut rest)?.parse().ok()?);
    }
    for _ in 0..take_length(&mut rest)? {
        dictionary.column_number(&take_text(&mut rest)?);
    }
    for _ in 0..take_length(&mut rest)? {
        dictionary.origin_number(Origin {
            agency: take_text(&mut rest)?.parse().ok()?,
            source: take_text(&mut rest)?.parse().ok()?,
            stream: take_text(&mut rest)?.parse().ok()?,
        });
    }
    rest.is_empty().then_some(())
}

fn damaged() -> io::Error {
    invalid("it is damaged")
}
