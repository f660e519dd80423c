//! Pairs drawn at random, the same ones for the same seed.

/// A small generator of numbers that look random (splitmix64).
#[derive(Debug, Clone)]
pub struct SplitMix(u64);

impl SplitMix {
    /// Starts at a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below `bound`: the upper half of a product with it.
    pub const fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * bound as u64) >> 32) as u32
    }
}

/// Returns pairs of two of `records` places, `wanted` of them drawn with replacement; or every
/// pair once, when there are no more than that.
///
/// For a sample that does not depend on the order of arrival, the places are those of the records
/// sorted by what they are: by their identity, never by when they came.
pub fn random_pairs(records: u32, wanted: u64, seed: u64) -> Box<dyn Iterator<Item = (u32, u32)>> {
    let all = u64::from(records) * u64::from(records.saturating_sub(1)) / 2;
    if all <= wanted {
        return Box::new((0..records).flat_map(|left| (0..left).map(move |right| (right, left))));
    }
    let mut draw = SplitMix::new(seed);
    let mut made = 0;
    Box::new(std::iter::from_fn(move || {
        if made == wanted {
            return None;
        }
        made += 1;
        let left = draw.below(records);
        // One place less to choose from, and the place of `left` stepped over.
        let other = draw.below(records - 1);
        let right = other + u32::from(other >= left);
        Some((left.min(right), left.max(right)))
    }))
}
