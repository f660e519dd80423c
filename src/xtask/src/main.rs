//! The task runner: `cargo x test`, `cargo x ci` and their like.
//!
//! Invariant: whatever ends a task, the servers it started end with it.

mod bench;
mod ci;
mod command;
mod readme;
mod server;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo x <task> [arguments]

  test [args]   runs every test, with PostgreSQL, MariaDB, OpenLDAP and unixODBC where they are; args
                go to the test runner
  ci            fmt, clippy, test, deny and the commands of the README
  fmt           formats the whole workspace
  fixtures      writes the expected output of every agency folder anew
  soak          the long lanes: full numbers of kills, permutations and lookups
  bench         the benches, on their own
  servers       starts PostgreSQL and MariaDB, prints their URLs, stops them at end of input

environment:
  RABT_REQUIRE_LANES=all   a missing database server is an error, not a skip
  RABT_SAMPLE_DATA=DIR     where the sample databases are (default ../shared/data)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, rest)) = arguments.split_first() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let outcome = match task.as_str() {
        "test" => test::test(rest),
        "ci" => ci::ci(),
        "fmt" => command::cargo(&["fmt", "--all"]),
        "fixtures" => test::fixtures(),
        "soak" => test::soak(rest),
        "bench" => bench::bench(rest),
        "servers" => test::servers(),
        "help" | "--help" | "-h" => {
            eprintln!("{USAGE}");
            Ok(())
        }
        other => Err(format!("there is no task {other:?}\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
