//! A list of paths: an array in the file, in a variable of the environment a text with `:` between.

use std::fmt;
use std::path::PathBuf;

use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};

/// Reads a list of paths in either form.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
    from.deserialize_any(Paths)
}

struct Paths;

impl<'de> Visitor<'de> for Paths {
    type Value = Vec<PathBuf>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of paths")
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<PathBuf>, E> {
        let parts = text.split(':').filter(|part| !part.is_empty());
        Ok(parts.map(PathBuf::from).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<PathBuf>, A::Error> {
        let mut paths = Vec::new();
        while let Some(path) = list.next_element()? {
            paths.push(path);
        }
        Ok(paths)
    }
}
