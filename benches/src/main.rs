//! What is measured apart from the tests: `cargo x bench read` and `cargo x bench lookup`.

mod echo;
mod lookup;
mod meter;
mod read;
mod serving;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo x bench <bench>

  read [rows]             PostgreSQL and MariaDB: rows read, and rows mapped, one core
  lookup [count] [people] permitted and audited lookups over mutual TLS, beside a bare echo
  serving [--lookups 1000000] [--people 20000] [--in-flight 64] [--rounds 5] [--json]
                          the same in rounds that take turns; every answer's entry is counted";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("serving", options)) = named(&arguments) {
        return match serving::Settings::of(options).map(serving::run) {
            Some(true) => ExitCode::SUCCESS,
            Some(false) => ExitCode::FAILURE,
            None => refuse(),
        };
    }
    let number = |at: usize, default: usize| match arguments.get(at) {
        Some(text) => text.replace('_', "").parse().ok(),
        None => Some(default),
    };
    let bench = arguments.first().map(String::as_str);
    match (bench, number(1, 0), number(2, 0)) {
        (Some("read"), Some(rows), _) => read::run(or(rows, 500_000)),
        (Some("lookup"), Some(count), Some(people)) => {
            lookup::run(or(count, 1_000_000), or(people, 20_000));
        }
        _ => return refuse(),
    }
    ExitCode::SUCCESS
}

fn named(arguments: &[String]) -> Option<(&str, &[String])> {
    let (name, options) = arguments.split_first()?;
    Some((name.as_str(), options))
}

fn refuse() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

const fn or(given: usize, default: usize) -> usize {
    if given == 0 { default } else { given }
}
