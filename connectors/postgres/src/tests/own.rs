//! A server of a test's own, which it may stop, start again and set as it likes.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

const PLACES: [&str; 5] = [
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
    "/usr/local/pgsql/bin",
    "/usr/bin",
];
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server; stopped and removed with this value.
pub(super) struct OwnServer {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    settings: Vec<String>,
    user: Option<(u32, u32)>,
}

impl OwnServer {
    /// Starts a server; nothing when its programs are not installed, unless every lane is required.
    pub(super) async fn start(settings: &[&str]) -> Option<Self> {
        let found = PLACES
            .iter()
            .map(Path::new)
            .find(|p| p.join("initdb").exists());
        let Some(programs) = found else {
            let required = std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all");
            assert!(!required, "initdb is not there and RABT_REQUIRE_LANES=all");
            eprintln!("skipped: no programs of PostgreSQL");
            return None;
        };
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let server = Self {
            folder: tempfile::Builder::new()
                .prefix("rabt-own-")
                .tempdir()
                .unwrap(),
            programs: programs.to_owned(),
            port,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            user: user(),
        };
        if let Some((uid, gid)) = server.user {
            std::os::unix::fs::chown(server.folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = server.path("data");
        let mut init = server.command("initdb");
        init.args([
            "-U",
            "rabt",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-D",
        ]);
        assert!(init.arg(&data).status().unwrap().success(), "initdb fails");
        server.up().await;
        Some(server)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Writes a file that only the server may read.
    pub(super) fn place(&self, folder: &str, name: &str, text: &str) {
        use std::os::unix::fs::{PermissionsExt, chown};
        let path = self.path(folder).join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((uid, gid)) = self.user {
            chown(&path, Some(uid), Some(gid)).unwrap();
        }
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://rabt@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server and waits until it answers.
    pub(super) async fn up(&self) {
        let mut options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c wal_level=logical -c fsync=off",
            self.port,
            self.folder.path().display()
        );
        for setting in &self.settings {
            options.push_str(" -c ");
            options.push_str(setting);
        }
        let mut start = self.command("pg_ctl");
        start
            .arg("-D")
            .arg(self.path("data"))
            .arg("-l")
            .arg(self.path("log"));
        start.args(["-w", "-o", &options, "start"]);
        assert!(start.status().unwrap().success(), "{}", self.log());
        let started = Instant::now();
        while PgConnection::connect(&self.url()).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the server, with whatever it is doing.
    pub(super) fn down(&self) {
        let mut stop = self.command("pg_ctl");
        stop.arg("-D")
            .arg(self.path("data"))
            .args(["-m", "immediate", "-w", "stop"]);
        stop.status().unwrap();
    }

    pub(super) async fn run(&self, script: &str) {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        connection.execute(script).await.unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.down();
    }
}

/// Returns the user that the server runs as when this one is root, which it refuses.
fn user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    ["postgres", "nobody"].iter().find_map(|user| {
        let line = passwd
            .lines()
            .find(|line| line.starts_with(&format!("{user}:")))?;
        let fields: Vec<&str> = line.split(':').collect();
        Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
    })
}
