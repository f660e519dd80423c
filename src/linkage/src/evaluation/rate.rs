//! Shares, their means and how sure they are.

use serde::Serialize;

/// The quantile of the normal distribution that leaves 2.5 % on either side.
const Z: f64 = 1.959_963_984_540_054;

/// Precision and recall.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Rates {
    /// Share of what was found that is true.
    pub precision: f64,
    /// Share of what is true that was found.
    pub recall: f64,
}

impl Rates {
    /// The harmonic mean of precision and recall.
    pub fn f1(self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 {
            2.0 * self.precision * self.recall / sum
        } else {
            0.0
        }
    }
}

/// A 95 % interval of a share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Tells whether the two have a value in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// A share with the counts behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The share; 0 of none.
    pub rate: f64,
    /// Where the share of a larger sample would lie.
    pub interval: Interval,
}

impl Rate {
    /// Returns the share `count` of `of`.
    pub fn of(count: u64, of: u64) -> Self {
        Self {
            count,
            of,
            rate: if of == 0 { 0.0 } else { ratio(count, of) },
            interval: wilson(count, of),
        }
    }
}

/// Returns the Wilson score interval (95 %) of the share `count` of `of`. Of none nothing is known:
/// it is 0 to 1. Unlike the textbook interval it holds for shares at or near 0 and 1, which error
/// rates are.
pub fn wilson(count: u64, of: u64) -> Interval {
    if of == 0 {
        return Interval {
            low: 0.0,
            high: 1.0,
        };
    }
    let (trials, share) = (float(of), float(count) / float(of));
    let denominator = 1.0 + Z * Z / trials;
    let centre = (share + Z * Z / (2.0 * trials)) / denominator;
    let variance = share * (1.0 - share) / trials + Z * Z / (4.0 * trials * trials);
    let half = Z * variance.sqrt() / denominator;
    // Rounding must not leave a share outside its own interval.
    Interval {
        low: (centre - half).clamp(0.0, share),
        high: (centre + half).clamp(share, 1.0),
    }
}

/// Returns `part / whole`, 1 when there is nothing.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1.0
    } else {
        float(part) / float(whole)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{Interval, Rates, wilson};

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 5e-5
    }

    #[test]
    fn wilson_gives_published_values() {
        // 8 of 10, 0 of 10 and 1 of 100, from tables.
        for (count, of, low, high) in [
            (8, 10, 0.4902, 0.9433),
            (0, 10, 0.0, 0.2775),
            (10, 10, 0.7225, 1.0),
            (1, 100, 0.0018, 0.0545),
        ] {
            let interval = wilson(count, of);
            assert!(
                near(interval.low, low) && near(interval.high, high),
                "{interval:?}"
            );
        }
        let nothing = wilson(0, 0);
        assert!(near(nothing.low, 0.0) && near(nothing.high, 1.0));
    }

    #[test]
    fn intervals_overlap_when_they_share_a_value() {
        let interval = |low, high| Interval { low, high };
        assert!(interval(0.1, 0.3).overlaps(interval(0.3, 0.4)));
        assert!(!interval(0.1, 0.2).overlaps(interval(0.3, 0.4)));
    }

    #[test]
    fn f1_of_nothing_right_is_zero() {
        assert!(near(Rates::default().f1(), 0.0));
    }
}
