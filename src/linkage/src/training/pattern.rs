//! Patterns: what the comparisons of a pair found, and how many pairs found the same.

use rustc_hash::FxHashMap;

/// The level of every comparison of a pair, four bits each.
///
/// Patterns sort as their levels do, comparison by comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(u128);

impl Pattern {
    /// The most comparisons that a pattern holds.
    pub const COMPARISONS: usize = 32;
    /// The most levels that a comparison may have, `absent` included.
    pub const LEVELS: usize = 16;

    /// Packs the levels of the comparisons, in the order of the model.
    ///
    /// # Panics
    /// When there are more than [`Self::COMPARISONS`] or a level is not below [`Self::LEVELS`]:
    /// no model that was read without problems makes such.
    pub fn of(levels: impl IntoIterator<Item = u8>) -> Self {
        let mut bits = 0;
        for (comparison, level) in levels.into_iter().enumerate() {
            assert!(comparison < Self::COMPARISONS, "too many comparisons");
            assert!(usize::from(level) < Self::LEVELS, "no such level: {level}");
            bits |= u128::from(level) << shift(comparison);
        }
        Self(bits)
    }

    /// Returns the level of a comparison; 0 is `absent`.
    pub const fn level(self, comparison: usize) -> usize {
        ((self.0 >> shift(comparison)) & 15) as usize
    }

    /// Returns the pattern with only some comparisons left, the others being absent.
    pub(super) fn only(self, kept: &[bool]) -> Self {
        let mask = kept
            .iter()
            .enumerate()
            .filter(|(_, kept)| **kept)
            .fold(0, |mask, (comparison, _)| mask | (15 << shift(comparison)));
        Self(self.0 & mask)
    }
}

const fn shift(comparison: usize) -> usize {
    4 * (Pattern::COMPARISONS - 1 - comparison)
}

/// How many pairs show each pattern.
///
/// Merging adds whole numbers, so the result does not depend on how pairs were divided among
/// threads, nor on their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(FxHashMap<Pattern, u64>);

impl Counts {
    /// Counts pairs of one pattern.
    pub fn add(&mut self, pattern: Pattern, pairs: u64) {
        *self.0.entry(pattern).or_default() += pairs;
    }

    /// Returns the counts of both.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let (mut large, small) = if self.0.len() >= other.0.len() {
            (self, other)
        } else {
            (other, self)
        };
        for (pattern, pairs) in small.0 {
            large.add(pattern, pairs);
        }
        large
    }

    /// Returns the number of pairs.
    pub fn pairs(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns the number of different patterns.
    pub fn patterns(&self) -> usize {
        self.0.len()
    }

    /// Returns the number of pairs at each level of a comparison.
    pub fn by_level(&self, comparison: usize) -> [u64; Pattern::LEVELS] {
        let mut levels = [0; Pattern::LEVELS];
        for (pattern, pairs) in &self.0 {
            levels[pattern.level(comparison)] += pairs;
        }
        levels
    }

    /// Returns the patterns in order, each with its number of pairs.
    pub fn sorted(&self) -> Vec<(Pattern, u64)> {
        let mut all: Vec<_> = self.0.iter().map(|(p, pairs)| (*p, *pairs)).collect();
        all.sort_unstable();
        all
    }

    /// Returns the patterns in order with only some comparisons left.
    pub(super) fn sorted_by(&self, kept: &[bool]) -> Vec<(Pattern, u64)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|(pattern, pairs)| (pattern.only(kept), *pairs))
            .collect();
        all.sort_unstable();
        all.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 += later.1;
            }
            same
        });
        all
    }
}

impl FromIterator<(Pattern, u64)> for Counts {
    fn from_iter<T: IntoIterator<Item = (Pattern, u64)>>(items: T) -> Self {
        let mut counts = Self::default();
        for (pattern, pairs) in items {
            counts.add(pattern, pairs);
        }
        counts
    }
}

/// Returns a count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) const fn real(count: u64) -> f64 {
    count as f64
}
