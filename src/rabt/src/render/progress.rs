//! Progress of one stage: a bar on a terminal, a few plain lines otherwise.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a plain line may follow the one before.
const PAUSE: Duration = Duration::from_secs(2);

/// Reports a stage on standard error until it is finished or dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    stage: &'static str,
    unit: &'static str,
    started: Instant,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Bar(ProgressBar),
    Lines(Mutex<Lines>),
}

#[derive(Debug)]
struct Lines {
    total: u64,
    done: u64,
    last: Instant,
}

impl Progress {
    pub(super) fn start(bars: bool, stage: &'static str, unit: &'static str, total: u64) -> Self {
        let started = Instant::now();
        let shape = if bars {
            Shape::Bar(bar(stage, unit, total))
        } else {
            eprintln!("{stage}");
            Shape::Lines(Mutex::new(Lines {
                total,
                done: 0,
                last: started,
            }))
        };
        Self {
            stage,
            unit,
            started,
            shape,
        }
    }

    /// Reports `steps` further steps.
    pub(crate) fn advance(&self, steps: u64) {
        match &self.shape {
            Shape::Bar(bar) => bar.inc(steps),
            Shape::Lines(lines) => {
                // A poisoned lock only means that another thread died while it counted.
                let mut lines = lines
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                lines.done += steps;
                if lines.last.elapsed() >= PAUSE {
                    lines.last = Instant::now();
                    eprintln!("{}: {}", self.stage, of(lines.done, lines.total, self.unit));
                }
            }
        }
    }

    /// Ends the report with one line, and returns how long the stage took.
    pub(crate) fn finish(self, outcome: &str) -> Duration {
        let took = self.started.elapsed();
        if let Shape::Bar(bar) = &self.shape {
            bar.finish_and_clear();
        }
        eprintln!("{}: {outcome} ({:.1} s)", self.stage, took.as_secs_f64());
        took
    }
}

fn bar(stage: &'static str, unit: &'static str, total: u64) -> ProgressBar {
    let bar = if total == 0 {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::new(total)
    };
    let shape = if total == 0 {
        "{spinner} {msg} {human_pos} {prefix} {elapsed}"
    } else {
        "{msg} [{bar:30}] {human_pos} of {human_len} {prefix} {elapsed}"
    };
    if let Ok(style) = ProgressStyle::with_template(shape) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(stage);
    bar.set_prefix(unit);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn of(done: u64, total: u64, unit: &str) -> String {
    if total == 0 {
        format!("{done} {unit}")
    } else {
        format!("{done} of {total} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn names_the_total_when_it_is_known() {
        assert_eq!(of(3, 104, "databases"), "3 of 104 databases");
        assert_eq!(of(3, 0, "records"), "3 records");
    }
}
