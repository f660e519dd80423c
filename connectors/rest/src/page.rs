//! One page: its rows, and where the next one is.

mod link;
mod next;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use encoding_rs::Encoding;
use http::StatusCode;
use jiff::Timestamp;
use rabt_connect::ConnectError;
use serde::{Deserialize, Serialize};

use crate::client::Answer;
use crate::client::body::{essence, is_json, text, unpacked};
use crate::config::Endpoint;
use crate::fault;
use crate::json::{Entry, entries, items, whole};

pub(crate) use next::Asked;
use next::Next;

/// Which page of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum At {
    /// The first one.
    #[default]
    Start,
    /// The one behind so many rows.
    Offset(u64),
    /// The one of this number.
    Page(u64),
    /// The one that a text of the page before stands for.
    Cursor(String),
    /// The one at this path and query of the same server.
    Link { path: String, query: Option<String> },
}

/// A page. `Debug` is not implemented: it holds values.
pub(crate) struct Page {
    text: String,
    rows: Vec<Range<usize>>,
    /// How many rows there are in all, when the server says.
    pub(crate) total: Option<u64>,
    /// Where the next page is; nothing when this is the last.
    pub(crate) next: Option<At>,
    /// The same for pages of the same rows.
    pub(crate) fingerprint: u64,
    /// What the server's clock said.
    pub(crate) date: Option<Timestamp>,
}

/// What opening a page needs to know.
pub(crate) struct Opening {
    pub(crate) place: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) max_page: usize,
    pub(crate) encoding: Option<&'static Encoding>,
    /// What was asked for.
    pub(crate) asked: Asked,
}

impl Page {
    /// Returns the page that an answer holds. Unpacking and parsing take a while: this runs where
    /// it may block.
    ///
    /// # Errors
    /// Configuration when the rows are not where they should be or the next page is at another
    /// server, data when the answer is not JSON, transient when it ends too early.
    pub(crate) fn open(answer: Answer, opening: &Opening) -> Result<Self, ConnectError> {
        let place = opening.place.as_str();
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(Self::empty(fault::date_of(&answer.headers)));
        }
        let essence = essence(&answer.headers);
        if !is_json(&essence) {
            return Err(fault::not_json(place, &essence));
        }
        let bytes = unpacked(answer.body, &answer.headers, place, opening.max_page)?;
        let text = text(bytes, &answer.headers, opening.encoding);
        let json = whole(&text).map_err(|error| fault::bad_json(place, &error))?;
        let (list, rows) = rows(&text, json, opening)?;
        let mut hasher = DefaultHasher::new();
        list.hash(&mut hasher);
        let fingerprint = hasher.finish();
        let total = opening.endpoint.total.as_ref();
        let total = total.and_then(|pointer| pointer.find(json)?.parse().ok());
        let count = rows.len() as u64;
        let next = Next {
            opening,
            json,
            headers: &answer.headers,
            rows: count,
        };
        let next = next.find()?;
        Ok(Self {
            rows,
            total,
            next,
            fingerprint,
            date: fault::date_of(&answer.headers),
            text,
        })
    }

    fn empty(date: Option<Timestamp>) -> Self {
        Self {
            text: String::new(),
            rows: Vec::new(),
            total: None,
            next: None,
            fingerprint: 0,
            date,
        }
    }

    /// Returns the number of rows.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// Returns a row, as written.
    pub(crate) fn row(&self, at: usize) -> &str {
        &self.text[self.rows[at].clone()]
    }

    /// Returns the rows, as written.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|range| &self.text[range.clone()])
    }
}

/// Returns the list of rows as written, and where each of them stands in `text`.
fn rows<'t>(
    text: &str,
    json: &'t str,
    opening: &Opening,
) -> Result<(&'t str, Vec<Range<usize>>), ConnectError> {
    let pointer = &opening.endpoint.rows;
    let wrong = |what: String| {
        let remedy = match lists(json) {
            lists if lists.is_empty() => {
                "set `rows` to the JSON pointer of the list of rows".to_owned()
            }
            lists => format!("set `rows`; there are lists at {}", lists.join(", ")),
        };
        ConnectError::configuration(&opening.place, what, remedy)
    };
    let Some(list) = pointer.find(json) else {
        let what = format!("has nothing at {} of its answer", pointer.shown());
        return Err(wrong(what));
    };
    // A server without a row may well write `null` for an empty list.
    let rows = if list == "null" {
        Some(Vec::new())
    } else {
        items(list)
    };
    let Some(rows) = rows else {
        return Err(wrong(format!("has no list at {}", pointer.shown())));
    };
    let start = text.as_ptr().addr();
    let range = |row: &str| {
        let from = row.as_ptr().addr() - start;
        from..from + row.len()
    };
    Ok((list, rows.into_iter().map(range).collect()))
}

/// Returns the pointers of lists in the first two levels of an answer, to be suggested.
fn lists(json: &str) -> Vec<String> {
    let mut found = Vec::new();
    if json.starts_with('[') {
        found.push("\"\"".to_owned());
    }
    for (name, value) in named(json) {
        if value.starts_with('[') {
            found.push(format!("\"/{name}\""));
        }
        for (inner, value) in named(value) {
            if value.starts_with('[') {
                found.push(format!("\"/{name}/{inner}\""));
            }
        }
    }
    found.truncate(5);
    found
}

/// Returns what an object holds under names that can be shown, and stand in a pointer as they are.
fn named(json: &str) -> impl Iterator<Item = Entry<'_>> {
    let entries = entries(json).unwrap_or_default().into_iter();
    entries.filter(|(name, _)| is_name(name) && !name.contains(['/', '~']))
}

/// Says whether a name in an object is one that people gave, and not a value such as a number or
/// an address of a person: those are never shown.
pub(crate) fn is_name(name: &str) -> bool {
    let digits = name.chars().filter(|c| c.is_numeric()).count();
    let length = name.chars().count();
    let is_address = name.find('@').is_some_and(|at| at > 0);
    (1..=64).contains(&length) && digits < 6 && !is_address
}

#[cfg(test)]
mod tests {
    use super::{is_name, lists};

    #[test]
    fn lists_are_suggested() {
        let json = r#"{"meta":{"n":1},"data":{"people":[],"29001011234567":[]},"errors":[]}"#;
        assert_eq!(lists(json), ["\"/data/people\"", "\"/errors\""]);
        assert_eq!(lists("[]"), ["\"\""]);
        assert!(lists("7").is_empty());
    }

    #[test]
    fn numbers_of_people_are_no_names() {
        assert!(is_name("الاسم") && is_name("col_2024") && is_name("a,b") && is_name("@id"));
        assert!(!is_name("29001011234567") && !is_name("٢٩٠٠١٠١١٢٣٤٥٦٧"));
        assert!(!is_name("") && !is_name("mona@example.com"));
    }
}
