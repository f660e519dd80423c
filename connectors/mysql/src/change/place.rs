//! Where a stream of changes is.

use std::cmp::Ordering;

use rabt_connect::{ConnectError, Identity, Plan, Position, READ_ANEW, Session};
use serde::{Deserialize, Serialize};

use crate::KIND;
use crate::read::Place as RowPlace;

/// A place in a stream of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Which log.
    pub(super) log: Log,
    /// Behind the last transaction that was read to its end.
    pub(super) spot: Spot,
    /// Where the stream began: at the snapshot of the first reading, or a little before.
    pub(super) begun: Spot,
    /// Where the log was when the snapshot was taken, while the spot lies before that.
    pub(super) seen: Option<Spot>,
    /// When the server began the file, in seconds since 1970: another file of the name was begun at
    /// another time.
    pub(super) made: u32,
    /// How far.
    pub(super) at: At,
}

/// Which log a place is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Log {
    /// The server, by its `server_id`.
    pub(super) server: u64,
    /// The table, with its schema.
    pub(super) table: String,
}

/// A place between two transactions of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spot {
    /// The file.
    pub(super) file: String,
    /// Bytes of it.
    pub(super) offset: u64,
}

/// How far a stream is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum At {
    /// Among the rows of the first reading. What changed since is told behind them, from the spot on.
    Rows(RowPlace),
    /// In the log.
    Log {
        /// Changes of the next transaction that were read.
        part: u64,
        /// What the table looked like; nothing when it has not been told.
        shape: Option<Told>,
        /// Transactions of two phases whose second has not come.
        prepared: Vec<Prepared>,
    },
}

/// What a table looked like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// A digest of all of it.
    pub(super) digest: String,
    /// The types of the plan's columns, in words of the log.
    pub(super) types: Vec<Option<String>>,
}

/// A transaction of two phases that is prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Prepared {
    /// Its name, in hexadecimal digits.
    pub(super) xid: String,
    /// Where its changes of the table are; nothing when it has none.
    pub(super) changes: Option<Stored>,
}

/// Changes that lie in the log before the end of their transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    /// Where they begin.
    pub(super) spot: Spot,
    /// When the file was begun.
    pub(super) made: u32,
    /// Those of them that were taken back, by their numbers: from, and up to without.
    pub(super) void: Vec<(u64, u64)>,
}

impl Spot {
    /// Returns the number of the file. Numbers grow, and names with six digits and seven do not sort.
    fn number(&self) -> u64 {
        let digits = self.file.rsplit_once('.');
        digits
            .and_then(|(_, digits)| digits.parse().ok())
            .unwrap_or(0)
    }
}

impl PartialOrd for Spot {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Spot {
    fn cmp(&self, other: &Self) -> Ordering {
        let files = self.number().cmp(&other.number());
        files.then(self.offset.cmp(&other.offset))
    }
}

/// Returns which table a position belongs to.
pub(super) fn identity(session: &Session, plan: &Plan) -> Identity {
    let mut parts = vec![
        session.source.as_str(),
        plan.schema.as_deref().unwrap_or_default(),
        &plan.table,
        "changes",
    ];
    parts.extend(plan.key.iter().map(String::as_str));
    Identity::new(KIND, &parts)
}

/// Returns the error that a log is not the one that was read, or does not reach back any more.
pub(super) fn lost(what: &str) -> ConnectError {
    let what = format!("cannot be gone on with: {what}, so that changes would be missed");
    ConnectError::configuration("the server's log", what, READ_ANEW)
}

impl Place {
    /// Returns the position of the place.
    pub(super) fn position(&self, identity: &Identity) -> Result<Position, ConnectError> {
        Position::new(identity, self)
    }
}

#[cfg(test)]
mod tests {
    use super::Spot;

    fn spot(file: &str, offset: u64) -> Spot {
        Spot {
            file: file.to_owned(),
            offset,
        }
    }

    #[test]
    fn spots_follow_each_other() {
        assert!(spot("log.000001", 900) < spot("log.000002", 4));
        assert!(spot("log.999999", 900) < spot("log.1000000", 4));
        assert!(spot("log.000002", 4) < spot("log.000002", 256));
    }
}
