//! Everything that must hold before a change is taken.

use std::time::Instant;

use crate::command::{Outcome, cargo, has_cargo};
use crate::{readme, test};

const LINT: [&str; 5] = ["clippy", "--all-targets", "--", "-D", "warnings"];
/// What is not among the default members. Looking links nothing, so unixODBC need not be there.
const LINT_APART: [&str; 13] = [
    "clippy",
    "--package",
    "xtask",
    "--package",
    "rabt-benches",
    "--package",
    "rabt-connector-odbc",
    "--package",
    "rabt-connector-parquet",
    "--all-targets",
    "--",
    "-D",
    "warnings",
];

/// Runs the gates in order of cost and stops at the first that fails.
pub(crate) fn ci() -> Outcome {
    let started = Instant::now();
    cargo(&["fmt", "--all", "--check"])?;
    if has_cargo("deny") {
        cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"])?;
    } else {
        eprintln!("skipped: cargo-deny is not installed; tests/it/supply.rs holds the same rules");
    }
    cargo(&LINT)?;
    cargo(&LINT_APART)?;
    cargo(&["test", "--package", "xtask"])?;
    test::test(&[])?;
    readme::readme()?;
    eprintln!("ci: all green in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}
