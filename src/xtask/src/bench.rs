//! The benches.

use crate::command::{Outcome, command, run};

/// Runs the benches in release; `arguments` choose among them.
pub(crate) fn bench(arguments: &[String]) -> Outcome {
    let mut command = command("cargo");
    command.args(["run", "--release", "--package", "rabt-benches", "--"]);
    run(command.args(arguments))
}
