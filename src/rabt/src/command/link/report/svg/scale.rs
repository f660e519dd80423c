//! Scales: where a value lies, and which values are worth a tick.

use crate::command::link::report::text::plain;

/// Shares worth a tick on a scale of odds.
const SHARES: [(f64, &str); 11] = [
    (0.000_01, "0.001 %"),
    (0.000_1, "0.01 %"),
    (0.001, "0.1 %"),
    (0.01, "1 %"),
    (0.1, "10 %"),
    (0.5, "50 %"),
    (0.9, "90 %"),
    (0.99, "99 %"),
    (0.999, "99.9 %"),
    (0.9999, "99.99 %"),
    (0.999_99, "99.999 %"),
];

/// How values become places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Linear,
    /// Of `1 + value`, so that nothing lies at 0 and one can be seen.
    Counts,
    /// Of the odds of a share, so that 99 % and 99.99 % lie apart.
    Odds,
}

/// A scale: from values to places on the picture.
#[derive(Debug, Clone, Copy)]
pub(in crate::command::link::report) struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
    pub(in crate::command::link::report) start: f64,
    pub(in crate::command::link::report) end: f64,
}

impl Scale {
    /// Returns a scale on which equal steps are equal.
    pub(in crate::command::link::report) fn linear(
        (low, high): (f64, f64),
        (start, end): (f64, f64),
    ) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self {
            kind: Kind::Linear,
            low,
            high,
            start,
            end,
        }
    }

    /// Returns a logarithmic scale of counts from 0.
    pub(in crate::command::link::report) fn counts(most: f64, (start, end): (f64, f64)) -> Self {
        Self {
            kind: Kind::Counts,
            low: 0.0,
            high: most.max(9.0),
            start,
            end,
        }
    }

    /// Returns a scale of shares by their odds. Shares beyond the ends lie at the ends.
    pub(in crate::command::link::report) fn odds(
        (low, high): (f64, f64),
        (start, end): (f64, f64),
    ) -> Self {
        Self {
            kind: Kind::Odds,
            low,
            high,
            start,
            end,
        }
    }

    /// Returns the place of a value.
    pub(in crate::command::link::report) fn at(&self, value: f64) -> f64 {
        let measure = |value: f64| match self.kind {
            Kind::Linear => value,
            Kind::Counts => value.max(0.0).ln_1p(),
            Kind::Odds => {
                let share = value.clamp(self.low, self.high);
                (share / (1.0 - share)).ln()
            }
        };
        let (low, high) = (measure(self.low), measure(self.high));
        let part = (measure(value) - low) / (high - low);
        self.start + part * (self.end - self.start)
    }

    /// Returns values worth a tick, with their labels.
    pub(in crate::command::link::report) fn ticks(&self) -> Vec<(f64, String)> {
        match self.kind {
            Kind::Linear => self.even_ticks(),
            Kind::Counts => {
                let powers = (0..=18).map(|power| 10_f64.powi(power));
                let powers = powers.take_while(|value| *value <= self.high * 1.0001);
                let ticks = std::iter::once(0.0).chain(powers);
                self.apart(14.0, ticks.map(|value| (value, magnitude(value))))
            }
            Kind::Odds => {
                let inside = |share: f64| share >= self.low && share <= self.high;
                let shares = SHARES.iter().filter(|(share, _)| inside(*share));
                self.apart(
                    42.0,
                    shares.map(|(share, label)| (*share, (*label).to_owned())),
                )
            }
        }
    }

    /// Leaves out ticks whose labels would touch the one before.
    fn apart(
        &self,
        distance: f64,
        ticks: impl Iterator<Item = (f64, String)>,
    ) -> Vec<(f64, String)> {
        let mut kept: Vec<(f64, String)> = Vec::new();
        for tick in ticks {
            let near = |last: &(f64, String)| (self.at(last.0) - self.at(tick.0)).abs() < distance;
            if !kept.last().is_some_and(near) {
                kept.push(tick);
            }
        }
        kept
    }

    fn even_ticks(&self) -> Vec<(f64, String)> {
        // About one tick for every 50 pixels, at a step people count in.
        let wanted = ((self.end - self.start).abs() / 50.0).max(2.0);
        let rough = (self.high - self.low) / wanted;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|factor| factor * power)
            .into_iter()
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(rough);
        let mut ticks = Vec::new();
        let mut value = (self.low / step - 1e-9).ceil() * step;
        while value <= self.high + step * 1e-6 {
            ticks.push((value, plain(value, step)));
            value += step;
        }
        ticks
    }
}

/// Returns a power of ten in short: `10k`, `1M`.
fn magnitude(value: f64) -> String {
    if value >= 1e9 {
        format!("{:.0}G", value / 1e9)
    } else if value >= 1e6 {
        format!("{:.0}M", value / 1e6)
    } else if value >= 1e3 {
        format!("{:.0}k", value / 1e3)
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let scale = Scale::linear((-17.0, 31.0), (0.0, 350.0));
        assert_eq!(labels(&scale), ["−10", "0", "10", "20", "30"]);
        let shares = Scale::linear((0.8, 1.0), (220.0, 0.0));
        assert_eq!(labels(&shares), ["0.80", "0.85", "0.90", "0.95", "1.00"]);
        let counts = Scale::counts(12_000.0, (0.0, 300.0));
        assert_eq!(labels(&counts), ["0", "1", "10", "100", "1k", "10k"]);
        // One value only must not divide by nothing.
        assert!(Scale::linear((3.0, 3.0), (0.0, 1.0)).at(3.0).is_finite());
    }

    #[test]
    fn odds_spread_the_ends() {
        let scale = Scale::odds((0.001, 0.999), (0.0, 100.0));
        assert!((scale.at(0.5) - 50.0).abs() < 1e-9);
        assert!((scale.at(0.0)).abs() < 1e-9 && (scale.at(1.0) - 100.0).abs() < 1e-9);
        assert!(scale.at(0.99) - scale.at(0.9) > 10.0);
    }
}
