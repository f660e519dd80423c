//! Texts that an executable gives where the contract wants one that lives as long as the program.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Bytes that are kept at most. A description has some hundred.
const MOST: usize = 1024 * 1024;

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    texts: BTreeSet::new(),
    bytes: 0,
});

struct Kept {
    texts: BTreeSet<&'static str>,
    bytes: usize,
}

/// Returns the text as one that lives on. The same text is kept once, however often an executable
/// starts; nothing when there is no more room.
pub(super) fn keep(text: &str) -> Option<&'static str> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.texts.get(text) {
        return Some(known);
    }
    if kept.bytes + text.len() > MOST {
        return None;
    }
    let lasting: &'static str = Box::leak(text.to_owned().into_boxed_str());
    kept.bytes += lasting.len();
    kept.texts.insert(lasting);
    Some(lasting)
}

#[cfg(test)]
mod tests {
    use super::{MOST, keep};

    #[test]
    fn a_text_is_kept_once_and_not_without_end() {
        let first = keep("odbc").unwrap();
        assert!(std::ptr::eq(first, keep("odbc").unwrap()));
        assert_eq!(keep(&"x".repeat(MOST + 1)), None);
    }
}
