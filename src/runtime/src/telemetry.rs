//! Logs: to standard error, as text for people or JSON for collectors.
//!
//! Invariant: standard output belongs to results; nothing here writes to it.

use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// One readable line an event.
    #[default]
    Text,
    /// One JSON object an event.
    Json,
}

impl FromStr for Format {
    type Err = TelemetryError;
    fn from_str(text: &str) -> Result<Self, TelemetryError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(TelemetryError::Format),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Why logging cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// Neither `text` nor `json`.
    #[error("the log format must be \"text\" or \"json\"")]
    Format,
    /// A filter that cannot be read; the text says where it is written and what is wrong.
    #[error("{place}: not a log filter: {reason}")]
    Filter {
        /// `RABT_LOG` or the setting's name.
        place: &'static str,
        /// What the reader of filters says.
        reason: String,
    },
    /// A second call in one process.
    #[error("logging was started twice")]
    Twice,
}

/// Starts logging to standard error. `level` is a filter (`info`, or `info,rabt_api=debug`);
/// `override_level`, the content of `RABT_LOG`, wins over it.
pub fn start_telemetry(
    format: Format,
    level: &str,
    override_level: Option<&str>,
) -> Result<(), TelemetryError> {
    let filter = filter(level, override_level)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        Format::Text => builder.finish().try_init(),
        Format::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    started.map_err(|_| TelemetryError::Twice)
}

fn filter(level: &str, override_level: Option<&str>) -> Result<EnvFilter, TelemetryError> {
    let (place, text) = match override_level {
        Some(text) if !text.trim().is_empty() => ("RABT_LOG", text),
        _ => ("telemetry.level", level),
    };
    EnvFilter::try_new(text).map_err(|error| TelemetryError::Filter {
        place,
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Format, TelemetryError, filter};

    #[test]
    fn the_variable_wins_over_the_setting() {
        let chosen = filter("info", Some("debug")).unwrap();
        assert_eq!(chosen.to_string(), "debug");
        assert_eq!(filter("warn", Some(" ")).unwrap().to_string(), "warn");
    }

    #[test]
    fn a_bad_filter_is_refused_with_its_place() {
        let error = filter("info", Some("rabt=loudest")).unwrap_err();
        assert!(error.to_string().starts_with("RABT_LOG: "), "{error}");
        assert_eq!("xml".parse::<Format>(), Err(TelemetryError::Format));
    }
}
