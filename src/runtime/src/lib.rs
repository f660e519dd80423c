//! What every process of Rabt needs before anything else: settings, telemetry, shutdown, build
//! information.
//!
//! Invariant: this crate knows no part of the product; a component describes its settings, this
//! crate loads them and says what is wrong with them.

mod build;
mod config;
mod hangup;
mod shutdown;
mod suggest;
mod telemetry;

pub use build::BuildInfo;
pub use config::{Kind, Loaded, Origin, Place, Problem, Setting, Settings, load};
pub use hangup::Hangups;
pub use shutdown::{Drained, Shutdown, SignalError};
pub use suggest::nearest;
pub use telemetry::{Format, TelemetryError, start_telemetry};
