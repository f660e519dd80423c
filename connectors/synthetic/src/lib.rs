//! Synthetic citizens in the databases of synthetic agencies, for demonstrations, tests and
//! benches. Nobody in them is real.
//!
//! Invariant: everything is a function of (people, seed) and of the agency folders; the truth about
//! who a row is about never enters a database.

mod connector;
mod dice;
mod folders;
mod generator;
mod habits;
mod make;
mod population;
#[cfg(test)]
mod proposing;
mod record;
mod row;
mod spelling;
mod truth;
mod vocabulary;

pub use connector::Synthetic;
pub use folders::{AgencyFiles, agencies};
pub use make::{Made, Targets, make};
pub use population::Population;
pub use truth::Truth;

/// Why the databases could not be made.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SyntheticError {
    /// An agency folder's manifest or mapping is wrong.
    #[error("agency {agency}: {problems}")]
    Folder {
        /// The folder.
        agency: String,
        /// Every mistake.
        problems: rabt_connect::Problems,
    },
    /// An agency folder's habits are wrong.
    #[error("agency {agency}: habits.toml {what}")]
    Habits {
        /// The folder.
        agency: String,
        /// What is wrong.
        what: String,
    },
    /// A file or folder could not be written.
    #[error("{path}: {what}; check that the folder exists and can be written")]
    File {
        /// Which one.
        path: String,
        /// What the system says.
        what: String,
    },
    /// A database could not be written.
    #[error("{database}: {what}")]
    Database {
        /// Which one; a server is named without its address.
        database: String,
        /// What the database says.
        what: String,
    },
}
