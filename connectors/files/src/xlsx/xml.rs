//! The elements of a part, one at a time.

use std::borrow::Cow;
use std::io::{BufReader, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesEnd, BytesRef, BytesStart, Event};
use rabt_connect::ConnectError;

use super::package::{Package, PartReader, damaged};
use crate::folder::explain;

/// Longest element or text, in bytes: 8 MiB.
const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// Most elements inside each other; a sheet has seven.
const MAX_DEPTH: usize = 64;

/// What comes next in a part. An empty element is a start and an end.
pub(super) enum Node<'x> {
    Start(BytesStart<'x>),
    End(BytesEnd<'x>),
    Text(Cow<'x, str>),
    /// What an entity stands for.
    Character(char),
    /// A comment, or another thing that says nothing.
    Other,
    /// The end of the part.
    Eof,
}

/// A part that is read.
pub(super) struct Xml {
    reader: Reader<BufReader<PartReader>>,
    buffer: Vec<u8>,
    budget: Arc<AtomicUsize>,
    depth: usize,
    place: String,
}

impl Xml {
    /// Opens a part of at most `limit` bytes.
    pub(super) fn open(package: &Package, part: &str, limit: u64) -> Result<Self, ConnectError> {
        let budget = Arc::new(AtomicUsize::new(MAX_EVENT_BYTES));
        let bytes = package.part(part, limit, Arc::clone(&budget))?;
        let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1024, bytes));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        Ok(Self {
            reader,
            buffer: Vec::new(),
            budget,
            depth: 0,
            place: format!("{} part {part}", package.place),
        })
    }

    /// Returns the error of a part that says what cannot be.
    pub(super) fn damaged(&self, what: &str) -> ConnectError {
        damaged(&self.place, what)
    }

    /// Returns what comes next.
    pub(super) fn next(&mut self) -> Result<Node<'_>, ConnectError> {
        self.buffer.clear();
        self.budget.store(MAX_EVENT_BYTES, Ordering::Relaxed);
        let event = self.reader.read_event_into(&mut self.buffer);
        let event = event.map_err(|error| explain_xml(&error, &self.place))?;
        let wrong = |what| Err(damaged(&self.place, what));
        match event {
            Event::Start(element) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return wrong("has too many elements inside each other");
                }
                Ok(Node::Start(element))
            }
            Event::End(element) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Node::End(element))
            }
            Event::Text(text) => Ok(Node::Text(text.xml10_content())),
            Event::CData(text) => Ok(Node::Text(text.xml10_content())),
            Event::GeneralRef(reference) => match character(&reference) {
                Some(c) => Ok(Node::Character(c)),
                None => wrong("has an unknown entity"),
            },
            Event::DocType(_) => wrong("has a document type"),
            Event::Eof if self.depth > 0 => wrong("ends in the middle of an element"),
            Event::Eof => Ok(Node::Eof),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Ok(Node::Other),
        }
    }

    /// Adds the text of the element that was just entered to `into`, and leaves it. Elements inside it
    /// add theirs.
    pub(super) fn text(&mut self, into: &mut String) -> Result<(), ConnectError> {
        let depth = self.depth;
        let before = into.len();
        while self.depth >= depth {
            match self.next()? {
                Node::Text(text) => into.push_str(&text),
                Node::Character(c) => into.push(c),
                Node::Start(_) | Node::End(_) | Node::Other | Node::Eof => {}
            }
            if into.len() - before > MAX_EVENT_BYTES {
                return Err(self.damaged("holds a text of over 8 MiB"));
            }
        }
        Ok(())
    }

    /// Leaves the element that was just entered.
    pub(super) fn skip(&mut self) -> Result<(), ConnectError> {
        let depth = self.depth;
        while self.depth >= depth {
            self.next()?;
        }
        Ok(())
    }
}

/// Returns an attribute by its local name: prefixes are the writer's choice.
pub(super) fn attribute<'e>(element: &'e BytesStart<'_>, name: &str) -> Option<Cow<'e, str>> {
    let mut attributes = element.attributes();
    attributes.with_checks(false);
    let found = attributes
        .filter_map(Result::ok)
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    found.normalized_value(XmlVersion::Explicit1_0).ok()
}

fn character(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten();
    }
    match reference.xml10_content().as_ref() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

fn explain_xml(error: &quick_xml::Error, place: &str) -> ConnectError {
    let quick_xml::Error::Io(error) = error else {
        return damaged(place, "is not well-formed XML in UTF-8");
    };
    let kind = error.kind();
    if matches!(kind, ErrorKind::InvalidData | ErrorKind::UnexpectedEof) {
        return damaged(place, "is damaged");
    }
    if kind == ErrorKind::FileTooLarge {
        return damaged(place, "is too large when it is unpacked");
    }
    explain(error, place)
}
