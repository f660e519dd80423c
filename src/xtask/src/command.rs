//! Running other programs, visibly.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What cargo tells a program about itself. Another cargo would take it for news, and build anew what
/// looks at it, and all that needs that.
const OWN: [&str; 4] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
];

/// What a task ends with: nothing, or one sentence about what went wrong.
pub(crate) type Outcome = Result<(), String>;

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Runs cargo in the root of the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Outcome {
    run(command("cargo").args(arguments))
}

/// Returns a command that runs in the root of the repository.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OWN.iter().any(|own| text.starts_with(own)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Prints a command, runs it to its end, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let line = line_of(command);
    eprintln!("$ {line}");
    let started = Instant::now();
    let status = command
        .status()
        .map_err(|error| format!("{line}: {error}"))?;
    eprintln!("  {:.1} s", started.elapsed().as_secs_f64());
    if status.success() {
        return Ok(());
    }
    Err(format!("{line}: {status}"))
}

/// Runs a command without a word, and returns what it printed when it fails.
pub(crate) fn quietly(command: &mut Command) -> Outcome {
    let line = line_of(command);
    let output = command
        .output()
        .map_err(|error| format!("{line}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{line}: {}\n{}", output.status, said.trim_end()))
}

/// Says whether `cargo <name>` is there.
pub(crate) fn has_cargo(name: &str) -> bool {
    Command::new("cargo")
        .args([name, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Returns the first of these files that exists.
pub(crate) fn first_of(candidates: &[&str]) -> Option<PathBuf> {
    candidates
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

fn line_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut line = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
