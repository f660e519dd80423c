//! Match weights: integer sums of log2 Bayes factors.
//!
//! A weight is a whole number of 1/1024 bit, so sums do not depend on their order and the same
//! evidence gives the same bits on every machine and thread count.

/// One bit, in units of a weight.
pub const BIT: i32 = 1024;

/// The sum of the evidence for a pair, in 1/1024 bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MatchWeight(pub i32);

impl MatchWeight {
    /// Returns the weight in bits.
    pub fn as_bits(self) -> f64 {
        f64::from(self.0) / f64::from(BIT)
    }

    /// Returns the probability that the pair is one person, given that the weight includes the
    /// prior.
    pub fn probability(self) -> f64 {
        let odds = self.as_bits().exp2();
        odds / (1.0 + odds)
    }
}

/// Returns `log2(factor)` in 1/1024 bit, held within ± 64 bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is held within ± 65,536"
)]
pub(crate) fn bits(factor: f64) -> i32 {
    (factor.log2().clamp(-64.0, 64.0) * f64::from(BIT)).round() as i32
}

/// Returns a weight given in bits, in 1/1024 bit, held within ± 64 bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is held within ± 65,536"
)]
pub(crate) fn from_bits(bits: f64) -> i32 {
    (bits.clamp(-64.0, 64.0) * f64::from(BIT)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::{MatchWeight, bits};

    #[test]
    fn bits_are_log2() {
        assert_eq!(bits(2.0), 1024);
        assert_eq!(bits(0.25), -2048);
        assert_eq!(bits(0.0), -64 * 1024);
        assert!((MatchWeight(0).probability() - 0.5).abs() < 1e-9);
    }
}
