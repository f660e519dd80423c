//! What was measured, for people and for programs.

use std::time::Duration;

use serde_json::{Value, json};

use super::{LOOKUPS, Settings, UPSERTS};
use crate::pace::Times;

/// What one run measured.
pub(super) struct Report {
    pub(super) settings: Settings,
    /// Records resident before anything arrived.
    pub(super) records: u64,
    /// Citizens at the end.
    pub(super) citizens: usize,
    /// The first arrival, which builds what later ones use.
    pub(super) first: Duration,
    /// Upserts as fast as they go, and the lookups beside them.
    pub(super) sustained: Times,
    pub(super) beside: Times,
    /// Upserts at a pace, and the lookups beside them.
    pub(super) steady: Times,
    pub(super) asked: Times,
    /// Starts of the node, by what it found.
    pub(super) starts: Vec<(&'static str, Start)>,
}

/// How long a start takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// To the first possible answer.
    pub(super) serving: Duration,
    /// To the end of the first link.
    pub(super) linking: Duration,
}

impl Report {
    /// Says whether nothing failed.
    pub(super) fn is_sound(&self) -> bool {
        let all = [&self.sustained, &self.beside, &self.steady, &self.asked];
        all.iter()
            .all(|times| times.failed == 0 && times.done() > 0)
    }

    #[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
    pub(super) fn print(&self, json: bool) {
        if json {
            println!("{}", self.json());
            return;
        }
        let store = if self.settings.postgres {
            "PostgreSQL"
        } else {
            "SQLite"
        };
        println!(
            "{} records resident on {store}; {} citizens at the end",
            self.records, self.citizens
        );
        println!("first upsert: {:.2} s", self.first.as_secs_f64());
        line(
            &format!("upserts, {} callers without a pause", self.settings.callers),
            &self.sustained,
        );
        line(
            &format!("  lookups beside them, {LOOKUPS}/s asked for"),
            &self.beside,
        );
        line(&format!("upserts, {UPSERTS}/s asked for"), &self.steady);
        line(
            &format!("  lookups beside them, {LOOKUPS}/s asked for"),
            &self.asked,
        );
        for (name, start) in &self.starts {
            println!(
                "started again, {name}: serving after {:.2} s, linking after {:.2} s",
                start.serving.as_secs_f64(),
                start.linking.as_secs_f64()
            );
        }
    }

    fn json(&self) -> Value {
        json!({
            "postgres": self.settings.postgres,
            "callers": self.settings.callers,
            "records": self.records,
            "citizens": self.citizens,
            "first_s": self.first.as_secs_f64(),
            "sustained": of(&self.sustained),
            "sustained_lookups": of(&self.beside),
            "steady": of(&self.steady),
            "steady_lookups": of(&self.asked),
            "starts": self.starts.iter().map(|(name, start)| json!({
                "found": name,
                "serving_s": start.serving.as_secs_f64(),
                "linking_s": start.linking.as_secs_f64(),
            })).collect::<Vec<_>>(),
        })
    }
}

#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
fn line(name: &str, times: &Times) {
    println!(
        "{name}: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, failed {}",
        times.rate(),
        times.at(500),
        times.at(990),
        times.at(999),
        times.failed
    );
}

fn of(times: &Times) -> Value {
    json!({
        "rate": times.rate(),
        "p50_ms": times.at(500),
        "p99_ms": times.at(990),
        "p999_ms": times.at(999),
        "failed": times.failed,
    })
}
