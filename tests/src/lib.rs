//! The harness of the integration tests: where things are on this machine, a city of invented
//! agencies, and a whole node in front of them.

mod database;
mod log;
mod pki;
mod place;
mod plugin;
mod stack;
mod town;
mod tsa;
mod typed;

pub use database::Database;
pub use log::Log;
pub use pki::{Certified, Pki};
pub use place::{cargo, executable, mysql_url, postgres_url, root, sample_data, skip, soak};
pub use plugin::{Plugins, python_plugins, python_script};
pub use stack::{
    AGENCY_SYSTEM, APPROVER, AUDITOR, CLERK, OPERATOR, PORTAL, SECURITY_OFFICER, Stack, context,
    kinds, put_in_force, reason,
};
pub use town::{Someone, Town};
pub use tsa::{Habit, Tsa};
pub use typed::{rabt, text};
