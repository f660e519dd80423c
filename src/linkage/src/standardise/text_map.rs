//! A map by text that holds short texts within itself.
//!
//! Nearly every word of a name has at most sixteen bytes, in Arabic eight letters: its bytes are
//! the key itself, so that a look-up neither follows a pointer nor calls a comparison of memory.

use rustc_hash::FxHashMap;

/// Bytes of a text that is its own key.
const SHORT: usize = 16;

/// Values by text.
#[derive(Debug)]
pub(super) struct TextMap<V> {
    short: FxHashMap<(u64, u64), V>,
    long: FxHashMap<Box<str>, V>,
}

impl<V> Default for TextMap<V> {
    fn default() -> Self {
        Self {
            short: FxHashMap::default(),
            long: FxHashMap::default(),
        }
    }
}

impl<V: Copy> TextMap<V> {
    /// Returns the value of a text.
    #[inline]
    pub(super) fn get(&self, text: &str) -> Option<V> {
        match packed(text) {
            Some(key) => self.short.get(&key).copied(),
            None => self.long.get(text).copied(),
        }
    }

    /// Forgets a text.
    pub(super) fn remove(&mut self, text: &str) {
        match packed(text) {
            Some(key) => self.short.remove(&key),
            None => self.long.remove(text),
        };
    }

    /// Sets the value of a text.
    pub(super) fn insert(&mut self, text: &str, value: V) {
        match packed(text) {
            Some(key) => self.short.insert(key, value),
            None => self.long.insert(text.into(), value),
        };
    }
}

/// Returns the bytes of a short text behind each other, zeros behind them. A text that ends in a
/// zero byte itself is none, so that no two texts have one key.
#[inline]
fn packed(text: &str) -> Option<(u64, u64)> {
    let bytes = text.as_bytes();
    if bytes.len() > SHORT || bytes.last() == Some(&0) {
        return None;
    }
    Some((word(bytes, 0), word(bytes, 8)))
}

/// Returns up to eight bytes from `start` on.
#[inline]
fn word(bytes: &[u8], start: usize) -> u64 {
    let rest = bytes.get(start..).unwrap_or_default();
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::TextMap;

    proptest! {
        #![proptest_config(crate::soak::cases(200))]

        #[test]
        fn is_a_map(texts in proptest::collection::vec("[ab\\x00محمد]{0,10}|.{0,20}", 0..60)) {
            let (mut map, mut oracle) = (TextMap::default(), BTreeMap::new());
            for (value, text) in texts.iter().enumerate() {
                prop_assert_eq!(map.get(text), oracle.get(text).copied());
                map.insert(text, value);
                oracle.insert(text.clone(), value);
            }
            for text in &texts {
                prop_assert_eq!(map.get(text), oracle.get(text).copied());
                map.remove(text);
                prop_assert_eq!(map.get(text), None);
                oracle.remove(text);
            }
        }
    }
}
