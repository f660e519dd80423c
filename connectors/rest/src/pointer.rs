//! JSON pointers (RFC 6901): where in an answer the rows and the next cursor are.

use std::borrow::Cow;

use crate::json::{entries, items};

/// A place in an answer; the empty one is the answer itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Pointer {
    text: String,
    parts: Vec<String>,
}

impl Pointer {
    /// Returns the pointer that a text is: empty, or parts behind `/` with `~1` for `/` and `~0`
    /// for `~`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let parts = text.strip_prefix('/')?.split('/');
        Some(Self {
            text: text.to_owned(),
            parts: parts
                .map(|part| part.replace("~1", "/").replace("~0", "~"))
                .collect(),
        })
    }

    /// Returns the pointer for people: its text, or words for the answer itself.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        if self.parts.is_empty() {
            Cow::Borrowed("the top of the answer")
        } else {
            Cow::Owned(format!("'{}'", self.text))
        }
    }

    /// Returns the value at the pointer, as it is written in `json`.
    pub(crate) fn find<'a>(&self, json: &'a str) -> Option<&'a str> {
        let mut at = json;
        for part in &self.parts {
            at = match at.as_bytes().first() {
                Some(b'{') => {
                    let entry = entries(at)?.into_iter().find(|(name, _)| name == part)?;
                    entry.1
                }
                Some(b'[') => items(at)?.get(part.parse::<usize>().ok()?).copied()?,
                _ => return None,
            };
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::Pointer;

    #[test]
    fn values_are_found() {
        let json = r#"{"data":{"a/b":[{"x":1.50}, "ع"],"~":null},"":2}"#;
        for (pointer, expected) in [
            ("/data/a~1b/0/x", Some("1.50")),
            ("/data/a~1b/1", Some("\"ع\"")),
            ("/data/~0", Some("null")),
            ("/", Some("2")),
            ("/data/a~1b/2", None),
            ("/data/absent", None),
            ("/data/a~1b/0/x/y", None),
            ("", Some(json)),
        ] {
            let parsed = Pointer::parse(pointer).unwrap();
            assert_eq!(parsed.find(json), expected, "{pointer}");
        }
        assert_eq!(Pointer::parse("data"), None);
    }
}
