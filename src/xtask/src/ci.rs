//! Everything that must hold before a change is taken.

use std::time::Instant;

use crate::command::{Outcome, cargo, has_cargo};
use crate::{readme, test};

/// All members at once, the tools and the kinds with executables of their own too: what they are made of is looked
/// at once. Looking links nothing, so unixODBC need not be there.
const LINT: [&str; 6] = [
    "clippy",
    "--workspace",
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
    cargo(&["test", "--package", "xtask"])?;
    test::test(&[])?;
    readme::readme()?;
    eprintln!("ci: all green in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}
