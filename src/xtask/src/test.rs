//! Running the tests with the database servers they need.

use std::io::Read;
use std::process::Command;

use crate::command::{Outcome, cargo, command, has_cargo, quietly, run};
use crate::server::{Disk, Missing, Server, mariadb, postgres, slapd};

/// A server the tests can use: name, environment variable of its URL, how to start it.
type Lane = (
    &'static str,
    &'static str,
    fn(Disk) -> Result<Server, Missing>,
);

const LANES: [Lane; 3] = [
    ("PostgreSQL", "RABT_TEST_POSTGRES_URL", postgres),
    ("MariaDB", "RABT_TEST_MYSQL_URL", mariadb),
    ("OpenLDAP", "RABT_TEST_LDAP_URL", slapd),
];

/// What is not tested with the rest: the task runner, which is running, and the benches.
const APART: [&str; 4] = ["--exclude", "xtask", "--exclude", "rabt-benches"];

/// The kind that is linked to a library of the system's.
const ODBC: &str = "rabt-connector-odbc";

/// How many cases a property of the parsers and kernels is tried on.
const CASES: &str = "RABT_PROPTEST_CASES";

/// The servers of one run, and the lanes that are missing.
#[derive(Debug, Default)]
struct Servers {
    running: Vec<(&'static str, &'static str, Server)>,
    skipped: Vec<String>,
}

/// Runs the tests; `arguments` go to the runner. Without a choice of packages among them, those of all
/// members but the tools are run, the kinds with executables of their own included.
pub(crate) fn test(arguments: &[String]) -> Outcome {
    let has_odbc = has_odbc()?;
    let mut chosen = Vec::new();
    if !chooses_packages(arguments) {
        chosen.push("--workspace");
        chosen.extend(APART);
        if !has_odbc {
            chosen.extend(["--exclude", ODBC]);
            // What it needs is looked at all the same, for licences and rows.
            cargo(&["fetch", "--locked"])?;
        }
    }
    if needs_executable(arguments) {
        cargo(&[&["build", "--bins", "--tests"], chosen.as_slice()].concat())?;
    }
    let chosen = chosen.into_iter().map(str::to_owned);
    let arguments: Vec<String> = chosen.chain(arguments.iter().cloned()).collect();
    let outcome = with_servers(&mut runner(&arguments, false), Disk::Unsafe);
    if !has_odbc {
        tell_of_odbc();
    }
    outcome
}

/// Says whether there is unixODBC to link to, by asking the linker.
fn has_odbc() -> Result<bool, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-x", "c", "/dev/null", "-lodbc", "-o"]);
    let has_odbc = quietly(cc.arg(folder.path().join("linked"))).is_ok();
    if has_odbc {
        eprintln!("lane: unixODBC");
    } else if required() {
        return Err(format!(
            "unixODBC is not installed and RABT_REQUIRE_LANES=all; install {ODBC_PACKAGES}"
        ));
    } else {
        tell_of_odbc();
    }
    Ok(has_odbc)
}

const ODBC_PACKAGES: &str =
    "the Debian packages unixodbc-dev, libsqliteodbc, odbc-postgresql and odbc-mariadb";

fn tell_of_odbc() {
    eprintln!(
        "skipped lane: unixODBC, so {ODBC} is neither built nor tested (install {ODBC_PACKAGES})"
    );
}

fn required() -> bool {
    std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all")
}

fn chooses_packages(arguments: &[String]) -> bool {
    arguments
        .iter()
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

/// Says whether the chosen tests run the executable, which a test build alone does not make. It is
/// built together with the tests, because alone it would be built with other features, all anew.
fn needs_executable(arguments: &[String]) -> bool {
    !chooses_packages(arguments)
        || arguments
            .iter()
            .any(|argument| argument.contains("rabt-tests"))
}

/// Runs the tests in release with the full counts of kills, permutations and lookups.
pub(crate) fn soak(arguments: &[String]) -> Outcome {
    if needs_executable(arguments) {
        cargo(&["build", "--release", "--bins", "--tests"])?;
    }
    let mut command = runner(arguments, true);
    command.env("RABT_SOAK", "1");
    if std::env::var_os(CASES).is_none() {
        command.env(CASES, "1000000");
    }
    with_servers(&mut command, Disk::Unsafe)
}

/// Writes the expected output of every agency folder anew.
pub(crate) fn fixtures() -> Outcome {
    let mut command = command("cargo");
    command.args(["test", "--package", "rabt-connector-synthetic", "fixtures"]);
    run(command.env("RABT_UPDATE_FIXTURES", "1"))
}

/// Starts the servers, prints their URLs, and waits for the end of standard input.
pub(crate) fn servers() -> Outcome {
    let servers = Servers::start(Disk::Unsafe)?;
    for (_, variable, server) in &servers.running {
        eprintln!("export {variable}={}", server.url);
    }
    eprintln!("the servers stop at end of input (Ctrl-D)");
    let mut rest = Vec::new();
    std::io::stdin()
        .read_to_end(&mut rest)
        .map_err(|error| error.to_string())?;
    Ok(())
}

/// Runs a command with the URLs of the servers in its environment.
pub(crate) fn with_servers(command: &mut Command, disk: Disk) -> Outcome {
    let servers = Servers::start(disk)?;
    for (_, variable, server) in &servers.running {
        command.env(variable, &server.url);
    }
    let outcome = run(command);
    servers.report();
    outcome
}

/// Returns the command that runs the tests: `cargo nextest` when it is there, else `cargo test`.
fn runner(arguments: &[String], release: bool) -> Command {
    let mut command = command("cargo");
    if has_cargo("nextest") {
        command.args(["nextest", "run"]);
        if release {
            command.args(["--profile", "soak"]);
        }
    } else {
        eprintln!("cargo-nextest is not installed: the tests run under cargo test");
        command.args(["test", "--no-fail-fast"]);
    }
    if release {
        command.arg("--release");
    }
    command.args(arguments);
    command
}

impl Servers {
    fn start(disk: Disk) -> Result<Self, String> {
        let required = required();
        let mut servers = Self::default();
        for (name, variable, start) in LANES {
            if std::env::var_os(variable).is_some() {
                eprintln!("{name}: taken from {variable}");
                continue;
            }
            match start(disk) {
                Ok(server) => servers.running.push((name, variable, server)),
                Err(Missing::Package(package)) if required => {
                    return Err(format!(
                        "{name} is not installed and RABT_REQUIRE_LANES=all; install the Debian package {package}"
                    ));
                }
                Err(Missing::Package(package)) => {
                    servers
                        .skipped
                        .push(format!("{name} (install the Debian package {package})"));
                }
                Err(Missing::Broken(problem)) => {
                    return Err(format!("{name} did not start: {problem}"));
                }
            }
        }
        servers.report();
        Ok(servers)
    }

    fn report(&self) {
        for (name, _, _) in &self.running {
            eprintln!("lane: {name}");
        }
        for lane in &self.skipped {
            eprintln!("skipped lane: {lane}");
        }
        if !self.skipped.is_empty() {
            eprintln!("{} lanes skipped", self.skipped.len());
        }
    }
}
