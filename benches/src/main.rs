//! What is measured apart from the tests: `cargo x bench read`, `serving`, `changes`, `upserts`,
//! `linkage`, `search`, `onboarding`, `capture` and `history`.

mod bare;
mod capture;
mod changes;
mod history;
mod linkage;
mod meter;
mod onboarding;
mod pace;
mod read;
mod search;
mod serving;
mod upserts;

use std::process::ExitCode;

use capture::Side;

/// As in the executable: what one thread allocates another one drops, rows and answers alike, which the system's allocator
/// is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
usage: cargo x bench <bench>

  read [500000]           PostgreSQL and MariaDB: rows read, and rows mapped, one core
  read --isolated [500000]
                          PostgreSQL: the same in this process and in one of its own, in turns
  serving [--lookups 1000000] [--people 20000] [--in-flight 64] [--rounds 5] [--json]
                          permitted and audited lookups over mutual TLS and a bare echo, in rounds
                          that take turns; every answer's entry is counted
  changes [500]           from a changed record to eight watchers of the feed, one after the other;
                          fails unless p99 is below 250 ms and nothing is lost or doubled
  capture [--mariadb]     changes from the log of PostgreSQL, or of MariaDB: rows a second, and the lag at
                          1,000 changes a second; fails unless p99 is below a second
  upserts [--records 1000000] [--callers 256] [--seconds 20] [--postgres] [--json]
                          records that arrive one by one beside lookups: how many become durable in
                          a second, how long one takes, and how soon a node is back
  linkage [--file CSV] [--records 1000000] [--seed 13] [--splink-env DIR] [--json]
                          the linkage engine on a file, and the baseline where its Python is given
  onboarding [10000]      a PostgreSQL database of so many tables that nobody has described: how long its
                          catalog takes, and how long from its address to linked people
  search --file CSV       one record against a resident index of all records of the file
  history [1000000]       a citizen's own 10,000 entries in an audit log of so many: the newest 100; fails
                          unless p99 is below 100 ms";

/// Rows of the table that is read, when nothing else is asked for.
const ROWS: usize = 500_000;

/// Tables of the unknown database, when nothing else is asked for.
const TABLES: usize = 10_000;

/// Entries of the log, when nothing else is asked for.
const ENTRIES: u64 = 1_000_000;

/// Changes that are told, when nothing else is asked for.
const CHANGES: usize = 500;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("serving", options)) = named(&arguments) {
        return match serving::Settings::of(options).map(serving::run) {
            Some(true) => ExitCode::SUCCESS,
            Some(false) => ExitCode::FAILURE,
            None => refuse(),
        };
    }
    if let Some(("upserts", options)) = named(&arguments) {
        return match upserts::Settings::of(options) {
            Some(settings) => exit(upserts::run(&settings)),
            None => refuse(),
        };
    }
    if let Some(("linkage", options)) = named(&arguments) {
        return match linkage::Settings::of(options).map(|settings| linkage::run(&settings)) {
            Some(true) => ExitCode::SUCCESS,
            Some(false) => ExitCode::FAILURE,
            None => refuse(),
        };
    }
    if let Some(("search", options)) = named(&arguments) {
        return match search::Settings::of(options).map(|settings| search::run(&settings)) {
            Some(true) => ExitCode::SUCCESS,
            Some(false) => ExitCode::FAILURE,
            None => refuse(),
        };
    }
    if let Some(("read", [option, rest @ ..])) = named(&arguments)
        && option == "--isolated"
    {
        return match rest {
            [] => exit(read::run_isolated(ROWS)),
            [rows] => match rows.replace('_', "").parse() {
                Ok(rows) => exit(read::run_isolated(rows)),
                Err(_) => refuse(),
            },
            _ => refuse(),
        };
    }
    match arguments.as_slice() {
        [bench] if bench == "read" => read::run(ROWS),
        [bench, rows] if bench == "read" => match rows.replace('_', "").parse() {
            Ok(rows) => read::run(rows),
            Err(_) => return refuse(),
        },
        [bench] if bench == "onboarding" => return exit(onboarding::run(TABLES)),
        [bench, tables] if bench == "onboarding" => match tables.replace('_', "").parse() {
            Ok(tables) => return exit(onboarding::run(tables)),
            Err(_) => return refuse(),
        },
        [bench] if bench == "history" => return exit(history::run(ENTRIES)),
        [bench, entries] if bench == "history" => match entries.replace('_', "").parse() {
            Ok(entries) => return exit(history::run(entries)),
            Err(_) => return refuse(),
        },
        [bench] if bench == "capture" => return exit(capture::run(Side::Postgres)),
        [bench, side] if bench == "capture" && side == "--mariadb" => {
            return exit(capture::run(Side::Mariadb));
        }
        [bench] if bench == "changes" => return exit(changes::run(CHANGES)),
        [bench, rounds] if bench == "changes" => match rounds.replace('_', "").parse() {
            Ok(rounds) if rounds > 1 => return exit(changes::run(rounds)),
            Ok(_) | Err(_) => return refuse(),
        },
        _ => return refuse(),
    }
    ExitCode::SUCCESS
}

fn exit(held: bool) -> ExitCode {
    if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn named(arguments: &[String]) -> Option<(&str, &[String])> {
    let (name, options) = arguments.split_first()?;
    Some((name.as_str(), options))
}

fn refuse() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
