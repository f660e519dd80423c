//! A time stamp over a checkpoint of the audit log.

use rabt_model::Timestamp;

/// What an authority for time said of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStamp {
    /// Size of the tree of the checkpoint.
    pub size: u64,
    /// When the node got it, by its own clock.
    pub at: Timestamp,
    /// The checkpoint as it was stamped; one that witnesses signed later has other bytes.
    pub note: Vec<u8>,
    /// The reply as it came.
    pub reply: Vec<u8>,
}
