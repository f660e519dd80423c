//! What came out, for people and for programs.

use std::io::Write;

use serde_json::{Value, json};

use super::Settings;
use super::ask::Round;
use crate::pace::Times;

/// The outcome of the bench.
pub(super) struct Report {
    pub(super) settings: Settings,
    /// Profiles in the node's directory.
    pub(super) citizens: usize,
    /// National ids that no citizen holds beyond doubt, and that were therefore not asked about.
    pub(super) without_answer: usize,
    /// Size of the echo's answer, which is the mean of the node's.
    pub(super) bytes: usize,
    pub(super) echo: Side,
    /// The same answers, looked up, without policy and log.
    pub(super) bare: Side,
    pub(super) lookup: Side,
    /// Lookups at half the rate of `lookup`.
    pub(super) half: Times,
    /// The bare lookup at that rate.
    pub(super) bare_half: Times,
    /// Entries that the audit log gained in the rounds of lookups.
    pub(super) entries: u64,
}

/// The rounds of one side.
pub(super) struct Side(pub(super) Vec<Round>);

impl Side {
    fn answers(&self) -> usize {
        self.0.iter().map(|round| round.answers).sum()
    }

    fn errors(&self) -> usize {
        self.0.iter().map(|round| round.errors).sum()
    }

    /// Returns the median of answers a second.
    pub(super) fn rate(&self) -> f64 {
        self.median(Round::rate)
    }

    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }

    fn to_json(&self) -> Value {
        json!({
            "answers": self.answers(),
            "errors": self.errors(),
            "requests_per_second": self.median(Round::rate).round(),
            "cpu_us_per_request": tenths(self.median(Round::each)),
            "p50_us": self.median(|round| f64::from(round.p50)),
            "p99_us": self.median(|round| f64::from(round.p99)),
            "requests_per_second_by_round":
                self.0.iter().map(|round| round.rate().round()).collect::<Vec<_>>(),
        })
    }

    fn line(&self, name: &str) -> String {
        format!(
            "{name:<7} {:>7.0}/s  {:>6.1} CPU-µs  p50 {:>6.2} ms  p99 {:>6.2} ms  {} answers, {} errors",
            self.median(Round::rate),
            self.median(Round::each),
            self.median(|round| f64::from(round.p50)) / 1e3,
            self.median(|round| f64::from(round.p99)) / 1e3,
            self.answers(),
            self.errors(),
        )
    }
}

impl Report {
    /// Returns the median of the rounds' ratios: what else the machine did in a round, it did to
    /// every side.
    fn ratio(&self, to: &Side) -> f64 {
        let rounds = self.lookup.0.iter().zip(&to.0);
        median(rounds.map(|(own, bare)| own.rate() / bare.rate()).collect())
    }

    /// Returns what policy, disclosure and the log cost a lookup, CPU-microseconds.
    fn cost(&self) -> f64 {
        let rounds = self.lookup.0.iter().zip(&self.bare.0);
        median(rounds.map(|(own, bare)| own.each() - bare.each()).collect())
    }

    /// Says whether nothing failed and the log holds exactly one entry for each answer.
    pub(super) fn is_sound(&self) -> bool {
        self.lookup.errors() + self.echo.errors() + self.bare.errors() == 0
            && self.half.failed == 0
            && u64::try_from(self.lookup.answers()).is_ok_and(|answers| answers == self.entries)
    }

    pub(super) fn print(&self, as_json: bool) {
        let text = if as_json {
            self.to_json().to_string()
        } else {
            self.lines()
        };
        // Nobody is left to tell when the output is closed.
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    fn to_json(&self) -> Value {
        json!({
            "bench": "serving",
            "lookups": self.settings.lookups,
            "people": self.settings.people,
            "citizens": self.citizens,
            "in_flight": self.settings.in_flight,
            "rounds": self.settings.rounds,
            "answer_bytes": self.bytes,
            "numbers_without_answer": self.without_answer,
            "echo": self.echo.to_json(),
            "bare": self.bare.to_json(),
            "lookup": self.lookup.to_json(),
            "ratio": thousandths(self.ratio(&self.echo)),
            "ratio_to_bare": thousandths(self.ratio(&self.bare)),
            "cpu_us_above_bare": tenths(self.cost()),
            "half": {
                "requests_per_second": self.half.rate().round(),
                "p50_ms": tenths(self.half.at(500)),
                "p99_ms": tenths(self.half.at(990)),
                "errors": self.half.failed,
                "bare_p50_ms": tenths(self.bare_half.at(500)),
                "bare_p99_ms": tenths(self.bare_half.at(990)),
            },
            "audit_entries": self.entries,
            "entries_equal_answers": self.is_sound(),
        })
    }

    fn lines(&self) -> String {
        format!(
            "{} citizens, answers of {} bytes, {} in flight, medians of {} rounds\n{}\n{}\n{}\n\
             lookup / echo = {:.3}; lookup / bare = {:.3}, {:.1} CPU-µs more; \
             {} audit entries for {} answers\n\
             at half the rate, {:.0}/s: p50 {:.2} ms, p99 {:.2} ms, {} errors; \
             the bare lookup p50 {:.2} ms, p99 {:.2} ms",
            self.citizens,
            self.bytes,
            self.settings.in_flight,
            self.settings.rounds,
            self.echo.line("echo"),
            self.bare.line("bare"),
            self.lookup.line("lookup"),
            self.ratio(&self.echo),
            self.ratio(&self.bare),
            self.cost(),
            self.entries,
            self.lookup.answers(),
            self.half.rate(),
            self.half.at(500),
            self.half.at(990),
            self.half.failed,
            self.bare_half.at(500),
            self.bare_half.at(990),
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => f64::midpoint(*low, *high),
        (_, Some(value)) => *value,
        (_, None) => 0.0,
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        let of = |values: &[f64]| median(values.to_vec()).to_string();
        assert_eq!(of(&[]), "0");
        assert_eq!(of(&[4.0]), "4");
        assert_eq!(of(&[9.0, 1.0, 2.0]), "2");
        assert_eq!(of(&[9.0, 1.0, 2.0, 4.0]), "3");
    }
}
