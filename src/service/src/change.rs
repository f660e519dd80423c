//! The feed of what happened to citizens.
//!
//! Invariant: a reader pulls pages, from storage or from the end of the feed that all readers share,
//! and keeps no more than one; what wakes it is a number, so nobody who reads slowly costs memory.

mod concern;
mod derive;
mod page;
mod past;
mod recent;
mod replay;
mod snapshot;
mod token;
mod veiled;
mod watch;

pub(crate) use derive::{Deed, derive};
pub use page::{CHANGE_PAGE, ChangePage, list_changes};
pub(crate) use past::part_of;
pub(crate) use recent::Recent;
pub use replay::{Replay, check_feed, check_replay};
pub use snapshot::{SNAPSHOT_PAGE, SnapshotPage, export_snapshot};
pub use watch::{Step, Watch};

pub(crate) use crate::compose::profile_of as served;
