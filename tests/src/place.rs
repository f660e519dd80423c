//! Where things are on this machine. What is not there is skipped aloud, or refused when the
//! environment says that every lane must run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Says on standard error that a test is skipped, and why.
pub fn skip(what: &str) {
    eprintln!("skipped: {what}");
}

/// Returns how often to do something: `often` in the long lanes of `cargo x soak`, else `seldom`.
pub fn soak(seldom: usize, often: usize) -> usize {
    if std::env::var_os("RABT_SOAK").is_some() {
        often
    } else {
        seldom
    }
}

/// Returns the URL of a PostgreSQL server with all rights, or says that there is none.
///
/// # Panics
/// When there is none and `RABT_REQUIRE_LANES` is `all`.
pub fn postgres_url() -> Option<String> {
    lane("RABT_TEST_POSTGRES_URL", "no PostgreSQL")
}

/// Returns the URL of a MariaDB server with all rights, or says that there is none.
///
/// # Panics
/// When there is none and `RABT_REQUIRE_LANES` is `all`.
pub fn mysql_url() -> Option<String> {
    lane("RABT_TEST_MYSQL_URL", "no MariaDB")
}

/// Returns a file or folder of the sample data, or says that it is not there.
pub fn sample_data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("RABT_SAMPLE_DATA")
        .map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    skip(&format!("no sample data {name} (set RABT_SAMPLE_DATA)"));
    None
}

/// What cargo tells a program about itself. Another cargo would take it for news, and build anew what
/// looks at it, and all that needs that.
const OWN: [&str; 4] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
];

/// Returns cargo in the root of the repository, for use within what another cargo runs.
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OWN.iter().any(|own| text.starts_with(own)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Returns the `rabt` executable: `RABT_BIN`, or the one beside the tests, built when it is missing.
///
/// # Panics
/// When it is missing and cannot be built.
pub fn executable() -> PathBuf {
    if let Some(path) = std::env::var_os("RABT_BIN") {
        return PathBuf::from(path);
    }
    let tests = std::env::current_exe().expect("a process has an executable");
    let folder = tests
        .ancestors()
        .nth(2)
        .expect("tests lie in target/<profile>/deps");
    let path = folder.join("rabt");
    if !path.exists() {
        let built = cargo().args(["build", "--package", "rabt"]).status();
        assert!(built.is_ok_and(|status| status.success()), "rabt builds");
    }
    path
}

/// Says whether what is missing is an error.
pub(crate) fn required() -> bool {
    std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all")
}

fn lane(variable: &str, absent: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        assert!(
            !required(),
            "{variable} is not set and RABT_REQUIRE_LANES=all"
        );
        skip(absent);
    }
    url
}
