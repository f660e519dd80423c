//! Names as numbers, without the names: a file of ten million records has ten million ids.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hasher};

/// The 128 bits that stand for a name, in parts so small that the number beside them needs no
/// padding.
type Digest = [u32; 4];

/// Names in the order in which they were first met. Of each only a digest is kept: that two of ten
/// million names share one is as likely as 1 in 10^24.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<Digest, u32, BuildHasherDefault<Mixed>>,
}

impl Names {
    /// Returns the number of a name, which is the next one for a name that is new.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        let next = next(self.numbers.len());
        *self.numbers.entry(digest(name)).or_insert(next)
    }

    /// Returns the number of a name that was met.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let number = self.numbers.get(&digest(name))?;
        Some(*number as usize)
    }
}

/// Returns the number after `count` others. More than 2^32 names are beyond any memory this runs in.
pub(super) fn next(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn digest(name: &str) -> Digest {
    let keyed = BuildHasherDefault::<DefaultHasher>::default();
    let [low, high] = [0_u8, 1].map(|part| keyed.hash_one((part, name)));
    let half = |bits: u64| [bits >> 32, bits & u64::from(u32::MAX)];
    let [[a, b], [c, d]] = [half(low), half(high)];
    [a, b, c, d].map(|part| u32::try_from(part).unwrap_or_default())
}

/// A hasher of digests, which are mixed already.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        for eight in bytes.chunks(8) {
            let eight = eight.iter().rev();
            self.0 ^= eight.fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_are_numbered_as_they_come() {
        let mut names = Names::default();
        let numbers = ["a", "b", "a", "", "ب", "b"].map(|name| names.number(name));
        assert_eq!(numbers, [0, 1, 0, 2, 3, 1]);
        assert_eq!((names.find("ب"), names.find("c")), (Some(3), None));
    }

    #[test]
    fn names_that_are_alike_are_told_apart() {
        let mut names = Names::default();
        for number in 0..200_000_u32 {
            assert_eq!(names.number(&format!("rec-{number}")), number);
        }
        assert_eq!(names.find("rec-199999"), Some(199_999));
        assert_eq!(names.find("rec-200000"), None);
    }
}
