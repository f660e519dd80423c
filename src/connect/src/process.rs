//! Kinds in processes of their own: the same contract over a Unix socket.
//!
//! Invariant: whatever the process does, crash, hang, flood or lie, the host goes on in bounded
//! memory with an error that says so, and no process lives longer than its host.

#[cfg(feature = "testkit")]
mod bare;
mod crashes;
mod handshake;
mod kept;
mod log;
mod program;
mod remote;
mod running;
mod serve;
mod supervisor;
pub(crate) mod wire;

#[cfg(feature = "testkit")]
pub(crate) use bare::{Bare, Broken};
pub(crate) use crashes::Crashes;
pub use program::{Limits, PREFIX, Program};
pub(crate) use program::{find, find_all};
pub use remote::Remote;
pub use serve::{ServeError, serve};

/// The oldest and the newest protocol that is spoken here.
pub(crate) const PROTOCOLS: [u32; 2] = [1, 2];

/// The oldest protocol that reads changes.
pub(crate) const CHANGES: u32 = 2;

/// The metadata of a call that shows who calls.
pub(crate) const COOKIE: &str = "rabt-cookie";

/// Largest message, in bytes: four batches of text.
pub(crate) const MAX_MESSAGE_BYTES: usize = 4 * crate::message::MAX_BATCH_BYTES;

/// Most rows in a message.
pub(crate) const MAX_ROWS: u32 = 16_384;

/// Returns the version of the program.
pub(crate) const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
