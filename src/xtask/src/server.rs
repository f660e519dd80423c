//! Servers for the tests: each in a temporary folder, on a free port of the loopback
//! interface, as a user that is not root.
//!
//! Invariant: a server lives no longer than this process, however this process ends. A shell holds
//! the server and reads from a pipe of ours; when the pipe closes it stops the server by its pid
//! and removes the folder.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command::{first_of, quietly};

mod mariadb;
mod postgres;
mod slapd;

pub(crate) use mariadb::mariadb;
pub(crate) use postgres::postgres;
pub(crate) use slapd::slapd;

/// What the shell does: starts the server given as its arguments, waits for end of input, stops the
/// server with a signal, and removes the folder.
const HOLD: &str = r#"
folder=$1; signal=$2; shift 2
"$@" >"$folder/server.log" 2>&1 &
server=$!
cat >/dev/null
kill -s "$signal" "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
"#;

const PATIENCE: Duration = Duration::from_mins(1);

/// A running server. Dropping it stops the server and removes its folder.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where a client connects, with all rights.
    pub(crate) url: String,
    holder: Child,
}

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Nothing: for tests, none of which outlives the machine.
    Unsafe,
    /// The disk, as where a server is used: for what is measured.
    Safe,
}

/// Why there is no server.
#[derive(Debug)]
pub(crate) enum Missing {
    /// Its programs are not installed; the Debian package that brings them.
    Package(&'static str),
    /// It is installed and did not start.
    Broken(String),
}

/// A folder for one server and the user it runs as.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        if let Err(error) = self.holder.wait() {
            eprintln!("warning: a server may still run: {error}");
        }
    }
}

impl Place {
    /// Makes the folder and finds a user and a port. `users` in order of preference.
    fn new(name: &str, users: &[&str]) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("rabt-{name}-"))
            .tempdir()
            .map_err(|error| format!("no temporary folder: {error}"))?
            .keep();
        let user = if is_root() {
            unprivileged(users)?
        } else {
            None
        };
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).map_err(|error| error.to_string())?;
        }
        let port = free_port().map_err(|error| format!("no free port: {error}"))?;
        Ok(Self { folder, user, port })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.path(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// Returns a command that runs in the folder as the place's user.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
            .env("HOME", &self.folder)
            .env("TMPDIR", &self.folder);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Starts the server in the hands of the shell, and waits until `probe` succeeds.
    fn hold(
        &self,
        signal: &str,
        program: &Path,
        arguments: &[String],
        probe: &mut Command,
        url: String,
    ) -> Result<Server, Missing> {
        let holder = self
            .command(Path::new("/bin/sh"))
            .args(["-c", HOLD, "sh"])
            .arg(&self.folder)
            .arg(signal)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| Missing::Broken(error.to_string()))?;
        let server = Server { url, holder };
        let started = Instant::now();
        while let Err(problem) = quietly(probe) {
            if started.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.path("server.log")).unwrap_or_default();
                return Err(Missing::Broken(format!("{problem}\n{log}")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Returns the ids of the first of these users that exists.
fn unprivileged(users: &[&str]) -> Result<Option<(u32, u32)>, String> {
    let passwd = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    for user in users {
        for line in passwd.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [name, _, uid, gid, ..] = fields.as_slice()
                && name == user
                && let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse())
            {
                return Ok(Some((uid, gid)));
            }
        }
    }
    Err(format!(
        "run as root, and none of these users exists: {}",
        users.join(", ")
    ))
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Returns one program out of the places where distributions put it.
fn find(candidates: &[&str], package: &'static str) -> Result<PathBuf, Missing> {
    first_of(candidates).ok_or(Missing::Package(package))
}
