//! Where a stream of changes is.

use pgwire_replication::Lsn;
use rabt_connect::{ConnectError, Identity, Plan, Position, Session};
use serde::{Deserialize, Serialize};

use crate::KIND;
use crate::read::Place as RowPlace;

/// A place in a stream of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Which log.
    pub(super) log: Log,
    /// How far.
    pub(super) at: At,
}

/// Which log a place is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Log {
    /// The server, by the identifier that `initdb` gave it.
    pub(super) system: String,
    /// The slot.
    pub(super) slot: String,
    /// Where the log was when the slot was made: another slot of the name was made elsewhere.
    pub(super) made: Written,
    /// The table, by the number that it keeps when it is renamed.
    pub(super) table: u32,
}

/// How far a stream is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum At {
    /// Among the rows of the first reading.
    Rows(RowPlace),
    /// In the log.
    Log {
        /// Behind the last transaction that was read to its end.
        after: Written,
        /// Changes of the next transaction that were read.
        part: u64,
        /// What the table looked like, as a digest; nothing when it has not been told.
        shape: Option<String>,
    },
}

/// A place in the log as PostgreSQL writes it: `16/B374D848`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Written(pub(super) Lsn);

impl Serialize for Written {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text.parse().map(Self);
        parsed.map_err(|_| serde::de::Error::custom("is no place in a log"))
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

impl Place {
    /// Returns the position of the place.
    pub(super) fn position(&self, identity: &Identity) -> Result<Position, ConnectError> {
        Position::new(identity, self)
    }

    /// Returns the last place in the log before which nothing is needed any more.
    pub(super) const fn needed(&self) -> Lsn {
        match &self.at {
            At::Rows(_) => self.log.made.0,
            At::Log { after, .. } => after.0,
        }
    }
}
