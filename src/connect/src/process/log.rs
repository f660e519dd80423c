//! What a process writes beside the protocol: log lines on standard error, and whatever it prints.
//!
//! Invariant: nothing of it is shown but lines that claim to be log lines, with what might be a
//! value masked; nothing of it fills memory.

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::time::{Duration, Instant};

/// Bytes of a line that are looked at.
const LINE: usize = 4 * 1024;
/// Characters of a message that are shown.
const SHOWN: usize = 300;
/// Digits in a row from which on they are masked.
const DIGITS: usize = 4;
/// Within this time, so many lines are shown, and more than so many bytes are a flood.
const WINDOW: Duration = Duration::from_secs(10);
const LINES: u32 = 100;
const FLOOD: usize = 16 * 1024 * 1024;

/// A log line as `source_service.proto` asks for.
#[derive(Deserialize)]
struct Line {
    level: String,
    message: String,
}

/// How much has come in the current window.
struct Budget {
    since: Instant,
    lines: u32,
    bytes: usize,
    left_out: u64,
}

/// Shows the log lines of a process until its stream ends. Returns early when it floods.
pub(super) async fn forward(stream: impl AsyncRead + Unpin, program: &str) -> Result<(), Flood> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::with_capacity(LINE);
    let mut budget = Budget::new();
    while let Ok(bytes) = reader.fill_buf().await {
        if bytes.is_empty() {
            break;
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |end| end + 1);
        let room = LINE - line.len();
        line.extend_from_slice(&bytes[..end.unwrap_or(taken).min(room)]);
        reader.consume(taken);
        budget.spend(taken, program)?;
        if end.is_some() {
            show(&line, &mut budget, program);
            line.clear();
        }
    }
    budget.report(program);
    Ok(())
}

/// Reads a stream and shows nothing of it. Returns early when it floods.
pub(super) async fn discard(stream: impl AsyncRead + Unpin, program: &str) -> Result<(), Flood> {
    let mut reader = BufReader::new(stream);
    let mut budget = Budget::new();
    while let Ok(bytes) = reader.fill_buf().await {
        let count = bytes.len();
        if count == 0 {
            break;
        }
        reader.consume(count);
        budget.spend(count, program)?;
    }
    Ok(())
}

/// More was written than any log needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flood;

impl Budget {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            lines: 0,
            bytes: 0,
            left_out: 0,
        }
    }

    fn spend(&mut self, bytes: usize, program: &str) -> Result<(), Flood> {
        if self.since.elapsed() > WINDOW {
            self.report(program);
            *self = Self::new();
        }
        self.bytes += bytes;
        if self.bytes > FLOOD {
            Err(Flood)
        } else {
            Ok(())
        }
    }

    fn may_show(&mut self) -> bool {
        self.lines += 1;
        self.lines <= LINES
    }

    fn report(&self, program: &str) {
        if self.left_out > 0 {
            let lines = self.left_out;
            tracing::info!(connector = program, lines, "wrote lines that are not shown");
        }
    }
}

fn show(line: &[u8], budget: &mut Budget, program: &str) {
    let parsed = serde_json::from_slice::<Line>(line).ok();
    let Some(Line { level, message }) = parsed.filter(|_| budget.may_show()) else {
        budget.left_out += 1;
        return;
    };
    let message = masked(&message);
    match level.to_ascii_lowercase().as_str() {
        "error" => tracing::error!(connector = program, "{message}"),
        "warn" => tracing::warn!(connector = program, "{message}"),
        "info" => tracing::info!(connector = program, "{message}"),
        _ => tracing::debug!(connector = program, "{message}"),
    }
}

/// Returns a text without what might be a value: letters of other scripts, and digits in a row that
/// could be a number of a person or a date.
pub(super) fn masked(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text.chars().take(SHOWN).peekable();
    while let Some(c) = rest.next() {
        if c.is_ascii_digit() {
            let mut digits = String::from(c);
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let masked = digits.len() >= DIGITS;
            shown.push_str(if masked { "#" } else { &digits });
        } else if c.is_ascii() {
            shown.push(if c.is_ascii_control() { ' ' } else { c });
        } else {
            while rest.next_if(|c| !c.is_ascii()).is_some() {}
            shown.push('…');
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{FLOOD, Flood, discard, forward, masked};

    #[test]
    fn what_might_be_a_value_is_masked() {
        let text = "row 17 of 29001011234567 born 1984 is منى\nand so on";
        assert_eq!(masked(text), "row 17 of # born # is … and so on");
        assert_eq!(masked(&"x".repeat(1_000)).len(), 300);
    }

    #[tokio::test]
    async fn a_flood_is_told_and_a_long_line_takes_no_memory() {
        let endless = tokio::io::repeat(b'x');
        assert_eq!(forward(endless, "test").await, Err(Flood));
        let endless = tokio::io::repeat(b'\n');
        assert_eq!(discard(endless, "test").await, Err(Flood));
        let long = vec![b'y'; FLOOD - 1];
        assert_eq!(forward(long.as_slice(), "test").await, Ok(()));
    }
}
