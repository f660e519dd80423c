//! JSON as the text it was written in.
//!
//! Invariant: a number is never anything but its digits. Values are slices of the answer; only a
//! text with escapes is written anew.

use std::borrow::Cow;
use std::fmt;

use rabt_connect::{Cell, Fault};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What stands in the place of bytes that are no text. It is no text either, so the one cell
/// that holds it is unreadable, and outside of a text it is no JSON. It is doubled so that a
/// backslash before it cannot make it one.
pub(crate) const NOT_TEXT: &str = "\\ud800\\ud800";

/// A name in an object and its value, as written.
pub(crate) type Entry<'a> = (Cow<'a, str>, &'a str);

/// What an object holds under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// Nothing: the name is not there.
    Missing,
    /// The name is there twice: which one is meant cannot be said.
    Twice,
    /// A value, as written.
    Value(&'a str),
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Text: what a text says, or a number, flag, list or object as written.
    Text(Cow<'a, str>),
    /// `null`.
    Null,
    /// It is there and cannot be read.
    Unreadable(Fault),
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Entries<'a>(Vec<Entry<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor).map(Entries)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Vec<Entry<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::with_capacity(16);
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            entries.push((name, value.get()));
        }
        Ok(entries)
    }
}

/// Returns the whole of a JSON text without the white space around it.
pub(crate) fn whole(text: &str) -> serde_json::Result<&str> {
    serde_json::from_str::<&RawValue>(text).map(RawValue::get)
}

/// Returns what an object holds, in its order; nothing when it is no object, or its names are no
/// text.
pub(crate) fn entries(json: &str) -> Option<Vec<Entry<'_>>> {
    serde_json::from_str::<Entries<'_>>(json)
        .ok()
        .map(|entries| entries.0)
}

/// Returns the items of a list; nothing when it is none.
pub(crate) fn items(json: &str) -> Option<Vec<&str>> {
    let items = serde_json::from_str::<Vec<&RawValue>>(json).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}

/// Returns what an object holds under a path whose parts are joined by dots. A name that holds
/// the dots itself comes first.
pub(crate) fn find<'a>(object: &[Entry<'a>], path: &str) -> Found<'a> {
    let found = named(object, path);
    if found != Found::Missing {
        return found;
    }
    for (at, _) in path.match_indices('.') {
        let (head, rest) = (&path[..at], &path[at + 1..]);
        let found = match named(object, head) {
            // What is not known of the whole is not known of its part.
            Found::Value("null") => Found::Value("null"),
            Found::Value(json) => entries(json).map_or(Found::Missing, |inner| find(&inner, rest)),
            Found::Missing => Found::Missing,
            Found::Twice => Found::Twice,
        };
        if found != Found::Missing {
            return found;
        }
    }
    Found::Missing
}

fn named<'a>(object: &[Entry<'a>], wanted: &str) -> Found<'a> {
    let mut values = object.iter().filter(|(name, _)| name == wanted);
    match (values.next(), values.next()) {
        (None, _) => Found::Missing,
        (Some((_, json)), None) => Found::Value(json),
        (Some(_), Some(_)) => Found::Twice,
    }
}

/// Returns a value as text.
pub(crate) fn value(json: &str) -> Value<'_> {
    match json.as_bytes().first() {
        Some(b'n') => Value::Null,
        Some(b'"') => text(json).map_or(Value::Unreadable(Fault::NotText), Value::Text),
        Some(b'[' | b'{') if json.contains(NOT_TEXT) => Value::Unreadable(Fault::NotText),
        _ => Value::Text(Cow::Borrowed(json)),
    }
}

/// Returns what a JSON text says; nothing when it is none, or is half a character.
pub(crate) fn text(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(json).ok().map(Cow::Owned)
}

impl Value<'_> {
    /// Returns the value as a cell.
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Text(text) => Cell::Text(text),
            Self::Null => Cell::Null,
            Self::Unreadable(fault) => Cell::Unreadable(*fault),
        }
    }
}

#[cfg(test)]
mod tests;
