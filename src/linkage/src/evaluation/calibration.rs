//! Whether pairs said to be one person with probability p are so in a share p of cases.

use serde::Serialize;

use super::rate::{Rate, float};

/// Where bins begin. Tenths, and finer near 1, where links are decided.
const STARTS: [f64; 14] = [
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999,
];

/// Pairs of like probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// The least probability in it.
    pub from: f64,
    /// The probability at which the next begins; 1 is in the last.
    pub to: f64,
    /// The mean probability of its pairs: the share that is expected to be true. The middle of the
    /// bin when it is empty.
    pub expected: f64,
    /// The share that is true.
    pub observed: Rate,
}

/// Expected against observed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The bins, the least probability first, the empty ones included.
    pub bins: Vec<CalibrationBin>,
    /// Pairs that were judged.
    pub pairs: u64,
    /// The mean distance of observed from expected over the bins, each weighing as its pairs: the
    /// expected calibration error.
    pub error: f64,
    /// The mean square distance of each pair's probability from what it is (0 or 1): the Brier
    /// score.
    pub brier: f64,
}

impl Calibration {
    /// Judges pairs, each once, by their probability and whether they are true.
    pub fn of(pairs: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut sums = [(0_u64, 0_u64, 0.0_f64); STARTS.len()];
        let (mut total, mut square) = (0_u64, 0.0);
        for (probability, is_true) in pairs {
            let bin = STARTS.partition_point(|start| *start <= probability);
            let (count, right, sum) = &mut sums[bin.saturating_sub(1)];
            *count += 1;
            *right += u64::from(is_true);
            *sum += probability;
            total += 1;
            square += (probability - f64::from(u8::from(is_true))).powi(2);
        }
        let ends = STARTS.iter().skip(1).chain([&1.0]);
        let bins = STARTS.iter().zip(ends).zip(sums);
        let bins: Vec<CalibrationBin> = bins
            .map(|((from, to), (count, right, sum))| CalibrationBin {
                from: *from,
                to: *to,
                expected: if count == 0 {
                    f64::midpoint(*from, *to)
                } else {
                    sum / float(count)
                },
                observed: Rate::of(right, count),
            })
            .collect();
        let mean = |sum: f64| if total == 0 { 0.0 } else { sum / float(total) };
        let gaps = bins
            .iter()
            .map(|bin| float(bin.observed.of) * (bin.expected - bin.observed.rate).abs());
        Self {
            error: mean(gaps.sum()),
            brier: mean(square),
            pairs: total,
            bins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Calibration;

    #[test]
    fn bins_and_error_are_those_of_a_small_case_by_hand() {
        let pairs = [
            (0.25, false),
            (0.25, true),
            (0.92, true),
            (1.0, true),
            (0.9, false),
        ];
        let result = Calibration::of(pairs.into_iter());
        let counts: Vec<(u64, u64)> = result
            .bins
            .iter()
            .map(|bin| (bin.observed.of, bin.observed.count))
            .filter(|(of, _)| *of > 0)
            .collect();
        assert_eq!(counts, [(2, 1), (2, 1), (1, 1)]);
        // 2 · |0.25 − 0.5| + 2 · |0.91 − 0.5| + 1 · 0, over 5.
        assert!((result.error - 0.264).abs() < 1e-12);
        // 0.0625 + 0.5625 + 0.0064 + 0 + 0.81, over 5.
        assert!((result.brier - 0.28828).abs() < 1e-12);
        assert_eq!(result.pairs, 5);
    }

    #[test]
    fn bins_cover_zero_to_one_without_a_gap() {
        let result = Calibration::of(std::iter::empty());
        assert!((result.bins[0].from).abs() < 1e-12);
        assert!((result.bins[13].to - 1.0).abs() < 1e-12);
        let touching = |pair: &[super::CalibrationBin]| (pair[0].to - pair[1].from).abs() < 1e-12;
        assert!(result.bins.windows(2).all(touching));
        assert!(result.error.abs() < 1e-12 && result.brier.abs() < 1e-12);
    }
}
