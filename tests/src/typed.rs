//! The executable, run to its end as somebody types it.

use std::path::Path;
use std::process::{Command, Output};

use crate::place::executable;

/// Runs `rabt` with these arguments in a folder, without settings from the environment.
///
/// # Panics
/// When it cannot be started.
pub fn rabt(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(executable());
    command.current_dir(folder).args(arguments);
    let output = command.env_remove("RABT_CONFIG").output();
    output.expect("rabt starts")
}

/// Returns what a process wrote, its errors behind its results.
pub fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}
