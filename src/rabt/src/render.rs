//! The only place that prints: results on standard output, everything else on standard error.
//!
//! Invariant: with `--json`, standard output holds exactly one JSON object.

mod progress;
mod table;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

pub(crate) use self::progress::Progress;
pub(crate) use self::table::table;
use crate::error::CommandError;

type Stream = Mutex<Box<dyn Write + Send>>;

/// How this run talks to its reader.
pub(crate) struct Render {
    json: bool,
    bars: bool,
    out: Stream,
    err: Stream,
}

impl Render {
    /// Returns a renderer for this process's streams.
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            bars: std::io::stderr().is_terminal(),
            out: Mutex::new(Box::new(std::io::stdout())),
            err: Mutex::new(Box::new(std::io::stderr())),
        }
    }

    /// Returns a renderer whose output is kept, and the way to it.
    #[cfg(test)]
    pub(crate) fn kept(json: bool) -> (Self, Printed) {
        let printed = Printed::default();
        let render = Self {
            json,
            bars: false,
            out: Mutex::new(Box::new(printed.out.clone())),
            err: Mutex::new(Box::new(printed.err.clone())),
        };
        (render, printed)
    }

    /// Says whether results are JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result: `object` as JSON, or the text that `text` makes of it.
    pub(crate) fn result(&self, object: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            // Only a map with keys that are not text cannot be written; results have none.
            let line = serde_json::to_string_pretty(object).unwrap_or_default();
            put(&self.out, &line);
        } else {
            put(&self.out, &text());
        }
    }

    /// Prints text that is not a result object: a completion script, a settings file.
    pub(crate) fn raw(&self, text: &str) {
        put(&self.out, text);
    }

    /// Tells the reader something that is not part of the result.
    pub(crate) fn note(&self, text: impl fmt::Display) {
        put(&self.err, &text.to_string());
    }

    /// Warns the reader.
    pub(crate) fn warning(&self, text: impl fmt::Display) {
        put(&self.err, &format!("warning: {text}"));
    }

    /// Prints an error with its remedies.
    pub(crate) fn error(&self, error: &CommandError) {
        for fault in error.faults() {
            put(&self.err, &format!("error: {}", fault.message));
            if !fault.help.is_empty() {
                put(&self.err, &format!("help: {}", fault.help));
            }
        }
    }

    /// Starts the report of a stage with `total` steps; 0 when the number is not known.
    pub(crate) fn progress(&self, stage: &'static str, unit: &'static str, total: u64) -> Progress {
        Progress::start(self.bars, stage, unit, total)
    }
}

fn put(stream: &Stream, text: &str) {
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    // A reader that closed the pipe has read what it wanted.
    let _ = writeln!(stream, "{}", text.trim_end_matches('\n'));
    let _ = stream.flush();
}

/// What a renderer of a test printed.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Printed {
    out: Page,
    err: Page,
}

#[cfg(test)]
impl Printed {
    /// Returns what is on standard output and on standard error.
    pub(crate) fn texts(&self) -> (String, String) {
        (self.out.text(), self.err.text())
    }
}

#[cfg(test)]
#[derive(Clone, Default)]
struct Page(std::sync::Arc<Mutex<Vec<u8>>>);

#[cfg(test)]
impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
