//! The benches.

use crate::command::{Outcome, command};
use crate::server::Disk;
use crate::test::with_servers;

/// Runs a bench in release, with the database servers; `arguments` choose it.
pub(crate) fn bench(arguments: &[String]) -> Outcome {
    let mut command = command("cargo");
    command.args(["run", "--release", "--package", "rabt-benches", "--"]);
    with_servers(command.args(arguments), Disk::Safe)
}
