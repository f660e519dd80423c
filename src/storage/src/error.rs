//! Why storage failed. No error repeats a stored value: those may be personal.

use rabt_model::ErrorClass;

/// A failure of storage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The storage address or its surroundings are wrong.
    #[error("storage cannot be opened: {problem}; {remedy}")]
    Configuration {
        /// What is wrong.
        problem: String,
        /// What an operator can do.
        remedy: &'static str,
    },
    /// The database cannot be reached, or went away.
    #[error("storage is unreachable while {doing}: {problem}; check that the database is running")]
    Unreachable {
        /// What storage was about to do.
        doing: &'static str,
        /// What the network or the database said.
        problem: String,
    },
    /// Another transaction is in the way; the same work may be tried again.
    #[error("storage is busy while {doing} (code {code}); try again")]
    Busy {
        /// What storage was doing.
        doing: &'static str,
        /// `SQLite` result code or SQLSTATE.
        code: String,
    },
    /// The disk or a quota is full.
    #[error("storage is full while {doing} (code {code}); free space on its disk")]
    Full {
        /// What storage was doing.
        doing: &'static str,
        /// `SQLite` result code or SQLSTATE.
        code: String,
    },
    /// A write was tried through a snapshot.
    #[error("{doing} needs a transaction, and this is a snapshot")]
    ReadOnly {
        /// What storage was asked to do.
        doing: &'static str,
    },
    /// A value contradicts what is stored.
    #[error("{problem}")]
    Conflict {
        /// What contradicts what; names of sources and streams only.
        problem: String,
    },
    /// The leaf numbers of an append to the audit log are not the next ones.
    #[error(
        "the audit log holds {size} entries, and entry {first_leaf} was to be its next: \
         another process writes to this audit log; stop one of them"
    )]
    LeafTaken {
        /// The first leaf number of the append.
        first_leaf: u64,
        /// Number of entries the log holds.
        size: u64,
    },
    /// Another process took the lease over, and nothing was committed.
    #[error("another node writes now; nothing was changed; ask that one")]
    LeaseLost,
    /// A stored row cannot be understood.
    #[error("a row of {table} cannot be read: {problem}; restore storage from a backup")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// What is wrong with the row.
        problem: &'static str,
    },
    /// A migration failed, or storage was written by a newer release.
    #[error("storage cannot be migrated: {problem}; use the release that wrote it, or a newer one")]
    Migration {
        /// What the migration said.
        problem: String,
    },
    /// The database refused a statement.
    #[error("storage failed while {doing} (code {code}): {problem}")]
    Database {
        /// What storage was doing.
        doing: &'static str,
        /// `SQLite` result code or SQLSTATE.
        code: String,
        /// The database's message, when it cannot hold a value.
        problem: String,
    },
}

impl StorageError {
    /// Returns the class that the failure belongs to.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Configuration { .. }
            | Self::Full { .. }
            | Self::Migration { .. }
            | Self::LeafTaken { .. }
            | Self::LeaseLost => ErrorClass::Configuration,
            Self::Unreachable { .. } | Self::Busy { .. } => ErrorClass::Overloaded,
            Self::Conflict { .. } => ErrorClass::AlreadyExists,
            Self::ReadOnly { .. } | Self::Corrupt { .. } | Self::Database { .. } => {
                ErrorClass::Defect
            }
        }
    }

    /// Says whether the same work may succeed when it is tried again.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the driver's own failures are many, and all alike to us"
    )]
    fn of_sqlx(doing: &'static str, error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => Self::of_database(doing, database.as_ref()),
            sqlx::Error::Configuration(_) => Self::Configuration {
                problem: "the address is not one of a database".into(),
                remedy: "write sqlite://<path>, sqlite::memory: or postgres://<host>/<database>",
            },
            sqlx::Error::Io(problem) => Self::Unreachable {
                doing,
                problem: problem.kind().to_string(),
            },
            sqlx::Error::Tls(_) => Self::Unreachable {
                doing,
                problem: "the TLS handshake failed".into(),
            },
            sqlx::Error::PoolTimedOut => Self::Busy {
                doing,
                code: "no free connection".into(),
            },
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unreachable {
                doing,
                problem: "storage is closed".into(),
            },
            _ => Self::Database {
                doing,
                code: "driver".into(),
                problem: "the answer of the database was not understood".into(),
            },
        }
    }

    fn of_database(doing: &'static str, error: &dyn sqlx::error::DatabaseError) -> Self {
        let code = error.code().unwrap_or_default().into_owned();
        if error
            .try_downcast_ref::<sqlx::sqlite::SqliteError>()
            .is_some()
        {
            return Self::of_sqlite(doing, code, error.message());
        }
        match code.get(..2).unwrap_or_default() {
            // These messages may quote a value.
            "22" | "23" => Self::Database {
                doing,
                problem: error.constraint().unwrap_or("bad value").to_owned(),
                code,
            },
            "40" | "55" => Self::Busy { doing, code },
            "08" | "57" => Self::Unreachable {
                doing,
                problem: error.message().to_owned(),
            },
            "25" if code == "25006" => Self::ReadOnly { doing },
            // the transaction was idle for too long
            "25" if code == "25P03" => Self::Busy { doing, code },
            "28" | "3D" => Self::Configuration {
                problem: error.message().to_owned(),
                remedy: "correct the user, the password or the database in the storage address",
            },
            "53" if code == "53100" => Self::Full { doing, code },
            "53" => Self::Busy { doing, code },
            _ => Self::Database {
                doing,
                problem: error.message().to_owned(),
                code,
            },
        }
    }

    fn of_sqlite(doing: &'static str, code: String, message: &str) -> Self {
        // The low byte of an extended code is the primary one.
        match code.parse::<u32>().unwrap_or_default() & 0xff {
            5 | 6 => Self::Busy { doing, code },
            8 => Self::ReadOnly { doing },
            13 => Self::Full { doing, code },
            14 => Self::Configuration {
                problem: message.to_owned(),
                remedy: "check that the folder exists and may be written",
            },
            _ => Self::Database {
                doing,
                problem: message.to_owned(),
                code,
            },
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StorageError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration {
            problem: error.to_string(),
        }
    }
}

/// Says what was being done when the database failed.
pub(crate) trait Doing<T> {
    /// Converts the error; `doing` is a phrase such as "storing records".
    fn doing(self, doing: &'static str) -> Result<T, StorageError>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T, StorageError> {
        self.map_err(|error| StorageError::of_sqlx(doing, &error))
    }
}
