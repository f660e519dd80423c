//! Randomness that depends on a seed and a place, never on the order of drawing.

use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of randomness is for; streams of different uses never share draws.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    Population,
    Presence,
    Order,
    Record,
    Documents,
}

/// A seeded source of choices.
#[derive(Debug, Clone)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// Returns the dice of one place: a use and up to three numbers that name the place.
    pub(crate) fn at(seed: u64, purpose: Use, place: [u64; 3]) -> Self {
        Self(ChaCha8Rng::seed_from_u64(mix(seed, purpose, place)))
    }

    /// Returns true with probability `share`, 0 to 1.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.unit() < share
    }

    /// Returns a number from 0 (included) to 1 (excluded).
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// Returns an index below `count`, which is at least 1.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count.max(1))
    }

    /// Returns a number of a range that is not empty.
    pub(crate) fn within(&mut self, range: Range<i64>) -> i64 {
        self.0.random_range(range)
    }

    /// Returns one item of a list; `None` when it is empty.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let place = self.below(list.len());
        list.get(place)
    }

    /// Returns the index of a weight, chosen in proportion to the weights.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.unit() * weights.iter().sum::<f64>();
        for (place, weight) in weights.iter().enumerate() {
            rest -= weight;
            if rest < 0.0 {
                return place;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// Puts a list into random order.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            list.swap(end, self.below(end + 1));
        }
    }
}

/// Returns 64 bits that depend on every part of a place.
pub(crate) fn mix(seed: u64, purpose: Use, place: [u64; 3]) -> u64 {
    let mut state = splitmix(seed ^ (purpose as u64).wrapping_mul(0xa076_1d64_78bd_642f));
    for part in place {
        state = splitmix(state ^ part);
    }
    state
}

fn splitmix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns a number for a name, so that a place can be named by text (FNV-1a).
pub(crate) fn number_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{Dice, Use};

    #[test]
    fn places_are_independent_and_stable() {
        let mut a = Dice::at(7, Use::Record, [1, 2, 3]);
        let mut b = Dice::at(7, Use::Record, [1, 2, 3]);
        let mut c = Dice::at(7, Use::Record, [1, 2, 4]);
        let first: Vec<usize> = (0..8).map(|_| a.below(1000)).collect();
        assert_eq!(first, (0..8).map(|_| b.below(1000)).collect::<Vec<_>>());
        assert_ne!(first, (0..8).map(|_| c.below(1000)).collect::<Vec<_>>());
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::at(1, Use::Order, [0; 3]);
        let hits = (0..10_000)
            .filter(|_| dice.weighted(&[1.0, 3.0]) == 1)
            .count();
        assert!((7_200..7_800).contains(&hits), "{hits}");
    }
}
